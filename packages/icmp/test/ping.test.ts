import { createPacketMemory, type PacketPool } from '@stack/buffer'
import { createStack, type StackBase } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { ipv6 } from '@stack/ipv6'
import { channel, type ChannelLink } from '@stack/link-channel'
import { loopback } from '@stack/link-loopback'
import { pipe } from '@stack/link-pipe'
import { leaksOf, manualClock, type ManualClock } from '@stack/testing'
import { describe, expect, it } from 'vitest'
import { icmp, type Icmp } from '../src/index.ts'
import { readEcho, writeEcho } from '../src/wire.ts'

interface Family {
  readonly name: string
  readonly us: string
  readonly peer: string
  readonly gateway: string
  readonly far: string
  readonly nowhere: string
  readonly headerLength: number
  readonly group: string
  readonly unreachable: readonly [number, number]
  readonly prohibited: readonly [number, number]
}

const IPV4: Family = {
  name: 'IPv4', us: '10.0.0.1', peer: '10.0.0.2', gateway: '10.0.0.2', far: '10.1.0.9', nowhere: '192.0.2.1', headerLength: 20, group: '10.0.0.255', unreachable: [3, 1], prohibited: [3, 13],
}
const IPV6: Family = {
  name: 'IPv6', us: 'fd00::1', peer: 'fd00::2', gateway: 'fd00::2', far: 'fd01::9', nowhere: '2001:db8::1', headerLength: 40, group: 'ff02::1', unreachable: [1, 3], prohibited: [1, 1],
}

type IcmpStack = StackBase & { readonly icmp: Icmp }

const addresses = ['10.0.0.1/24', 'fd00::1/64']
const peerAddresses = ['10.0.0.2/24', 'fd00::2/64']

function newStack(clock: ManualClock, options: { readonly forwarding?: boolean; readonly memory?: PacketPool } = {}): IcmpStack {
  const { forwarding = false, memory } = options
  return createStack({
    plugins: [ipv4({ forwarding, acceptBroadcastEcho: true }), ipv6({ linkLocal: false, forwarding }), icmp()], clock, ...(memory === undefined ? {} : { memory }),
  })
}

/** For what has hundreds of packets under way, however little the default memory gives. */
const ample = (): PacketPool => createPacketMemory({ size: 8 << 20 }).pool()

interface Bench {
  readonly clock: ManualClock
  readonly us: IcmpStack
  readonly counters: () => Readonly<Record<string, number>>
  readonly end: () => void
}

/** Us and a peer that answers, 5 ms away. */
async function bench(options: { readonly memory?: PacketPool; readonly peerMemory?: PacketPool } = {}): Promise<Bench & { readonly peer: IcmpStack }> {
  const clock = manualClock()
  const us = newStack(clock, options)
  const peer = newStack(clock, { forwarding: true, ...(options.peerMemory === undefined ? {} : { memory: options.peerMemory }) })
  const [left, right] = pipe({ latency: 5 })
  await us.addNic(left, { addresses, gateway: ['10.0.0.2', 'fd00::2'], skipDuplicateDetection: true })
  await peer.addNic(right, { addresses: peerAddresses, skipDuplicateDetection: true })
  return {
    clock, us, peer,
    counters: () => us.statistics().protocols['icmp']!,
    end() {
      us.destroy()
      peer.destroy()
      expect([...leaksOf(us), ...leaksOf(peer)]).toEqual([])
    },
  }
}

