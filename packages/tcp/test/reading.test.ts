import { describe, expect, test } from 'vitest'
import { Bench, isPattern, pattern } from './support/peer.ts'

describe('peek and discard', () => {
  test('peek leaves the bytes and their order; a read behind it finds the same', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    await bench.send('A', { seq: 1, ack: 1, data: pattern(1000) })
    await bench.send('PA', { seq: 1001, ack: 1, data: pattern(500, 1000) })
    const window = connection.info().receiveWindow
    const into = new Uint8Array(1200)
    expect(connection.peek(into)).toBe(1200)
    expect(isPattern(into, 0)).toBe(true)
    expect(connection.peek(into.subarray(0, 10))).toBe(10)
    expect(connection.readableLength).toBe(1500)
    expect(connection.bytesRead).toBe(0)
    expect(connection.info().receiveWindow).toBe(window)
    expect(connection.tryRead(into.subarray(0, 3))).toBe(3)
    expect(connection.peek(into)).toBe(1200)
    expect(isPattern(into, 3)).toBe(true)
    connection.abort()
    await bench.end()
  })

  test('discard throws away across packets, and counts as read', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    await bench.send('A', { seq: 1, ack: 1, data: pattern(1000) })
    await bench.send('PA', { seq: 1001, ack: 1, data: pattern(500, 1000) })
    expect(connection.discard(1100)).toBe(1100)
    expect(connection.bytesRead).toBe(1100)
    const into = new Uint8Array(1000)
    expect(connection.tryRead(into)).toBe(400)
    expect(isPattern(into.subarray(0, 400), 1100)).toBe(true)
    expect(connection.discard(10)).toBeUndefined()
    await bench.end()
  })

  test('both see the end and the error as tryRead does', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    expect(connection.peek(new Uint8Array(1))).toBeUndefined()
    await bench.send('FA', { seq: 1, ack: 1 })
    expect(connection.peek(new Uint8Array(1))).toBeNull()
    expect(connection.discard(1)).toBeNull()
    bench.expect('A', { ack: 2 })
    const other = await bench.connect()
    await bench.send('R', { seq: 1 })
    expect(() => other.peek(new Uint8Array(1))).toThrow(expect.objectContaining({ code: 'ECONNRESET' }))
    await bench.end()
  })
})

describe('receiveLowWater', () => {
  test('a read waits for so many bytes, or for fewer when it has less room', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ receiveLowWater: 500 })
    const into = new Uint8Array(1000)
    let got: number | null = -1
    void connection.read(into).then((count) => (got = count))
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(499) })
    expect(got).toBe(-1)
    await bench.send('PA', { seq: 500, ack: 1, data: pattern(1, 499) })
    expect(got).toBe(500)
    await bench.send('PA', { seq: 501, ack: 1, data: pattern(20, 500) })
    expect(await connection.read(into.subarray(0, 20))).toBe(20)
    await bench.end()
  })

  test('the end of the stream ends the wait; tryRead never waits', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ receiveLowWater: 500 })
    const into = new Uint8Array(1000)
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(5) })
    expect(connection.tryRead(into.subarray(0, 2))).toBe(2)
    const read = connection.read(into)
    await bench.send('FA', { seq: 6, ack: 1 })
    expect(await read).toBe(3)
    expect(await connection.read(into)).toBeNull()
    await bench.end()
  })

  test.each(['read', 'handler'])('a mark beyond what the receive buffer takes is reached when the window is closed, %s', async (how) => {
    const bench = await Bench.create()
    const connection = await bench.connect({ receiveLowWater: 200_000 })
    let got = 0
    if (how === 'read') void connection.read(new Uint8Array(300_000)).then((count) => (got = count!))
    else connection.setHandler({ readable: () => (got = connection.tryRead(new Uint8Array(300_000))!) })
    let seq = 1
    for (let edge = 65_536; seq < edge; edge = bench.all().reduce((right, { ack, win }) => Math.max(right, ack + win), edge)) {
      if (got > 0) break
      const length = Math.min(1460, edge - seq)
      await bench.send('A', { seq, ack: 1, data: pattern(length, seq - 1) })
      seq += length
    }
    expect(got).toBeGreaterThan(60_000)
    expect(seq).toBe(1 + got)
    connection.abort()
    await bench.end()
  })

  test('a handler is told at the mark only', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ receiveLowWater: 100 })
    let told = 0
    connection.setHandler({ readable: () => told++ })
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(99) })
    expect(told).toBe(0)
    await bench.send('PA', { seq: 100, ack: 1, data: pattern(1, 99) })
    expect(told).toBe(1)
    connection.abort()
    await bench.end()
  })
})

describe('windows', () => {
  test('windowClamp caps the window from the SYN on, whatever the buffer has room for', async () => {
    const bench = await Bench.create()
    const connection = bench.stack.tcp.open({ host: bench.remote, port: 5000, windowClamp: 10_000 })
    const syn = bench.expect('S', { win: 10_000, scale: 0 })
    bench.localPort = syn.sourcePort
    await bench.send('SA', { ack: 1, mss: 1460, scale: 0 })
    bench.expect('A', { win: 10_000 })
    for (let i = 0; i < 9; i++) await bench.send('A', { seq: 1 + i * 1000, ack: 1, data: pattern(1000) })
    await bench.clock.advance(40)
    expect(bench.all().every((segment) => segment.win <= 10_000)).toBe(true)
    // Room is behind the clamp: nothing is closed although nothing was read.
    expect(connection.info().receiveWindow).toBeGreaterThan(8000)
    connection.abort()
    await bench.end()
  })

  test('receiveBuffer and windowClamp can change while it runs: the edge never moves left [RFC9293-SHLD-14]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ receiveBuffer: 20_000 })
    connection.configure({ receiveBuffer: 5000 })
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(1000) })
    await bench.clock.advance(40)
    expect(bench.next().win).toBe(19_000)
    connection.configure({ receiveBuffer: 60_000 })
    await bench.send('PA', { seq: 1001, ack: 1, data: pattern(1000) })
    await bench.clock.advance(40)
    expect(bench.next().win).toBe(58_000)
    connection.abort()
    await bench.end()
  })

  test('windowScale and timestamps as asked, or not at all', async () => {
    const bench = await Bench.create()
    bench.stack.tcp.open({ host: bench.remote, port: 5000, windowScale: 8 })
    bench.expect('S', { scale: 8, win: 65_535 })
    bench.stack.tcp.open({ host: bench.remote, port: 5000, windowScale: false, timestamps: false })
    bench.expect('S', { scale: null, ts: null })
    bench.stack.tcp.listen({ port: 7000, windowScale: false, timestamps: false })
    await bench.send('S', { mss: 1460, scale: 7, ts: { value: 1, echo: 0 } })
    bench.expect('SA', { scale: null, ts: null })
    expect(() => bench.stack.tcp.open({ host: bench.remote, port: 5000, windowScale: 15 })).toThrow(/windowScale/)
    await bench.end()
  })

  test('quickAcks acknowledges the first segments at once', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ quickAcks: 2, quickAckSmall: true })
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(100) })
    bench.expect('A', { ack: 101 })
    await bench.send('PA', { seq: 101, ack: 1, data: pattern(100) })
    bench.expect('A', { ack: 201 })
    await bench.send('PA', { seq: 201, ack: 1, data: pattern(100) })
    bench.expectNothing()
    await bench.clock.advance(40)
    bench.expect('A', { ack: 301 })
    connection.abort()
    await bench.end()
  })
})
