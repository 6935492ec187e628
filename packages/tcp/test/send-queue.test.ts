import { createPacketMemory, MemoryLevel, type PacketPool } from '@stack/buffer'
import { beforeEach, describe, expect, test } from 'vitest'
import { SendQueue } from '../src/send-queue.ts'

const KIB = 1024

let pool: PacketPool
let queue: SendQueue

beforeEach(() => {
  pool = createPacketMemory({ size: 4 << 20, simd: false }).pool()
  queue = new SendQueue()
  return () => {
    queue.clear()
    expect(pool.chunks).toBe(0)
  }
})

/** Writes of this many bytes, numbered. */
function write(...sizes: number[]): void {
  sizes.forEach((size, i) => expect(queue.append(pool, new Uint8Array(size).fill(i + 1), 0, size)).toBe(size))
}

/** Chunks from the first to the last: how full each is. */
function fills(): number[] {
  queue.locate(queue.start)
  const fills = []
  for (let chunk = queue.chunk; chunk !== null; chunk = chunk.next) fills.push(chunk.length)
  return fills
}

describe('chunks of writes', () => {
  test.each([16 * KIB, 64 * KIB])('each of %i bytes is in one chunk, and copied in one piece', (size) => {
    write(size, size, size)
    expect(fills()).toEqual([size, size, size])
  })

  test('a longer one fills them', () => {
    write(256 * KIB)
    expect(fills()).toEqual([69_632, 69_632, 69_632, 256 * KIB - 3 * 69_632])
  })

  test('what fits is put where there is room, and where much of it is, too', () => {
    write(60_000, 9_000, 500)
    expect(fills()).toEqual([69_500])
    write(40_000, 40_000)
    expect(fills()).toEqual([69_500, 69_632, 10_368])
  })

  test('when memory is no longer plentiful, all of a chunk is filled', () => {
    const others = []
    while (pool.level === MemoryLevel.Low) others.push(pool.chunk(69_632)!)
    write(64 * KIB, 64 * KIB)
    expect(fills()).toEqual([69_632, 2 * 64 * KIB - 69_632])
    for (const chunk of others) chunk.release()
  })

  test('bytes are in order over all of it', () => {
    const sizes = [64 * KIB, 1, 5000, 64 * KIB, 100_000, 2048, 17_000, 3]
    write(...sizes)
    let at = queue.start
    sizes.forEach((size, i) => {
      for (const sequence of [at, at + size - 1]) {
        queue.locate(sequence)
        expect(queue.chunk!.bytes[queue.offset]).toBe(i + 1)
      }
      at += size
    })
    expect(queue.length).toBe(sizes.reduce((sum, size) => sum + size, 0))
  })
})