/** Us and a wire whose other end is the test. */
async function wire(options: { readonly memory?: PacketPool } = {}): Promise<Bench & { readonly link: ChannelLink; readonly answer: (change?: (reply: Uint8Array) => void) => Promise<void> }> {
  const clock = manualClock()
  const us = newStack(clock, options)
  const link = channel()
  await us.addNic(link, { addresses, skipDuplicateDetection: true })
  return {
    clock, us, link,
    counters: () => us.statistics().protocols['icmp']!,
    /** Turns the next request around, as its target would. */
    async answer(change) {
      const packet = link.tryRead()!
      const isV6 = packet[0]! >> 4 === 6
      const at = isV6 ? 40 : 20
      const swapped = Uint8Array.from(packet)
      const [source, destination, size] = isV6 ? [8, 24, 16] : [12, 16, 4]
      swapped.set(packet.subarray(destination, destination + size), source)
      swapped.set(packet.subarray(source, source + size), destination)
      swapped[at] = isV6 ? 129 : 0
      change?.(swapped.subarray(at))
      resum(swapped, isV6)
      link.inject(swapped)
      await clock.settle()
    },
    end() {
      while (link.tryRead() !== null);
      us.destroy()
      expect(leaksOf(us)).toEqual([])
    },
  }
}

/** RFC 792, RFC 4443 §2.3: writes the right checksum. */
function resum(packet: Uint8Array, isV6: boolean): void {
  const at = isV6 ? 40 : 20
  const length = packet.length - at
  packet[at + 2] = packet[at + 3] = 0
  let sum = isV6 ? length + 58 : 0
  const add = (bytes: Uint8Array): void => {
    for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0)
  }
  if (isV6) add(packet.subarray(8, 40))
  add(packet.subarray(at))
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  new DataView(packet.buffer, packet.byteOffset).setUint16(at + 2, ~sum & 0xffff)
}

