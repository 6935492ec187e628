import { createPacketMemory, PacketFlag, type Packet } from '@stack/buffer'
import { describe, expect, it } from 'vitest'
import { address, ANY_ADDRESS, ANY_MAPPED_ADDRESS, mappedAddress, type Address } from '../src/address/address.ts'
import { createDemultiplexer, type Demultiplexer } from '../src/demux/demultiplexer.ts'
import type { Registration, TransportEndpoint, TransportProtocol } from '../src/registration/transport.ts'
import type { TransportError } from '../src/errors/transport-error.ts'
import { countingRandom } from './support/random.ts'

const PROTOCOL = 253
const here = mappedAddress(0x0a000001)
const there = mappedAddress(0x0a000002)
const group = mappedAddress(0xe0000005 | 0)

interface World {
  readonly demux: Demultiplexer
  readonly unknown: Packet[]
  readonly errors: [string, TransportError][]
  readonly log: string[]
  endpoint(name: string): TransportEndpoint
  packet(to: Address, toPort: number, from?: Address, fromPort?: number, flags?: number): Packet
  readonly live: () => number
  answer: 'handled' | 'malformed' | 'unhandled'
}

function world(slots = 1000): World {
  const pool = createPacketMemory({ size: 1 << 20 }).pool({ slots })
  const demux = createDemultiplexer({ memory: pool, secureRandom: countingRandom(), statistics: { register: () => () => undefined } })
  const log: string[] = []
  let id = 0
  const w: World = {
    demux,
    unknown: [],
    errors: [],
    log,
    answer: 'unhandled',
    live: () => pool.packets,
    endpoint: (name) => ({
      uniqueId: ++id,
      handlePacket(_, packet) {
        log.push(name)
        packet.release()
      },
      handleError(_, error) {
        log.push(`${name}!${error.kind}`)
      },
      abort() {
        log.push(`${name} aborted`)
      },
      closed: Promise.resolve(),
    }),
    packet(to, toPort, from = there, fromPort = 9, flags = 0) {
      const p = pool.allocate(64, 64)!
      p.append(Uint8Array.of(fromPort >> 8, fromPort, toPort >> 8, toPort, 0, 0, 0, 0), 0, 8)
      p.sourceA = from.a
      p.sourceB = from.b
      p.sourceC = from.c
      p.sourceD = from.d
      p.destinationA = to.a
      p.destinationB = to.b
      p.destinationC = to.c
      p.destinationD = to.d
      p.networkProtocol = 0x0800
      p.nicId = 1
      p.flags = flags
      return p
    },
  }
  const protocol: TransportProtocol = {
    number: PROTOCOL,
    name: 'fake',
    minimumPacketSize: 4,
    newEndpoint: () => w.endpoint('new'),
    parsePorts(p) {
      p.sourcePort = p.view.getUint16(p.start)
      p.destinationPort = p.view.getUint16(p.start + 2)
      return p.destinationPort !== 0
    },
    parse: () => true,
    handleUnknownDestinationPacket: () => w.answer,
    close: () => undefined,
    closed: Promise.resolve(),
  }
  demux.addProtocol(protocol)
  return w
}

function add(w: World, name: string, local: Address, port: number, remote: Address | null = null, remotePort = 0, options = {}): Registration {
  const answer = w.demux.register(PROTOCOL, { localAddress: local, localPort: port, remoteAddress: remote, remotePort }, w.endpoint(name), options)
  expect(answer).toBeTypeOf('object')
  return answer as Registration
}

