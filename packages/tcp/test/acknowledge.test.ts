import { describe, expect, test } from 'vitest'
import { pattern } from './support/peer.ts'
import { connected, RTT, sending, sequences } from './support/sending.ts'

// What an acknowledgment tells: RFC 9293 §3.10.7.4 fifth step, RFC 6298 §3, RFC 7323 §4, RFC 2018, RFC 2883.

describe('round trips (RFC 6298 §3)', () => {
  test('of several segments that one ACK covers the oldest tells', async () => {
    const { bench, connection } = await connected()
    connection.tryWrite(pattern(1000))
    await bench.clock.advance(60)
    connection.tryWrite(pattern(1000))
    connection.tryWrite(pattern(1000))
    await bench.clock.advance(40)
    await bench.send('A', { seq: 1, ack: 3001 })
    expect(connection.info()).toMatchObject({ smoothedRtt: RTT, minimumRtt: RTT })
    await bench.end()
  })

  test('of those behind them as well', async () => {
    const { bench, connection } = await connected()
    for (const wait of [60, 0, 20]) {
      connection.tryWrite(pattern(1000))
      await bench.clock.advance(wait)
    }
    connection.tryWrite(pattern(1000))
    await bench.clock.advance(20)
    await bench.send('A', { seq: 1, ack: 1001 })
    await bench.clock.advance(60)
    await bench.send('A', { seq: 1, ack: 4001 })
    expect(connection.info()).toMatchObject({ smoothedRtt: RTT, minimumRtt: RTT })
    await bench.end()
  })

  test('the same when something was sacked before', async () => {
    const { bench, connection } = await connected({ sack: true })
    connection.tryWrite(pattern(1000))
    await bench.clock.advance(10)
    connection.tryWrite(pattern(1000))
    connection.tryWrite(pattern(1000))
    await bench.clock.advance(90)
    await bench.send('A', { seq: 1, ack: 1, sack: [[2001, 3001]] })
    await bench.send('A', { seq: 1, ack: 3001 })
    expect(connection.info()).toMatchObject({ smoothedRtt: RTT, minimumRtt: RTT, bytesSacked: 0 })
    await bench.end()
  })

  test('what waited for a retransmission is no sample, though it was sent once (Karn)', async () => {
    const { bench, connection } = await sending(2000)
    const { rto } = connection.info()
    await bench.clock.advance(rto)
    expect(sequences(bench.all())).toEqual([1])
    await bench.clock.advance(50)
    await bench.send('A', { seq: 1, ack: 2001 })
    expect(connection.info()).toMatchObject({ smoothedRtt: RTT, minimumRtt: RTT, backoff: 1 })
    await bench.end()
  })

  test('with timestamps a retransmission is one, unless its echo says what cannot be (RFC 7323 §4.1)', async () => {
    for (const [echoed, srtt] of [[40, 92.5], [-5, RTT], [700_000, RTT]] as const) {
      const { bench, connection } = await sending(4000, { timestamps: true })
      await bench.clock.advance(RTT)
      for (let i = 0; i < 3; i++) await bench.send('A', { seq: 1, ack: 1 })
      const [again] = bench.all()
      expect(again!.seq).toBe(1)
      await bench.clock.advance(40)
      await bench.send('A', { seq: 1, ack: 1001, ts: { value: 1, echo: again!.ts!.value + 40 - echoed } })
      expect(connection.info().smoothedRtt).toBe(srtt)
      await bench.end()
    }
  })
})

describe('no progress', () => {
  test('ACKs of nothing new do not make a peer alive that acknowledges nothing', async () => {
    const { bench, connection } = await sending(1000)
    for (let i = 1; i <= 3; i++) {
      await bench.clock.advance(connection.info().rto)
      await bench.send('A', { seq: 1, ack: 1 })
      expect(connection.info()).toMatchObject({ unansweredTimeouts: i, backoff: i })
    }
    await bench.send('A', { seq: 1, ack: 1001 })
    expect(connection.info()).toMatchObject({ unansweredTimeouts: 0 })
    await bench.end()
  })

  test('with nothing out they are no duplicates (RFC 5681 §2)', async () => {
    const { bench, connection } = await connected()
    for (let i = 0; i < 5; i++) await bench.send('A', { seq: 1, ack: 1 })
    expect(connection.info().congestionState).toBe('open')
    connection.tryWrite(pattern(5000))
    bench.all()
    await bench.send('A', { seq: 1, ack: 1 })
    bench.expectNothing()
    expect(bench.counters).toMatchObject({ fastRetransmits: 0, retransmits: 0 })
    await bench.end()
  })

  test('two duplicates, progress, two more: no loss (RFC 5681 §3.2)', async () => {
    const { bench, connection } = await sending(5000)
    for (const ack of [1, 1, 1001, 1001, 1001]) await bench.send('A', { seq: 1, ack })
    expect(bench.counters).toMatchObject({ fastRetransmits: 0 })
    await bench.send('A', { seq: 1, ack: 1001 })
    expect(bench.counters).toMatchObject({ fastRetransmits: 1 })
    connection.abort()
    await bench.end()
  })
})

