import { describe, expect, test } from 'vitest'
import { Bench, pattern } from './support/peer.ts'

const MSS = 1000

async function sending(bytes: number, bench?: Bench) {
  const b = bench ?? (await Bench.create())
  const connection = await b.connect({}, { mss: MSS })
  const written = connection.write(pattern(bytes))
  written.catch(() => undefined)
  await b.clock.settle()
  return { bench: b, connection, sent: b.all() }
}

describe('retransmission timeout', () => {
  test('backs off exponentially from 200 ms and gives up after 15 (RFC 6298 §5.5) [RFC9293-MUST-19, RFC9293-SHLD-11, RFC6298-5.1-start, RFC6298-5.5-backoff, RFC2525-2.10-backoff]', async () => {
    const { bench, connection } = await sending(500)
    const closed = expect(connection.closed).rejects.toMatchObject({ code: 'ETIMEDOUT' })
    let wait = 200
    for (let i = 0; i < 15; i++) {
      await bench.clock.advance(wait - 1)
      bench.expectNothing()
      await bench.clock.advance(1)
      bench.expect('PA', { seq: 1, length: 500 })
      wait = Math.min(2 * wait, 120_000)
    }
    await bench.clock.advance(wait)
    await closed
    bench.expect('RA', { seq: 501 })
    await bench.end()
  })

  test('userTimeout ends it earlier, exactly (RFC 5482) [RFC5482-3-local, RFC9293-MUST-21]', async () => {
    const bench = await Bench.create({ tcp: { userTimeout: 5000 } })
    const { connection } = await sending(500, bench)
    const closed = expect(connection.closed).rejects.toMatchObject({ code: 'ETIMEDOUT' })
    await bench.clock.advance(4999)
    expect(connection.state).toBe('established')
    await bench.clock.advance(1)
    await closed
    await bench.end()
  })

  test('one segment after a timeout, then slow start through everything held lost [RFC9293-MUST-19, RFC5681-3.1-timeout, RFC6298-5.4-first, RFC2525-2.2-timeout, RFC2525-2.14-several]', async () => {
    const { bench, connection, sent } = await sending(5000, await Bench.create({ tcp: { congestionControl: 'reno' } }))
    expect(sent).toHaveLength(5)
    await bench.clock.advance(200)
    bench.expect('A', { seq: 1, length: MSS })
    bench.expectNothing()
    expect(connection.info()).toMatchObject({ cwnd: MSS, ssthresh: 2500, timeouts: 1 })
    await bench.send('A', { seq: 1, ack: 1001 })
    expect(bench.all().map((segment) => segment.seq)).toEqual([1001, 2001])
    // The rest had arrived: no third time.
    await bench.send('A', { seq: 1, ack: 5001 })
    bench.expectNothing()
    await bench.clock.advance(1000)
    bench.expectNothing()
    await bench.end()
  })

  test('Karn: an acknowledged retransmission is no sample, the backed-off timeout stays (RFC 6298 §3) [RFC9293-MUST-18, RFC6298-3-karn]', async () => {
    const { bench, connection } = await sending(500)
    await bench.clock.advance(200)
    bench.expect('PA')
    await bench.clock.advance(100)
    await bench.send('A', { seq: 1, ack: 501 })
    expect(connection.info().rto).toBe(400)
    await connection.write(pattern(500))
    await bench.clock.advance(50)
    await bench.send('A', { seq: 1, ack: 1001 })
    expect(connection.info().rto).toBeLessThan(400)
    await bench.end()
  })

  test('with timestamps a retransmission is a sample (RFC 7323 §4.1) [RFC7323-4.2-sample]', async () => {
    const bench = await Bench.create()
    bench.peerTs = 1
    const { connection } = await sending(500, bench)
    await bench.clock.advance(200)
    const again = bench.expect('PA')
    await bench.clock.advance(30)
    await bench.send('A', { seq: 1, ack: 501, ts: { value: 2, echo: again.ts!.value } })
    expect(connection.info().rto).toBe(200)
    expect(connection.info().smoothedRtt).toBeGreaterThan(0)
    await bench.end()
  })

  test('RTT: the first sample sets SRTT and RTTVAR, later ones smooth (RFC 6298 §2) [RFC6298-2.2-first, RFC6298-2.3-next]', async () => {
    const bench = await Bench.create()
    const promise = bench.stack.tcp.connect({ host: bench.remote, port: 5000 })
    await bench.clock.settle()
    bench.localPort = bench.expect('S').sourcePort
    await bench.clock.advance(400)
    await bench.send('SA', { seq: 0, ack: 1 })
    const connection = await promise
    expect(connection.info()).toMatchObject({ smoothedRtt: 400, rttVariance: 200, rto: 1200 })
    await connection.write(pattern(10))
    await bench.clock.advance(800)
    await bench.send('A', { seq: 1, ack: 11 })
    expect(connection.info()).toMatchObject({ smoothedRtt: 450, rttVariance: 250, rto: 1450 })
    await bench.end()
  })
})