describe('delivery', () => {
  it('prefers the exact tuple, then the address, then the family, then both families', () => {
    const w = world()
    const order = [
      add(w, 'both families', ANY_ADDRESS, 80),
      add(w, 'any IPv4', ANY_MAPPED_ADDRESS, 80),
      add(w, 'address', here, 80),
      add(w, 'tuple', here, 80, there, 9),
    ]
    while (order.length > 0) {
      expect(w.demux.deliverTransportPacket(PROTOCOL, w.packet(here, 80))).toBe('handled')
      order.pop()!.remove()
    }
    expect(w.log).toEqual(['tuple', 'address', 'any IPv4', 'both families'])
    const left = w.packet(here, 80)
    expect(w.demux.deliverTransportPacket(PROTOCOL, left)).toBe('portUnreachable')
    left.release()
    expect(w.live()).toBe(0)
    expect(w.demux.size).toBe(0)
  })

  it('does not give IPv6 packets to an IPv4 wildcard', () => {
    const w = world()
    add(w, 'any IPv4', ANY_MAPPED_ADDRESS, 80)
    const p = w.packet(address(0x20010db8, 0, 0, 1), 80, address(0x20010db8, 0, 0, 2))
    expect(w.demux.deliverTransportPacket(PROTOCOL, p)).toBe('portUnreachable')
    p.release()
  })

  it('keeps zones apart: a socket bound to a NIC sees that NIC only, and wins there', () => {
    const w = world()
    add(w, 'nic 1', ANY_ADDRESS, 80, null, 0, { nicId: 1 })
    add(w, 'nic 2', ANY_ADDRESS, 80, null, 0, { nicId: 2 })
    add(w, 'every nic', ANY_ADDRESS, 80)
    for (const nic of [1, 2, 3]) {
      const p = w.packet(here, 80)
      p.nicId = nic
      w.demux.deliverTransportPacket(PROTOCOL, p)
    }
    expect(w.log).toEqual(['nic 1', 'nic 2', 'every nic'])
  })

  it('spreads flows over a reuse-port group, one flow always to the same member', () => {
    const w = world()
    const a = add(w, 'a', ANY_ADDRESS, 80, null, 0, { reusePort: true })
    add(w, 'b', ANY_ADDRESS, 80, null, 0, { reusePort: true })
    expect(w.demux.register(PROTOCOL, { localAddress: ANY_ADDRESS, localPort: 80, remoteAddress: null, remotePort: 0 }, w.endpoint('c'))).toBe('EADDRINUSE')
    for (let port = 1; port <= 200; port++) {
      w.demux.deliverTransportPacket(PROTOCOL, w.packet(here, 80, there, port))
      w.demux.deliverTransportPacket(PROTOCOL, w.packet(here, 80, there, port))
    }
    for (let i = 0; i < 400; i += 2) expect(w.log[i]).toBe(w.log[i + 1])
    expect(w.log.filter((name) => name === 'a').length).toBeGreaterThan(120)
    expect(w.log.filter((name) => name === 'b').length).toBeGreaterThan(120)
    a.remove()
    w.log.length = 0
    w.demux.deliverTransportPacket(PROTOCOL, w.packet(here, 80))
    expect(w.log).toEqual(['b'])
  })

  it('hands multicast to every matching endpoint that wants it (LESSONS §7 UDP)', () => {
    const w = world()
    add(w, 'group', group, 80, null, 0, { fanOut: true })
    add(w, 'any', ANY_ADDRESS, 80, null, 0, { fanOut: true })
    add(w, 'stream', ANY_MAPPED_ADDRESS, 80)
    expect(w.demux.deliverTransportPacket(PROTOCOL, w.packet(group, 80, there, 9, PacketFlag.Multicast))).toBe('handled')
    expect(w.log.sort()).toEqual(['any', 'group'])
    expect(w.live()).toBe(0)
  })

  it('counts a clone that finds no memory and serves the others', () => {
    const w = world(1)
    add(w, 'group', group, 80, null, 0, { fanOut: true })
    add(w, 'any', ANY_ADDRESS, 80, null, 0, { fanOut: true })
    w.demux.deliverTransportPacket(PROTOCOL, w.packet(group, 80, there, 9, PacketFlag.Multicast))
    expect(w.log).toHaveLength(1)
    expect(w.demux.counters.dropCloneNoMemory).toBe(1)
    expect(w.live()).toBe(0)
  })
})

