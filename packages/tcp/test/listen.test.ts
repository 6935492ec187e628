import { describe, expect, test } from 'vitest'
import { Bench, pattern, PORT } from './support/peer.ts'

/** Half-open connections from these ports; their ISNs in order. */
async function halfOpen(bench: Bench, ports: readonly number[], destinationPort: number = PORT): Promise<number[]> {
  const isns: number[] = []
  for (const sourcePort of ports) {
    await bench.send('S', { sourcePort, destinationPort, mss: 1460 })
    bench.expect('SA', { destinationPort: sourcePort })
    isns.push(bench.iss)
  }
  return isns
}

describe('accept queue', () => {
  test('abortOnOverflow: who finds it full is reset, and is not asked again', async () => {
    const bench = await Bench.create()
    const listener = bench.stack.tcp.listen({ port: PORT, backlog: 1, abortOnOverflow: true })
    const isns = await halfOpen(bench, [1, 2])
    for (const sourcePort of [1, 2]) {
      bench.iss = isns[sourcePort - 1]!
      await bench.send('A', { sourcePort, seq: 1, ack: 1 })
    }
    bench.expect('R', { destinationPort: 2, seq: 1 })
    expect(bench.counters).toMatchObject({ listenOverflow: 1, halfOpen: 0, connections: 1 })
    await bench.clock.advance(70_000)
    bench.expectNothing()
    expect(listener.pending).toBe(1)
    await bench.end()
  })

  test('maxConnections counts at the end of a handshake too', async () => {
    const bench = await Bench.create({ tcp: { maxConnections: 1 } })
    const listener = bench.stack.tcp.listen({ port: PORT })
    const isns = await halfOpen(bench, [1, 2])
    for (const sourcePort of [1, 2]) {
      bench.iss = isns[sourcePort - 1]!
      await bench.send('A', { sourcePort, seq: 1, ack: 1 })
    }
    bench.expectNothing()
    expect(bench.counters).toMatchObject({ dropConnectionLimit: 1, halfOpen: 1, connections: 1 })
    listener.tryAccept()!.abort()
    await bench.clock.settle()
    bench.expect('RA', { destinationPort: 1 })
    await bench.send('A', { sourcePort: 2, seq: 1, ack: 1 })
    expect(listener.tryAccept()?.remote.port).toBe(2)
    await bench.end()
  })
})

test('synBacklog bounds half-open connections, whatever the backlog [RFC4987-3.2-backlog]', async () => {
  const bench = await Bench.create()
  bench.stack.tcp.listen({ port: PORT, backlog: 1000, synBacklog: 3, synCookies: 'off' })
  await halfOpen(bench, [1, 2, 3, 4, 5])
  expect(bench.counters).toMatchObject({ halfOpen: 3, synQueueFull: 2 })
  await bench.end()
})

test('synAckRetries: half-open connections are given up sooner [RFC4987-3.3-timer]', async () => {
  const bench = await Bench.create()
  bench.stack.tcp.listen({ port: PORT, synAckRetries: 1 })
  await halfOpen(bench, [1])
  await bench.clock.advance(1000)
  bench.expect('SA')
  await bench.clock.advance(1999)
  expect(bench.counters['halfOpen']).toBe(1)
  await bench.clock.advance(1)
  bench.expectNothing()
  expect(bench.counters).toMatchObject({ halfOpen: 0, synExpired: 1 })
  await bench.end()
})

test('options of tcp() are those of listeners that say nothing', async () => {
  const bench = await Bench.create({ tcp: { synCookies: 'always', deferAccept: 1000 } })
  bench.stack.tcp.listen({ port: PORT })
  bench.stack.tcp.listen({ port: PORT + 1, synCookies: 'off' })
  await halfOpen(bench, [1])
  expect(bench.counters).toMatchObject({ cookiesSent: 1, halfOpen: 0 })
  await halfOpen(bench, [2], PORT + 1)
  expect(bench.counters).toMatchObject({ cookiesSent: 1, halfOpen: 1 })
  expect(() => bench.stack.tcp.listen({ port: 1, synCookies: 'sometimes' as 'auto' })).toThrow(/synCookies/)
  expect(() => bench.stack.tcp.listen({ port: 1, synBacklog: 0 })).toThrow(/synBacklog/)
  expect(() => bench.stack.tcp.listen({ port: 1, deferAccept: -1 })).toThrow(/deferAccept/)
  await bench.end()
})

