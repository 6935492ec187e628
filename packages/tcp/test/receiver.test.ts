import { createPacketMemory, MemoryLevel } from '@stack/buffer'
import { describe, expect, test } from 'vitest'
import { ample, Bench, pattern, PEER_PORT } from './support/peer.ts'

// What becomes of text that is acceptable, and of the FIN behind it (RFC 9293 §3.10.7.4, seventh and eighth step).

const MSS = 1000

describe('text of which a part is here already', () => {
  test('the rest is taken, and acknowledged at once (RFC 5681 §4.2)', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ quickAcks: 0 }, { mss: MSS })
    await bench.send('A', { seq: 1, ack: 1, data: pattern(100) })
    bench.expectNothing()
    await bench.send('A', { seq: 51, ack: 1, data: pattern(90, 50) })
    bench.expect('A', { ack: 141 })
    expect(await connection.readSome()).toEqual(pattern(140))
    expect(bench.counters).toMatchObject({ duplicateBytes: 50, bytesReceived: 140 })
    // In order, and small: it waits for its ACK.
    await bench.send('A', { seq: 141, ack: 1, data: pattern(10) })
    bench.expectNothing()
    await bench.end()
  })

  test('all text again, and a FIN that is new: the FIN is taken', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: MSS })
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(100) })
    await bench.send('FPA', { seq: 1, ack: 1, data: pattern(100) })
    expect(bench.all().at(-1)).toMatchObject({ flags: 'A', ack: 102 })
    expect(connection.state).toBe('close-wait')
    expect(await connection.readSome()).toEqual(pattern(100))
    expect(await connection.readSome()).toBeNull()
    expect(bench.counters).toMatchObject({ duplicateBytes: 100, bytesReceived: 100 })
    await bench.end()
  })

  test('a peer that has no SACK is told of no duplicate (RFC 2018 §2)', async () => {
    const bench = await Bench.create()
    await bench.connect({}, { mss: MSS })
    await bench.send('A', { seq: 1, ack: 1, data: pattern(100) })
    await bench.send('A', { seq: 1, ack: 1, data: pattern(100) })
    expect(bench.all().at(-1)!.sack).toBeNull()
    await bench.send('A', { seq: 301, ack: 1, data: pattern(100) })
    expect(bench.expect('A', { ack: 101 }).sack).toBeNull()
    await bench.end()
  })

  test('what waited and comes again with what was missing is told (RFC 2883 §4.1)', async () => {
    const bench = await Bench.create()
    await bench.connect({}, { mss: MSS, sackPermitted: true })
    await bench.send('A', { seq: 1001, ack: 1, data: pattern(1000) })
    bench.all()
    await bench.send('A', { seq: 1, ack: 1, data: pattern(1500) })
    expect(bench.expect('A', { ack: 2001 }).sack).toEqual([[1001, 1501]])
    await bench.end()
  })

  test('of two duplicates in one segment the first is told (RFC 2883 §4)', async () => {
    const bench = await Bench.create()
    await bench.connect({}, { mss: MSS, sackPermitted: true })
    await bench.send('A', { seq: 1, ack: 1, data: pattern(500) })
    await bench.send('A', { seq: 1001, ack: 1, data: pattern(1000) })
    bench.all()
    await bench.send('A', { seq: 401, ack: 1, data: pattern(1000) })
    expect(bench.expect('A', { ack: 2001 }).sack).toEqual([[401, 501]])
    await bench.end()
  })

  test('out of order twice: counted once as received', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: MSS })
    for (let i = 0; i < 3; i++) await bench.send('A', { seq: 101, ack: 1, data: pattern(100, 100) })
    await bench.send('A', { seq: 1, ack: 1, data: pattern(100) })
    expect(bench.counters).toMatchObject({ duplicateBytes: 200, bytesReceived: 200 })
    expect(await connection.readSome()).toEqual(pattern(200))
    await bench.end()
  })
})

