import { expect, test, vi } from 'vitest'
import type { PacketMemory, PacketPool } from '@stack/buffer'
import { expectEmpty, LARGE, MEDIUM, memoryOf, mixedBytes, packetWith, SMALL } from './support.ts'

/** Collects garbage until the memory has counted this many leaks, or it takes too long. */
async function collect(memory: PacketMemory, leaked: number): Promise<void> {
  for (let i = 0; i < 50 && memory.statistics.leaked < leaked; i++) {
    globalThis.gc!()
    // Finalizers run in a macrotask of their own.
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function forgetPackets(pool: PacketPool, count: number, size: number): void {
  for (let i = 0; i < count; i++) pool.allocate(0, size)
}

test('the tests run with garbage collection exposed', () => {
  expect(globalThis.gc).toBeTypeOf('function')
})

test('slots of forgotten packets come back and are counted', async () => {
  const memory = memoryOf(2)
  const pool = memory.pool()
  const kept = pool.allocate(0, 10)!
  forgetPackets(pool, 10, 100)
  expect(pool.packets).toBe(11)
  await collect(memory, 10)
  expect(memory.statistics).toMatchObject({ leaked: 10, packetsOut: 1, bytesHeld: SMALL })
  expect(pool).toMatchObject({ packets: 1, held: SMALL })
  const again = pool.allocate(0, 100)!
  expect(again).toMatchObject({ length: 0, capacity: SMALL })
  expect(again.pool).toBe(pool)
  again.release()
  kept.release()
  expectEmpty(pool)
})

test('a forgotten packet in a slot that was used before comes back too, and later ones again', async () => {
  const memory = memoryOf(2)
  const pool = memory.pool()
  for (let leaked = 1; leaked <= 3; leaked++) {
    pool.allocate(0, 100)!.release()
    forgetPackets(pool, 1, 100)
    await collect(memory, leaked)
    expect(memory.statistics.leaked).toBe(leaked)
    expectEmpty(pool)
  }
})

test('chunks come back with the packet that held them', async () => {
  const memory = memoryOf(2)
  const pool = memory.pool()
  ;(() => {
    const packet = packetWith(pool, 0, mixedBytes(10))
    const chunk = pool.chunk(1000)!
    chunk.append(mixedBytes(100), 0, 100)
    packet.attachPayload(chunk, 0, 100)
    chunk.release()
  })()
  await collect(memory, 2)
  expect(memory.statistics).toMatchObject({ leaked: 2, packetsOut: 0, chunksOut: 0 })
  expectEmpty(pool)
})

test('a leak that comes back wakes who waits for memory', async () => {
  const memory = memoryOf(2)
  const pool = memory.pool({ slots: 1 })
  forgetPackets(pool, 1, 100)
  expect(pool.allocate(0, 100)).toBeNull()
  const waiter = vi.fn()
  pool.waiter(waiter)
  await collect(memory, 1)
  expect(waiter).toHaveBeenCalledOnce()
})

test('objects of spans that changed their kind are no leaks', async () => {
  const memory = memoryOf(1)
  const pool = memory.pool()
  const collected = vi.fn()
  const watch = new FinalizationRegistry(collected)
  ;(() => {
    for (const packet of [pool.allocateControl(0, 1000)!, pool.allocateControl(0, 1000)!]) {
      watch.register(packet, null)
      packet.release()
    }
  })()
  const large = pool.allocateControl(0, LARGE)!
  for (let i = 0; i < 50 && collected.mock.calls.length < 2; i++) await collect(memory, 1)
  expect(collected).toHaveBeenCalledTimes(2)
  expect(memory.statistics).toMatchObject({ leaked: 0, packetsOut: 1, bytesHeld: LARGE })
  large.release()
  const medium = pool.allocateControl(0, 1000)!
  expect(medium.capacity).toBe(MEDIUM)
  medium.release()
})