describe.each([IPV4, IPV6])('$name', (family) => {
  it('a host answers [RFC1122-3.2.2.6-echo, RFC4443-4.1-echo, RFC4443-4.2-reply]', async () => {
    const { clock, us, counters, end } = await bench()
    const reply = await clock.until(us.icmp.ping(family.peer))
    expect(reply).toEqual({ host: family.peer, sequence: 1, rtt: 10, ttl: 64, size: 56 })
    expect(counters()).toEqual({ requests: 1, replies: 1, timeouts: 0, errors: 0, dropUnexpected: 0, dropStrayError: 0 })
    expect(clock.isHeld).toBe(false)
    end()
  })

  it('itself answers, in no time', async () => {
    const { clock, us, end } = await bench()
    expect(await clock.until(us.icmp.ping(family.us))).toMatchObject({ host: family.us, rtt: 0 })
    end()
  })

  it.each([0, 1, 1472, 1473, 65_507])('%i bytes come back [RFC1122-3.2.2.6-data, RFC4443-4.1-echo]', async (size) => {
    const { clock, us, end } = await bench()
    expect(await clock.until(us.icmp.ping(family.peer, { size }))).toMatchObject({ size })
    end()
  })

  it('many at once, over one socket and over many', async () => {
    const { clock, us, end } = await bench({ memory: ample(), peerMemory: ample() })
    const socket = us.icmp.open(family.peer)
    const calls = Array.from({ length: 200 }, () => socket.ping())
    calls.push(...Array.from({ length: 200 }, () => us.icmp.ping(family.peer)))
    const replies = await clock.until(Promise.all(calls))
    expect(replies.slice(0, 200).map(({ sequence }) => sequence)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1))
    socket.close()
    end()
  })

  it('nobody answers: ETIMEDOUT, exactly then', async () => {
    const { clock, us, counters, end } = await wire()
    const start = clock.now()
    await expect(clock.until(us.icmp.ping(family.peer, { timeout: 250 }))).rejects.toMatchObject({
      code: 'ETIMEDOUT', address: family.peer, message: `Ping to ${family.peer}: no answer within 250 ms.`,
    })
    expect(clock.now() - start).toBe(250)
    expect(counters()).toMatchObject({ timeouts: 1 })
    end()
  })

  it('an answer that comes late is nobody’s', async () => {
    const { clock, us, answer, counters, end } = await wire()
    const socket = us.icmp.open(family.peer)
    await expect(clock.until(socket.ping({ timeout: 100 }))).rejects.toMatchObject({ code: 'ETIMEDOUT' })
    await answer()
    expect(counters()).toMatchObject({ replies: 0, dropUnexpected: 1 })
    end()
  })

  it.each([
    ['is unreachable', family.unreachable, 'EHOSTUNREACH', 'a router says that the host is unreachable'],
    ['is out of bounds', family.prohibited, family === IPV6 ? 'EACCES' : 'EHOSTUNREACH', 'a router prohibits it'],
  ] as const)('a router says that the host %s', async (_what, typeAndCode, code, message) => {
    const { clock, us, link, end } = await wire()
    const call = us.icmp.ping(family.peer)
    const request = link.tryRead()!
    const isV6 = family === IPV6
    const error = new Uint8Array(family.headerLength + 8 + request.length)
    error.set(request.subarray(0, family.headerLength))
    if (isV6) {
      error[5] = 8 + request.length
      error.set(request.subarray(24, 40), 8)
      error.set(request.subarray(8, 24), 24)
    } else {
      error.set(request.subarray(16, 20), 12)
      error.set(request.subarray(12, 16), 16)
      error[3] = error.length
      // The header's own sum.
      error[10] = error[11] = 0
      let sum = 0
      for (let i = 0; i < 20; i += 2) sum += (error[i]! << 8) | error[i + 1]!
      while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
      new DataView(error.buffer).setUint16(10, ~sum & 0xffff)
    }
    error.set(typeAndCode, family.headerLength)
    error.set(request, family.headerLength + 8)
    resum(error, isV6)
    link.inject(error)
    await expect(clock.until(call)).rejects.toMatchObject({ code, message: `Ping to ${family.peer}: ${message}.` })
    end()
  })

  it('the TTL runs out at a router', async () => {
    const { clock, us, peer, end } = await bench()
    const [left] = pipe()
    await peer.addNic(left, { addresses: ['10.1.0.1/24', 'fd01::1/64'], skipDuplicateDetection: true })
    await expect(clock.until(us.icmp.ping(family.far, { ttl: 1 }))).rejects.toMatchObject({ code: 'EHOSTUNREACH', message: `Ping to ${family.far}: the TTL ran out on the way.` })
    end()
  })

  it('a router knows no way', async () => {
    const { clock, us, end } = await bench()
    await expect(clock.until(us.icmp.ping(family.nowhere))).rejects.toMatchObject({ code: 'ENETUNREACH' })
    end()
  })

  it('no route: at once', async () => {
    const { clock, us, end } = await wire()
    await expect(clock.until(us.icmp.ping(family.nowhere))).rejects.toMatchObject({ code: 'ENETUNREACH', syscall: 'ping' })
    end()
  })

  it('larger than the path and not to be cut', async () => {
    const { clock, us, end } = await bench()
    await expect(clock.until(us.icmp.ping(family.peer, { size: 1473, dontFragment: true }))).rejects.toMatchObject({ code: 'EMSGSIZE' })
    end()
  })

  it('a changed payload is told from an answer', async () => {
    const { us, answer, counters, end } = await wire()
    const changed = us.icmp.ping(family.peer)
    const verdict = expect(changed).rejects.toMatchObject({ code: 'EPROTO' })
    await answer((reply) => {
      reply[8 + 30]! ^= 1
    })
    await verdict
    expect(counters()).toMatchObject({ replies: 0, dropUnexpected: 1 })
    end()
  })

  it('an answer from somebody else, or to another number, is not one', async () => {
    const { us, clock, counters, link, end } = await wire()
    const call = us.icmp.ping(family.peer, { timeout: 100 })
    const request = link.tryRead()!
    for (const field of ['identifier', 'sequence', 'sender'] as const) {
      link.inject(forge(request, field, family.headerLength))
      await clock.settle()
    }
    await expect(clock.until(call)).rejects.toMatchObject({ code: 'ETIMEDOUT' })
    // Nobody has the other identifier; the others reach the socket.
    expect(counters()).toMatchObject({ replies: 0, dropUnexpected: 2 })
    end()
  })

  it('a group is asked, somebody answers', async () => {
    const { clock, us, end } = await bench()
    expect(await clock.until(us.icmp.ping(family.group))).toMatchObject({ sequence: 1 })
    end()
  })
})

