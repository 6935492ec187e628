import { createPacketMemory } from '@stack/buffer'
import { loopback } from '@stack/link-loopback'
import { describe, expect, it } from 'vitest'
import type { PacketDatagram, PacketSocket } from '../src/index.ts'
import { bytes, codeOf, IPV4, IPV6, pair, text } from './support/bench.ts'

const TEST = 253
const ARP = 0x0806
const BROADCAST = new Uint8Array(6).fill(255)
const OUR_MAC = [2, 0, 0, 0, 0, 1]
const PEER_MAC = [2, 0, 0, 0, 0, 2]

function all(socket: PacketSocket): PacketDatagram[] {
  const list: PacketDatagram[] = []
  for (let datagram = socket.tryReceive(); datagram !== undefined; datagram = socket.tryReceive()) list.push(datagram)
  return list
}

/** `<0800 20` = came in, EtherType, bytes. */
const show = ({ outgoing, protocol, data }: PacketDatagram): string => `${outgoing ? '>' : '<'}${protocol.toString(16).padStart(4, '0')} ${data.length}`

describe('Ethernet', () => {
  it('sees frames whole, or cooked, in and out', async () => {
    const { clock, us, end } = await pair({ framing: 'ethernet' })
    const frames = us.raw.packet()
    const cooked = us.raw.packet({ cooked: true })
    const pinger = us.raw.open({ networkProtocol: IPV6.networkProtocol, protocol: 58 })
    pinger.send(bytes([128, 0, 0, 0, 0, 1, 0, 2]), IPV6.peer)
    await clock.settle()
    const seen = all(frames)
    // Solicitation, advertisement, request, the peer's solicitation to us and our answer, reply.
    expect(seen.map(show)).toContain('>86dd 62')
    expect(seen.map(show)).toContain('<86dd 62')
    for (const { data, outgoing, linkAddress } of seen) {
      expect([...data.subarray(6, 12)]).toEqual(outgoing ? OUR_MAC : PEER_MAC)
      expect([...linkAddress!]).toEqual(outgoing ? OUR_MAC : PEER_MAC)
      expect([data[12], data[13]]).toEqual([0x86, 0xdd])
    }
    const inner = all(cooked)
    expect(inner.map(({ data }) => data)).toEqual(seen.map(({ data }) => data.subarray(14)))
    // What is handed out is the reader's own.
    seen[0]!.linkAddress!.fill(0)
    expect(us.nics[0]!.linkAddress).toBe('02:00:00:00:00:01')
    end()
  })

  it('of one protocol: what comes in of it, and nothing that goes out', async () => {
    const { clock, us, end } = await pair({ framing: 'ethernet' })
    const arp = us.raw.packet({ protocol: ARP })
    const six = us.raw.packet({ protocol: 0x86dd })
    us.raw.open({ protocol: TEST }).send(bytes('x'), IPV4.peer)
    await clock.settle()
    const seen = all(arp)
    expect(seen.length).toBeGreaterThan(0)
    expect(new Set(seen.map(({ outgoing, protocol }) => `${outgoing} ${protocol}`))).toEqual(new Set([`false ${ARP}`]))
    expect(all(six)).toEqual([])
    end()
  })

  it('of one NIC', async () => {
    const { clock, us, end } = await pair()
    await us.addNic(loopback(), { name: 'lo', addresses: ['127.0.0.1/8'] })
    const lo = us.raw.packet({ nic: 'lo', cooked: true })
    const wire = us.raw.packet({ nic: 'wire', cooked: true })
    us.raw.open({ protocol: TEST }).send(bytes('abc'), '127.0.0.1')
    us.raw.open({ protocol: TEST }).send(bytes('abcd'), IPV4.peer)
    await clock.settle()
    // Loopback shows a packet twice, as it goes out and as it comes in; so the answer that the protocol is unknown.
    expect(all(lo).map(show).slice(0, 2)).toEqual(['>0800 23', '<0800 23'])
    expect(all(wire).map(show).slice(0, 1)).toEqual(['>0800 24'])
    end()
  })

  it('sends frames as they are, from any address', async () => {
    const { clock, us, peer, end } = await pair({ framing: 'ethernet' })
    const watcher = peer.raw.packet({ protocol: 0x88b5 })
    const own = us.raw.packet()
    const sender = us.raw.packet({ nic: 'wire' })
    const frame = bytes(PEER_MAC, [2, 9, 9, 9, 9, 9], [0x88, 0xb5], 'experiment')
    expect(sender.send(frame)).toBe(true)
    await clock.settle()
    const [seen] = all(watcher)
    expect(seen!.data).toEqual(frame)
    expect([...seen!.linkAddress!]).toEqual([2, 9, 9, 9, 9, 9])
    expect(seen).toMatchObject({ protocol: 0x88b5, outgoing: false })
    // Other sockets of this host see it go.
    expect(all(own).map(show)).toEqual(['>88b5 24'])
    end()
  })

  it('sends cooked packets to a link address', async () => {
    const { clock, us, peer, end } = await pair({ framing: 'ethernet' })
    const watcher = peer.raw.packet({ protocol: 0x88b5 })
    const sender = us.raw.packet({ cooked: true, nic: 'wire', protocol: 0x88b5 })
    const linkAddress = Uint8Array.from(BROADCAST)
    expect(sender.send(bytes('to all'), { linkAddress })).toBe(true)
    linkAddress.fill(0)
    await clock.settle()
    const [seen] = all(watcher)
    expect([...seen!.data.subarray(0, 14)]).toEqual([...BROADCAST, ...OUR_MAC, 0x88, 0xb5])
    expect(text(seen!.data.subarray(14))).toBe('to all')
    end()
  })

  it('frames of other hosts are seen, although nobody else gets them', async () => {
    const { clock, us, peer, end } = await pair({ framing: 'ethernet' })
    const watcher = peer.raw.packet({ protocol: 0x88b5 })
    us.raw.packet({ nic: 'wire' }).send(bytes([2, 7, 7, 7, 7, 7], OUR_MAC, [0x88, 0xb5], 'x'))
    await clock.settle()
    expect(all(watcher)).toHaveLength(1)
    expect(peer.nics[0]!.statistics.dropOtherHost).toBe(1)
    end()
  })
})

