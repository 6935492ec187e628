import { describe, expect, test } from 'vitest'
import { Bench, pattern } from './support/peer.ts'

const MSS = 1000

describe('quick ACKs', () => {
  test('by default the first sixteen full segments, and nothing that is less', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: MSS })
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(100) })
    bench.expectNothing()
    await bench.clock.advance(40)
    bench.expect('A', { ack: 101 })
    for (let i = 0; i < 16; i++) {
      await bench.send('A', { seq: 101 + 1000 * i, ack: 1, data: pattern(1000) })
      bench.expect('A', { ack: 1101 + 1000 * i })
    }
    await bench.send('A', { seq: 16_101, ack: 1, data: pattern(1000) })
    bench.expectNothing()
    connection.abort()
    await bench.end()
  })

  test('what a handler says to text takes its ACK along, and a handler that says nothing leaves it to the timer', async () => {
    const bench = await Bench.create()
    const connection = await bench.accept({ noDelay: true }, { mss: MSS })
    const into = new Uint8Array(MSS)
    let isAnswering = true
    connection.setHandler({
      readable: () => {
        connection.tryRead(into)
        if (isAnswering) connection.tryWrite(pattern(10))
      },
    })
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(100) })
    bench.expect('PA', { ack: 101, length: 10 })
    bench.expectNothing()
    isAnswering = false
    await bench.send('PA', { seq: 101, ack: 11, data: pattern(100) })
    bench.expectNothing()
    await bench.clock.advance(40)
    bench.expect('A', { ack: 201 })
    connection.abort()
    await bench.end()
  })

  test('an answer ends them, and so does none; a gap brings them back', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: MSS })
    await bench.send('A', { seq: 1, ack: 1, data: pattern(1000) })
    bench.expect('A', { ack: 1001 })
    await connection.write(pattern(10))
    bench.expect('PA', { ack: 1001, length: 10 })
    await bench.send('A', { seq: 1001, ack: 11, data: pattern(1000) })
    bench.expectNothing()
    await bench.clock.advance(40)
    bench.expect('A', { ack: 2001 })
    // Neither does a pause bring them back.
    await bench.clock.advance(5000)
    await bench.send('A', { seq: 2001, ack: 11, data: pattern(1000) })
    bench.expectNothing()
    await bench.send('A', { seq: 4001, ack: 11, data: pattern(1000) })
    bench.expect('A', { ack: 3001 })
    await bench.send('A', { seq: 3001, ack: 11, data: pattern(1000) })
    bench.expect('A', { ack: 5001 })
    await bench.send('A', { seq: 5001, ack: 11, data: pattern(1000) })
    bench.expect('A', { ack: 6001 })
    connection.abort()
    await bench.end()
  })

  test('what leaves long after the text is no answer', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: MSS })
    await bench.send('A', { seq: 1, ack: 1, data: pattern(1000) })
    bench.expect('A', { ack: 1001 })
    await bench.clock.advance(40)
    await connection.write(pattern(10))
    bench.expect('PA', { length: 10 })
    await bench.send('A', { seq: 1001, ack: 11, data: pattern(1000) })
    bench.expect('A', { ack: 2001 })
    connection.abort()
    await bench.end()
  })

  test('configure begins anew, and what waits for its ACK gets it; 0 ends them', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ quickAcks: 0 }, { mss: MSS })
    await bench.send('A', { seq: 1, ack: 1, data: pattern(100) })
    bench.expectNothing()
    connection.configure({ quickAcks: 2 })
    bench.expectNothing()
    connection.configure({ quickAcks: 2, quickAckSmall: true })
    bench.expect('A', { ack: 101 })
    connection.configure({ quickAcks: 0 })
    await bench.send('A', { seq: 101, ack: 1, data: pattern(1000) })
    bench.expectNothing()
    expect(connection.options.quickAcks).toBe(0)
    connection.abort()
    await bench.end()
  })
})

test('nagle is one of two, and so is what asks for a window', async () => {
  const bench = await Bench.create()
  expect(() => bench.stack.tcp.listen({ port: 1, nagle: 'none' as never })).toThrow(/'nagle' must be one of 'minshall', 'classic'; to/)
  expect(() => bench.stack.tcp.listen({ port: 1, windowProbe: 'none' as never })).toThrow(/'windowProbe' must be one of 'octet', 'empty'/)
  await bench.end()
})
