import { describe, expect, test } from 'vitest'
import type { Connection } from '../src/index.ts'
import { Bench, FAMILIES, PEER_PORT, pattern } from './support/peer.ts'

const MSS = 1000

/** Counts what a handler is told of urgent text. */
function watch(connection: Connection): { count: number } {
  const told = { count: 0 }
  connection.setHandler({ urgent: () => told.count++ })
  return told
}

describe('sending urgent text', () => {
  for (const family of FAMILIES) {
    test(`the pointer is the octet behind it, in every segment below it, first or again; ${family} [RFC9293-MUST-30, RFC9293-MUST-62]`, async () => {
      const bench = await Bench.create({ family })
      const connection = await bench.connect({ noDelay: true }, { mss: MSS })
      connection.tryWrite(pattern(10))
      bench.expect('PA', { seq: 1, length: 10, urgentPointer: 0 })
      connection.tryWrite(pattern(1500, 10), { urgent: true })
      bench.expect('AU', { seq: 11, length: 1000, urgentPointer: 1500 })
      bench.expect('PAU', { seq: 1011, length: 500, urgentPointer: 500 })
      connection.tryWrite(pattern(10, 1510))
      bench.expect('PA', { seq: 1511, length: 10, urgentPointer: 0 })
      await bench.send('A', { seq: 1, ack: 11 })
      await bench.clock.advance(250)
      bench.expect('AU', { seq: 11, length: 1000, urgentPointer: 1500 })
      await bench.send('A', { seq: 1, ack: 1521 })
      connection.tryWrite(pattern(10, 1520))
      bench.expect('PA', { seq: 1521, length: 10, urgentPointer: 0 })
      await bench.end()
    })
  }

  test('it is announced once when the window is closed, and each advance; probes and ACKs carry it', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: MSS, win: 0 })
    connection.tryWrite(pattern(3), { urgent: true })
    bench.expect('AU', { seq: 1, length: 0, urgentPointer: 3 })
    bench.expectNothing()
    connection.tryWrite(pattern(3, 3), { urgent: true })
    bench.expect('AU', { seq: 1, length: 0, urgentPointer: 6 })
    connection.tryWrite(pattern(3, 6))
    bench.expectNothing()
    await bench.clock.advance(200)
    bench.expect('AU', { seq: 1, length: 1, urgentPointer: 6 })
    await bench.send('A', { seq: 1, ack: 1, win: 0 })
    await bench.send('PA', { seq: 1, ack: 1, win: 0, data: pattern(1) })
    await bench.clock.advance(40)
    bench.expect('AU', { seq: 1, ack: 2, urgentPointer: 6 })
    await bench.send('A', { seq: 2, ack: 1, win: 1000 })
    bench.expect('PAU', { seq: 1, length: 9, urgentPointer: 6 })
    await bench.end()
  })

  test('neither Nagle nor a cork holds it', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ cork: true }, { mss: MSS })
    connection.tryWrite(pattern(10), { urgent: true })
    bench.expect('PAU', { length: 10, urgentPointer: 10 })
    connection.tryWrite(pattern(10, 10), { urgent: true })
    bench.expect('PAU', { length: 10, urgentPointer: 10 })
    await bench.end()
  })

  test('of a length beyond the send buffer it is urgent from the start [RFC9293-MUST-31]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ sendBuffer: 4096 }, { mss: MSS, win: 0 })
    const written = connection.write(pattern(5000), { urgent: true })
    bench.expect('AU', { seq: 1, length: 0, urgentPointer: 4096 })
    await bench.send('A', { seq: 1, ack: 1, win: 1000 })
    bench.expect('AU', { seq: 1, length: 1000, urgentPointer: 4096 })
    await bench.send('A', { seq: 1, ack: 1001, win: 1000 })
    await written
    bench.expect('AU', { seq: 1001, length: 1000, urgentPointer: 4000 })
    connection.abort()
    bench.expect('RA', { urgentPointer: 0 })
    await bench.end()
  })

  test('written ahead of the handshake it is announced behind it; nothing written is not urgent', async () => {
    const bench = await Bench.create()
    const connection = bench.stack.tcp.open({ host: bench.remote, port: PEER_PORT })
    connection.tryWrite(new Uint8Array(0), { urgent: true })
    connection.write(pattern(5), { urgent: true }).catch(() => undefined)
    bench.localPort = bench.expect('S').sourcePort
    await bench.send('SA', { ack: 1, mss: MSS })
    bench.expect('PAU', { length: 5, urgentPointer: 5 })
    await bench.send('A', { seq: 1, ack: 6 })
    connection.tryWrite(new Uint8Array(0), { urgent: true })
    await bench.clock.settle()
    bench.expectNothing()
    connection.abort()
    await bench.end()
  })
})

