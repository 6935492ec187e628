import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ChecksumState, createPacketMemory, GsoType, PacketFlag, type Packet, type PacketPool } from '@stack/buffer'
import { Coalescer } from '../src/nic/coalesce.ts'
import { createNicCounters } from '../src/nic/counters.ts'

/*
 * What the NIC merges of the packets of one batch. A packet is written `sequence+length`; what comes out is a list of the
 * packets that go up, followers behind a `|`.
 */

const MSS = 100

interface Fields {
  readonly version?: 4 | 6
  readonly tos?: number
  readonly ttl?: number
  readonly id?: number
  readonly fragment?: number
  readonly protocol?: number
  readonly source?: number
  readonly port?: number
  readonly ack?: number
  readonly flags?: number
  readonly window?: number
  readonly urgent?: number
  /** Value of the timestamps; null = no options. */
  readonly time?: number | null
  /** Bytes behind the packet. */
  readonly padding?: number
  readonly isBad?: boolean
  readonly isHeaderBad?: boolean
}

let pool: PacketPool
let coalescer: Coalescer
let counters: ReturnType<typeof createNicCounters>
let up: Packet[]

beforeEach(() => {
  pool = createPacketMemory({ size: 8 << 20 }).pool()
  counters = createNicCounters()
  up = []
  coalescer = new Coalescer((packet) => void up.push(packet), counters)
})

afterEach(() => {
  for (const packet of up) packet.release()
  expect(pool.packets).toBe(0)
  expect(pool.memory.statistics).toMatchObject({ doubleRelease: 0, headerMisuse: 0 })
})

function sum(bytes: Uint8Array, from: number, start: number): number {
  let total = start
  for (let i = from; i < bytes.length; i += 2) total += (bytes[i]! << 8) | (bytes[i + 1] ?? 0)
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16)
  return total
}

function segment(sequence: number, length = MSS, fields: Fields = {}): Packet {
  const { version = 4, tos = 0, ttl = 64, id = 0, fragment = 0x4000, protocol = 6, source = 2, port = 5000, ack = 1, flags = 0x10, window = 1000, urgent = 0, time = null } = fields
  const l3 = version === 4 ? 20 : 40
  const l4 = time === null ? 20 : 32
  const bytes = new Uint8Array(l3 + l4 + length)
  const view = new DataView(bytes.buffer)
  if (version === 4) {
    view.setUint16(0, 0x4500 | tos)
    view.setUint16(2, bytes.length)
    view.setUint16(4, id)
    view.setUint16(6, fragment)
    view.setUint16(8, (ttl << 8) | protocol)
    view.setUint32(12, 0x0a000000 | source)
    view.setUint32(16, 0x0a000001)
    view.setUint16(10, ~sum(bytes.subarray(0, 20), 0, 0) ^ (fields.isHeaderBad === true ? 1 : 0))
  } else {
    view.setUint32(0, 0x60000000 | (tos << 20) | 7)
    view.setUint16(4, bytes.length - 40)
    view.setUint16(6, (protocol << 8) | ttl)
    bytes[23] = source
    bytes[39] = 1
  }
  view.setUint16(l3, port)
  view.setUint16(l3 + 2, 7000)
  view.setUint32(l3 + 4, sequence)
  view.setUint32(l3 + 8, ack)
  view.setUint16(l3 + 12, ((l4 >> 2) << 12) | flags)
  view.setUint16(l3 + 14, window)
  view.setUint16(l3 + 18, urgent)
  if (time !== null) {
    view.setUint32(l3 + 20, 0x0101080a)
    view.setUint32(l3 + 24, time)
  }
  for (let i = l3 + l4; i < bytes.length; i++) bytes[i] = (sequence + i) & 0xff
  view.setUint16(l3 + 16, ~sum(bytes, version === 4 ? 12 : 8, 6 + bytes.length - l3))
  if (fields.isBad === true) bytes[bytes.length - 1]! ^= 1
  const packet = pool.allocate(16, bytes.length + (fields.padding ?? 0))!
  packet.append(bytes, 0, bytes.length)
  packet.end += fields.padding ?? 0
  packet.networkProtocol = version === 4 ? 0x0800 : 0x86dd
  return packet
}

function batch(...packets: readonly Packet[]): void {
  for (const packet of packets) if (!coalescer.takes(packet)) up.push(packet)
  coalescer.flush()
}

/** Sequence number and length of the text of each packet, followers behind a bar. */
function shown(): string[] {
  return up.map((head) => {
    const l3 = head.networkProtocol === 0x0800 ? 20 : 40
    const parts: string[] = []
    for (let packet: Packet | null = head; packet !== null; packet = packet.chain) {
      const at = packet === head ? head.start + l3 : packet.transportHeader
      const text = packet === head ? packet.end - at - ((packet.view.getUint8(at + 12) >> 4) << 2) : packet.length
      parts.push(`${packet.view.getUint32(at + 4)}+${text}`)
    }
    return parts.join(' | ')
  })
}

