import { describe, expect, test, vi } from 'vitest'
import { MemoryLevel } from '@stack/buffer'
import type { Packet, PacketPool } from '@stack/buffer'
import { expectEmpty, JUMBO, LARGE, MEDIUM, memoryOf, SMALL } from './support.ts'

const { Low, Pressure, High, Critical } = MemoryLevel

/** Takes packets of 2 KiB until the pool holds this many. */
function fill(pool: PacketPool, packets: Packet[], count: number): void {
  while (packets.length < count) packets.push(pool.allocate(0, MEDIUM)!)
}

describe('quota', () => {
  test('what is held counts, not payload', () => {
    const pool = memoryOf(4).pool()
    const tiny = pool.allocate(0, 1)!
    const medium = pool.allocate(100, 200)!
    const chunk = pool.chunk(3000)!
    expect(pool).toMatchObject({ held: SMALL + MEDIUM + JUMBO, packets: 2, chunks: 1 })
    for (const each of [tiny, medium, chunk]) each.release()
    expectEmpty(pool)
  })

  test('the default is the whole memory', () => {
    const memory = memoryOf(4)
    expect(memory.pool().quota).toBe(memory.size)
  })

  test('the last 5 % are for control packets', () => {
    const pool = memoryOf(4).pool({ quota: 100 * SMALL })
    const packets: Packet[] = []
    for (let packet = pool.allocate(0, 10); packet !== null; packet = pool.allocate(0, 10)) packets.push(packet)
    expect(packets).toHaveLength(95)
    expect(pool.chunk(1)).toBeNull()
    for (let packet = pool.allocateControl(0, 10); packet !== null; packet = pool.allocateControl(0, 10)) packets.push(packet)
    expect(packets).toHaveLength(100)
    expect(pool.statistics).toEqual({ allocated: 100, chunksAllocated: 0, adopted: 0, refused: 3 })
    expect(pool.memory.statistics.exhausted).toBe(0)
    for (const packet of packets) packet.release()
    expectEmpty(pool)
  })

  test('the memory keeps its last 5 % for control packets of any pool', () => {
    const memory = memoryOf(20)
    const greedy = memory.pool()
    const chunks = []
    for (let chunk = greedy.chunk(LARGE); chunk !== null; chunk = greedy.chunk(LARGE)) chunks.push(chunk)
    expect(chunks).toHaveLength(19)
    const other = memory.pool()
    expect(other.allocate(0, 10)).toBeNull()
    const ack = other.allocateControl(0, 10)!
    expect(ack).not.toBeNull()
    expect(greedy.statistics.refused).toBe(1)
    expect(memory.statistics.exhausted).toBe(1)
    for (const each of [ack, ...chunks]) each.release()
  })

  test('slots have levels too, when there are enough of them', () => {
    const pool = memoryOf(4).pool({ slots: 20 })
    const held: Packet[] = []
    const levels = Array.from({ length: 20 }, () => {
      held.push(pool.allocate(0, 100)!)
      return pool.level
    })
    expect([levels.indexOf(MemoryLevel.Pressure), levels.indexOf(MemoryLevel.High), levels.indexOf(MemoryLevel.Critical)]).toEqual([9, 14, 17])
    for (const packet of held) packet.release()
    expect(pool.level).toBe(MemoryLevel.Low)
  })

  test('slots bound packets and chunks together', () => {
    const pool = memoryOf(4).pool({ slots: 2 })
    const packet = pool.allocate(0, 1)!
    const chunk = pool.chunk(1)!
    expect(pool.allocateControl(0, 1)).toBeNull()
    expect(pool.chunk(1)).toBeNull()
    chunk.release()
    const control = pool.allocateControl(0, 1)!
    control.release()
    packet.release()
  })

  test('no packet is larger than 68 KiB, headroom included', () => {
    const pool = memoryOf(4).pool()
    expect(pool.allocate(4097, 65_536)).toBeNull()
    const packet = pool.allocate(4096, 65_536)!
    expect(packet).toMatchObject({ start: 4096, end: 4096, capacity: LARGE })
    packet.release()
  })

  test.each([{ quota: 0 }, { quota: -1 }, { quota: 1.5 }, { quota: Number.NaN }, { slots: 0 }])('%o is refused', (options) => {
    expect(() => memoryOf(1).pool(options)).toThrow(RangeError)
  })
})