describe('the window (RFC 9293 §3.10.7.4)', () => {
  test('of an older segment is not taken, that of the newest is, smaller or larger', async () => {
    const { bench, connection } = await connected()
    await bench.send('A', { seq: 101, ack: 1, win: 5000, data: pattern(10) })
    expect(connection.info().sendWindow).toBe(5000)
    await bench.send('A', { seq: 1, ack: 1, win: 9000, data: pattern(10) })
    await bench.send('A', { seq: 11, ack: 1, win: 1000 })
    expect(connection.info().sendWindow).toBe(5000)
    await bench.send('A', { seq: 101, ack: 1, win: 4000 })
    expect(connection.info().sendWindow).toBe(4000)
    await bench.end()
  })

  test('that opens while text is out sends nothing again, and leaves the timer alone', async () => {
    const { bench, connection } = await sending(3000)
    await bench.clock.advance(150)
    for (const win of [20_000, 30_000, 40_000]) await bench.send('A', { seq: 1, ack: 1, win })
    bench.expectNothing()
    expect(connection.info().retransmits).toBe(0)
    await bench.clock.advance(connection.info().rto - 150)
    expect(sequences(bench.all())).toEqual([1])
    await bench.end()
  })

  test('that opens after probes: everything begins anew, without backoff, and what is lost then is lost as ever (§3.8.6.1)', async () => {
    const { bench, connection } = await connected()
    await bench.send('A', { seq: 1, ack: 1, win: 0 })
    connection.tryWrite(pattern(3000))
    const { rto } = connection.info()
    await bench.clock.advance(3 * rto)
    expect(bench.all().map(({ seq, length }) => [seq, length])).toEqual([[1, 1], [1, 1]])
    expect(connection.info()).toMatchObject({ unansweredProbes: 2, backoff: 2, timeouts: 0 })
    await bench.send('A', { seq: 1, ack: 1, win: 10_000 })
    expect(bench.all().map(({ seq, length }) => [seq, length])).toEqual([[1, 1000], [1001, 1000], [2001, 1000]])
    expect(connection.info()).toMatchObject({ unansweredProbes: 0, unansweredTimeouts: 0, backoff: 0 })
    await bench.clock.advance(rto)
    expect(sequences(bench.all())).toEqual([1])
    expect(connection.info()).toMatchObject({ timeouts: 1, unansweredTimeouts: 1, unansweredProbes: 0 })
    await bench.end()
  })

  test('that stays closed, or is told smaller, ends no probing', async () => {
    const { bench, connection } = await connected()
    await bench.send('A', { seq: 1, ack: 1, win: 0 })
    connection.tryWrite(pattern(3000))
    const { rto } = connection.info()
    await bench.clock.advance(rto)
    expect(bench.all()).toHaveLength(1)
    await bench.send('A', { seq: 1, ack: 1, win: 0 })
    expect(connection.info().backoff).toBe(1)
    await bench.clock.advance(2 * rto - 1)
    bench.expectNothing()
    await bench.clock.advance(1)
    expect(bench.all()).toHaveLength(1)
    await bench.end()
  })
})

test('a window that is too small to be worth it, told again and again, does not put off what fits (§3.8.6.2.1)', async () => {
  const { bench, connection } = await connected()
  await bench.send('A', { seq: 1, ack: 1, win: 300 })
  connection.tryWrite(pattern(3000))
  const { rto } = connection.info()
  for (let waited = 0; waited < rto; waited += 100) {
    bench.expectNothing()
    await bench.clock.advance(100)
    if (waited + 100 < rto) await bench.send('A', { seq: 1, ack: 1, win: 300 })
  }
  expect(bench.all().map(({ seq, length }) => [seq, length])).toEqual([[1, 300]])
  await bench.end()
})

