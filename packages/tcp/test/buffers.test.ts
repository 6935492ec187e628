import { createPacketMemory, MemoryLevel, type Chunk, type PacketPool } from '@stack/buffer'
import { describe, expect, test } from 'vitest'
import type { Connection } from '../src/index.ts'
import { Bench, pattern } from './support/peer.ts'

const MSS = 1000

/** An account of its own, large enough that a quarter of it limits nothing here. */
function large(): PacketPool {
  return createPacketMemory({ size: 64 << 20 }).pool()
}

/** Takes packet memory until `level` is reached. */
function fill(pool: PacketPool, level: MemoryLevel): Chunk[] {
  const chunks: Chunk[] = []
  while (pool.level < level) chunks.push(pool.chunk(65_536)!)
  return chunks
}

/** A peer that sends what it likes, each round trip. */
class Sender {
  private readonly bench: Bench
  private readonly connection: Connection
  sequence = 1
  /** Timestamps of the ACKs of the last round trip: they clock this one. */
  private echoes: readonly number[] = [0]
  private readonly hasTimestamps: boolean

  constructor(bench: Bench, connection: Connection, hasTimestamps: boolean) {
    this.bench = bench
    this.connection = connection
    this.hasTimestamps = hasTimestamps
  }

  /** Sends so many segments, takes the ACKs, and says which window the last of them told; the application reads all, or nothing. */
  async round(segments: number, rtt: number, reads = true): Promise<number> {
    const { bench, connection } = this
    for (let i = 0; i < segments; i++) {
      await bench.clock.advance(rtt / segments)
      const ts = this.hasTimestamps ? { ts: { value: Math.floor(bench.clock.now()), echo: this.echoes[Math.floor((i * this.echoes.length) / segments)]! } } : {}
      await bench.send('A', { seq: this.sequence, ack: 1, data: pattern(MSS), ...ts })
      this.sequence += MSS
      if (reads) connection.discard(Infinity)
      await bench.clock.settle()
    }
    await bench.clock.advance(50)
    const acks = bench.all()
    const window = acks.at(-1)!.win << connection.info().options.receiveScale
    this.echoes = acks.map(({ ts }) => ts?.value ?? 0)
    return window
  }
}

async function receiving({ timestamps = true, memory = large(), options = {} }: { timestamps?: boolean; memory?: PacketPool; options?: object } = {}) {
  const bench = await Bench.create({ memory })
  if (timestamps) bench.peerTs = 1
  const connection = await bench.accept(options, { mss: MSS, scale: 7 })
  bench.peerTs = null
  return { bench, connection, sender: new Sender(bench, connection, timestamps) }
}

describe.each([true, false])('a receive buffer that tunes itself, with timestamps: %s', (timestamps) => {
  test('begins with 64 KiB and grows to twice what the application takes in a round trip', async () => {
    const { bench, connection, sender } = await receiving({ timestamps })
    expect(connection.info()).toMatchObject({ receiveBuffer: 65_536, receiveWindow: 65_535 })
    for (const segments of [20, 40, 60, 100, 100, 100, 100]) await sender.round(segments, 50)
    const window = await sender.round(100, 50)
    expect(window).toBeGreaterThanOrEqual(200_000 - 512)
    // Not beyond what slow start would have asked for.
    expect(window).toBeLessThanOrEqual(400_000)
    expect(connection.info().readPerRtt).toBeGreaterThanOrEqual(99_000)
    expect(connection.info().receiverRtt).toBeGreaterThanOrEqual(timestamps ? 50 : 1)
    await bench.end()
  })

  test('does not grow while the application does not read', async () => {
    const { bench, connection, sender } = await receiving({ timestamps })
    for (let i = 0; i < 6; i++) await sender.round(10, 50, false)
    expect(connection.info().receiveBuffer).toBe(65_536)
    expect(connection.info().receiveWindow).toBeLessThanOrEqual(1.125 * 65_536 - 60_000)
    await bench.end()
  })
})