describe('levels', () => {
  test('change at 50, 75 and 90 %, up and down', () => {
    const pool = memoryOf(4).pool({ quota: 20 * MEDIUM })
    const seen: [number, MemoryLevel][] = []
    pool.onLevel((level) => seen.push([pool.packets, level]))
    const packets: Packet[] = []
    fill(pool, packets, 19)
    for (const packet of packets) packet.release()
    expect(seen).toEqual([[10, Pressure], [15, High], [18, Critical], [17, High], [14, Pressure], [9, Low]])
    expect(pool.level).toBe(Low)
  })

  test('a full memory is pressure for every pool', () => {
    const memory = memoryOf(4)
    const [greedy, other] = [memory.pool(), memory.pool()]
    const listener = vi.fn()
    other.onLevel(listener)
    const chunks = [greedy.chunk(LARGE)!, greedy.chunk(LARGE)!, greedy.chunk(LARGE)!]
    expect(other.level).toBe(High)
    expect(memory.pool().level).toBe(High)
    for (const chunk of chunks) chunk.release()
    expect(listener.mock.calls).toEqual([[Pressure], [High], [Pressure], [Low]])
  })

  test('a listener that frees memory hears of that too, after the others', () => {
    const pool = memoryOf(4).pool({ quota: 20 * MEDIUM })
    const packets: Packet[] = []
    const heard: string[] = []
    pool.onLevel((level) => {
      heard.push(`pruner ${level}`)
      if (level === High) for (const packet of packets.splice(0, 10)) packet.release()
    })
    pool.onLevel((level) => heard.push(`reader ${level}`))
    fill(pool, packets, 14)
    packets.push(pool.allocate(0, MEDIUM)!)
    expect(heard).toEqual(['pruner 1', 'reader 1', 'pruner 2', 'reader 2', 'pruner 0', 'reader 0'])
    expect(pool).toMatchObject({ level: Low, packets: 5 })
    for (const packet of packets) packet.release()
    expectEmpty(pool)
  })

  test('a listener is taken away by what onLevel returned', () => {
    const pool = memoryOf(4).pool({ quota: 4 * MEDIUM })
    const [stays, goes] = [vi.fn(), vi.fn()]
    pool.onLevel(stays)
    pool.onLevel(goes)()
    const packets: Packet[] = []
    fill(pool, packets, 2)
    expect(stays).toHaveBeenCalledOnce()
    expect(goes).not.toHaveBeenCalled()
    for (const packet of packets) packet.release()
  })
})