describe('what the peer sacked (RFC 2018, RFC 2883)', () => {
  test('what one ACK tells of at once is no reordering, in whatever order it tells it (RFC 8985 §6.2)', async () => {
    for (const sack of [
      [[5001, 6001], [3001, 4001], [1001, 2001]], [[3001, 4001], [5001, 6001], [1001, 2001]], [[1001, 2001], [5001, 6001], [3001, 4001]], [[1001, 2001], [3001, 4001], [5001, 6001]],
    ] as const) {
      const { bench, connection } = await sending(10_000, { sack: true })
      await bench.clock.advance(RTT)
      await bench.send('A', { seq: 1, ack: 1, sack })
      // Three are there: everything in front of them is lost, without a wait.
      expect(sequences(bench.all()).slice(0, 1)).toEqual([1])
      expect(connection.info()).toMatchObject({ bytesSacked: 3000, congestionState: 'recovery' })
      expect(connection.info().bytesLost + connection.info().bytesRetransmitting).toBe(3000)
      await bench.end()
    }
  })

  test('four blocks count, behind a duplicate as well', async () => {
    const { bench, connection } = await sending(10_000, { sack: true })
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 1001 })
    bench.all()
    await bench.send('A', { seq: 1, ack: 1001, sack: [[1, 1001], [8001, 9001], [6001, 7001], [3001, 4001]] })
    expect(connection.info().bytesSacked).toBe(3000)
    expect(bench.counters['duplicateReports']).toBe(1)
    expect(sequences(bench.all())).toContain(1001)
    await bench.end()
  })

  test('a first block inside the second one tells of a duplicate, any other does not (RFC 2883 §4.2)', async () => {
    const { bench, connection } = await sending(10_000, { sack: true })
    const reports = (): number => bench.counters['duplicateReports']!
    await bench.send('A', { seq: 1, ack: 1, sack: [[9001, 10_001]] })
    await bench.send('A', { seq: 1, ack: 1, sack: [[7001, 8001], [9001, 10_001]] })
    await bench.send('A', { seq: 1, ack: 1, sack: [[9001, 10_001], [7001, 8001]] })
    await bench.send('A', { seq: 1, ack: 1, sack: [[7001, 9001], [7001, 8001]] })
    expect(reports()).toBe(0)
    expect(connection.info().bytesSacked).toBe(3000)
    await bench.send('A', { seq: 1, ack: 1, sack: [[8001, 9001], [7001, 10_001]] })
    await bench.send('A', { seq: 1, ack: 1, sack: [[7001, 10_001], [7001, 10_001]] })
    expect(reports()).toBe(2)
    await bench.end()
  })

  test('one block is no duplicate, whatever the ACK before it told', async () => {
    const { bench, connection } = await sending(10_000, { sack: true })
    await bench.send('A', { seq: 1, ack: 1, sack: [[6001, 7001], [2001, 5001]] })
    await bench.send('A', { seq: 1, ack: 1, sack: [[3001, 4001]] })
    expect(connection.info().bytesSacked).toBe(4000)
    expect(bench.counters['duplicateReports']).toBe(0)
    await bench.end()
  })

  test('behind a duplicate every block counts, in whatever order', async () => {
    const { bench, connection } = await sending(10_000, { sack: true })
    await bench.send('A', { seq: 1, ack: 1, sack: [[8001, 9001], [7001, 10_001], [3001, 4001], [1001, 2001]] })
    expect(connection.info().bytesSacked).toBe(5000)
    expect(bench.counters['duplicateReports']).toBe(1)
    await bench.end()
  })

  test('blocks that grow and overlap are counted once', async () => {
    const { bench, connection } = await sending(10_000, { sack: true })
    const sacked: number[] = []
    for (const block of [[5001, 6001], [4001, 7001], [4001, 6001], [2001, 9001], [8001, 9001], [2001, 10_001]] as const) {
      await bench.send('A', { seq: 1, ack: 1, sack: [block] })
      sacked.push(connection.info().bytesSacked)
    }
    expect(sacked).toEqual([1000, 3000, 3000, 7000, 7000, 8000])
    await bench.send('A', { seq: 1, ack: 4001, sack: [[4001, 10_001]] })
    expect(connection.info()).toMatchObject({ bytesSacked: 6000, bytesInFlight: 6000 })
    await bench.send('A', { seq: 1, ack: 10_001 })
    expect(connection.info()).toMatchObject({ bytesSacked: 0, bytesInFlight: 0, bytesLost: 0, bytesRetransmitting: 0 })
    await bench.end()
  })

  test('a block that begins or ends inside a segment stands for the whole ones in it', async () => {
    const { bench, connection } = await sending(10_000, { sack: true })
    const sacked: number[] = []
    for (const block of [[1001, 2000], [1002, 2001], [1002, 3001], [4001, 6500], [6500, 8000]] as const) {
      await bench.send('A', { seq: 1, ack: 1, sack: [block] })
      sacked.push(connection.info().bytesSacked)
    }
    expect(sacked).toEqual([0, 0, 1000, 3000, 3000])
    await bench.end()
  })

  test('a peer that gets things twice is waited for longer, from one round trip to the next (RFC 8985 §6.2 step 4)', async () => {
    // Without a duplicate a quarter of the least round trip, then two.
    for (const duplicates of [0, 1]) {
      const { bench } = await sending(4000, { sack: true })
      await bench.clock.advance(RTT)
      await bench.send('A', { seq: 1, ack: 1001 })
      for (let i = 0; i < 2 * duplicates; i++) await bench.send('A', { seq: 1, ack: 1001, sack: [[1, 1001]] })
      await bench.send('A', { seq: 1, ack: 1001, sack: [[3001, 4001]] })
      bench.all()
      await bench.clock.advance(((1 + duplicates) * RTT) / 4 - 1)
      bench.expectNothing()
      await bench.clock.advance(2)
      expect(sequences(bench.all())[0]).toBe(1001)
      await bench.end()
    }
  })
})
