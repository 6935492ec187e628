import { expect, test } from 'vitest'
import type { Connection, ConnectOptions } from '../src/index.ts'
import { Bench, pattern } from './support/peer.ts'

const MSS = 1000

/** Congestion window validation (RFC 7661): a connection whose window has grown to 40 segments, of which it then uses few. */
async function grown(options: Partial<ConnectOptions> = {}): Promise<{ bench: Bench; connection: Connection; round: (segments: number) => Promise<void> }> {
  const bench = await Bench.create()
  const connection = await bench.connect({ congestionControl: 'reno', noDelay: true, ...options }, { mss: MSS })
  let acked = 1
  const round = async (segments: number): Promise<void> => {
    connection.tryWrite(pattern(segments * MSS))
    await bench.clock.advance(100)
    for (;;) {
      const end = Math.max(0, ...bench.all().map(({ seq, length }) => seq + length))
      if (end <= acked) break
      acked = end
      await bench.send('A', { seq: 1, ack: acked })
    }
  }
  await round(30)
  expect(connection.info().cwnd).toBe(40 * MSS)
  return { bench, connection, round }
}

test('what is not used does not grow, and is kept [RFC7661-4.3-validated, RFC7661-4.4-nonvalidated]', async () => {
  const { bench, connection, round } = await grown()
  for (let i = 0; i < 100; i++) await round(5)
  expect(connection.info().cwnd).toBe(40 * MSS)
  await bench.end()
})

test('after five minutes in which less than half was used it is halved, and the threshold remembers three quarters [RFC7661-4.4-nonvalidated]', async () => {
  const { bench, connection, round } = await grown()
  for (let i = 0; i < 2990; i++) await round(5)
  expect(connection.info().cwnd).toBe(40 * MSS)
  for (let i = 0; i < 40; i++) await round(5)
  expect(connection.info().cwnd).toBe(20 * MSS)
  expect(connection.info().ssthresh).toBeGreaterThanOrEqual(30 * MSS)
  // Never below the initial window.
  for (let i = 0; i < 6100; i++) await round(1)
  expect(connection.info().cwnd).toBe(10 * MSS)
  await bench.end()
}, 30_000)

test('loss: what was used of late counts, not the window, and what had to be sent again is taken off [RFC7661-4.4-adjust]', async () => {
  const { bench, connection, round } = await grown()
  for (let i = 0; i < 30; i++) await round(8)
  const start = connection.info().bytesSent + 1
  // Of five the first is lost; eight of a round trip ago were acknowledged.
  connection.tryWrite(pattern(5 * MSS))
  await bench.clock.settle()
  bench.all()
  for (let i = 0; i < 3; i++) await bench.send('A', { seq: 1, ack: start })
  expect(bench.all().filter(({ seq }) => seq === start)).toHaveLength(1)
  expect(connection.info()).toMatchObject({ congestionState: 'recovery', ssthresh: 4 * MSS })
  await bench.send('A', { seq: 1, ack: start + 5 * MSS })
  // (8 − 1) / 2
  expect(connection.info()).toMatchObject({ congestionState: 'open', ssthresh: 3500 })
  expect(connection.info().cwnd).toBeLessThanOrEqual(3500)
  await bench.end()
})

test('a window that was used is reduced as ever', async () => {
  const { bench, connection, round } = await grown()
  await round(40)
  const { cwnd } = connection.info()
  const start = connection.info().bytesSent + 1
  connection.tryWrite(pattern(60 * MSS))
  await bench.clock.settle()
  bench.all()
  for (let i = 0; i < 3; i++) await bench.send('A', { seq: 1, ack: start })
  expect(connection.info().ssthresh).toBe(Math.min(cwnd, 60 * MSS) / 2)
  await bench.end()
})

test('idle for longer than the timeout: slow start again, or not, as the option says [RFC5681-4.1-idle, RFC7661-4.4-nonvalidated]', async () => {
  for (const slowStartAfterIdle of [true, false]) {
    const { bench, connection } = await grown({ slowStartAfterIdle })
    await bench.clock.advance(10_000)
    connection.tryWrite(pattern(30 * MSS))
    await bench.clock.settle()
    expect(bench.all()).toHaveLength(slowStartAfterIdle ? 10 : 30)
    expect(connection.info().cwnd).toBe(slowStartAfterIdle ? 10 * MSS : 40 * MSS)
    await bench.end()
  }
})
