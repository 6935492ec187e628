import { PacketFlag } from '@stack/buffer'
import type { Packet, PacketPool } from '@stack/buffer'
import { beforeEach, describe, expect, test } from 'vitest'
import { checkFragment, createReassembler } from '../src/index.ts'
import type { Fragment, Reassembler, ReassemblyOptions } from '../src/index.ts'
import { contents, pattern, seeded, testPool, TestTime } from './support.ts'

const HEADER = 20

interface Sent {
  source?: number
  id?: number
  protocol?: number
  zone?: number
  ecn?: number
  nextHeader?: number
  fill?: number
  capacity?: number
  /** Room before the header. */
  headroom?: number
  /** Most bytes of data that fit behind its header. */
  limit?: number
}

describe('reassembly', () => {
  let time: TestTime
  let pool: PacketPool
  let reassembler: Reassembler
  let expired: number[]

  beforeEach(() => {
    setUp({})
  })

  function setUp(options: ReassemblyOptions, quota?: number): void {
    time = new TestTime()
    pool = testPool(quota)
    expired = []
    reassembler = createReassembler({ memory: pool, scheduler: time.scheduler, timers: time, secureRandom: seeded(1) }, options, (first) => {
      expired.push(first.bytes[first.start]!)
    })
  }

  /** Bytes [offset, end) of the datagram arrive; the header is 20 bytes of 0x40 + id. */
  function arrive(offset: number, end: number, more: boolean, sent: Sent = {}): Packet | null {
    const length = end - offset
    const packet = pool.allocate(sent.headroom ?? 0, sent.capacity ?? HEADER + length)!
    packet.append(new Uint8Array(HEADER).fill(0x40 + (sent.id ?? 7)), 0, HEADER)
    packet.append(sent.fill === undefined ? pattern(length, offset) : new Uint8Array(length).fill(sent.fill), 0, length)
    packet.sourceC = packet.destinationC = 0xffff
    packet.sourceD = sent.source ?? 0x0a000001
    packet.destinationD = 0x0a000002
    packet.tos = sent.ecn ?? 0
    const fragment: Fragment = {
      id: sent.id ?? 7,
      protocol: sent.protocol ?? 17,
      zone: sent.zone ?? 0,
      offset,
      more,
      headerStart: packet.start,
      headerLength: HEADER,
      dataStart: packet.start + HEADER,
      nextHeader: sent.nextHeader ?? 17,
      limit: sent.limit ?? 65535 - HEADER,
    }
    return reassembler.add(packet, fragment)
  }

  function expectWhole(packet: Packet | null, length: number): void {
    expect(packet).not.toBeNull()
    expect(contents(packet!, packet!.start + HEADER)).toEqual(pattern(length))
    expect(packet!.flags & PacketFlag.Fragmented).not.toBe(0)
    expect(packet!.sourceD).toBe(0x0a000001)
    packet!.release()
    expectNothingHeld()
  }

  function expectNothingHeld(): void {
    expect(pool.held).toBe(0)
    expect(reassembler.statistics.bytesHeld).toBe(0)
  }

  test('fragments in order become the datagram', () => {
    expect(arrive(0, 1480, true)).toBeNull()
    expect(arrive(1480, 2960, true)).toBeNull()
    expectWhole(arrive(2960, 3000, false), 3000)
    expect(reassembler.statistics).toMatchObject({ received: 3, reassembled: 1, datagrams: 0 })
    expect(time.armed).toBe(0)
  })

  test('the last fragment may come first', () => {
    expect(arrive(2960, 3000, false)).toBeNull()
    expect(arrive(1480, 2960, true)).toBeNull()
    expectWhole(arrive(0, 1480, true), 3000)
  })

  test('any order of many fragments gives the same datagram', () => {
    const random = seeded(42)
    for (let round = 0; round < 50; round++) {
      const cuts = Array.from({ length: 20 }, (_, i) => i).sort(() => random.next() - 0.5)
      let whole: Packet | null = null
      for (const n of cuts) {
        expect(whole).toBeNull()
        whole = arrive(n * 64, n * 64 + (n === 19 ? 33 : 64), n !== 19, { id: round })
      }
      expectWhole(whole, 19 * 64 + 33)
    }
  })

  test('65,535 bytes with the header are the limit [RFC1122-3.3.2-learn]', () => {
    const last = 65535 - HEADER
    for (let at = 0; at < 65512; at += 1480) arrive(at, Math.min(at + 1480, 65512), true, { source: 0x0a000001 })
    expectWhole(arrive(65512, last, false), last)
    arrive(65512, last + 1, false)
    expect(reassembler.statistics.dropMalformed).toBe(1)
  })

  test('RFC 5722: overlapping fragments discard the datagram, and what still comes of it [RFC8200-4.5-overlap]', () => {
    arrive(0, 1480, true)
    expect(arrive(1472, 2960, true)).toBeNull()
    expectNothingHeld()
    // What would now complete it does not.
    arrive(0, 1480, true)
    expect(arrive(1480, 2000, false)).toBeNull()
    expectNothingHeld()
    expect(reassembler.statistics).toMatchObject({ overlapped: 1, dropIgnored: 2, reassembled: 0 })
    time.advance(30_000)
    // No error about it (RFC 8200 §4.5), and its id may be used again.
    expect(expired).toEqual([])
    arrive(0, 1480, true)
    expectWhole(arrive(1480, 2000, false), 2000)
  })

  test.each([
    ['inside another', [[0, 80, true], [8, 16, true]]],
    ['around another', [[8, 16, true], [0, 80, true]]],
    ['at the same place, shorter', [[0, 80, true], [0, 40, true]]],
    ['at the same place, longer', [[0, 40, true], [0, 80, true]]],
    ['behind the last fragment', [[80, 90, false], [96, 104, true]]],
    ['ending where the last one does', [[80, 88, false], [40, 88, true]]],
    ['a second, other last fragment', [[80, 90, false], [96, 100, false]]],
    ['a last fragment before others', [[80, 96, true], [40, 50, false]]],
  ] as const)('overlap or contradiction: a fragment %s', (_, fragments) => {
    for (const [offset, end, more] of fragments) expect(arrive(offset, end, more)).toBeNull()
    expect(reassembler.statistics.overlapped).toBe(1)
    expectNothingHeld()
  })

  test('exact duplicates are tolerated [RFC8200-4.5-overlap]', () => {
    arrive(0, 1480, true)
    arrive(0, 1480, true)
    arrive(1480, 2960, true)
    arrive(0, 1480, true)
    arrive(1480, 2960, true)
    expectWhole(arrive(2960, 3000, false), 3000)
    expect(reassembler.statistics).toMatchObject({ duplicates: 3, overlapped: 0 })
  })

  test('a duplicate with other bytes is an overlap', () => {
    arrive(0, 1480, true)
    arrive(0, 1480, true, { fill: 1 })
    expect(reassembler.statistics).toMatchObject({ duplicates: 0, overlapped: 1 })
    expectNothingHeld()
  })

  test('ids, protocols, sources and zones are kept apart [RFC8200-4.5-reassembly]', () => {
    arrive(0, 80, true)
    expect(arrive(80, 100, false, { id: 8 })).toBeNull()
    expect(arrive(80, 100, false, { protocol: 1 })).toBeNull()
    expect(arrive(80, 100, false, { source: 0x0a000009 })).toBeNull()
    expect(arrive(80, 100, false, { zone: 2 })).toBeNull()
    expect(reassembler.statistics.datagrams).toBe(5)
    const whole = arrive(80, 100, false)
    expect(whole).not.toBeNull()
    whole!.release()
  })

  test('next header comes from the first fragment', () => {
    arrive(80, 100, false, { nextHeader: 6 })
    const whole = arrive(0, 80, true, { nextHeader: 17 })!
    expect(whole.transportProtocol).toBe(17)
    whole.release()
  })

  test('faulty fragments are dropped and do no harm', () => {
    arrive(0, 81, true)
    arrive(80, 80, true)
    arrive(65528, 65536, true)
    expect(reassembler.statistics).toMatchObject({ dropMalformed: 3, datagrams: 0 })
    expectNothingHeld()
    expect(checkFragment(0, 81, true, 65515)).toBe('unaligned')
    expect(checkFragment(0, 81, false, 65515)).toBeNull()
    expect(checkFragment(8, 0, false, 65515)).toBe('empty')
    expect(checkFragment(65512, 4, false, 65515)).toBe('tooLarge')
  })

  test('timeout: time exceeded is told only when the first fragment came', () => {
    arrive(0, 80, true, { id: 1 })
    time.advance(10_000)
    arrive(80, 160, true, { id: 2 })
    time.advance(19_999)
    expect(expired).toEqual([])
    time.advance(1)
    expect(expired).toEqual([0x41])
    time.advance(10_000)
    expect(expired).toEqual([0x41])
    expect(reassembler.statistics.timedOut).toBe(2)
    expectNothingHeld()
    expect(time.armed).toBe(0)
  })

  test('a later fragment does not prolong the wait', () => {
    arrive(0, 80, true)
    time.advance(29_999)
    arrive(80, 160, true)
    time.advance(1)
    expect(expired).toEqual([0x47])
    expectNothingHeld()
  })

  test('one source cannot hold more than its quota; its oldest datagram gives way', () => {
    setUp({ maxBytesPerSource: 16384 })
    for (let id = 0; id < 8; id++) arrive(0, 1480, true, { id })
    arrive(0, 1480, true, { id: 99, source: 0x0a000063 })
    arrive(0, 1480, true, { id: 8 })
    expect(reassembler.statistics).toMatchObject({ evicted: 1, datagrams: 9, bytesHeld: 9 * 2048 })
    // Datagram 1 is still there, 0 is not.
    const whole = arrive(1480, 1500, false, { id: 1 })
    expect(whole).not.toBeNull()
    whole!.release()
    expect(arrive(1480, 1500, false, { id: 0 })).toBeNull()
  })

  test('a datagram that alone exceeds the quota is given up', () => {
    setUp({ maxBytesPerSource: 16384 })
    for (let n = 0; n < 8; n++) arrive(n * 1480, (n + 1) * 1480, true)
    expect(arrive(8 * 1480, 9 * 1480, true)).toBeNull()
    expect(reassembler.statistics).toMatchObject({ dropNoMemory: 1, evicted: 1 })
    expectNothingHeld()
  })

  test('all sources together cannot hold more than the total; the oldest gives way', () => {
    setUp({ maxBytes: 8 * 2048 })
    for (let source = 1; source <= 20; source++) arrive(0, 1480, true, { source })
    expect(reassembler.statistics).toMatchObject({ bytesHeld: 8 * 2048, evicted: 12, datagrams: 8 })
  })

  test('datagrams are bounded by number, those being ignored included', () => {
    setUp({ maxDatagramsPerSource: 4, maxDatagrams: 6 })
    for (let id = 0; id < 10; id++) {
      arrive(0, 80, true, { id })
      arrive(8, 80, true, { id })
    }
    expect(reassembler.statistics.datagrams).toBe(4)
    for (let source = 1; source <= 9; source++) arrive(0, 80, true, { source })
    expect(reassembler.statistics.datagrams).toBe(6)
  })

  test('what is charged is memory held: a small fragment in a large slot moves to a small one', () => {
    arrive(0, 80, true, { capacity: 60_000 })
    expect(pool.held).toBe(256)
    expect(reassembler.statistics.bytesHeld).toBe(256)
    expectWhole(arrive(80, 100, false, { capacity: 60_000 }), 100)
  })

  test('it moves whatever room was before it', () => {
    arrive(80, 100, false, { capacity: 60_000, headroom: 64 })
    const whole = arrive(0, 80, true, { capacity: 60_000, headroom: 128 })!
    expect(whole.bytes.slice(whole.start, whole.start + HEADER)).toEqual(new Uint8Array(HEADER).fill(0x47))
    expectWhole(whole, 100)
  })

  test('one that ends does not stop the clock of the others', () => {
    arrive(0, 80, true, { id: 1 })
    time.advance(10_000)
    arrive(0, 80, true, { id: 2 })
    time.advance(10_000)
    arrive(0, 80, true, { id: 3 })
    arrive(80, 100, false, { id: 2 })!.release()
    time.advance(9_999)
    expect(expired).toEqual([])
    time.advance(1)
    expect(expired).toEqual([0x41])
    // The youngest is as good as ever.
    arrive(80, 100, false, { id: 3 })!.release()
    expect(reassembler.statistics).toMatchObject({ reassembled: 2, timedOut: 1, datagrams: 0 })
    expectNothingHeld()
  })

  test('one that is ignored ends without being counted as timed out', () => {
    arrive(0, 80, true)
    arrive(8, 80, true)
    time.advance(30_000)
    expect(reassembler.statistics).toMatchObject({ overlapped: 1, timedOut: 0, datagrams: 0 })
  })

  test('with the header of the first fragment it would be larger than 65,535 bytes: malformed', () => {
    arrive(80, 160, false)
    expect(arrive(0, 80, true, { limit: 159 })).toBeNull()
    expect(reassembler.statistics).toMatchObject({ dropMalformed: 1, reassembled: 0, datagrams: 0 })
    expectNothingHeld()
    arrive(80, 160, false)
    expectWhole(arrive(0, 80, true, { limit: 160 }), 160)
  })

  test('what gives way for number is counted', () => {
    setUp({ maxDatagrams: 2 })
    for (let id = 0; id < 5; id++) arrive(0, 80, true, { id })
    expect(reassembler.statistics).toMatchObject({ evicted: 3, datagrams: 2 })
  })

  test('a fragment larger than the quota leaves no record, and evicts nothing of its own', () => {
    setUp({ maxBytesPerSource: 2048 })
    expect(arrive(0, 4000, true)).toBeNull()
    expect(reassembler.statistics).toMatchObject({ dropNoMemory: 1, evicted: 0, datagrams: 0 })
    expect(time.armed).toBe(0)
    expectNothingHeld()
  })

  test('no packet memory: the datagram is dropped and counted', () => {
    setUp({}, 3 * 2048)
    arrive(0, 1480, true)
    const whole = arrive(1480, 2960, false)
    expect(whole).toBeNull()
    expect(reassembler.statistics.dropNoMemory).toBe(1)
    expectNothingHeld()
  })

  test('RFC 3168 §5.3: one CE mark marks the datagram, but not among fragments without ECN [RFC8504-5.12-ecn, RFC3168-5.3-fragments]', () => {
    arrive(0, 80, true, { ecn: 2 })
    const whole = arrive(80, 100, false, { ecn: 3 })!
    expect(whole.tos).toBe(3)
    whole.release()
    arrive(0, 80, true, { ecn: 2 })
    const unmarked = arrive(80, 100, false, { ecn: 2 })!
    expect(unmarked.tos).toBe(2)
    unmarked.release()
    arrive(0, 80, true, { ecn: 0 })
    expect(arrive(80, 100, false, { ecn: 3 })).toBeNull()
    expect(reassembler.statistics.dropEcn).toBe(1)
  })

  test('clear gives everything back', () => {
    for (let id = 0; id < 5; id++) arrive(0, 80, true, { id })
    reassembler.clear()
    expectNothingHeld()
    expect(reassembler.statistics.datagrams).toBe(0)
    expect(time.armed).toBe(0)
  })

  test('random fragments never lose memory and never give a wrong datagram', () => {
    setUp({ maxBytesPerSource: 8192, maxBytes: 32768, maxDatagrams: 16, maxDatagramsPerSource: 4 })
    const random = seeded(7)
    for (let i = 0; i < 20_000; i++) {
      const offset = (random.uint32() % 12) * 8
      const more = random.uint32() % 3 !== 0
      const whole = arrive(offset, offset + 1 + (random.uint32() % 24), more, { id: random.uint32() % 6, source: 0x0a000001 + (random.uint32() % 5) })
      if (whole !== null) {
        expect(contents(whole, whole.start + HEADER)).toEqual(pattern(whole.length - HEADER))
        whole.release()
      }
      expect(pool.held).toBe(reassembler.statistics.bytesHeld)
      expect(pool.held).toBeLessThanOrEqual(32768)
      if (random.uint32() % 50 === 0) time.advance(random.uint32() % 20_000)
    }
    expect(reassembler.statistics.reassembled).toBeGreaterThan(100)
    reassembler.clear()
    expectNothingHeld()
  })
})
