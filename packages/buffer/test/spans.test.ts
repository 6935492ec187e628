import { expect, test } from 'vitest'
import type { Chunk, Packet } from '@stack/buffer'
import { LARGE, MEDIUM, memoryOf, mixedBytes, SMALL } from './support.ts'

// A span of 68 KiB holds 272 slots of 256 bytes, 34 of 2 KiB or one of 68 KiB.

/** Takes control packets of this size until there are none. */
function exhaust(pool: ReturnType<ReturnType<typeof memoryOf>['pool']>, size: number): Packet[] {
  const packets: Packet[] = []
  for (let packet = pool.allocateControl(0, size); packet !== null; packet = pool.allocateControl(0, size)) packets.push(packet)
  return packets
}

test('slots do not overlap, whatever their size', () => {
  const memory = memoryOf(6)
  const pool = memory.pool()
  const taken = [300, 10, 60_000, 20, 2000, 50_000, 1].map((size) => pool.allocateControl(0, size)!)
  const ranges = taken.map((packet) => [packet.base, packet.base + packet.capacity]).sort((a, b) => a[0]! - b[0]!)
  for (let i = 1; i < ranges.length; i++) expect(ranges[i]![0]).toBeGreaterThanOrEqual(ranges[i - 1]![1]!)
  for (const packet of taken) {
    packet.append(mixedBytes(1), 0, 1)
    expect(memory.bytes[packet.base]).toBe(packet.bytes[0])
    expect(packet.view.getUint8(0)).toBe(packet.bytes[0])
    packet.release()
  }
})

test.each([[SMALL, 272 * 3], [MEDIUM, 34 * 3], [LARGE, 3]])('the whole memory serves slots of %i bytes', (size, count) => {
  const memory = memoryOf(3)
  const packets = exhaust(memory.pool({ quota: 2 * memory.size }), size)
  expect(packets).toHaveLength(count)
  expect(new Set(packets.map((packet) => packet.base)).size).toBe(count)
  expect(memory.statistics).toMatchObject({ packetsOut: count, bytesHeld: 3 * LARGE, exhausted: 1 })
  for (const packet of packets) packet.release()
})

test('spans that are free again serve any other kind, there and back', () => {
  const memory = memoryOf(3)
  const pool = memory.pool()
  for (const [size, count] of [[SMALL, 816], [LARGE, 3], [MEDIUM, 102], [SMALL, 816], [MEDIUM, 102], [LARGE, 3]] as const) {
    const packets = exhaust(pool, size)
    expect(packets).toHaveLength(count)
    expect(packets.every((packet) => packet.capacity === size && packet.length === 0)).toBe(true)
    for (const packet of packets) packet.release()
  }
})

test('a span with one slot in use is not given away', () => {
  const memory = memoryOf(2)
  const pool = memory.pool()
  const small = exhaust(pool, SMALL)
  const kept = small[272]!
  kept.append(mixedBytes(100), 0, 100)
  for (const packet of small) if (packet !== kept) packet.release()
  const large = exhaust(pool, LARGE)
  expect(large).toHaveLength(1)
  large[0]!.bytes.fill(0)
  expect([...kept.bytes.subarray(0, 100)]).toEqual([...mixedBytes(100)])
  kept.release()
  expect(exhaust(pool, LARGE)).toHaveLength(1)
})

test('a small packet takes a larger slot when small ones have run out', () => {
  const memory = memoryOf(2)
  const pool = memory.pool()
  const medium = exhaust(pool, MEDIUM)
  medium.pop()!.release()
  const small = pool.allocateControl(0, 10)!
  expect(small.capacity).toBe(MEDIUM)
  expect(pool.held).toBe(2 * LARGE)
  for (const packet of [small, ...medium]) packet.release()
})

test('packets and chunks share slots', () => {
  const memory = memoryOf(2)
  const pool = memory.pool()
  const packet = pool.allocate(0, 10)!
  const { base } = packet
  packet.release()
  const chunk: Chunk = pool.chunk(10)!
  expect(chunk.base).toBe(base)
  expect(memory.statistics).toMatchObject({ packetsOut: 0, chunksOut: 1 })
  chunk.release()
  expect(pool.allocate(0, 10)).toBe(packet)
  packet.release()
})

test('one packet after the other touches one slot', () => {
  const pool = memoryOf(4).pool()
  const bases = new Set<number>()
  for (let i = 0; i < 100; i++) {
    const packet = pool.allocate(0, 1400)!
    bases.add(packet.base)
    packet.release()
  }
  expect(bases.size).toBe(1)
})

test('a long random run neither loses nor doubles a slot', () => {
  const memory = memoryOf(5)
  const pool = memory.pool()
  const held: (Packet | Chunk)[] = []
  const choices = mixedBytes(60_000, 11)
  for (let i = 0; i < choices.length; i += 2) {
    const [what, which] = [choices[i]!, choices[i + 1]!]
    const size = [10, 200, 1000, 2000, 5000, 60_000][what % 6]!
    // Phases of growing and shrinking, so that spans fill, empty and change kind.
    const grow = i % 6000 < 3500 ? what < 200 : what < 60
    if (grow) {
      const taken = which % 3 === 0 ? pool.chunk(size) : pool.allocateControl(0, size)
      if (taken !== null) held.push(taken)
    } else if (held.length > 0) {
      held.splice(which % held.length, 1)[0]!.release()
    }
    if (i % 500 === 0) {
      const ranges = held.map(({ base, capacity }) => [base, base + capacity] as const).sort((a, b) => a[0] - b[0])
      expect(ranges.every(([base], at) => at === 0 || base >= ranges[at - 1]![1])).toBe(true)
      expect(pool.held).toBe(held.reduce((sum, { capacity }) => sum + capacity, 0))
    }
  }
  for (const each of held) each.release()
  expect(memory.statistics).toMatchObject({ packetsOut: 0, chunksOut: 0, bytesHeld: 0, leaked: 0, doubleRelease: 0 })
  expect(exhaust(pool, LARGE)).toHaveLength(5)
})