describe('deferAccept', () => {
  test('a connection is offered with its first text', async () => {
    const bench = await Bench.create()
    const listener = bench.stack.tcp.listen({ port: PORT, deferAccept: 3000 })
    await bench.send('S', { mss: 1460 })
    bench.expect('SA')
    await bench.send('A', { seq: 1, ack: 1 })
    expect(listener.pending).toBe(0)
    expect(bench.counters).toMatchObject({ acceptsDeferred: 1, halfOpen: 1, connections: 0 })
    await bench.clock.advance(1999)
    // It has answered: it is not asked again.
    bench.expectNothing()
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(10) })
    const connection = listener.tryAccept()!
    expect(connection.readableLength).toBe(10)
    // What it waited with its text is no round trip.
    expect(connection.info().smoothedRtt).toBe(0)
    await bench.end()
  })

  test('at the end of its time it is asked once more, and its answer opens it without text', async () => {
    const bench = await Bench.create()
    const listener = bench.stack.tcp.listen({ port: PORT, deferAccept: 2000 })
    await bench.send('S', { mss: 1460 })
    bench.expect('SA')
    await bench.send('A', { seq: 1, ack: 1 })
    await bench.clock.advance(2999)
    bench.expectNothing()
    // 1 + 2 s: two timeouts.
    await bench.clock.advance(1)
    bench.expect('SA', { seq: 0, ack: 1 })
    expect(listener.pending).toBe(0)
    await bench.send('A', { seq: 1, ack: 1 })
    expect(listener.tryAccept()?.state).toBe('established')
    await bench.end()
  })

  test('a FIN is worth knowing of', async () => {
    const bench = await Bench.create()
    const listener = bench.stack.tcp.listen({ port: PORT, deferAccept: 1000 })
    await bench.send('S', { mss: 1460 })
    bench.expect('SA')
    await bench.send('FA', { seq: 1, ack: 1 })
    expect(listener.tryAccept()?.state).toBe('close-wait')
    await bench.end()
  })

  test('longer than the SYN-ACK is retransmitted: who answered is kept, who did not is not', async () => {
    const bench = await Bench.create()
    const listener = bench.stack.tcp.listen({ port: PORT, synAckRetries: 1, deferAccept: 15_000 })
    const [iss] = await halfOpen(bench, [1, 2])
    bench.iss = iss!
    await bench.send('A', { sourcePort: 1, seq: 1, ack: 1 })
    await bench.clock.advance(3000)
    expect(bench.all().map(({ destinationPort }) => destinationPort)).toEqual([2])
    expect(bench.counters).toMatchObject({ halfOpen: 1, synExpired: 1 })
    await bench.clock.advance(12_000)
    bench.expect('SA', { destinationPort: 1 })
    await bench.clock.advance(16_000)
    // It never answered that one.
    expect(bench.counters).toMatchObject({ halfOpen: 0, synExpired: 2 })
    expect(listener.pending).toBe(0)
    await bench.end()
  })

  test('a cookie remembers nothing: it is accepted without text', async () => {
    const bench = await Bench.create()
    const listener = bench.stack.tcp.listen({ port: PORT, deferAccept: 1000, synCookies: 'always' })
    await bench.send('S', { mss: 1460 })
    bench.expect('SA')
    await bench.send('A', { seq: 1, ack: 1 })
    expect(listener.pending).toBe(1)
    await bench.end()
  })
})

describe('a port that listeners share', () => {
  const PORTS = Array.from({ length: 30 }, (_, i) => 100 + i)

  test('each gets flows of its own, and keeps them', async () => {
    const bench = await Bench.create()
    const listeners = [0, 1, 2].map(() => bench.stack.tcp.listen({ port: PORT, reusePort: true }))
    const isns = await halfOpen(bench, PORTS)
    for (const [i, sourcePort] of PORTS.entries()) {
      bench.iss = isns[i]!
      await bench.send('A', { sourcePort, seq: 1, ack: 1 })
    }
    const pending = listeners.map((listener) => listener.pending)
    expect(pending.reduce((sum, n) => sum + n)).toBe(PORTS.length)
    expect(Math.min(...pending)).toBeGreaterThan(2)
    await bench.end()
  })

  test.each([0, 1, 2])('closing one of three (%i) resets nobody else', async (which) => {
    const bench = await Bench.create()
    const listeners = [0, 1, 2].map(() => bench.stack.tcp.listen({ port: PORT, reusePort: true }))
    const isns = await halfOpen(bench, PORTS)
    void listeners[which]!.close()
    const left = bench.counters['halfOpen']!
    expect(left).toBeLessThan(PORTS.length)
    // The flows have moved meanwhile; who holds their handshakes goes on with them.
    for (const [i, sourcePort] of PORTS.entries()) {
      bench.iss = isns[i]!
      await bench.send('A', { sourcePort, seq: 1, ack: 1 })
    }
    expect(bench.counters).toMatchObject({ connections: left, halfOpen: 0 })
    expect(bench.all().filter(({ flags }) => flags === 'R')).toHaveLength(PORTS.length - left)
    await bench.end()
  })

  test('one more: no handshake under way is lost, nor its retransmitted SYN', async () => {
    const bench = await Bench.create()
    const first = bench.stack.tcp.listen({ port: PORT, reusePort: true })
    const isns = await halfOpen(bench, PORTS)
    const second = bench.stack.tcp.listen({ port: PORT, reusePort: true })
    for (const sourcePort of PORTS) await bench.send('S', { sourcePort, mss: 1460 })
    expect(bench.all()).toHaveLength(PORTS.length)
    expect(bench.counters['halfOpen']).toBe(PORTS.length)
    for (const [i, sourcePort] of PORTS.entries()) {
      bench.iss = isns[i]!
      await bench.send('A', { sourcePort, seq: 1, ack: 1 })
    }
    expect([first.pending, second.pending]).toEqual([PORTS.length, 0])
    await bench.end()
  })

  test('cookies are good for the whole group', async () => {
    const bench = await Bench.create()
    const first = bench.stack.tcp.listen({ port: PORT, reusePort: true, synCookies: 'always' })
    const isns = await halfOpen(bench, PORTS)
    const second = bench.stack.tcp.listen({ port: PORT, reusePort: true, synCookies: 'always' })
    for (const [i, sourcePort] of PORTS.entries()) {
      bench.iss = isns[i]!
      await bench.send('A', { sourcePort, seq: 1, ack: 1 })
    }
    expect(first.pending + second.pending).toBe(PORTS.length)
    expect(Math.min(first.pending, second.pending)).toBeGreaterThan(5)
    await bench.end()
  })
})
