import { createPacketMemory, type Packet } from '@stack/buffer'
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

  test('is taken as it is, where it begins there and fills its slots', () => {
    const queue = queueOf([10, 200], [200, 420], [500, 700], [800, 810])
    const at = (sequence: number): number => (ORIGIN + sequence) | 0
    expect([queue.takeRange(at(9)), queue.takeRange(at(11))]).toEqual([null, null])
    const range = queue.takeRange(at(10))!
    expect([(range.start - ORIGIN) | 0, (range.end - ORIGIN) | 0, range.held, range.head.next]).toEqual([10, 420, 512, range.tail])
    expect(queue.held).toBe(512)
    range.head.release()
    range.tail.release()
    // What holds little is worth copying out of: packet by packet.
    queue.take(at(500))!.release()
    expect(queue.takeRange(at(800))).toBeNull()
    expect(drain(queue, 800)).toEqual([[800, 810]])
    expect(queue.takeRange(at(0))).toBeNull()
  })

  test('keeps what it holds in mind as ranges grow, join and shrink', () => {
    const queue = queueOf([10, 110], [210, 310], [410, 510])
    insert(queue, [310, 410])
    insert(queue, [110, 210])
    queue.take((ORIGIN + 10) | 0)!.release()
    const range = queue.takeRange((ORIGIN + 110) | 0)!
    expect([range.held, queue.held, queue.isEmpty]).toEqual([4 * 256, 0, true])
    let packet: Packet | null = range.head
    while (packet !== null) {
      const next: Packet | null = packet.next
      packet.release()
      packet = next
    }
    const front = queueOf([20, 120])
    insert(front, [10, 20])
    expect(front.takeRange((ORIGIN + 10) | 0)).toBeNull()
    front.clear()
    const behind = queueOf([10, 110], [210, 220])
    insert(behind, [110, 210])
    expect(behind.takeRange((ORIGIN + 10) | 0)).toBeNull()
    behind.clear()
  })

  test('begins where the reader is: what lies before is dropped or cut', () => {
    expect(drain(queueOf([10, 20], [20, 30]), 20)).toEqual([[20, 30]])
    expect(drain(queueOf([10, 20], [20, 30]), 15)).toEqual([[15, 20], [20, 30]])
    expect(queueOf().take(0)).toBeNull()
  })
})
