import { describe, expect, test } from 'vitest'
import { Bench, FAMILIES, pattern, PEER_PORT, PORT } from './support/peer.ts'

describe.each(FAMILIES)('SYN-RECEIVED remembers where it came from, over %s', (family) => {
  test('an active open that is reset is refused [RFC9293-MUST-11]', async () => {
    const bench = await Bench.create({ family })
    const { pending } = await bench.peer.inState('syn-received', { open: 'active' })
    await bench.send('R', { seq: 1 })
    await expect(pending).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await bench.end()
  })

  test('a passive one goes back to LISTEN, and nobody is told [RFC9293-MUST-11]', async () => {
    const bench = await Bench.create({ family })
    const { pending } = await bench.peer.inState('syn-received', { open: 'passive' })
    await bench.send('R', { seq: 1 })
    bench.expectNothing()
    await bench.send('S', { seq: 0, mss: 1460 })
    bench.expect('SA', { seq: 0, ack: 1 })
    await bench.send('A', { seq: 1, ack: 1 })
    expect((await pending)?.state).toBe('established')
    await bench.end()
  })
})

describe('resets', () => {
  test('a reset with text is a reset, in SYN-SENT and later [RFC9293-SHLD-2]', async () => {
    const bench = await Bench.create()
    const { pending } = await bench.peer.inState('syn-sent')
    await bench.send('RA', { seq: 0, ack: 1, data: 'no such service' })
    await expect(pending).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    const connection = await bench.connect()
    await bench.send('R', { seq: 1, data: 'out of memory' })
    expect(connection.state).toBe('closed')
    await expect(connection.closed).rejects.toMatchObject({ code: 'ECONNRESET' })
    bench.expectNothing()
    await bench.end()
  })

  test('an orderly close and a reset are told apart [RFC9293-MUST-12]', async () => {
    const bench = await Bench.create()
    const orderly = await bench.connect()
    await bench.send('FA', { seq: 1, ack: 1 })
    expect(orderly.tryRead(new Uint8Array(1))).toBeNull()
    expect(orderly.error).toBeNull()
    bench.expect('A', { ack: 2 })
    const aborted = await bench.connect({ port: PEER_PORT })
    await bench.send('R', { seq: 1 })
    expect(() => aborted.tryRead(new Uint8Array(1))).toThrow(expect.objectContaining({ code: 'ECONNRESET' }))
    expect(aborted.error).toMatchObject({ code: 'ECONNRESET' })
    await bench.end()
  })

  test('a close while text comes in is half-duplex: the text is answered with a reset [RFC9293-MAY-1, RFC9293-SHLD-3, RFC2525-2.16-half-close]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    const closed = connection.close()
    bench.expect('FA', { seq: 1 })
    await bench.send('A', { seq: 1, ack: 2 })
    await bench.send('PA', { seq: 1, ack: 2, data: pattern(10) })
    bench.expect('R', { seq: 2 })
    await closed
    await bench.end()
  })
})

describe('TIME-WAIT', () => {
  test.each(FAMILIES)('2 MSL, of 30 s each: 60 s, in which the pair of sockets is taken, over %s [RFC9293-MUST-13]', async (family) => {
    const bench = await Bench.create({ family })
    await bench.peer.inState('time-wait')
    const { localPort } = bench
    const again = { host: bench.remote, port: PEER_PORT, localPort }
    await bench.clock.advance(59_999)
    await expect(bench.stack.tcp.connect(again)).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await bench.clock.advance(1)
    bench.stack.tcp.open(again)
    bench.expect('S', { sourcePort: localPort })
    await bench.end()
  })

  test('what answers an old segment does not bring a reset that ends it [RFC1337-3-reset]', async () => {
    const bench = await Bench.create()
    await bench.peer.inState('time-wait')
    // An old duplicate is answered with an ACK; the peer, closed, resets it with the number that the ACK named.
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(10) })
    const { ack } = bench.expect('A', { seq: 2, ack: 2 })
    await bench.send('R', { seq: ack })
    expect(bench.counters).toMatchObject({ timeWait: 1, dropBadReset: 1 })
    bench.expectNothing()
    await bench.end()
  })
})

test('a listener leaves connections alone, and serves many of one port [RFC9293-MUST-41]', async () => {
  const bench = await Bench.create()
  const first = await bench.accept()
  const firstIss = bench.iss
  // Another passive OPEN, and another connection to the port that listens.
  bench.stack.tcp.listen({ port: PORT + 1 })
  await bench.send('S', { sourcePort: 6000, mss: 1460 })
  bench.expect('SA', { destinationPort: 6000 })
  await bench.send('A', { sourcePort: 6000, seq: 1, ack: 1 })
  await bench.send('PA', { sourcePort: 6000, seq: 1, ack: 1, data: pattern(7) })
  expect(bench.stack.tcp.connections().map((connection) => [connection.local.port, connection.remote.port, connection.readableLength])).toEqual([[PORT, PEER_PORT, 0], [PORT, 6000, 7]])
  bench.iss = firstIss
  await bench.send('PA', { seq: 1, ack: 1, data: pattern(5) })
  expect(first.readableLength).toBe(5)
  await bench.end()
})