/** The answer to `request` with one thing wrong. */
function forge(request: Uint8Array, field: 'identifier' | 'sequence' | 'sender', headerLength: number): Uint8Array {
  const isV6 = headerLength === 40
  const [source, destination, size] = isV6 ? [8, 24, 16] : [12, 16, 4]
  const packet = Uint8Array.from(request)
  packet.set(request.subarray(destination, destination + size), source)
  packet.set(request.subarray(source, source + size), destination)
  packet[headerLength] = isV6 ? 129 : 0
  if (field === 'sender') {
    // Another host's: the difference goes into the header's sum.
    packet[source + size - 1]! += 1
    if (!isV6) new DataView(packet.buffer).setUint16(10, new DataView(packet.buffer).getUint16(10) - 1)
  } else packet[headerLength + (field === 'identifier' ? 5 : 7)]! ^= 0x40
  resum(packet, isV6)
  return packet
}

describe('calls', () => {
  it('a signal ends one', async () => {
    const { us, clock, end } = await wire()
    const socket = us.icmp.open(IPV4.peer)
    const reason = new Error('enough')
    await expect(us.icmp.ping(IPV4.peer, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const controller = new AbortController()
    const aborted = socket.ping({ signal: controller.signal, sequence: 7 })
    controller.abort(reason)
    await expect(aborted).rejects.toBe(reason)
    // Its number and its timer are free.
    expect(us.timers.armed).toBe(0)
    await expect(clock.until(socket.ping({ sequence: 7, timeout: 1 }))).rejects.toMatchObject({ code: 'ETIMEDOUT' })
    end()
  })

  it.each(['close', 'destroy'] as const)('%s rejects what waits', async (how) => {
    const { us, clock, end } = await wire()
    const socket = us.icmp.open(IPV4.peer)
    const calls = [socket.ping(), socket.ping(), us.icmp.ping(IPV6.peer)]
    const settled = Promise.allSettled(calls)
    if (how === 'destroy') us.destroy()
    else {
      socket.close()
      socket.close()
      await clock.until(us.close())
    }
    for (const result of await settled) expect(result).toMatchObject({ status: 'rejected', reason: { code: 'ERR_STACK_CLOSED' } })
    await expect(socket.ping()).rejects.toMatchObject({ code: 'ERR_STACK_CLOSED' })
    await expect(us.icmp.ping(IPV4.peer)).rejects.toMatchObject({ code: 'ERR_STACK_CLOSED' })
    expect(clock.isHeld).toBe(false)
    end()
  })

  it('misuse has codes', async () => {
    const { us, end } = await wire()
    const socket = us.icmp.open(IPV4.peer)
    const waiting = socket.ping({ sequence: 3 })
    await expect(socket.ping({ sequence: 3 })).rejects.toMatchObject({ code: 'ERR_STACK_BUSY' })
    await expect(socket.ping({ size: -1 })).rejects.toMatchObject({ code: 'ERR_STACK_INVALID_OPTION' })
    await expect(socket.ping({ timeout: Infinity })).rejects.toMatchObject({ code: 'ERR_STACK_INVALID_OPTION' })
    await expect(socket.ping({ nic: 1 } as never)).rejects.toMatchObject({ code: 'ERR_STACK_INVALID_OPTION' })
    await expect(us.icmp.ping('nobody')).rejects.toMatchObject({ code: 'ERR_STACK_INVALID_ADDRESS' })
    await expect(us.icmp.ping(IPV4.peer, { nic: 'none' })).rejects.toMatchObject({ code: 'ENODEV' })
    await expect(us.icmp.ping(IPV4.peer, { localHost: IPV4.peer })).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' })
    await expect(us.icmp.ping(IPV4.peer, { localHost: IPV6.us })).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' })
    us.nics[0]!.down()
    await expect(us.icmp.ping(IPV4.peer, { nic: us.nics[0]!.id })).rejects.toMatchObject({ code: 'ENETDOWN' })
    socket.close()
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_STACK_CLOSED' })
    end()
  })

  it('1,024 wait on a socket at most', async () => {
    const { us, end } = await wire({ memory: ample() })
    const socket = us.icmp.open(IPV4.peer)
    const calls = Array.from({ length: 1024 }, () => socket.ping())
    await expect(socket.ping()).rejects.toMatchObject({ code: 'ERR_STACK_LIMIT' })
    const settled = Promise.allSettled(calls)
    socket.close()
    expect((await settled).every(({ status }) => status === 'rejected')).toBe(true)
    end()
  })

  it('no memory: ENOBUFS', async () => {
    const { us, end } = await bench({ memory: createPacketMemory({ size: 1 << 20 }).pool({ slots: 1 }) })
    const first = us.icmp.ping(IPV4.peer)
    await expect(us.icmp.ping(IPV4.peer)).rejects.toMatchObject({ code: 'ENOBUFS' })
    const settled = Promise.allSettled([first])
    us.destroy()
    await settled
    end()
  })

  it('the next hop does not answer: EHOSTDOWN', async () => {
    const clock = manualClock()
    const stack = createStack({ plugins: [ipv6(), icmp()], clock })
    await stack.addNic(channel({ framing: 'ethernet' }), { addresses: ['fd00::1/64'], skipDuplicateDetection: true })
    await expect(clock.until(stack.icmp.ping('fd00::77', { timeout: 60_000 }))).rejects.toMatchObject({ code: 'EHOSTDOWN' })
    stack.destroy()
    expect(leaksOf(stack)).toEqual([])
  })

  it('over loopback, where no checksum is computed', async () => {
    const clock = manualClock()
    const stack = createStack({ plugins: [ipv4(), icmp()], clock })
    await stack.addNic(loopback(), { addresses: ['127.0.0.1/8'] })
    expect(await clock.until(stack.icmp.ping('127.0.0.1'))).toMatchObject({ rtt: 0 })
    await expect(stack.icmp.ping('::1')).rejects.toMatchObject({ code: 'ERR_STACK_INVALID_ADDRESS' })
    stack.destroy()
    expect(leaksOf(stack)).toEqual([])
  })

  it('link-local hosts are named with their link', async () => {
    const clock = manualClock()
    const [left, right] = pipe({ framing: 'ethernet' })
    const stacks = [left, right].map(() => createStack({ plugins: [ipv6(), icmp()], clock }))
    for (const [i, stack] of stacks.entries()) await clock.until(stack.addNic([left, right][i]!, { name: `lan${i}`, skipDuplicateDetection: true }))
    await clock.advance(3000)
    expect(await clock.until(stacks[0]!.icmp.ping('fe80::ff:fe00:2%lan0'))).toMatchObject({ host: 'fe80::ff:fe00:2%lan0' })
    for (const stack of stacks) {
      stack.destroy()
      expect(leaksOf(stack)).toEqual([])
    }
  })
})

describe('wire', () => {
  it('writes a header where it is wanted, with code and checksum zero', () => {
    const bytes = new Uint8Array(14).fill(0xee)
    writeEcho(new DataView(bytes.buffer), 5, 128, 0x1234, 0x5678)
    expect([...bytes]).toEqual([0xee, 0xee, 0xee, 0xee, 0xee, 128, 0, 0, 0, 0x12, 0x34, 0x56, 0x78, 0xee])
  })

  it('reads a header, and nothing from fewer than 8 bytes', () => {
    expect(readEcho(Uint8Array.of(8, 0, 1, 2, 0x12, 0x34, 0x56, 0x78))).toEqual({ type: 8, code: 0, identifier: 0x1234, sequence: 0x5678 })
    expect(readEcho(Uint8Array.of(8, 0, 1, 2, 0, 1, 0))).toBeNull()
  })
})
