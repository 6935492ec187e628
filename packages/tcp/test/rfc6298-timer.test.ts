import { describe, expect, test } from 'vitest'
import { Bench, pattern } from './support/peer.ts'

const MSS = 1000

/** RTO 200 ms, ten segments out, and the windows of RFC 5681. */
async function sending(bytes: number) {
  const bench = await Bench.create({ tcp: { congestionControl: 'reno' } })
  const connection = await bench.connect({}, { mss: MSS })
  connection.write(pattern(bytes)).catch(() => undefined)
  await bench.clock.settle()
  return { bench, connection, sent: bench.all() }
}

describe('the retransmission timer', () => {
  test('runs with the first segment that is out, and does not start anew with the next [RFC6298-5.1-start]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ noDelay: true }, { mss: MSS })
    connection.tryWrite(pattern(10))
    bench.expect('PA', { seq: 1 })
    await bench.clock.advance(150)
    connection.tryWrite(pattern(10, 10))
    bench.expect('PA', { seq: 11 })
    await bench.clock.advance(49)
    bench.expectNothing()
    await bench.clock.advance(1)
    expect(bench.next().seq).toBe(1)
    await bench.end()
  })

  test('starts anew with each ACK of new data [RFC6298-5.3-restart]', async () => {
    const { bench } = await sending(5000)
    await bench.clock.advance(150)
    await bench.send('A', { seq: 1, ack: 1001 })
    await bench.clock.advance(199)
    bench.expectNothing()
    await bench.clock.advance(1)
    expect(bench.next()).toMatchObject({ seq: 1001, length: MSS })
    await bench.end()
  })

  test('stops with the ACK of all data [RFC6298-5.2-stop]', async () => {
    const { bench } = await sending(3000)
    await bench.clock.advance(199)
    await bench.send('A', { seq: 1, ack: 3001 })
    await bench.clock.advance(600_000)
    bench.expectNothing()
    expect(bench.counters['timeouts']).toBe(0)
    await bench.end()
  })

  test('sends the earliest segment again, and only that, each time the same bytes [RFC6298-5.4-first, RFC2525-2.4-consistent, RFC2525-2.14-several]', async () => {
    const { bench, sent } = await sending(5000)
    for (const wait of [200, 400, 800]) {
      await bench.clock.advance(wait)
      expect(bench.expect('A', { seq: 1, length: MSS }).data).toEqual(sent[0]!.data)
      bench.expectNothing()
    }
    await bench.end()
  })

  test('before the first sample it is one second [RFC6298-2.1-initial, RFC2525-2.7-initial]', async () => {
    const bench = await Bench.create()
    bench.stack.tcp.listen({ port: 7000 })
    await bench.send('S', { mss: MSS })
    bench.expect('SA')
    await bench.clock.advance(999)
    bench.expectNothing()
    await bench.clock.advance(1)
    bench.expect('SA', { seq: 0, ack: 1 })
    await bench.end()
  })
})

