import { describe, expect, test } from 'vitest'
import { Bench, pattern } from './support/peer.ts'

const MSS = 1000

describe('more and cork', () => {
  test('more holds the last segment back until it is full, without PSH [RFC9293-MAY-15, RFC9293-MAY-16]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ noDelay: true }, { mss: MSS })
    connection.tryWrite(pattern(1500), { more: true })
    bench.expect('A', { seq: 1, length: 1000 })
    bench.expectNothing()
    connection.tryWrite(pattern(500, 1500))
    bench.expect('PA', { seq: 1001, length: 1000 })
    await bench.end()
  })

  test('what is held goes after 200 ms, and the next wait begins anew [RFC9293-MUST-60, RFC9293-MAY-16]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ noDelay: true }, { mss: MSS })
    connection.tryWrite(pattern(10), { more: true })
    await bench.clock.advance(150)
    connection.tryWrite(pattern(10, 10), { more: true })
    await bench.clock.advance(49)
    bench.expectNothing()
    await bench.clock.advance(1)
    bench.expect('A', { seq: 1, length: 20 })
    await bench.send('A', { seq: 1, ack: 21 })
    connection.tryWrite(pattern(10, 20), { more: true })
    await bench.clock.advance(199)
    bench.expectNothing()
    await bench.clock.advance(1)
    bench.expect('A', { seq: 21, length: 10 })
    await bench.end()
  })

  test('cork does so for every write; taking it out sends what is there, and so does the FIN', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ cork: true, noDelay: true }, { mss: MSS })
    connection.tryWrite(pattern(300))
    bench.expectNothing()
    connection.configure({ cork: false })
    bench.expect('PA', { seq: 1, length: 300 })
    connection.configure({ cork: true })
    connection.tryWrite(pattern(5, 300))
    connection.shutdown('write')
    bench.expect('FPA', { seq: 301, length: 5 })
    await bench.end()
  })

  test('the timer of a cork does nothing behind the end', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ cork: true }, { mss: MSS })
    connection.tryWrite(pattern(300))
    connection.abort()
    bench.expect('RA')
    await bench.clock.advance(1000)
    bench.expectNothing()
    await bench.end()
  })
})

describe('endOfRecord', () => {
  test('no segment goes across, whether first or again', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: MSS })
    connection.tryWrite(pattern(1200), { endOfRecord: true })
    connection.tryWrite(pattern(300, 1200), { endOfRecord: true })
    connection.tryWrite(pattern(1000, 1500))
    await bench.clock.settle()
    await bench.send('A', { seq: 1, ack: 1 })
    expect(bench.all().map((segment) => `${String(segment.seq)}(${String(segment.data.length)})`)).toEqual(['1(1000)', '1001(200)', '1201(300)', '1501(1000)'])
    await bench.clock.advance(200)
    expect(bench.all().map((segment) => `${String(segment.seq)}(${String(segment.data.length)})`)).toEqual(['1(1000)'])
    await bench.send('A', { seq: 1, ack: 1001 })
    expect(bench.all().map((segment) => `${String(segment.seq)}(${String(segment.data.length)})`)).toEqual(['1001(200)', '1201(300)', '1501(1000)'])
    await bench.send('A', { seq: 1, ack: 2501 })
    await bench.end()
  })
})

describe('notSentLowWater', () => {
  test('takes no more while so much waits to be sent, and tells when it may', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ notSentLowWater: 2000 }, { mss: MSS, win: 4000 })
    let told = 0
    connection.setHandler({ writable: () => told++ })
    expect(connection.tryWrite(pattern(6000))).toBe(6000)
    await bench.clock.settle()
    // 4,000 are out, 2,000 wait.
    expect(connection.writableLength).toBe(0)
    expect(connection.tryWrite(pattern(1, 6000))).toBe(0)
    await bench.send('A', { seq: 1, ack: 1, win: 4500 })
    expect(told).toBe(0)
    await bench.send('A', { seq: 1, ack: 1001, win: 4000 })
    expect(told).toBe(1)
    expect(connection.tryWrite(pattern(1, 6000))).toBe(1)
    connection.abort()
    await bench.end()
  })

  test('a write that waits goes on as the others leave, without an ACK', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ notSentLowWater: 1000 }, { mss: MSS, win: 60_000 })
    let isWritten = false
    void connection.write([pattern(1000), pattern(1000, 1000), pattern(1000, 2000)]).then(() => (isWritten = true))
    await bench.clock.settle()
    expect(isWritten).toBe(true)
    expect(bench.all()).toHaveLength(3)
    connection.abort()
    await bench.end()
  })
})

describe('linger', () => {
  test('lingerTimeout 0: close resets at once, and what was not sent is lost', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ lingerTimeout: 0 }, { mss: MSS, win: 500 })
    connection.tryWrite(pattern(1000))
    bench.expect('A', { seq: 1, length: 500 })
    await connection.close()
    bench.expect('RA', { seq: 501, ack: 1 })
    bench.expectNothing()
    await bench.end()
  })

  test('finWait2Timeout counts from the ACK of our FIN', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ finWait2Timeout: 2000 })
    const closed = connection.close()
    await bench.clock.settle()
    bench.expect('FA', { seq: 1 })
    await bench.clock.advance(100)
    await bench.send('A', { seq: 1, ack: 2 })
    await bench.clock.advance(1999)
    expect(connection.state).toBe('fin-wait-2')
    await bench.clock.advance(1)
    bench.expect('RA', { seq: 2 })
    await closed
    await bench.end()
  })

  test('finWait2Timeout counts from close when the FIN was acknowledged before it', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ finWait2Timeout: 2000 })
    connection.shutdown('write')
    bench.expect('FA', { seq: 1 })
    await bench.send('A', { seq: 1, ack: 2 })
    await bench.clock.advance(10_000)
    expect(connection.state).toBe('fin-wait-2')
    const closed = connection.close()
    await bench.clock.advance(2000)
    bench.expect('RA', { seq: 2 })
    await closed
    await bench.end()
  })
})

test('pending counts the connections that wait for accept', async () => {
  const bench = await Bench.create()
  const listener = bench.stack.tcp.listen({ port: 7000 })
  expect(listener.pending).toBe(0)
  await bench.send('S', { mss: 1460 })
  bench.expect('SA')
  expect(listener.pending).toBe(0)
  await bench.send('A', { seq: 1, ack: 1 })
  expect(listener.pending).toBe(1)
  listener.tryAccept()!.abort()
  expect(listener.pending).toBe(0)
  await bench.end()
})