describe('waiters', () => {
  test('are called once, when the pool is below 90 % again', () => {
    const pool = memoryOf(4).pool({ quota: 20 * MEDIUM })
    const packets: Packet[] = []
    fill(pool, packets, 19)
    expect(pool.allocate(0, MEDIUM)).toBeNull()
    const [waiter, gone] = [vi.fn(), vi.fn()]
    pool.waiter(waiter)
    const cancel = pool.waiter(gone)
    cancel()
    cancel()
    packets.pop()!.release()
    expect(waiter).not.toHaveBeenCalled()
    packets.pop()!.release()
    expect(waiter).toHaveBeenCalledOnce()
    for (const packet of packets) packet.release()
    expect(waiter).toHaveBeenCalledOnce()
    expect(gone).not.toHaveBeenCalled()
  })

  test('may take what has come free and wait again', () => {
    const pool = memoryOf(4).pool({ slots: 1 })
    let held = pool.allocate(0, 1)!
    const taken = vi.fn()
    const again = (): void => {
      held = pool.allocate(0, 1)!
      taken()
      pool.waiter(again)
    }
    pool.waiter(again)
    held.release()
    held.release()
    expect(taken).toHaveBeenCalledTimes(2)
    pool.close()
    held.release()
    expect(taken).toHaveBeenCalledTimes(2)
    expectEmpty(pool)
  })

  test('are called when another pool frees the memory', () => {
    const memory = memoryOf(4)
    const [greedy, waiting] = [memory.pool(), memory.pool()]
    const chunks = [greedy.chunk(LARGE)!, greedy.chunk(LARGE)!, greedy.chunk(LARGE)!]
    expect(waiting.chunk(LARGE)).toBeNull()
    const waiter = vi.fn()
    waiting.waiter(waiter)
    chunks.pop()!.release()
    expect(waiter).toHaveBeenCalledOnce()
    for (const chunk of chunks) chunk.release()
  })
})

describe('adopt', () => {
  test('moves the charge between pools of one memory', () => {
    const memory = memoryOf(4)
    const [sender, receiver] = [memory.pool(), memory.pool()]
    const packet = sender.allocate(0, 1000)!
    expect(receiver.adopt(packet)).toBe(true)
    expect(receiver.adopt(packet)).toBe(true)
    expectEmpty(sender)
    expect(receiver).toMatchObject({ packets: 1, held: MEDIUM, statistics: { adopted: 1 } })
    expect(packet.pool).toBe(receiver)
    packet.release()
    expectEmpty(receiver)
  })

  test('moves the charge between memories; the slot stays', () => {
    const [here, there] = [memoryOf(2), memoryOf(2)]
    const [sender, receiver] = [here.pool(), there.pool()]
    const packet = sender.allocate(0, 1000)!
    expect(receiver.adopt(packet)).toBe(true)
    expect(packet.memory).toBe(here)
    expect(here.statistics).toMatchObject({ packetsOut: 1, bytesHeld: MEDIUM })
    expect(there.statistics).toMatchObject({ packetsOut: 0, bytesHeld: 0 })
    packet.release()
    expectEmpty(receiver)
    expect(here.statistics.packetsOut).toBe(0)
  })

  test('is refused over quota, and nothing moves', () => {
    const memory = memoryOf(4)
    const [sender, receiver] = [memory.pool(), memory.pool({ quota: MEDIUM })]
    const packet = sender.allocate(0, 1000)!
    expect(receiver.adopt(packet)).toBe(false)
    expect(receiver.statistics.refused).toBe(1)
    expect(packet.pool).toBe(sender)
    packet.release()
    expectEmpty(sender)
    expectEmpty(receiver)
  })

  test('releasing an adopted packet wakes who waits in the new pool', () => {
    const receiver = memoryOf(2).pool({ slots: 1 })
    const packet = memoryOf(2).pool().allocate(0, 1)!
    receiver.adopt(packet)
    expect(receiver.allocate(0, 1)).toBeNull()
    const waiter = vi.fn()
    receiver.waiter(waiter)
    packet.release()
    expect(waiter).toHaveBeenCalledOnce()
  })
})

test('a closed pool refuses; what it holds stays valid', () => {
  const memory = memoryOf(4)
  const pool = memory.pool()
  const packet = pool.allocate(0, 10)!
  const visitor = memory.pool().allocate(0, 10)!
  pool.close()
  expect(pool.allocate(0, 10)).toBeNull()
  expect(pool.allocateControl(0, 10)).toBeNull()
  expect(pool.chunk(10)).toBeNull()
  expect(pool.adopt(visitor)).toBe(false)
  expect(packet.append(new Uint8Array(10), 0, 10)).toBe(true)
  packet.release()
  visitor.release()
  expectEmpty(pool)
})