describe('strangers', () => {
  it('asks the default handler, then the protocol', () => {
    const w = world()
    let take = true
    w.demux.setDefaultHandler(PROTOCOL, (id, packet) => {
      expect([id.localPort, id.remotePort]).toEqual([80, 9])
      if (take) packet.release()
      return take
    })
    expect(w.demux.deliverTransportPacket(PROTOCOL, w.packet(here, 80))).toBe('handled')
    take = false
    w.answer = 'handled'
    expect(w.demux.deliverTransportPacket(PROTOCOL, w.packet(here, 80))).toBe('handled')
    w.answer = 'malformed'
    expect(w.demux.deliverTransportPacket(PROTOCOL, w.packet(here, 80))).toBe('handled')
    expect(w.demux.counters).toMatchObject({ forwarded: 1, dropNoEndpoint: 2, dropMalformed: 1 })
    expect(w.live()).toBe(0)
  })

  it('drops what is too short or unreadable, and names the missing protocol', () => {
    const w = world()
    const short = w.packet(here, 80)
    short.trimEnd(3)
    expect(w.demux.deliverTransportPacket(PROTOCOL, short)).toBe('handled')
    expect(w.demux.deliverTransportPacket(PROTOCOL, w.packet(here, 0))).toBe('handled')
    const alien = w.packet(here, 80)
    expect(w.demux.deliverTransportPacket(99, alien)).toBe('protocolUnreachable')
    alien.release()
    expect(w.demux.counters).toMatchObject({ dropTooShort: 1, dropMalformed: 1, dropUnknownProtocol: 1 })
    expect(w.live()).toBe(0)
  })

  it('gives raw endpoints a clone beside normal delivery, and is content when only they exist', () => {
    const w = world()
    const remove = w.demux.registerRaw(0, 0x0800, 99, {
      handlePacket(p) {
        w.log.push('raw')
        p.release()
      },
    })
    expect(w.demux.deliverTransportPacket(99, w.packet(here, 80))).toBe('handled')
    remove()
    const p = w.packet(here, 80)
    expect(w.demux.deliverTransportPacket(99, p)).toBe('protocolUnreachable')
    p.release()
    expect(w.log).toEqual(['raw'])
    expect(w.live()).toBe(0)
  })
})

it('gives an ICMP error to the endpoint that sent the quoted packet [RFC1122-3.2.2-deliver, RFC4443-2.4-d]', () => {
  const w = world()
  add(w, 'listener', ANY_ADDRESS, 80)
  add(w, 'connection', here, 80, there, 9)
  const quoted = w.packet(there, 9, here, 80)
  // RFC 792: 8 bytes of what was sent are quoted.
  quoted.append(new Uint8Array(4), 0, 4)
  w.demux.deliverTransportError(here, there, 0x0800, PROTOCOL, { kind: 'portUnreachable', cause: 'icmp' }, quoted)
  w.demux.deliverTransportError(here, mappedAddress(1), 0x0800, PROTOCOL, { kind: 'hostUnreachable', cause: 'icmp' }, quoted)
  w.demux.deliverTransportError(here, there, 0x0800, 99, { kind: 'unknown', cause: 'icmp' }, quoted)
  quoted.trimEnd(7)
  w.demux.deliverTransportError(here, there, 0x0800, PROTOCOL, { kind: 'portUnreachable', cause: 'icmp' }, quoted)
  quoted.release()
  expect(w.log).toEqual(['connection!portUnreachable', 'listener!hostUnreachable'])
  expect(w.demux.counters).toMatchObject({ errorDelivered: 2, errorUnmatched: 2 })
})

it('survives 20,000 registrations and removals in any order against a plain map', () => {
  const w = world()
  const random = countingRandom(7)
  const live = new Map<string, Registration>()
  for (let i = 0; i < 20000; i++) {
    const port = random.uint32() % 300
    const remote = mappedAddress(random.uint32() % 20)
    const key = `${port} ${remote.d}`
    const known = live.get(key)
    if (known !== undefined && random.uint32() % 2 === 0) {
      known.remove()
      live.delete(key)
    } else {
      const answer = w.demux.register(PROTOCOL, { localAddress: here, localPort: port + 1, remoteAddress: remote, remotePort: 9 }, w.endpoint(key))
      if (known !== undefined) expect(answer).toBe('EADDRINUSE')
      else live.set(key, answer as Registration)
    }
  }
  expect(w.demux.size).toBe(live.size)
  for (let port = 0; port < 300; port++) {
    for (let d = 0; d < 20; d++) {
      w.log.length = 0
      const p = w.packet(here, port + 1, mappedAddress(d))
      const known = live.has(`${port} ${d}`)
      const answer = w.demux.deliverTransportPacket(PROTOCOL, p)
      expect([answer, w.log[0]]).toEqual(known ? ['handled', `${port} ${d}`] : ['portUnreachable', undefined])
      if (!known) p.release()
    }
  }
})
