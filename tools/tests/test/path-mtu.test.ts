import { createStack, seededRandom } from '@stack/core'
import { icmp } from '@stack/icmp'
import { ipv4 } from '@stack/ipv4'
import { ipv6 } from '@stack/ipv6'
import { channel } from '@stack/link-channel'
import { raw } from '@stack/raw'
import { tcp } from '@stack/tcp'
import { leaksOf, manualClock, type ManualClock } from '@stack/testing'
import { udp } from '@stack/udp'
import { describe, expect, it } from 'vitest'

/*
 * Who may lower a path MTU (RFC 5927 §7, RFC 8201 §4): a Packet Too Big about something that a transport of this stack
 * has under way. What somebody guesses off the path changes nothing, and a counter says so.
 */

const V4 = { name: 'IPv4', us: '10.0.0.1', peer: '10.0.0.2', victim: '10.0.0.3', header: 20, icmp: 1, networkProtocol: 0x0800 }
const V6 = { name: 'IPv6', us: 'fd00::1', peer: 'fd00::2', victim: 'fd00::3', header: 40, icmp: 58, networkProtocol: 0x86dd }
const MTU = 1300
/** For experimentation (RFC 3692). */
const TEST_PROTOCOL = 253

/** A stack whose link the test reads and fills. */
async function hostAt(clock: ManualClock, addresses: readonly string[]) {
  const stack = createStack({ plugins: [ipv4(), ipv6({ linkLocal: false }), tcp(), udp(), icmp(), raw()], clock, random: seededRandom(1) })
  const link = channel()
  await stack.addNic(link, { addresses, skipDuplicateDetection: true })
  const sent = async (): Promise<Uint8Array[]> => {
    await clock.settle()
    const list: Uint8Array[] = []
    for (let bytes = link.tryRead(); bytes !== null; bytes = link.tryRead()) list.push(bytes)
    return list
  }
  const end = async (): Promise<void> => {
    stack.destroy()
    await sent()
    expect(leaksOf(stack)).toEqual([])
  }
  await sent()
  return { clock, stack, link, sent, end }
}

async function host(family: typeof V4) {
  const us = await hostAt(manualClock(), ['10.0.0.1/24', 'fd00::1/64'])
  const { clock, stack, link, sent, end } = us
  const scout = stack.udp.bind({ port: 999 })
  return {
    clock, stack, link, sent, end,
    protocols: (name: string) => stack.statistics().protocols[name]!,
    /** A router says that `about` was too big. */
    async tooBig(about: Uint8Array, mtu = MTU) {
      link.inject(packetTooBig(family, about, mtu))
      await clock.settle()
    },
    /** The size that packets to the host are cut to, as the longest of a datagram’s fragments tells. */
    async limitTo(to: string): Promise<number> {
      await sent()
      scout.send(new Uint8Array(1400), { host: to, port: 7 })
      return Math.max(...(await sent()).map((packet) => packet.length))
    },
  }
}

