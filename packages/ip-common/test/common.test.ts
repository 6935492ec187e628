import { PacketFlag } from '@stack/buffer'
import type { Packet } from '@stack/buffer'
import { mappedAddress } from '@stack/core'
import { describe, expect, test } from 'vitest'
import { createFragmentIds, createGroupMembership, createIcmpErrorLimiter, createProbeRun, cutFragments, mayAnswerWithError } from '../src/index.ts'
import { contents, pattern, seeded, testPool, TestTime } from './support.ts'

describe('cutting', () => {
  const pool = testPool()

  function cut(length: number, mtu: number, firstHeaderLength = 20, headerLength = 20): Packet[] {
    const packet = pool.allocate(0, length)!
    packet.append(pattern(length), 0, length)
    packet.destinationD = 0x0a000002
    packet.mark = 9
    const fragments: Packet[] = []
    for (let f = cutFragments(pool, packet, packet.start, { mtu, headroom: 14, firstHeaderLength, headerLength }); f !== null; f = f.next) fragments.push(f)
    packet.release()
    return fragments
  }

  test('fragments carry multiples of 8 bytes, the last what is left', () => {
    const fragments = cut(3000, 1500)
    expect(fragments.map((f) => f.length)).toEqual([1480, 1480, 40])
    let at = 0
    for (const f of fragments) {
      expect(contents(f)).toEqual(pattern(f.length, at))
      expect(f.start).toBeGreaterThanOrEqual(34)
      expect([f.destinationD, f.mark, f.flags & PacketFlag.Fragmented]).toEqual([0x0a000002, 9, PacketFlag.Fragmented])
      at += f.length
      f.release()
    }
    expect(pool.packets).toBe(0)
  })

  test('the last fragment may use the room that alignment leaves', () => {
    const fragments = cut(1472 + 1479, 1499)
    expect(fragments.map((f) => f.length)).toEqual([1472, 1479])
    for (const f of fragments) f.release()
  })

  test('the first header may be longer than the others', () => {
    const fragments = cut(3000, 1500, 60, 20)
    expect(fragments.map((f) => f.length)).toEqual([1440, 1480, 80])
    for (const f of fragments) f.release()
  })

  test('an MTU without room for 8 bytes cuts nothing', () => {
    expect(cut(100, 27)).toEqual([])
    expect(pool.packets).toBe(0)
  })

  test('no memory in the middle: nothing is kept', () => {
    const small = testPool(6 * 2048)
    const packet = small.allocate(0, 2000)!
    packet.append(pattern(2000), 0, 2000)
    for (let i = 0; i < 4; i++) small.allocate(0, 2000)
    const before = small.packets
    expect(cutFragments(small, packet, packet.start, { mtu: 600, headroom: 0, firstHeaderLength: 20, headerLength: 20 })).toBeNull()
    expect(small.packets).toBe(before)
  })
})

describe('fragment ids', () => {
  test('ids of one destination do not repeat before their space is used up, and differ between destinations [RFC1122-3.2.1.5-identification, RFC8200-4.5-fragment]', () => {
    const pool = testPool()
    const ids = createFragmentIds(seeded(3))
    const packet = pool.allocate(0, 0)!
    packet.destinationD = 1
    const seen = new Set<number>()
    for (let i = 0; i < 65536; i++) seen.add(ids.next(packet) & 0xffff)
    expect(seen.size).toBe(65536)
    const one = ids.next(packet)
    packet.destinationD = 2
    expect(Math.abs(ids.next(packet) - one)).toBeGreaterThan(65536)
    packet.release()
  })
})