describe('the right edge', () => {
  async function nearlyFull() {
    const bench = await Bench.create()
    const connection = await bench.connect({ receiveBuffer: 4096, quickAcks: 0 }, { mss: MSS })
    for (let seq = 1; seq <= 3001; seq += 1000) await bench.send('A', { seq, ack: 1, data: pattern(1000, seq - 1) })
    expect(bench.all().at(-1)).toMatchObject({ ack: 4001, win: 96 })
    return { bench, connection }
  }

  test('what fits exactly is taken like any text', async () => {
    const { bench, connection } = await nearlyFull()
    await bench.send('A', { seq: 4001, ack: 1, data: pattern(96, 4000) })
    bench.expectNothing()
    await bench.clock.advance(40)
    bench.expect('A', { ack: 4097, win: 0 })
    expect(bench.counters['dropWindow']).toBe(0)
    expect(await connection.readSome()).toEqual(pattern(4096))
    await bench.end()
  })

  test('of more the part that fits is taken, and the peer hears so at once', async () => {
    const { bench, connection } = await nearlyFull()
    await bench.send('A', { seq: 4001, ack: 1, data: pattern(200, 4000) })
    bench.expect('A', { ack: 4097, win: 0 })
    expect(bench.counters['dropWindow']).toBe(1)
    expect(await connection.readSome()).toEqual(pattern(4096))
    await bench.end()
  })

  test('a FIN beyond it was not seen: the stream ends with the one that comes again', async () => {
    const { bench, connection } = await nearlyFull()
    await bench.send('FPA', { seq: 4001, ack: 1, data: pattern(200, 4000) })
    bench.expect('A', { ack: 4097, win: 0 })
    expect(await connection.readSome()).toEqual(pattern(4096))
    bench.expect('A', { ack: 4097, win: 4096 })
    await bench.send('A', { seq: 4097, ack: 1, data: pattern(104, 4096) })
    expect(connection.state).toBe('established')
    await bench.send('FA', { seq: 4201, ack: 1 })
    expect(connection.state).toBe('close-wait')
    expect(await connection.readSome()).toEqual(pattern(104, 4096))
    await bench.end()
  })

  test('a FIN right at it is taken: the window stays closed, and is not below zero', async () => {
    const { bench, connection } = await nearlyFull()
    await bench.send('FPA', { seq: 4001, ack: 1, data: pattern(96, 4000) })
    bench.expect('A', { ack: 4098, win: 0 })
    expect(connection.info()).toMatchObject({ state: 'close-wait', receiveWindow: 0 })
    await bench.end()
  })
})

describe('the FIN', () => {
  test('beyond a gap: of two that cannot both be true the first counts, until one is next', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: MSS })
    await bench.send('FA', { seq: 101, ack: 1 })
    await bench.send('FA', { seq: 301, ack: 1 })
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(100) })
    expect(connection.state).toBe('close-wait')
    expect(bench.all().at(-1)).toMatchObject({ ack: 102 })
    await bench.end()
  })

  test('text that ends where sequence numbers wrap to zero is no end', async () => {
    const bench = await Bench.create()
    bench.irs = -101
    const connection = await bench.connect({}, { mss: MSS })
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(100) })
    expect(connection.state).toBe('established')
    await bench.send('PA', { seq: 101, ack: 1, data: pattern(100, 100) })
    expect(await connection.readSome()).toEqual(pattern(200))
    await bench.end()
  })
})