describe('receiving urgent text', () => {
  test('the application is told of it once, of each advance, and how much is left [RFC9293-MUST-32, RFC9293-MUST-33]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: MSS })
    const told = watch(connection)
    await bench.send('AU', { seq: 1, ack: 1, urgentPointer: 150 })
    expect(told.count).toBe(1)
    expect(connection.urgentLength).toBe(150)
    await bench.send('PAU', { seq: 1, ack: 1, data: pattern(100), urgentPointer: 150 })
    expect(told.count).toBe(1)
    expect(connection.urgentLength).toBe(150)
    expect(connection.tryRead(new Uint8Array(60))).toBe(60)
    expect(connection.urgentLength).toBe(90)
    await bench.send('PAU', { seq: 101, ack: 1, data: pattern(100), urgentPointer: 100 })
    expect(told.count).toBe(2)
    expect(connection.urgentLength).toBe(140)
    expect(connection.readUrgent()).toBeUndefined()
    expect(connection.tryRead(new Uint8Array(139))).toBe(139)
    expect(connection.urgentLength).toBe(1)
    expect(connection.tryRead(new Uint8Array(10))).toBe(1)
    expect(connection.urgentLength).toBe(0)
    // An old segment again says nothing new.
    await bench.send('PAU', { seq: 101, ack: 1, data: pattern(100), urgentPointer: 100 })
    expect(told.count).toBe(2)
    connection.abort()
    await bench.end()
  })

  test('a handler that comes late is told; a pointer beyond the end of the stream is cut there', async () => {
    const bench = await Bench.create()
    const connection = await bench.accept({}, { mss: MSS })
    await bench.send('FPAU', { seq: 1, ack: 1, data: pattern(10), urgentPointer: 500 })
    expect(connection.urgentLength).toBe(10)
    const told = watch(connection)
    await bench.clock.settle()
    expect(told.count).toBe(1)
    expect(connection.tryRead(new Uint8Array(20))).toBe(10)
    expect(connection.urgentLength).toBe(0)
    expect(connection.tryRead(new Uint8Array(20))).toBeNull()
    connection.abort()
    await bench.end()
  })

  test('URG is taken while our window is closed [RFC9293-MUST-66]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ receiveBuffer: 4096, windowScale: false }, { mss: 4096 })
    const told = watch(connection)
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(1460) })
    await bench.send('PA', { seq: 1461, ack: 1, data: pattern(1460) })
    await bench.send('PA', { seq: 2921, ack: 1, data: pattern(1176) })
    expect(connection.info().receiveWindow).toBe(0)
    await bench.send('PAU', { seq: 4097, ack: 1, data: pattern(10), urgentPointer: 10 })
    expect(told.count).toBe(1)
    expect(connection.urgentLength).toBe(4106)
    connection.abort()
    await bench.end()
  })

  test('after shutdown of reading nobody is told', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: MSS })
    const told = watch(connection)
    connection.shutdown('read')
    await bench.send('PAU', { seq: 1, ack: 1, data: pattern(10), urgentPointer: 10 })
    expect(told.count).toBe(0)
    expect(connection.urgentLength).toBe(0)
    connection.abort()
    await bench.end()
  })
})