describe('ICMP error policy', () => {
  test('the limiter allows a burst, then the rate', () => {
    const time = new TestTime()
    const limiter = createIcmpErrorLimiter(time.scheduler, { rate: 10, burst: 5 })
    const many = (n: number): number => Array.from({ length: n }, () => limiter.allow()).filter(Boolean).length
    expect(many(100)).toBe(5)
    time.advance(1000)
    expect(many(100)).toBe(5)
    time.advance(300)
    expect(many(100)).toBe(3)
    expect([createIcmpErrorLimiter(time.scheduler, { rate: 0 }).allow()]).toEqual([false])
  })

  test('RFC 1122 §3.2.2: never about errors, groups, non-first fragments or unclear sources [RFC1122-3.2.2-never, RFC1812-4.3.2.7-never]', () => {
    const packet = testPool().allocate(0, 0)!
    const good = { fragmentOffset: 0, isIcmpError: false, isSourceUnicast: true, isDestinationGroup: false, allowGroupDestination: false }
    expect(mayAnswerWithError(packet, good)).toBe(true)
    expect(mayAnswerWithError(packet, { ...good, fragmentOffset: 8 })).toBe(false)
    expect(mayAnswerWithError(packet, { ...good, isIcmpError: true })).toBe(false)
    expect(mayAnswerWithError(packet, { ...good, isSourceUnicast: false })).toBe(false)
    expect(mayAnswerWithError(packet, { ...good, isDestinationGroup: true })).toBe(false)
    expect(mayAnswerWithError(packet, { ...good, isDestinationGroup: true, allowGroupDestination: true })).toBe(true)
    packet.flags = PacketFlag.Broadcast
    expect(mayAnswerWithError(packet, good)).toBe(false)
    packet.release()
  })
})

describe('groups', () => {
  test('are counted by holder', () => {
    const groups = createGroupMembership(2)
    const mdns = mappedAddress(0xe00000fb)
    expect(groups.join(mdns)).toBe('first')
    expect(groups.join(mdns)).toBe('again')
    expect(groups.has(0, 0, 0xffff, 0xe00000fb | 0)).toBe(true)
    expect(groups.leave(mdns)).toBe('still')
    expect(groups.leave(mdns)).toBe('last')
    expect(groups.leave(mdns)).toBe('absent')
    expect(groups.has(0, 0, 0xffff, 0xe00000fb | 0)).toBe(false)
  })

  test('are bounded', () => {
    const groups = createGroupMembership(2)
    expect([1, 2, 3].map((n) => groups.join(mappedAddress(n)))).toEqual(['first', 'first', 'full'])
    expect(groups.list().map((group) => group.d)).toEqual([1, 2])
    expect(groups.size).toBe(2)
  })

  test('with the same low word are told apart', () => {
    const groups = createGroupMembership()
    groups.join({ a: 0xff020000 | 0, b: 0, c: 0, d: 1, zone: 0 })
    expect(groups.has(0xff020000 | 0, 0, 0, 1)).toBe(true)
    expect(groups.has(0xff050000 | 0, 0, 0, 1)).toBe(false)
  })
})

describe('probe runs', () => {
  const schedule = { count: 3, maximumDelay: 1000, minimumInterval: 1000, maximumInterval: 2000, finalWait: 2000 }

  function run(delay?: number): { time: TestTime; log: string[]; run: ReturnType<typeof createProbeRun>; random: ReturnType<typeof seeded> } {
    const time = new TestTime()
    const random = seeded(5)
    const log: string[] = []
    const began = time.now
    const probes = createProbeRun({ timers: time, random }, schedule, (n) => log.push(`${n} ${time.now - began}`), () => log.push(`done ${time.now - began}`))
    probes.start(delay)
    return { time, log, run: probes, random }
  }

  test('RFC 5227 §2.1.1: random delay, random intervals, final wait', () => {
    const { time, log } = run()
    time.advance(60_000)
    const at = log.map((line) => Number(line.split(' ')[1]))
    expect(log.map((line) => line.split(' ')[0])).toEqual(['1', '2', '3', 'done'])
    expect(at[0]).toBeLessThanOrEqual(1000)
    for (const i of [1, 2]) {
      expect(at[i]! - at[i - 1]!).toBeGreaterThanOrEqual(1000)
      expect(at[i]! - at[i - 1]!).toBeLessThanOrEqual(2000)
    }
    expect(at[3]! - at[2]!).toBeCloseTo(2000)
  })

  test('a cancelled run is silent', () => {
    const { time, log, run: probes } = run()
    time.advance(1500)
    const sent = log.length
    probes.cancel()
    expect(probes.isRunning).toBe(false)
    time.advance(60_000)
    expect(log.length).toBe(sent)
  })

  test('a back-off delays the first probe', () => {
    const { time, log } = run(60_000)
    time.advance(59_999)
    expect(log).toEqual([])
    time.advance(1002)
    expect(log.length).toBe(1)
  })
})