test('the least round trip is remembered (RFC 6298 §2)', async () => {
  const bench = await Bench.create()
  const opening = bench.stack.tcp.connect({ host: bench.remote, port: 5000 })
  await bench.clock.settle()
  bench.localPort = bench.expect('S').sourcePort
  const least: number[] = []
  await bench.clock.advance(100)
  await bench.send('SA', { seq: 0, ack: 1, mss: MSS })
  const connection = await opening
  for (const [i, rtt] of [80, 30, 50].entries()) {
    least.push(connection.info().minimumRtt)
    connection.tryWrite(pattern(10))
    await bench.clock.advance(rtt)
    await bench.send('A', { seq: 1, ack: 11 + 10 * i })
  }
  expect([...least, connection.info().minimumRtt]).toEqual([100, 80, 30, 30])
  await bench.end()
})

describe('fast retransmit and recovery', () => {
  test('three duplicate ACKs: the lost segment, half the window, new data by limited transmit (RFC 5681, 3042, 6582) [RFC5681-3.2-duplicate, RFC5681-3.2-inflate, RFC5681-3.2-exit, RFC5681-3.1-ssthresh, RFC3042-2-first, RFC6582-3.2-full, RFC2525-2.8-deflation]', async () => {
    const { bench, connection, sent } = await sending(20_000, await Bench.create({ tcp: { congestionControl: 'reno' } }))
    expect(sent).toHaveLength(10)
    await bench.send('A', { seq: 1, ack: 1 })
    bench.expect('A', { seq: 10_001 })
    await bench.send('A', { seq: 1, ack: 1 })
    bench.expect('A', { seq: 11_001 })
    await bench.send('A', { seq: 1, ack: 1 })
    bench.expect('A', { seq: 1, length: MSS })
    bench.expectNothing()
    // Half of what was out, without what limited transmit sent.
    expect(connection.info()).toMatchObject({ ssthresh: 5000, cwnd: 5000, retransmits: 1 })
    // Six more: what has left the network by now is below the window again.
    const after: number[] = []
    for (let i = 0; i < 6; i++) {
      await bench.send('A', { seq: 1, ack: 1 })
      after.push(...bench.all().map((segment) => segment.seq))
    }
    expect(after).toEqual([12_001, 13_001])
    // Full acknowledgment: recovery is over, no burst.
    await bench.send('A', { seq: 1, ack: 12_001 })
    expect(connection.info()).toMatchObject({ cwnd: 3000, ssthresh: 5000 })
    await bench.end()
  })

  test('partial ACKs retransmit hole after hole (RFC 6582 §3.2) [RFC6582-3.2-partial, RFC6582-3.2-recover, RFC5681-4.3-next]', async () => {
    const { bench, connection } = await sending(10_000)
    for (let i = 0; i < 3; i++) await bench.send('A', { seq: 1, ack: 1 })
    expect(bench.all().map((segment) => segment.seq)).toEqual([1])
    await bench.send('A', { seq: 1, ack: 3001 })
    expect(bench.all().map((segment) => segment.seq)).toEqual([3001])
    await bench.send('A', { seq: 1, ack: 7001 })
    expect(bench.all().map((segment) => segment.seq)).toEqual([7001])
    await bench.send('A', { seq: 1, ack: 10_001 })
    bench.expectNothing()
    expect(connection.info().retransmits).toBe(3)
    expect(bench.counters['fastRetransmits']).toBe(1)
    await bench.end()
  })

  test('duplicates that an earlier recovery caused start none (recover) [RFC6582-3.2-enter, RFC6582-3.2-timeout]', async () => {
    const { bench } = await sending(10_000)
    await bench.clock.advance(200)
    bench.all()
    await bench.send('A', { seq: 1, ack: 2001 })
    bench.all()
    for (let i = 0; i < 5; i++) await bench.send('A', { seq: 1, ack: 2001 })
    expect(bench.counters['fastRetransmits']).toBe(0)
    await bench.end()
  })

  test('window updates and data are no duplicate ACKs (RFC 5681 §2)', async () => {
    const { bench } = await sending(5000)
    for (let i = 1; i <= 4; i++) await bench.send('A', { seq: 1, ack: 1, win: 20_000 + i })
    for (let i = 0; i < 4; i++) await bench.send('A', { seq: 1 + 10 * i, ack: 1, win: 20_004, data: pattern(10) })
    expect(bench.counters['fastRetransmits']).toBe(0)
    await bench.end()
  })

  test('ACKs made up by the peer do not empty the pipe (RFC 5681 §5)', async () => {
    const { bench } = await sending(200_000)
    for (let i = 0; i < 500; i++) bench.inject('A', { seq: 1, ack: 1 })
    await bench.clock.settle()
    expect(bench.all().length).toBeLessThan(25)
    await bench.end()
  })

  test('congestion avoidance adds one segment a window, counted in bytes [RFC9293-MUST-19, RFC5681-3.1-avoidance, RFC2525-2.6-constant]', async () => {
    const { bench, connection } = await sending(200_000, await Bench.create({ tcp: { congestionControl: 'reno' } }))
    for (let i = 0; i < 3; i++) await bench.send('A', { seq: 1, ack: 1 })
    let ack = Math.max(...bench.all().map((segment) => segment.seq + segment.data.length), 10_001)
    await bench.send('A', { seq: 1, ack })
    for (let round = 0; round < 3; round++) {
      const end = Math.max(...bench.all().map((segment) => segment.seq + segment.data.length))
      ack = end
      await bench.send('A', { seq: 1, ack })
    }
    const { cwnd, ssthresh } = connection.info()
    expect(cwnd).toBeGreaterThanOrEqual(ssthresh)
    const end = Math.max(...bench.all().map((segment) => segment.seq + segment.data.length))
    await bench.send('A', { seq: 1, ack: end })
    expect(connection.info().cwnd - cwnd).toBeLessThanOrEqual(MSS)
    await bench.end()
  })

  test('an idle RTO brings back the initial window (RFC 5681 §4.1) [RFC5681-4.1-idle]', async () => {
    const { bench, connection } = await sending(40_000)
    let ack = 10_001
    while (ack < 40_001) {
      await bench.send('A', { seq: 1, ack })
      ack = Math.max(ack, ...bench.all().map((segment) => segment.seq + segment.data.length))
    }
    await bench.send('A', { seq: 1, ack: 40_001 })
    expect(connection.info().cwnd).toBeGreaterThan(10_000)
    await bench.clock.advance(5000)
    void connection.write(pattern(40_000))
    await bench.clock.settle()
    expect(bench.all()).toHaveLength(10)
    await bench.end()
  })
})