describe('merges', () => {
  test.each([
    ['IPv4', {}], ['IPv6', { version: 6 }], ['timestamps', { time: 7 }], ['ECN', { tos: 2 }],
  ] as const)('segments that follow each other: %s', (_name, fields) => {
    batch(segment(0, MSS, fields), segment(100, MSS, fields), segment(200, MSS, fields), segment(300, 40, fields))
    expect(shown()).toEqual(['0+100 | 100+100 | 200+100 | 300+40'])
    expect(counters.rxMerged).toBe(3)
    const isV6 = 'version' in fields
    expect(up[0]).toMatchObject({
      gsoType: isV6 ? GsoType.TcpV6 : GsoType.TcpV4, gsoMss: 100, gsoL3HeaderLength: isV6 ? 40 : 20, checksumState: ChecksumState.Verified,
    })
  })

  test('over the end of sequence numbers', () => {
    batch(segment(0xffffffce), segment(50))
    expect(shown()).toEqual(['4294967246+100 | 50+100'])
  })

  test('two flows at once, each in its order', () => {
    batch(segment(0), segment(500, MSS, { port: 6000 }), segment(100), segment(600, MSS, { port: 6000 }))
    expect(shown()).toEqual(['0+100 | 100+100', '500+100 | 600+100'])
  })

  test('and what has its push bit set, or is shorter, goes up at once', () => {
    for (const packet of [segment(0), segment(100, MSS, { flags: 0x18 })]) coalescer.takes(packet)
    expect(shown()).toEqual(['0+100 | 100+100'])
    for (const packet of [segment(200), segment(300, 99)]) coalescer.takes(packet)
    expect(shown()).toEqual(['0+100 | 100+100', '200+100 | 300+99'])
    coalescer.flush()
  })

  test('identifications that count on, or stay the same where nothing may be cut', () => {
    batch(segment(0, MSS, { id: 0xffff }), segment(100, MSS, { id: 0 }), segment(200, MSS, { id: 1 }))
    batch(segment(0, MSS, { id: 5 }), segment(100, MSS, { id: 5 }))
    batch(segment(0, MSS, { id: 5, fragment: 0 }), segment(100, MSS, { id: 6, fragment: 0 }))
    expect(shown()).toEqual(['0+100 | 100+100 | 200+100', '0+100 | 100+100', '0+100 | 100+100'])
  })

  test('up to 65,535 bytes', () => {
    const packets = Array.from({ length: 50 }, (_, i) => segment(i * 1460, 1460))
    batch(...packets)
    expect(up.map((head) => head.gsoMss)).toEqual([1460, 1460])
    expect(shown().map((line) => line.split('|').length)).toEqual([44, 6])
  })

  test('what the link has verified, without looking again', () => {
    const packets = [segment(0, MSS, { isBad: true }), segment(100, MSS, { isBad: true })]
    for (const packet of packets) packet.checksumState = ChecksumState.Verified
    batch(...packets)
    expect(shown()).toEqual(['0+100 | 100+100'])
  })
})

