import { createPacketMemory } from '@stack/buffer'
import { afterEach, describe, expect, test } from 'vitest'
import { OutOfOrderQueue } from '../src/out-of-order.ts'
import { isPattern, pattern } from './support/peer.ts'

type Range = readonly [from: number, to: number]

const memory = createPacketMemory()
const pool = memory.pool()
/** So that the numbers wrap among the segments. */
const ORIGIN = 0x7fffffff - 20

function queueOf(...ranges: Range[]): OutOfOrderQueue {
  const queue = new OutOfOrderQueue()
  for (const range of ranges) insert(queue, range)
  return queue
}

function insert(queue: OutOfOrderQueue, [from, to]: Range): number {
  const packet = pool.allocate(0, to - from)!
  packet.append(pattern(to - from, from), 0, to - from)
  return queue.insert((ORIGIN + from) | 0, packet)
}

/** Everything that can be taken from `next` on, and what is behind each gap. */
function drain(queue: OutOfOrderQueue, next = 0): Range[] {
  const taken: Range[] = []
  while (!queue.isEmpty) {
    const packet = queue.take((ORIGIN + next) | 0)
    if (packet === null) {
      next = (queue.start - ORIGIN) | 0
      continue
    }
    expect(isPattern(packet.bytes.subarray(packet.start, packet.end), next)).toBe(true)
    taken.push([next, next + packet.length])
    next += packet.length
    packet.release()
  }
  expect(queue.held).toBe(0)
  return taken
}

afterEach(() => {
  expect(memory.statistics.packetsOut).toBe(0)
})

describe('what is here already is cut off, told, and not held twice', () => {
  test.each<[string, Range[], Range, number, Range, Range[]]>([
    ['nothing of it', [[10, 20]], [20, 30], 10, [20, 20], [[10, 20], [20, 30]]],
    ['all of it', [[10, 20]], [10, 20], 0, [10, 20], [[10, 20]]],
    ['all of it, from the middle', [[10, 20]], [12, 18], 0, [12, 18], [[10, 20]]],
    ['its beginning', [[10, 20]], [15, 25], 5, [15, 20], [[10, 20], [20, 25]]],
    ['its end', [[10, 20]], [5, 15], 5, [10, 15], [[5, 10], [10, 20]]],
    ['its middle: the old one goes', [[10, 20]], [5, 25], 20, [10, 20], [[5, 25]]],
    ['its beginning and its end', [[10, 20], [30, 40]], [15, 35], 10, [15, 20], [[10, 20], [20, 30], [30, 40]]],
    ['its middle and its end', [[10, 20], [30, 40]], [5, 35], 25, [10, 20], [[5, 30], [30, 40]]],
    ['all of it, in two pieces', [[10, 20], [20, 30]], [15, 25], 0, [15, 25], [[10, 20], [20, 30]]],
    ['two old ones inside it', [[10, 20], [25, 30]], [5, 40], 35, [10, 20], [[5, 40]]],
  ])('%s', (_, before, range, fresh, duplicate, after) => {
    const queue = queueOf(...before)
    expect(insert(queue, range)).toBe(fresh)
    expect([(queue.duplicateStart - ORIGIN) | 0, (queue.duplicateEnd - ORIGIN) | 0]).toEqual(duplicate)
    expect(queue.held).toBe(after.length * 256)
    expect(drain(queue)).toEqual(after)
  })
})

describe('what follows in order', () => {
  test('reaches to the first gap, or to the limit', () => {
    const queue = queueOf([20, 30], [10, 20], [40, 50])
    expect((queue.start - ORIGIN) | 0).toBe(10)
    const reach = (limit: number): number => (queue.coveredTo((ORIGIN + limit) | 0) - ORIGIN) | 0
    expect([100, 31, 30, 25, 20, 15].map(reach)).toEqual([30, 30, 30, 25, 20, 15])
    queue.clear()
    expect(queue).toMatchObject({ isEmpty: true, held: 0 })
  })

  test('begins where the reader is: what lies before is dropped or cut', () => {
    expect(drain(queueOf([10, 20], [20, 30]), 20)).toEqual([[20, 30]])
    expect(drain(queueOf([10, 20], [20, 30]), 15)).toEqual([[15, 20], [20, 30]])
    expect(queueOf().take(0)).toBeNull()
  })
})
