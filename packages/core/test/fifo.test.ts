import { createPacketMemory, type Packet } from '@stack/buffer'
import { describe, expect, it } from 'vitest'
import { fifo } from '../src/nic/fifo.ts'
import { isStackError } from '../src/errors/stack-error.ts'

const pool = createPacketMemory({ size: 1 << 20 }).pool()

function packet(mark: number): Packet {
  const p = pool.allocate(0, 16)!
  p.mark = mark
  return p
}

describe('fifo', () => {
  it('gives packets in the order they came', () => {
    const queue = fifo()
    for (const mark of [1, 2, 3]) expect(queue.enqueue(packet(mark))).toBe(true)
    expect(queue.length).toBe(3)
    const marks = []
    for (let p = queue.dequeue(0); p !== null; p = queue.dequeue(0)) {
      marks.push(p.mark)
      expect(p.next).toBeNull()
      p.release()
    }
    expect(marks).toEqual([1, 2, 3])
    expect(queue.length).toBe(0)
  })

  it('refuses a packet too many and leaves it with its owner', () => {
    const queue = fifo({ limit: 2 })
    queue.enqueue(packet(1))
    queue.enqueue(packet(2))
    const third = packet(3)
    expect(queue.enqueue(third)).toBe(false)
    expect(queue.dropped).toBe(0)
    third.release()
    queue.clear()
    expect(pool.packets).toBe(0)
  })

  it('holds 1,000 unless told otherwise', () => {
    const queue = fifo()
    for (let i = 0; i < 1000; i++) expect(queue.enqueue(packet(i))).toBe(true)
    const last = packet(1000)
    expect(queue.enqueue(last)).toBe(false)
    last.release()
    queue.clear()
    expect(pool.packets).toBe(0)
  })

  it('puts back in front what the link did not take, even when it is full', () => {
    const queue = fifo({ limit: 2 })
    queue.enqueue(packet(1))
    queue.enqueue(packet(2))
    const [first, second] = [queue.dequeue(0)!, queue.dequeue(0)!]
    queue.enqueue(packet(3))
    queue.requeue(second)
    queue.requeue(first)
    expect(queue.length).toBe(3)
    expect([queue.dequeue(0), queue.dequeue(0), queue.dequeue(0), queue.dequeue(0)].map((p) => p?.mark)).toEqual([1, 2, 3, undefined])
    first.release()
    second.release()
  })

  it('goes on after a packet was put back into an empty queue', () => {
    const queue = fifo()
    queue.requeue(packet(1))
    queue.enqueue(packet(2))
    expect(queue.dequeue(0)!.mark).toBe(1)
    expect(queue.dequeue(0)!.mark).toBe(2)
    expect(queue.dequeue(0)).toBeNull()
  })

  it.each([0, -1, 1.5, NaN, Infinity])('does not take a limit of %d', (limit) => {
    try {
      fifo({ limit })
      expect.unreachable()
    } catch (error) {
      expect(isStackError(error) && error.code).toBe('ERR_STACK_INVALID_OPTION')
    }
  })
})