describe('a receive buffer', () => {
  test('is looked at once for each tick of the echo while little comes', async () => {
    const { bench, connection } = await receiving({ options: { delayedAck: 0 } })
    let seq = 1
    const text = async (bytes: number, echo: number): Promise<void> => {
      await bench.send('A', { seq, ack: 1, data: pattern(bytes), ts: { value: Math.floor(bench.clock.now()), echo } })
      seq += bytes
      connection.discard(Infinity)
      await bench.clock.settle()
    }
    const stamp = (): number => bench.all().findLast(({ ts }) => ts !== null)!.ts!.value
    for (let i = 0; i < 3; i++) {
      await bench.clock.advance(1)
      await text(1, i === 0 ? 0 : stamp())
    }
    // A round trip takes microseconds here, and each of them would be a round.
    const echo = stamp()
    for (let i = 0; i < 50; i++) {
      await bench.clock.advance(0.01)
      await text(1, echo)
    }
    expect(connection.info().readPerRtt).toBe(1)
    await bench.clock.advance(1)
    await text(1, (echo + 1) | 0)
    expect(connection.info().readPerRtt).toBe(50)
    await bench.end()
  })

  test('ends at maxReceiveBuffer, and at a quarter of the packet memory', async () => {
    for (const [options, memory, most] of [[{ maxReceiveBuffer: 100_000 }, large(), 100_000], [{}, createPacketMemory({ size: 64 << 20 }).pool({ quota: 400_000 }), 100_000]] as const) {
      const { bench, connection, sender } = await receiving({ options, memory })
      for (const segments of [20, 40, 60, 60, 60, 60]) await sender.round(segments, 50)
      expect(connection.info().receiveBuffer).toBe(most)
      await bench.end()
    }
  })

  test('that was set stays as it is; null lets it tune itself from there', async () => {
    const { bench, connection, sender } = await receiving({ options: { receiveBuffer: 65_536 } })
    for (const segments of [20, 40, 60, 60]) await sender.round(segments, 50)
    expect(connection.info()).toMatchObject({ receiveBuffer: 65_536, receiverRtt: 0 })
    connection.configure({ receiveBuffer: null })
    for (const segments of [60, 60, 60, 60]) await sender.round(segments, 50)
    expect(connection.info().receiveBuffer).toBeGreaterThan(100_000)
    await bench.end()
  })

  test('does not grow under pressure, and what is set neither shrinks then', async () => {
    const memory = large()
    const { bench, connection, sender } = await receiving({ memory })
    const held = fill(memory, MemoryLevel.Pressure)
    for (const segments of [20, 40, 60, 60]) await sender.round(segments, 50)
    expect(connection.info().receiveBuffer).toBe(65_536)
    for (const chunk of held) chunk.release()
    for (const segments of [60, 60, 60]) await sender.round(segments, 50)
    expect(connection.info().receiveBuffer).toBeGreaterThan(100_000)
    await bench.end()
  })

  test.each([null, 65_536])('while memory is short the window falls to four segments and the right edge never goes back; receiveBuffer %s [RFC9293-SHLD-14]', async (receiveBuffer) => {
    const memory = large()
    const { bench, connection, sender } = await receiving({ memory, options: { receiveBuffer, quickAcks: 0 } })
    const held = fill(memory, MemoryLevel.High)
    let edge = 1 + connection.info().receiveWindow
    const windows: number[] = []
    for (let i = 0; i < 40; i++) {
      const window = await sender.round(2, 10)
      windows.push(window)
      expect(sender.sequence + window).toBeGreaterThanOrEqual(edge)
      edge = sender.sequence + window
    }
    // Four times the MSS that we announced; below that it opens again in steps.
    const floor = windows.findIndex((window) => window <= 5840)
    expect(windows.slice(0, floor)).toEqual([...windows.slice(0, floor)].sort((a, b) => b - a))
    for (const window of windows.slice(floor)) {
      expect(window).toBeGreaterThan(5840 / 2 - 512)
      expect(window).toBeLessThanOrEqual(5840)
    }
    for (const chunk of held) chunk.release()
    for (let i = 0; i < 10; i++) await sender.round(5 * 2 ** Math.min(i, 3), 50)
    expect(connection.info().receiveBuffer).toBeGreaterThanOrEqual(65_536)
    await bench.end()
  })

  test('memory counts as it is held: segments in slots that they hardly fill close the window before their bytes do', async () => {
    const { bench, connection } = await receiving({ timestamps: false, options: { receiveBuffer: 65_536 } })
    let sequence = 1
    for (let i = 0; i < 80; i++, sequence += 520) await bench.send('A', { seq: sequence, ack: 1, data: pattern(520) })
    expect(connection.readableLength).toBe(80 * 520)
    expect(bench.stack.memory.held).toBeGreaterThan(2 * 65_536)
    await bench.clock.advance(50)
    const { receiveWindow } = connection.info()
    expect(receiveWindow).toBeLessThanOrEqual(65_536 - 80 * 520)
    // A quarter is read, and there is no more room than was offered.
    connection.discard(20 * 520)
    await bench.clock.settle()
    expect(connection.info().receiveWindow).toBe(receiveWindow)
    connection.discard(Infinity)
    await bench.clock.settle()
    expect(connection.info().receiveWindow).toBeGreaterThan(65_000)
    await bench.end()
  })
})