describe('packet memory', () => {
  test('tiny segments beyond a gap hold no more than four buffers, and the stream goes on without what was dropped', async () => {
    const bench = await Bench.create({ memory: ample() })
    const receiveBuffer = 8192
    const connection = await bench.connect({ receiveBuffer }, { mss: MSS })
    for (let seq = 3; seq < 1000; seq += 2) await bench.send('A', { seq, ack: 1, data: pattern(1, seq - 1) })
    expect(bench.all().every(({ ack }) => ack === 1)).toBe(true)
    const dropped = bench.counters['dropOutOfOrder']!
    expect(dropped).toBeGreaterThan(0)
    expect(dropped).toBeLessThan(499)
    expect(bench.stack.memory.held).toBeLessThanOrEqual(4 * receiveBuffer)
    expect(bench.stack.memory.held).toBeGreaterThan(3 * receiveBuffer)
    await bench.send('A', { seq: 1, ack: 1, data: pattern(1000) })
    expect(await connection.readSome()).toEqual(pattern(1000))
    await bench.end()
  })

  test('short: what is beyond a gap is given up for what is in order, and not told of any more (RFC 2018 §8)', async () => {
    const memory = createPacketMemory({ size: 8 << 20 }).pool()
    const bench = await Bench.create({ memory })
    const connection = await bench.connect({}, { mss: MSS, sackPermitted: true })
    await bench.send('A', { seq: 1001, ack: 1, data: pattern(1000, 1000) })
    expect(bench.expect('A', { ack: 1 }).sack).toEqual([[1001, 2001]])
    const held = []
    while (memory.level < MemoryLevel.High) held.push(memory.chunk(65_536)!)
    await bench.send('A', { seq: 2001, ack: 1, data: pattern(1000, 2000) })
    expect(bench.expect('A', { ack: 1 }).sack).toBeNull()
    expect(bench.counters['dropOutOfOrder']).toBe(2)
    await bench.send('A', { seq: 1, ack: 1, data: pattern(1000) })
    bench.expect('A', { ack: 1001 })
    expect(connection.readableLength).toBe(1000)
    for (const chunk of held) chunk.release()
    await bench.end()
  })

  test('short: those give up what is beyond their gaps who hold it the longest, although nothing comes for them, and no more than it takes', async () => {
    const memory = createPacketMemory({ size: 8 << 20 }).pool({ quota: 1 << 20 })
    const bench = await Bench.create({ memory })
    const flows: { readonly iss: number; readonly localPort: number; readonly remotePort: number }[] = []
    for (const port of [5001, 5002]) {
      bench.remotePort = port
      await bench.connect({ port }, { mss: MSS, sackPermitted: true })
      for (let i = 1; i <= 40; i++) await bench.send('A', { seq: 1 + i * MSS, ack: 1, data: pattern(MSS) })
      bench.all()
      flows.push({ iss: bench.iss, localPort: bench.localPort, remotePort: port })
    }
    const held = memory.packets
    expect(held).toBe(80)
    const others = []
    while (memory.level < MemoryLevel.High) others.push(memory.chunk(2000)!)
    // They may still be repaired.
    await bench.clock.advance(999)
    expect(bench.counters['dropOutOfOrder']).toBe(0)
    await bench.clock.advance(1)
    expect(memory.level).toBeLessThan(MemoryLevel.High)
    bench.all()
    expect(memory.packets).toBe(40)
    expect(bench.counters['dropOutOfOrder']).toBe(40)
    // The first has nothing behind its gap any more, the second has all of it.
    for (const [i, ack] of [[0, 1 + MSS], [1, 1 + 41 * MSS]] as const) {
      Object.assign(bench, flows[i])
      await bench.send('A', { seq: 1, ack: 1, data: pattern(MSS) })
      expect(bench.all().at(-1)).toMatchObject({ ack, sack: null })
    }
    for (const chunk of others) chunk.release()
    await bench.end()
  })

  test('tiny segments are not kept in the reserve, where links find room for them', async () => {
    const memory = createPacketMemory({ size: 8 << 20 }).pool({ quota: 1 << 20 })
    const bench = await Bench.create({ memory })
    const connection = await bench.connect({}, { mss: MSS })
    const link = createPacketMemory({ size: 1 << 20 }).pool()
    const arrives = async (seq: number): Promise<void> => {
      const bytes = bench.peer.segment('A', { seq, ack: 1, data: pattern(10) })
      const packet = link.allocate(0, bytes.length)!
      packet.append(bytes, 0, bytes.length)
      bench.link.injectInbound(0x0800, packet)
      await bench.peer.settle()
    }
    const others = []
    while (memory.held < 0.95 * memory.quota) others.push(memory.allocateControl(0, 2000)!)
    await arrives(1)
    expect(connection.readableLength).toBe(0)
    expect(bench.counters).toMatchObject({ dropNoMemory: 1 })
    for (const packet of others) packet.release()
    await arrives(1)
    expect(connection.readableLength).toBe(10)
    connection.abort()
    await bench.end()
  })
})

describe('the window (RFC 9293 §3.8.6.2.2)', () => {
  test.each([
    [65_535, 0], [65_536, 1], [131_070, 1], [131_071, 2], [512 << 20, 14],
  ])('%i bytes need a scale of %i (RFC 7323 §2.2)', async (receiveBuffer, scale) => {
    const bench = await Bench.create()
    bench.stack.tcp.open({ host: bench.remote, port: PEER_PORT, receiveBuffer })
    bench.expect('S', { scale, win: Math.min(65_535, receiveBuffer) })
    await bench.end()
  })

  test('reading tells nothing while half of the window is left, and tells when it is not', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ receiveBuffer: 16_384, quickAcks: 0, delayedAck: 0 }, { mss: MSS })
    // A third, then all but a third.
    for (const [count, isTold] of [[5, false], [12, true]] as const) {
      const start = connection.info().bytesReceived
      for (let i = 0; i < count; i++) await bench.send('A', { seq: 1 + start + 1000 * i, ack: 1, data: pattern(1000) })
      bench.all()
      connection.discard(Infinity)
      await bench.clock.settle()
      expect(bench.all().map(({ win }) => win)).toEqual(isTold ? [16_384] : [])
    }
    await bench.end()
  })

  test('a peer that may send more than all it sent so far hears of no room', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ receiveBuffer: 65_536 }, { mss: MSS })
    await bench.send('A', { seq: 1, ack: 1, data: pattern(5000) })
    bench.all()
    connection.discard(Infinity)
    await bench.clock.settle()
    bench.expectNothing()
    await bench.end()
  })

  test('info() tells the window that is, and the largest that may be', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ receiveBuffer: 20_000 }, { mss: MSS })
    expect(connection.info()).toMatchObject({ receiveWindow: 20_000, receiveWindowLimit: 20_000 })
    connection.configure({ windowClamp: 10_000 })
    expect(connection.info()).toMatchObject({ receiveWindow: 20_000, receiveWindowLimit: 10_000 })
    connection.configure({ windowClamp: 1_000_000, receiveBuffer: 200_000 })
    // Without scaling no more can be told.
    expect(connection.info().receiveWindowLimit).toBe(65_535)
    await bench.end()
  })
})