describe('the urgent byte apart', () => {
  async function apart(): Promise<{ bench: Bench; connection: Connection }> {
    const bench = await Bench.create()
    const connection = await bench.connect({ urgentInline: false }, { mss: MSS })
    await bench.send('PAU', { seq: 1, ack: 1, data: new Uint8Array([1, 2, 3, 4, 5, 6]), urgentPointer: 4 })
    return { bench, connection }
  }

  async function end({ bench, connection }: { bench: Bench; connection: Connection }): Promise<void> {
    connection.abort()
    await bench.end()
  }

  const read = (connection: Connection): number[] | null | undefined => {
    const into = new Uint8Array(10)
    const count = connection.tryRead(into)
    return typeof count === 'number' ? [...into.subarray(0, count)] : count
  }

  test('it is read once, and a read stops at its place and goes on behind it', async () => {
    const { bench, connection } = await apart()
    expect(connection.readableLength).toBe(5)
    expect(connection.readUrgent()).toBe(4)
    expect(connection.readUrgent()).toBeUndefined()
    expect(read(connection)).toEqual([1, 2, 3])
    expect(connection.urgentLength).toBe(1)
    expect(read(connection)).toEqual([5, 6])
    expect(connection.urgentLength).toBe(0)
    await end({ bench, connection })
  })

  test('at the mark it waits for what comes behind it; a read past it throws it away', async () => {
    const { bench, connection } = await apart()
    expect(connection.discard(2)).toBe(2)
    expect(connection.discard(2)).toBe(1)
    expect(connection.peek(new Uint8Array(10))).toBe(2)
    expect(connection.readUrgent()).toBeUndefined()
    expect(read(connection)).toEqual([5, 6])
    await bench.send('PAU', { seq: 7, ack: 1, data: new Uint8Array([7]), urgentPointer: 1 })
    expect(connection.readableLength).toBe(0)
    expect(read(connection)).toBeUndefined()
    expect(connection.readUrgent()).toBe(7)
    await end({ bench, connection })
  })

  test('an iteration sees the stream without it', async () => {
    const { bench, connection } = await apart()
    await bench.send('FA', { seq: 7, ack: 1 })
    const seen: number[] = []
    for await (const chunk of connection) seen.push(...chunk)
    expect(seen).toEqual([1, 2, 3, 5, 6])
    await end({ bench, connection })
  })

  test('one that a later one replaced is text like any other', async () => {
    const { bench, connection } = await apart()
    await bench.send('PAU', { seq: 7, ack: 1, data: new Uint8Array([7, 8]), urgentPointer: 2 })
    expect(connection.readUrgent()).toBe(8)
    expect(read(connection)).toEqual([1, 2, 3, 4, 5, 6, 7])
    await end({ bench, connection })
  })

  test('a reset behind it takes it along: whoever is told of it finds nothing, and no error', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ urgentInline: false }, { mss: MSS })
    const seen: unknown[] = []
    connection.setHandler({ urgent: () => seen.push(connection.readUrgent(), connection.urgentLength, connection.readableLength) })
    await bench.batch(() => {
      bench.inject('PAU', { seq: 1, ack: 1, data: pattern(10), urgentPointer: 5 })
      bench.inject('R', { seq: 11 })
    })
    expect(seen).toEqual([undefined, 0, 0])
    await bench.end()
  })

  test('who reads no more has none', async () => {
    const { bench, connection } = await apart()
    connection.shutdown('read')
    expect([connection.urgentLength, connection.readableLength]).toEqual([0, 0])
    expect(connection.readUrgent()).toBeUndefined()
    expect(read(connection)).toBeNull()
    await end({ bench, connection })
  })

  test('a pointer beyond the end of the stream points at nothing', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ urgentInline: false }, { mss: MSS })
    await bench.send('PAU', { seq: 1, ack: 1, data: new Uint8Array([1, 2]), urgentPointer: 900 })
    expect(read(connection)).toEqual([1, 2])
    await bench.send('FA', { seq: 3, ack: 1 })
    expect([connection.urgentLength, connection.readableLength]).toEqual([0, 0])
    expect(read(connection)).toBeNull()
    await end({ bench, connection })
  })
})