describe('congestion control', () => {
  test('another timeout of the same segment leaves ssthresh alone [RFC5681-3.1-repeated, RFC5681-3.1-timeout]', async () => {
    const { bench, connection } = await sending(20_000)
    await bench.clock.advance(200)
    expect(connection.info()).toMatchObject({ ssthresh: 5000, cwnd: MSS })
    await bench.clock.advance(400)
    expect(connection.info()).toMatchObject({ ssthresh: 5000, cwnd: MSS, timeouts: 2 })
    connection.abort()
    await bench.end()
  })

  test('what limited transmit sent is not counted: half of ten segments, not of twelve [RFC5681-3.1-ssthresh, RFC3042-2-first]', async () => {
    const { bench, connection } = await sending(20_000)
    for (let i = 0; i < 3; i++) await bench.send('A', { seq: 1, ack: 1 })
    expect(bench.all().map((segment) => segment.seq)).toEqual([10_001, 11_001, 1])
    expect(connection.info().ssthresh).toBe(5000)
    connection.abort()
    await bench.end()
  })

  test('limited transmit keeps within the window of the peer, and to two segments [RFC3042-2-window]', async () => {
    for (const [win, expected] of [[10_000, []], [11_000, [10_001]], [65_535, [10_001, 11_001]]] as const) {
      const bench = await Bench.create()
      const connection = await bench.connect({}, { mss: MSS, win })
      connection.write(pattern(30_000)).catch(() => undefined)
      await bench.clock.settle()
      expect(bench.all()).toHaveLength(10)
      for (let i = 0; i < 2; i++) await bench.send('A', { seq: 1, ack: 1, win })
      expect(bench.all().map((segment) => segment.seq)).toEqual(expected)
      connection.abort()
      await bench.end()
    }
  })

  test('a SYN waits twice as long each time, or as often the same time as was asked for (RFC 6298 §5.5)', async () => {
    for (const [synLinearRetries, waits] of [[0, [1000, 2000, 4000]], [2, [1000, 1000, 1000, 2000, 4000]]] as const) {
      const bench = await Bench.create()
      bench.stack.tcp.open({ host: bench.remote, port: 5000, synLinearRetries })
      bench.expect('S')
      for (const wait of waits) {
        await bench.clock.advance(wait - 1)
        bench.expectNothing()
        await bench.clock.advance(1)
        bench.expect('S')
      }
      await bench.end()
    }
  })

  test('a SYN that was lost twice begins with one segment [RFC6928-2-syn, RFC5681-3.1-initial]', async () => {
    const bench = await Bench.create()
    const connecting = bench.stack.tcp.connect({ host: bench.remote, port: 5000 })
    await bench.clock.advance(3000)
    bench.localPort = bench.all().at(-1)!.sourcePort
    await bench.send('SA', { seq: 0, ack: 1, mss: MSS })
    const connection = await connecting
    bench.expect('A')
    connection.write(pattern(5000)).catch(() => undefined)
    await bench.clock.settle()
    bench.expect('A', { seq: 1, length: MSS })
    bench.expectNothing()
    await bench.end()
  })

  test('the initial window is ten segments, or 14,600 bytes, or two segments [RFC6928-2-window]', async () => {
    for (const [mss, segments] of [[536, 10], [1460, 10], [2920, 5], [8000, 2]] as const) {
      const bench = await Bench.create({ mtu: 9000 })
      const connection = await bench.connect({}, { mss })
      connection.write(pattern(100_000)).catch(() => undefined)
      await bench.clock.settle()
      expect(bench.all().map((segment) => segment.length)).toEqual(Array.from({ length: segments }, () => mss))
      connection.abort()
      await bench.end()
    }
  })

  test('recovery ends with no more than ssthresh, and without a burst [RFC6582-3.2-full, RFC2525-2.8-deflation]', async () => {
    const { bench, connection } = await sending(60_000)
    for (let i = 0; i < 9; i++) await bench.send('A', { seq: 1, ack: 1 })
    const end = Math.max(...bench.all().map((segment) => segment.seq + segment.length))
    await bench.send('A', { seq: 1, ack: end })
    const { cwnd, ssthresh, congestionState } = connection.info()
    expect(congestionState).toBe('open')
    expect(cwnd).toBeLessThanOrEqual(ssthresh)
    expect(bench.all().length).toBeLessThanOrEqual(2)
    connection.abort()
    await bench.end()
  })

  test('RACK goes by the round trip of the newest that arrived, and a quarter of the least [RFC8985-6.2-rtt]', async () => {
    const bench = await Bench.create()
    const connecting = bench.stack.tcp.connect({ host: bench.remote, port: 5000 })
    await bench.clock.advance(100)
    bench.localPort = bench.expect('S').sourcePort
    await bench.send('SA', { seq: 0, ack: 1, mss: MSS, sackPermitted: true })
    const connection = await connecting
    bench.expect('A')
    expect(connection.info().minimumRtt).toBe(100)
    connection.tryWrite(pattern(2000))
    expect(bench.all()).toHaveLength(2)
    // The second came after 160 ms: the first is lost 25 ms later, not before.
    await bench.clock.advance(160)
    await bench.send('A', { seq: 1, ack: 1, sack: [[1001, 2001]] })
    await bench.clock.advance(24)
    bench.expectNothing()
    await bench.clock.advance(2)
    expect(bench.all().map((segment) => segment.seq)).toEqual([1])
    await bench.end()
  })
})

describe('known problems (RFC 2525)', () => {
  test('a FIN follows what is read to the end at once: the peer’s is told, ours leaves with the last data [RFC2525-2.15-fin]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    const read = connection.read(new Uint8Array(1))
    await bench.send('FA', { seq: 1, ack: 1 })
    expect(await read).toBeNull()
    bench.expect('A', { ack: 2 })
    void connection.write(pattern(5), { end: true })
    bench.expect('FPA', { seq: 1, length: 5 })
    await bench.end()
  })

  test('a window that opens with data in the other direction ends the probing: no deadlock [RFC2525-2.12-deadlock]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: MSS, win: 0 })
    connection.tryWrite(pattern(2500))
    await bench.clock.advance(200)
    bench.expect('A', { seq: 1, length: 1 })
    // The probe is dropped; later data comes, and with it the window.
    await bench.send('PA', { seq: 1, ack: 1, win: 5000, data: pattern(10) })
    expect(bench.all().map((segment) => [segment.seq, segment.length])).toEqual([[1, MSS], [1001, MSS]])
    await bench.send('A', { seq: 11, ack: 2001 })
    bench.expect('PA', { seq: 2001, length: 500 })
    await bench.send('A', { seq: 11, ack: 2501 })
    expect(connection.info().bytesAcked).toBe(2500)
    await bench.end()
  })
})