describe.each([V4, V6])('$name', (family) => {
  const whole = family.header + 8 + 1400
  /** The longest packet of whole units of 8 bytes, which fragments are. */
  const cut = family.header + (family === V6 ? 8 : 0) + ((MTU - family.header - (family === V6 ? 8 : 0)) & ~7)

  it('TCP believes what quotes a segment in flight [RFC1191-3-df, RFC1191-3-lower, RFC8201-4-learn, RFC8201-4-validate]', async () => {
    const b = await host(family)
    const peer = await hostAt(b.clock, ['10.0.0.2/24', 'fd00::2/64'])
    peer.stack.tcp.listen({ port: 80 })
    const opening = b.stack.tcp.connect({ host: family.peer, port: 80 })
    for (const packet of await b.sent()) peer.link.inject(packet)
    for (const packet of await peer.sent()) b.link.inject(packet)
    await (await opening).write(new Uint8Array(5000))
    const segment = (await b.sent()).find((packet) => packet.length === 1500)
    // Don't Fragment (RFC 1191 §3).
    if (family === V4) expect(segment![6]! & 0x40).toBe(0x40)
    for (const at of [4, 5]) await b.tooBig(change(segment!, family.header + at, segment![family.header + at]! ^ 0x40))
    expect(b.protocols('tcp')).toMatchObject({ dropIcmpStale: 2 })
    expect(await b.limitTo(family.peer)).toBe(whole)
    await b.tooBig(segment!)
    expect([await b.limitTo(family.peer), await b.limitTo(family.victim)]).toEqual([cut, whole])
    await b.end()
    await peer.end()
  })

  it('nobody sends from the port, or speaks the protocol [RFC8201-4-validate, RFC4443-5.2-verify]', async () => {
    const b = await host(family)
    const socket = b.stack.udp.connect({ host: family.peer, port: 9 })
    socket.send(new Uint8Array(100))
    const [datagram] = await b.sent()
    // Another source port, another destination port, TCP, and a protocol that is not there.
    for (const at of [family.header + 1, family.header + 3]) await b.tooBig(change(datagram!, at, 1))
    for (const protocol of [6, 132]) await b.tooBig(change(datagram!, family === V4 ? 9 : 6, protocol, true))
    expect(b.protocols('transport')).toMatchObject({ errorUnmatched: 4 })
    expect(await b.limitTo(family.peer)).toBe(whole)
    await b.tooBig(datagram!)
    expect([await b.limitTo(family.peer), await b.limitTo(family.victim)]).toEqual([cut, whole])
    await b.end()
  })

  it('a bound socket believes what is about a peer that it wrote to [RFC8201-4-validate, RFC4443-5.2-verify]', async () => {
    const b = await host(family)
    const server = b.stack.udp.bind({ port: 53 })
    server.send(new Uint8Array(100), { host: family.peer, port: 4000 })
    const [datagram] = await b.sent()
    const last = family === V4 ? 19 : 39
    await b.tooBig(change(datagram!, last, 3))
    await b.tooBig(change(datagram!, family.header + 3, 0x11))
    expect(b.protocols('udp')).toMatchObject({ errors: 0, dropStrayError: 2 })
    expect([await b.limitTo(family.peer), await b.limitTo(family.victim)]).toEqual([whole, whole])
    await b.tooBig(datagram!)
    expect(b.protocols('udp')).toMatchObject({ errors: 1 })
    expect([await b.limitTo(family.peer), await b.limitTo(family.victim)]).toEqual([cut, whole])
    await b.end()
  })

  it('a ping believes what quotes its request', async () => {
    const b = await host(family)
    const socket = b.stack.icmp.open(family.peer)
    const reply = socket.ping({ timeout: 10_000 })
    const failed = expect(reply).rejects.toMatchObject({ code: 'EMSGSIZE' })
    const [request] = await b.sent()
    // Another sequence number, another target; another identifier is nobody's.
    await b.tooBig(change(request!, family.header + 7, 9))
    await b.tooBig(change(request!, family === V4 ? 19 : 39, 3))
    await b.tooBig(change(request!, family.header + 5, request![family.header + 5]! ^ 1))
    expect(b.protocols('icmp')).toMatchObject({ errors: 0, dropStrayError: 2 })
    expect(b.protocols('transport')).toMatchObject({ errorUnmatched: 1 })
    expect([await b.limitTo(family.peer), await b.limitTo(family.victim)]).toEqual([whole, whole])
    await b.tooBig(request!)
    await failed
    expect([await b.limitTo(family.peer), await b.limitTo(family.victim)]).toEqual([cut, whole])
    socket.close()
    await b.end()
  })

  it('a raw socket believes what is about a host that it sent to', async () => {
    const b = await host(family)
    const { networkProtocol } = family
    const socket = b.stack.raw.open({ networkProtocol, protocol: TEST_PROTOCOL })
    // Hears everything, sends nothing.
    b.stack.raw.open({ networkProtocol, protocol: 0 })
    socket.send(new Uint8Array(100), family.peer)
    const [packet] = await b.sent()
    await b.tooBig(change(packet!, family === V4 ? 19 : 39, 3))
    await b.tooBig(change(packet!, family === V4 ? 9 : 6, TEST_PROTOCOL + 1, true))
    expect(b.protocols('transport')).toMatchObject({ errorUnmatched: 2 })
    expect([await b.limitTo(family.peer), await b.limitTo(family.victim)]).toEqual([whole, whole])
    await b.tooBig(packet!)
    expect([await b.limitTo(family.peer), await b.limitTo(family.victim)]).toEqual([cut, whole])
    await b.end()
  })

  it('never below what every link carries [RFC1191-3-floor, RFC8201-4-floor, RFC8504-5.7-minimum]', async () => {
    const b = await host(family)
    const socket = b.stack.udp.connect({ host: family.peer, port: 9 })
    socket.send(new Uint8Array(100))
    const [datagram] = await b.sent()
    await b.tooBig(datagram!, family === V4 ? 67 : 1279)
    expect(await b.limitTo(family.peer)).toBe(whole)
    await b.tooBig(datagram!, family === V4 ? 68 : 1280)
    // IPv4: 552, as fragments of whole 8 bytes. Less would make tiny ones of every datagram.
    expect(await b.limitTo(family.peer)).toBe(family === V4 ? 548 : 1280)
    await b.end()
  })
})

/** A copy with another byte; IPv4’s header sum is mended. */
function change(packet: Uint8Array, at: number, value: number, isHeader = at < 40): Uint8Array {
  const copy = packet.slice()
  copy[at] = value
  if (copy[0]! >>> 4 === 4 && isHeader) {
    const view = new DataView(copy.buffer)
    view.setUint16(10, 0)
    view.setUint16(10, ~sum(copy.subarray(0, 20)) & 0xffff)
  }
  return copy
}

/** ICMP as a router at the peer's address sends it: RFC 792 with RFC 1191 §4, RFC 4443 §3.2. */
function packetTooBig(family: typeof V4, about: Uint8Array, mtu: number): Uint8Array {
  const isV6 = family === V6
  const quote = about.subarray(0, family.header + 64)
  const length = 8 + quote.length
  const packet = new Uint8Array(family.header + length)
  const view = new DataView(packet.buffer)
  const [source, destination, size] = isV6 ? [8, 24, 16] : [12, 16, 4]
  packet.set(about.subarray(destination, destination + size), source)
  packet.set(about.subarray(source, source + size), destination)
  if (isV6) {
    view.setUint32(0, 0x60000000)
    view.setUint16(4, length)
    view.setUint16(6, 0x3a40)
  } else {
    view.setUint16(0, 0x4500)
    view.setUint16(2, packet.length)
    view.setUint16(8, 0x4001)
    view.setUint16(10, ~sum(packet.subarray(0, 20)) & 0xffff)
  }
  packet.set(isV6 ? [2, 0] : [3, 4], family.header)
  view.setUint32(family.header + 4, mtu)
  packet.set(quote, family.header + 8)
  const pseudo = isV6 ? sum(packet.subarray(8, 40)) + 58 + length : 0
  view.setUint16(family.header + 2, ~fold(pseudo + sum(packet.subarray(family.header))) & 0xffff)
  return packet
}

function sum(bytes: Uint8Array): number {
  let total = 0
  for (let i = 0; i < bytes.length; i += 2) total += (bytes[i]! << 8) | (bytes[i + 1] ?? 0)
  return fold(total)
}

function fold(total: number): number {
  let folded = total
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16)
  return folded
}