describe('leaves alone', () => {
  test('what comes in a batch of one, without looking at it', () => {
    batch(segment(0, MSS, { isBad: true }))
    expect(shown()).toEqual(['0+100'])
    expect(up[0]!.checksumState).toBe(ChecksumState.None)
  })

  test.each<[string, Fields]>([
    ['TOS', { tos: 1 }], ['TTL', { ttl: 63 }], ['acknowledgment', { ack: 2 }], ['window', { window: 999 }],
    ['DF', { fragment: 0, id: 1 }], ['identification', { id: 2 }], ['timestamp', { time: 8 }], ['options', { time: null }],
  ])('a segment with another %s', (_name, fields) => {
    batch(segment(0, MSS, { time: 7 }), segment(100, MSS, { time: 7, ...fields }))
    expect(shown()).toEqual(['0+100', '100+100'])
    expect(counters.rxMerged).toBe(0)
  })

  test.each<[string, Fields]>([
    ['SYN', { flags: 0x12 }], ['FIN', { flags: 0x11 }], ['RST', { flags: 0x14 }], ['URG', { flags: 0x30, urgent: 1 }], ['an urgent pointer', { urgent: 1 }],
    ['ECE', { flags: 0x50 }], ['CWR', { flags: 0x90 }], ['a reserved bit', { flags: 0x210 }], ['a fragment', { fragment: 0x2000 }], ['a later fragment', { fragment: 1 }],
    ['the reserved flag of IPv4', { fragment: 0xc000 }], ['no ACK', { flags: 0 }], ['padding', { padding: 4 }],
  ])('%s, first, second and third', (_name, fields) => {
    batch(segment(0, MSS, fields), segment(100), segment(200))
    batch(segment(0), segment(100, MSS, fields), segment(200))
    batch(segment(0), segment(100), segment(200, MSS, fields))
    expect(up.length).toBe(7)
    expect(counters.rxMerged).toBe(2)
  })

  test('a gap, a repetition, and what is larger', () => {
    batch(segment(0), segment(101))
    batch(segment(0), segment(0))
    batch(segment(0), segment(100, 101))
    expect(shown()).toEqual(['0+100', '101+100', '0+100', '0+100', '0+100', '100+101'])
  })

  test('pure ACKs, which do not overtake', () => {
    batch(segment(0), segment(100), segment(200, 0), segment(200))
    expect(shown()).toEqual(['0+100 | 100+100', '200+0', '200+100'])
  })

  test('what is not intact, and it does not take the others with it', () => {
    batch(segment(0), segment(100, MSS, { isBad: true }), segment(200), segment(300))
    expect(shown()).toEqual(['0+100', '100+100', '200+100 | 300+100'])
    batch(segment(0, MSS, { isHeaderBad: true }), segment(100), segment(200))
    expect(shown().slice(3)).toEqual(['0+100', '100+100 | 200+100'])
  })

  test('an unfinished checksum', () => {
    const packets = [segment(0), segment(100)]
    for (const packet of packets) packet.checksumState = ChecksumState.Partial
    batch(...packets)
    expect(up.length).toBe(2)
  })

  test('super-packets', () => {
    const packets = [segment(0), segment(100)]
    packets[1]!.gsoType = GsoType.TcpV4
    batch(...packets)
    expect(up.length).toBe(2)
  })

  test('what came by other link addresses, or was marked', () => {
    const framed = (last: number): Packet => {
      const packet = segment(last === 0 ? 0 : 100)
      packet.start -= 14
      packet.bytes.fill(1, packet.start, packet.start + 14)
      packet.bytes[packet.start + 11] = last
      packet.consumeLinkHeader(14)
      return packet
    }
    batch(framed(0), framed(9))
    const marked = segment(100)
    marked.mark = 1
    batch(segment(0), marked)
    const group = segment(100)
    group.flags = PacketFlag.Broadcast
    batch(segment(0), group)
    expect(up.length).toBe(6)
  })

  test('lying lengths', () => {
    const cut = (n: number, fields: Fields = {}): Packet => {
      const packet = segment(100, MSS, fields)
      packet.trimEnd(n)
      return packet
    }
    for (const version of [4, 6] as const) {
      for (const n of [0, 1, 19, 20, 39, 40, 41, 59, 60, 72, 100]) batch(segment(0, MSS, { version }), cut(n, { version, time: 3 }), segment(100, MSS, { version }))
    }
    for (const offset of [0, 1, 4, 6, 7, 8, 15]) {
      const packet = segment(100)
      packet.view.setUint8(packet.start + 32, offset << 4)
      batch(segment(0), packet)
    }
    expect(counters.rxMerged).toBe(0)
  })
})

describe('keeps order', () => {
  test('a fragment, ICMP and extension headers are overtaken by nothing, and overtake nothing', () => {
    batch(segment(0), segment(500, MSS, { protocol: 1 }), segment(100))
    expect(shown()).toEqual(['0+100', '500+100', '100+100'])
    batch(segment(0, MSS, { version: 6 }), segment(500, MSS, { version: 6, protocol: 44 }), segment(100, MSS, { version: 6 }))
    expect(shown().slice(3)).toEqual(['0+100', '500+100', '100+100'])
  })

  test('UDP and other EtherTypes go past', () => {
    const arp = segment(600)
    arp.networkProtocol = 0x0806
    batch(segment(0), segment(500, MSS, { protocol: 17 }), arp, segment(100))
    expect(shown()[2]).toEqual('0+100 | 100+100')
  })

  test('of eight flows something is held; the ninth sends the oldest up', () => {
    const ports = Array.from({ length: 9 }, (_, i) => 5000 + i)
    for (const port of ports) coalescer.takes(segment(port, MSS, { port }))
    expect(shown()).toEqual(['5000+100'])
    for (const port of ports.slice(1)) coalescer.takes(segment(port + 100, MSS, { port }))
    coalescer.flush()
    expect(shown()).toEqual(['5000+100', ...ports.slice(1).map((port) => `${port}+100 | ${port + 100}+100`)])
  })

  test('the same ports of other hosts are another flow', () => {
    batch(segment(0), segment(500, MSS, { source: 3 }), segment(100), segment(600, MSS, { source: 3 }), segment(0, MSS, { version: 6 }))
    expect(shown()).toEqual(['0+100 | 100+100', '500+100 | 600+100', '0+100'])
  })
})

describe('the NIC', () => {
  test('goes down in the middle of a batch: what is held is released', () => {
    for (const packet of [segment(0), segment(100), segment(0, MSS, { port: 6000 })]) coalescer.takes(packet)
    expect(coalescer.clear()).toBe(2)
    expect(coalescer.takes(segment(200))).toBe(true)
    expect(coalescer.clear()).toBe(1)
    coalescer.flush()
    expect(up).toEqual([])
  })

  test('goes down when something goes up: the next is not kept', () => {
    coalescer = new Coalescer((packet) => {
      up.push(packet)
      coalescer.clear()
    }, counters)
    coalescer.takes(segment(0))
    coalescer.takes(segment(0, MSS, { port: 6000 }))
    const next = segment(300)
    expect(coalescer.takes(next)).toBe(false)
    up.push(next)
    expect(shown()).toEqual(['0+100', '300+100'])
  })
})