describe('a link of bare packets', () => {
  it('is seen as Ethernet: the header is made up', async () => {
    const { clock, us, peer, end } = await pair()
    const frames = peer.raw.packet()
    us.raw.open({ protocol: TEST }).send(bytes('x'), IPV4.peer)
    await clock.settle()
    const [seen] = all(frames)
    expect([...seen!.data.subarray(0, 14)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0])
    expect(seen!.data).toHaveLength(14 + 21)
    expect(seen!.linkAddress).toBeNull()
    end()
  })

  it('takes back what it shows: the Ethernet header stays here', async () => {
    const { clock, us, peer, end } = await pair()
    const receiver = peer.raw.open({ protocol: TEST })
    const watcher = us.raw.packet()
    us.raw.open({ protocol: TEST }).send(bytes('x'), IPV4.peer)
    await clock.settle()
    const [frame] = all(watcher)
    expect(us.raw.packet({ nic: 'wire' }).send(frame!.data)).toBe(true)
    await clock.settle()
    expect([text(receiver.tryReceive()?.data), text(receiver.tryReceive()?.data)]).toEqual(['x', 'x'])
    expect(us.raw.packet({ nic: 'wire', cooked: true, protocol: 0x0800 }).send(frame!.data.subarray(14))).toBe(true)
    await clock.settle()
    expect(text(receiver.tryReceive()?.data)).toBe('x')
    end()
  })
})

it('clones do not disturb: hundred sockets watch, one delivery', async () => {
  const { clock, us, peer, end } = await pair({}, undefined, createPacketMemory({ size: 8 << 20 }).pool())
  for (let i = 0; i < 100; i++) {
    peer.raw.packet()
    peer.raw.open({ protocol: 0 })
  }
  const receiver = peer.raw.open({ protocol: TEST })
  const data = Uint8Array.from({ length: 1000 }, (_, i) => i)
  us.raw.open({ protocol: TEST }).send(data, IPV4.peer)
  await clock.settle()
  expect(receiver.tryReceive()?.data).toEqual(data)
  expect(peer.memory.packets).toBe(200)
  end()
})

it('a socket that closes while packets are handed out', async () => {
  const { clock, us, peer, end } = await pair()
  const sockets = [peer.raw.packet(), peer.raw.packet(), peer.raw.packet()]
  for (const socket of sockets) {
    socket.setHandler(() => {
      for (const each of sockets) each.close()
    })
  }
  us.raw.open({ protocol: TEST }).send(bytes('x'), IPV4.peer)
  us.raw.open({ protocol: TEST }).send(bytes('y'), IPV4.peer)
  await clock.settle()
  await Promise.all(sockets.map((socket) => socket.closed))
  end()
})

it('misuse has codes', async () => {
  const { us, end } = await pair({ framing: 'ethernet' })
  const socket = us.raw.packet({ nic: 'wire' })
  const cooked = us.raw.packet({ nic: 'wire', cooked: true })
  expect(codeOf(() => us.raw.packet({ protocol: 65_536 }))).toBe('ERR_STACK_INVALID_OPTION')
  expect(codeOf(() => us.raw.packet({ nic: 'none' }))).toBe('ENODEV')
  expect(codeOf(() => us.raw.packet().send(new Uint8Array(20)))).toBe('ENODEV')
  expect(codeOf(() => socket.send(new Uint8Array(13)))).toBe('EINVAL')
  expect(codeOf(() => socket.send(new Uint8Array(1515)))).toBe('EMSGSIZE')
  expect(codeOf(() => socket.send(new Uint8Array(100_000)))).toBe('EMSGSIZE')
  expect(codeOf(() => socket.send(null as never))).toBe('ERR_STACK_INVALID_ARGUMENT')
  expect(codeOf(() => cooked.send(bytes('x'), { linkAddress: BROADCAST }))).toBe('EINVAL')
  expect(codeOf(() => cooked.send(bytes('x'), { protocol: 0x88b5 }))).toBe('EINVAL')
  expect(codeOf(() => cooked.send(bytes('x'), { protocol: 0x88b5, linkAddress: new Uint8Array(8) }))).toBe('EINVAL')
  expect(codeOf(() => cooked.send(new Uint8Array(1501), { protocol: 0x88b5, linkAddress: BROADCAST }))).toBe('EMSGSIZE')
  us.nics[0]!.down()
  expect(codeOf(() => socket.send(new Uint8Array(20)))).toBe('ENETDOWN')
  await us.nics[0]!.remove()
  expect(codeOf(() => socket.send(new Uint8Array(20)))).toBe('ENODEV')
  socket.close()
  expect(codeOf(() => socket.send(new Uint8Array(20)))).toBe('ERR_STACK_CLOSED')
  expect(us.memory.packets).toBe(0)
  end()
})