describe('a send buffer', () => {
  test('that tunes itself takes 64 KiB at first, then twice the congestion window, and keeps that after loss', async () => {
    const bench = await Bench.create({ memory: large() })
    const connection = await bench.connect({ noDelay: true }, { mss: MSS, scale: 14 })
    await bench.send('A', { seq: 1, ack: 1, win: 65_535 })
    expect(connection.tryWrite(pattern(1 << 20))).toBe(65_536)
    let acked = 1
    for (let i = 0; i < 6; i++) {
      await bench.clock.advance(20)
      for (const { end } of bench.all().map((segment) => ({ end: segment.seq + segment.length }))) {
        acked = Math.max(acked, end)
        await bench.send('A', { seq: 1, ack: acked, win: 65_535 })
      }
      connection.tryWrite(pattern(1 << 20))
    }
    const { cwnd, sendBuffer } = connection.info()
    expect(cwnd).toBeGreaterThan(100_000)
    expect(sendBuffer).toBe(2 * cwnd)
    expect(connection.unackedLength).toBe(sendBuffer)
    // Nothing comes back: a timeout.
    await bench.clock.advance(2000)
    expect(connection.info().cwnd).toBeLessThan(cwnd)
    expect(connection.info().sendBuffer).toBe(sendBuffer)
    await bench.end()
  })

  test('ends at maxSendBuffer, and is what was set', async () => {
    for (const [options, most] of [[{ maxSendBuffer: 20_000 }, 20_000], [{ sendBuffer: 10_000 }, 10_000], [{ sendBuffer: 300_000 }, 300_000]] as const) {
      const bench = await Bench.create({ memory: large() })
      const connection = await bench.connect(options, { mss: MSS })
      expect(connection.writableLength).toBe(most)
      expect(connection.tryWrite(pattern(400_000))).toBe(most)
      expect(connection.info().sendBuffer).toBe(most)
      await bench.end()
    }
  })

  test('takes little while memory is short, grows no more under pressure, and is back after it', async () => {
    const memory = large()
    const bench = await Bench.create({ memory })
    const connection = await bench.connect({}, { mss: MSS })
    expect(connection.writableLength).toBe(65_536)
    const held = fill(memory, MemoryLevel.High)
    expect(connection.writableLength).toBe(16_384)
    while (memory.level > MemoryLevel.Pressure) held.pop()!.release()
    expect(connection.writableLength).toBe(16_384)
    for (const chunk of held) chunk.release()
    expect(connection.writableLength).toBe(65_536)
    await bench.end()
  })
})

test('the trace has both buffers', async () => {
  const seen: number[][] = []
  const bench = await Bench.create({ memory: large() })
  const connection = await bench.connect({ sendBuffer: 9000, trace: ({ sendBuffer, receiveBuffer }) => seen.push([sendBuffer, receiveBuffer]) }, { mss: MSS })
  connection.tryWrite(pattern(10))
  await bench.clock.settle()
  expect(seen.at(-1)).toEqual([9000, 65_536])
  bench.all()
  await bench.end()
})
