import { describe, expect, test } from 'vitest'
import { Prr } from '../src/prr.ts'
import { Rack } from '../src/rack.ts'
import { RingPool, Scoreboard } from '../src/scoreboard.ts'
import type { TcpTraceEvent } from '../src/index.ts'
import { Bench, pattern } from './support/peer.ts'
import { MSS, RTT, sending, sequences } from './support/sending.ts'

// How loss is found and repaired, to the millisecond and to the segment: RFC 8985, RFC 9937, RFC 6582, RFC 5682, RFC 3708.

/** µs */
const ROUND = 100_000

/** Six segments of 1,000 bytes, sent 1 ms apart from time 0 on; RACK looks at them. */
function flight() {
  const board = new Scoreboard(new RingPool())
  for (let i = 0; i < 6; i++) board.push(1000 * i, 1000 * (i + 1), 1000 * i, i + 1)
  const rack = new Rack(0)
  return {
    board, rack,
    arrives: (i: number, now: number, isEchoOlder = false): void => {
      rack.begin()
      rack.delivered(board, i, now, ROUND, isEchoOlder)
      board.markSacked(i)
    },
    /** The records that are lost at `now`, and how long to wait for the next, µs. */
    detect: (now: number, isRecovering = false): [lost: number[], wait: number] => {
      const wait = rack.detect(board, 0, now, isRecovering, ROUND, ROUND)
      return [Array.from({ length: board.length }, (_, i) => i).filter((i) => (board.marks(i) & 6) === 2), wait]
    },
  }
}

describe('RACK, to the microsecond (RFC 8985 §6.2)', () => {
  test('what left before something that arrived is lost a quarter of a round trip behind its own', () => {
    const { arrives, detect } = flight()
    arrives(2, 102_000)
    expect(detect(102_000)).toEqual([[], 23_000])
    expect(detect(124_999)).toEqual([[], 1])
    expect(detect(125_000)).toEqual([[0], 1000])
    expect(detect(126_000)).toEqual([[0, 1], 0])
    // What left later has its time before it.
    expect(detect(900_000)).toEqual([[0, 1], 0])
  })

  test('at once while something is repaired, or when three have arrived behind it', () => {
    const one = flight()
    one.arrives(2, 102_000)
    expect(one.detect(102_000, true)).toEqual([[0, 1], 0])
    const three = flight()
    three.arrives(1, 101_000)
    three.arrives(3, 103_000)
    expect(three.detect(103_000)).toEqual([[], 22_000])
    three.arrives(4, 104_000)
    expect(three.detect(104_000)).toEqual([[0, 2], 0])
  })

  test('where reordering was seen neither makes it hasty', () => {
    const { rack, board, arrives, detect } = flight()
    arrives(3, 103_000)
    // It left before, and arrives behind.
    arrives(1, 103_000)
    expect(rack.isReordering).toBe(true)
    arrives(4, 104_000)
    expect(board.sackedRecords).toBe(3)
    expect(detect(104_000, true)).toEqual([[], 21_000])
    expect(detect(125_000, true)[0]).toEqual([0])
  })

  test('each round trip with a duplicate adds a quarter, no more than the smoothed round trip; sixteen recoveries without one end it', () => {
    const { rack, arrives, detect } = flight()
    arrives(2, 102_000)
    const wait = (): number => detect(102_000)[1] + 2000
    expect(wait()).toBe(25_000)
    rack.duplicate(0, 6000)
    expect(wait()).toBe(50_000)
    // The same round trip.
    rack.duplicate(5999, 7000)
    expect(wait()).toBe(50_000)
    rack.duplicate(6000, 7000)
    expect(wait()).toBe(75_000)
    for (let una = 7000; una < 20_000; una += 1000) rack.duplicate(una, una + 1000)
    expect(wait()).toBe(100_000)
    for (let i = 0; i < 15; i++) rack.recovered()
    expect(wait()).toBe(100_000)
    rack.recovered()
    expect(wait()).toBe(25_000)
  })

  test('a retransmission that left and arrives sooner than anything can was not what arrived (step 2)', () => {
    for (const [sent, isEchoOlder, isTaken] of [[150_000, false, true], [150_001, false, false], [150_000, true, false]] as const) {
      const { board, rack, arrives, detect } = flight()
      board.markLost(4)
      board.markSentAgain(4, sent, 7)
      rack.resent(4000, 5000, 7)
      arrives(4, 250_000, isEchoOlder)
      expect(detect(400_000)[0]).toEqual(isTaken ? [0, 1, 2, 3, 5] : [])
    }
  })

  test('something old that arrives late makes nothing newer lost, and its round trip is what others may take', () => {
    const { arrives, detect } = flight()
    arrives(5, 105_000)
    expect(detect(105_000)).toEqual([[], 20_000])
    arrives(0, 115_000)
    // It left at 0, those behind it later: of the newest the round trip would have been 100 ms.
    expect(detect(115_000)).toEqual([[], 26_000])
  })

  test('retransmissions are lost in the order in which they left again, as segments are', () => {
    const { board, rack, arrives, detect } = flight()
    for (const i of [0, 1, 2]) board.markLost(i)
    for (const [i, at] of [[1, 200_000], [0, 201_000], [2, 202_000]] as const) {
      board.markSentAgain(i, at, 7 + at - 200_000)
      rack.resent(1000 * i, 1000 * (i + 1), 7 + at - 200_000)
    }
    arrives(2, 302_000)
    // And what had left before them is.
    expect(detect(302_000, true)).toEqual([[0, 1, 3, 4, 5], 0])
    expect(rack.lostResend).toBe(1007)
  })

  test.each([[199_000, 200_000, 22_000], [200_500, 200_000, 23_000]])('what waits longest is not what is looked at next: an original of %i, a retransmission of %i µs', (original, again, nearest) => {
    const { board, rack, arrives, detect } = flight()
    arrives(3, 103_000)
    arrives(1, 103_000)
    board.markLost(0)
    board.push(6000, 7000, original, 7)
    board.markSentAgain(0, again, 8)
    rack.resent(0, 1000, 8)
    board.push(7000, 8000, 202_000, 9)
    arrives(7, 302_000)
    expect(detect(302_000, true)).toEqual([[2, 4, 5], nearest])
    // Each at its own time.
    expect(detect(again + 124_999, true)[0].includes(0)).toBe(false)
    expect(detect(again + 125_000, true)[0].includes(0)).toBe(true)
    expect(rack.lostResend).toBe(8)
  })

  test('one that left behind all that arrived is not lost yet', () => {
    const { board, rack, arrives, detect } = flight()
    board.markLost(0)
    arrives(5, 105_000)
    board.markSentAgain(0, 106_000, 7)
    rack.resent(0, 1000, 7)
    expect(detect(900_000, true)[0]).not.toContain(0)
    expect(rack.lostResend).toBeNull()
  })

  test('a retransmission that left a third time is not taken for the second', () => {
    const { board, rack, arrives, detect } = flight()
    board.markLost(0)
    board.markSentAgain(0, 200_000, 7)
    rack.resent(0, 1000, 7)
    board.markLost(0)
    board.markSentAgain(0, 300_000, 9)
    rack.resent(0, 1000, 9)
    board.push(6000, 7000, 250_000, 8)
    arrives(6, 350_000)
    expect(detect(350_000, true)[0]).not.toContain(0)
    board.push(7000, 8000, 301_000, 10)
    arrives(7, 401_000)
    expect(detect(401_000, true)[0]).toContain(0)
    expect(rack.lostResend).toBe(9)
  })

  test('hundreds of retransmissions, one after the other', () => {
    const board = new Scoreboard(new RingPool())
    const rack = new Rack(0)
    const count = 400
    for (let i = 0; i < count; i++) board.push(10 * i, 10 * (i + 1), 0, i)
    for (let i = 0; i < count; i++) board.markLost(i)
    let order = count
    for (let i = 0; i < count; i++) {
      board.markSentAgain(i, 100 * i, ++order)
      rack.resent(10 * i, 10 * (i + 1), order)
      // Every second one is lost again: the next one to arrive tells.
      if (i % 2 === 0) continue
      rack.delivered(board, i, 100 * i + ROUND, ROUND, false)
      board.markSacked(i)
      rack.detect(board, 0, 100 * i + ROUND, true, ROUND, ROUND)
      expect(board.firstLost()).toBe(0)
      expect(board.lostBytes).toBe(5 * (i + 1) + 10 * (count - 1 - i))
    }
  })

  test('for the timer of retransmissions: overdue a round trip behind its time, later with reordering (§6.3)', () => {
    const { board, rack, arrives } = flight()
    const overdue = (now: number): boolean => rack.isOverdue(board, 4, now, ROUND, ROUND)
    // Nothing arrived: no round trip is known.
    expect([overdue(3999), overdue(4000)]).toEqual([false, true])
    arrives(3, 103_000)
    expect([overdue(103_999), overdue(104_000)]).toEqual([false, true])
    arrives(1, 103_000)
    expect([overdue(130_999), overdue(131_000)]).toEqual([false, true])
  })
})

describe('the reordering timer (RFC 8985 §6.2)', () => {
  test('of several segments that are late one leaves: nothing arrived just now (RFC 9937 §6.2)', async () => {
    const { bench, connection } = await sending(5000, { sack: true })
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 1, sack: [[4001, 5001]] })
    bench.expectNothing()
    expect(connection.info()).toMatchObject({ congestionState: 'disorder', bytesLost: 0 })
    await bench.clock.advance(RTT / 4 + 1)
    expect(sequences(bench.all())).toEqual([1])
    expect(connection.info()).toMatchObject({ congestionState: 'recovery', bytesLost: 3000, bytesRetransmitting: 1000, retransmits: 1 })
    expect(bench.counters).toMatchObject({ fastRetransmits: 1, timeouts: 0, tailProbes: 0 })
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 1001, sack: [[4001, 5001]] })
    expect(sequences(bench.all())).toEqual([1001, 2001])
    await bench.end()
  })

  test('is stopped by what was missing', async () => {
    const { bench, connection } = await sending(3000, { sack: true })
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 1, sack: [[2001, 3001]] })
    await bench.send('A', { seq: 1, ack: 3001 })
    await bench.clock.advance(1000)
    bench.expectNothing()
    expect(connection.info()).toMatchObject({ congestionState: 'open', retransmits: 0 })
    await bench.end()
  })
})

describe('proportional rate reduction (RFC 9937 §6.2)', () => {
  test('above ssthresh half of what arrives leaves, the first retransmission in any case', () => {
    const prr = new Prr(0, 10_000)
    const windows: number[] = []
    for (let pipe = 9000; pipe >= 7000; pipe -= 1000) {
      windows.push(prr.window(1000, pipe, 5000, MSS, false) - pipe)
      if (pipe === 9000) prr.sent(1000)
    }
    expect(windows).toEqual([1000, 0, 500])
  })

  test('at or below it what arrived and was not replaced, a segment more when all is well, and no more than ssthresh', () => {
    const below = (delivered: number, sent: number, pipe: number, isSafe: boolean): number => {
      const prr = new Prr(0, 20_000)
      prr.sent(sent)
      return prr.window(delivered, pipe, 5000, MSS, isSafe) - pipe
    }
    expect(below(2000, 1000, 2000, false)).toBe(2000)
    expect(below(2000, 500, 2000, true)).toBe(3000)
    expect(below(2000, 500, 4500, true)).toBe(500)
    expect(below(1000, 9000, 5000, true)).toBe(0)
    expect(below(3000, 0, 1000, false)).toBe(3000)
    expect(below(100, 0, 1000, false)).toBe(1000)
    expect(below(0, 0, 5000, false)).toBe(1000)
    // Right above it: 3,000 of 20,000 arrived.
    expect(below(3000, 100, 5001, true)).toBe(650)
  })

  test('what arrived is summed up', () => {
    const prr = new Prr(0, 10_000)
    prr.sent(1000)
    expect(prr.window(1000, 3000, 8000, MSS, false)).toBe(4000)
    prr.sent(1000)
    expect(prr.window(3000, 1000, 8000, MSS, false)).toBe(4000)
    prr.sent(500)
    expect(prr.window(0, 1000, 8000, MSS, false)).toBe(2500)
  })
})

describe('fast recovery, ACK by ACK', () => {
  test('cwnd is what is in flight and what PRR adds, to the byte (RFC 9937 §6.2)', async () => {
    const { bench, connection } = await sending(30_000, { sack: true, tcp: { congestionControl: 'reno' } })
    await bench.clock.advance(RTT)
    const steps: unknown[] = []
    const step = async (ack: number, end: number): Promise<void> => {
      await bench.send('A', { seq: 1, ack, sack: [[Math.max(ack, 1001), end]] })
      steps.push([connection.info().cwnd, ...sequences(bench.all())])
    }
    // Of ten 3,000 have come, ssthresh is 5,000: half of what comes may leave.
    await step(1, 4001)
    await step(1, 5001)
    await step(1, 6001)
    await step(1, 7001)
    expect(steps).toEqual([[7500, 1], [7000, 10_001], [6500], [5000]])
    expect(connection.info()).toMatchObject({ ssthresh: 5000, congestionState: 'recovery', bytesLost: 0, bytesRetransmitting: 1000 })
    await bench.end()
  })

  test('what is lost behind the first hole is lost at once, and its retransmission has no need of a wait (RFC 8985 §6.2)', async () => {
    const { bench, connection } = await sending(10_000, { sack: true })
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 1, sack: [[1001, 4001]] })
    expect(sequences(bench.all())).toEqual([1])
    await bench.send('A', { seq: 1, ack: 1, sack: [[5001, 6001], [1001, 4001]] })
    expect(connection.info().bytesLost + connection.info().bytesRetransmitting).toBe(2000)
    await bench.end()
  })

  test('the trace says why something leaves again', async () => {
    const reasons: string[] = []
    const trace = ({ kind, reason }: TcpTraceEvent): void => {
      if (kind !== 'receive') reasons.push(`${kind} ${reason}`)
    }
    const { bench, connection } = await sending(10_000, { sack: true, tcp: { trace } })
    await bench.clock.advance(RTT)
    reasons.length = 0
    await bench.send('A', { seq: 1, ack: 1, sack: [[1001, 4001]] })
    expect(reasons).toEqual(['send fast-retransmit'])
    await bench.clock.advance(2 * connection.info().rto)
    expect(reasons[1]).toBe('timeout timeout-retransmit')
    expect(new Set(reasons.slice(2).filter((reason) => reason.startsWith('send')))).toEqual(new Set(['send timeout-retransmit']))
    await bench.end()
    // The same without SACK.
    const other = await sending(10_000, { tcp: { trace } })
    reasons.length = 0
    for (let i = 0; i < 3; i++) await other.bench.send('A', { seq: 1, ack: 1 })
    expect(reasons).toEqual(['send fast-retransmit'])
    other.connection.abort()
    await other.bench.end()
  })
})

describe('tail loss probes (RFC 8985 §7)', () => {
  test('two round trips behind the last segment; a lone one gets the time of a delayed ACK beside (§7.2)', async () => {
    for (const [segments, wait] of [[2, 1802], [1, 2000]] as const) {
      const { bench } = await sending(segments * MSS, { sack: true, rtt: 900 })
      await bench.clock.advance(wait - 1)
      bench.expectNothing()
      await bench.clock.advance(1)
      expect(sequences(bench.all())).toEqual([1 + (segments - 1) * MSS])
      expect(bench.counters).toMatchObject({ tailProbes: 1, timeouts: 0 })
      // One probe; then it is the timer's.
      await bench.clock.advance(2699)
      bench.expectNothing()
      await bench.clock.advance(1)
      expect(sequences(bench.all())).toEqual([1])
      expect(bench.counters).toMatchObject({ tailProbes: 1, timeouts: 1 })
      await bench.end()
    }
  })

  test.each([['a peer without SACK', { sack: false }], ['tailLossProbe: false', { sack: true, tcp: { tailLossProbe: false } }]] as const)('%s gets none', async (_, options) => {
    const { bench, connection } = await sending(2000, options)
    await bench.clock.advance(connection.info().rto - 1)
    bench.expectNothing()
    expect(bench.counters['tailProbes']).toBe(0)
    await bench.clock.advance(1)
    expect(sequences(bench.all())).toEqual([1])
    await bench.end()
  })

  test('a FIN is a tail as well, and comes again with the text before it', async () => {
    const { bench, connection } = await sending(1500, { sack: true })
    connection.shutdown('write')
    expect(sequences(bench.all())).toEqual([1501])
    await bench.clock.advance(2 * RTT + 3)
    const probe = bench.next()
    expect([probe.flags, probe.seq, probe.length]).toEqual(['FA', 1501, 0])
    await bench.send('A', { seq: 1, ack: 1502 })
    expect(connection.state).toBe('fin-wait-2')
    await bench.end()
  })

  test('none while something is sacked, lost or repaired: there are other timers for that', async () => {
    const { bench } = await sending(6000, { sack: true })
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 1, sack: [[1001, 4001]] })
    bench.all()
    await bench.clock.advance(2 * RTT + 50)
    expect(bench.counters['tailProbes']).toBe(0)
    await bench.end()
  })

  test('a probe of new data that is acknowledged costs nothing (§7.4)', async () => {
    const { bench, connection } = await sending(10_000, { sack: true, tcp: { congestionControl: 'reno' } })
    connection.tryWrite(pattern(1000))
    bench.expectNothing()
    await bench.clock.advance(2 * RTT + 3)
    expect(sequences(bench.all())).toEqual([10_001])
    const { cwnd, ssthresh } = connection.info()
    await bench.send('A', { seq: 1, ack: 6001 })
    connection.tryWrite(pattern(2000))
    expect(sequences(bench.all())).toEqual([11_001, 12_001])
    // One ACK for the probe and what left behind it.
    await bench.send('A', { seq: 1, ack: 13_001 })
    expect(connection.info().cwnd).toBeGreaterThanOrEqual(cwnd)
    expect(connection.info()).toMatchObject({ congestionState: 'open', retransmits: 0, ssthresh })
    // And the next tail has a probe of its own.
    connection.tryWrite(pattern(2000))
    bench.all()
    await bench.clock.advance(1000)
    expect(bench.counters['tailProbes']).toBe(2)
    await bench.end()
  })

  test('one that repaired a loss by itself halves the window, as of what is acknowledged then (§7.4)', async () => {
    const { bench, connection } = await sending(5000, { sack: true, tcp: { congestionControl: 'reno' } })
    await bench.clock.advance(2 * RTT + 3)
    expect(sequences(bench.all())).toEqual([4001])
    await bench.send('A', { seq: 1, ack: 5001 })
    connection.tryWrite(pattern(8000))
    bench.all()
    await bench.send('A', { seq: 1, ack: 13_001 })
    expect(connection.info()).toMatchObject({ ssthresh: 4000, congestionState: 'open' })
    await bench.end()
  })

  test('an ACK of less than was out does not end it: no second probe (§7.4)', async () => {
    const { bench, connection } = await sending(5000, { sack: true })
    await bench.clock.advance(2 * RTT + 3)
    expect(sequences(bench.all())).toEqual([4001])
    await bench.send('A', { seq: 1, ack: 2001 })
    await bench.clock.advance(connection.info().rto - 1)
    bench.expectNothing()
    await bench.clock.advance(1)
    expect(sequences(bench.all())).toEqual([2001])
    expect(bench.counters).toMatchObject({ tailProbes: 1, timeouts: 1 })
    await bench.end()
  })

  test('none before a round trip is known (§7.2)', async () => {
    const bench = await Bench.create()
    const promise = bench.stack.tcp.connect({ host: bench.remote, port: 5000 })
    await bench.clock.advance(1000)
    bench.localPort = bench.all()[0]!.sourcePort
    await bench.send('SA', { seq: 0, ack: 1, mss: MSS, sackPermitted: true })
    const connection = await promise
    bench.expect('A')
    connection.tryWrite(pattern(1000))
    bench.expect('PA', { seq: 1 })
    await bench.clock.advance(2999)
    bench.expectNothing()
    await bench.clock.advance(1)
    bench.expect('PA', { seq: 1 })
    expect(bench.counters).toMatchObject({ tailProbes: 0, timeouts: 1 })
    await bench.end()
  })

  test('the ACK of the original, alone, says that nothing was lost (§7.4)', async () => {
    const { bench, connection } = await sending(5000, { sack: true, tcp: { congestionControl: 'reno' } })
    await bench.clock.advance(2 * RTT + 3)
    expect(sequences(bench.all())).toEqual([4001])
    const { cwnd, ssthresh } = connection.info()
    await bench.send('A', { seq: 1, ack: 5001 })
    // The probe came, too, and brings the same ACK.
    await bench.send('A', { seq: 1, ack: 5001 })
    connection.tryWrite(pattern(1000))
    bench.all()
    await bench.send('A', { seq: 1, ack: 6001 })
    expect(connection.info().cwnd).toBeGreaterThanOrEqual(cwnd)
    expect(connection.info().ssthresh).toBe(ssthresh)
    await bench.end()
  })
})

describe('NewReno (RFC 6582)', () => {
  test('a partial ACK takes off the pipe what left the network, and lets go what fits', async () => {
    const { bench, connection } = await sending(40_000, { tcp: { congestionControl: 'reno' } })
    for (let i = 0; i < 3; i++) await bench.send('A', { seq: 1, ack: 1 })
    expect(sequences(bench.all())).toEqual([10_001, 11_001, 1])
    expect(connection.info()).toMatchObject({ cwnd: 5000, ssthresh: 5000 })
    // Eight more segments have come of twelve: the pipe holds the retransmission and what was lost.
    const fresh: number[] = []
    for (let i = 0; i < 7; i++) {
      await bench.send('A', { seq: 1, ack: 1 })
      fresh.push(...sequences(bench.all()))
    }
    expect(fresh).toEqual([12_001, 13_001, 14_001])
    await bench.clock.advance(RTT)
    // Three left it, one of them was told by a duplicate: of 5,000 in the pipe 2,000 are free, one is for the next hole.
    await bench.send('A', { seq: 1, ack: 3001 })
    expect(sequences(bench.all())).toEqual([3001, 15_001])
    expect(connection.info()).toMatchObject({ congestionState: 'recovery', retransmits: 2 })
    await bench.send('A', { seq: 1, ack: 12_001 })
    expect(connection.info()).toMatchObject({ congestionState: 'open', ssthresh: 5000 })
    expect(connection.info().cwnd).toBeLessThanOrEqual(5000)
    await bench.end()
  })
})

describe('without SACK', () => {
  test('more duplicates than segments were out let nothing more leave (RFC 5681 §5)', async () => {
    const { bench, connection } = await sending(60_000, { tcp: { congestionControl: 'reno' } })
    for (let i = 0; i < 100; i++) await bench.send('A', { seq: 1, ack: 1 })
    // One of twelve is lost; a pipe of five.
    expect(Math.max(...sequences(bench.all()))).toBe(15_001)
    expect(connection.info().cwnd).toBe(5000)
    connection.abort()
    await bench.end()
  })
})

describe('a timeout', () => {
  test('lowers ssthresh once for the same data (RFC 5681 §3.1)', async () => {
    const { bench, connection } = await sending(20_000, { tcp: { congestionControl: 'cubic' } })
    const { rto } = connection.info()
    await bench.clock.advance(rto)
    expect(connection.info()).toMatchObject({ ssthresh: 7000, cwnd: MSS })
    await bench.clock.advance(2 * rto)
    expect(connection.info()).toMatchObject({ ssthresh: 7000, cwnd: MSS, timeouts: 2 })
    await bench.send('A', { seq: 1, ack: 10_001 })
    expect(connection.info()).toMatchObject({ congestionState: 'open', bytesLost: 0, bytesRetransmitting: 0 })
    connection.abort()
    await bench.end()
  })

  test('holds nothing lost that left just now (RFC 8985 §6.3)', async () => {
    const { bench, connection } = await sending(2000, { sack: true, tcp: { tailLossProbe: false } })
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 1, sack: [[1001, 2001]] })
    await bench.send('A', { seq: 1, ack: 2001 })
    const { rto } = connection.info()
    connection.tryWrite(pattern(1000))
    await bench.clock.advance(rto - 20)
    connection.tryWrite(pattern(1000))
    expect(sequences(bench.all())).toEqual([2001, 3001])
    await bench.clock.advance(20)
    expect(sequences(bench.all())).toEqual([2001])
    expect(connection.info()).toMatchObject({ timeouts: 1, bytesLost: 0, bytesRetransmitting: 1000, bytesInFlight: 2000 })
    await bench.end()
  })
})

describe('a timeout that was wrong (RFC 5682)', () => {
  test('without SACK: new data behind the first ACK, and the second takes everything back', async () => {
    const { bench, connection } = await sending(20_000, { tcp: { congestionControl: 'reno' } })
    const { cwnd, rto } = connection.info()
    await bench.clock.advance(rto)
    expect(sequences(bench.all())).toEqual([1])
    await bench.send('A', { seq: 1, ack: 1001 })
    expect(sequences(bench.all())).toEqual([10_001, 11_001])
    await bench.send('A', { seq: 1, ack: 2001 })
    expect(connection.info()).toMatchObject({ congestionState: 'open', bytesLost: 0 })
    expect(connection.info().cwnd).toBeGreaterThanOrEqual(cwnd)
    expect(bench.counters['undone']).toBe(1)
    await bench.end()
  })

  test('without SACK: a duplicate ACK in place of the second says that it was right', async () => {
    const { bench, connection } = await sending(20_000)
    await bench.clock.advance(connection.info().rto)
    bench.all()
    await bench.send('A', { seq: 1, ack: 1001 })
    bench.all()
    await bench.send('A', { seq: 1, ack: 1001 })
    expect(sequences(bench.all())[0]).toBe(1001)
    expect(connection.info().congestionState).toBe('loss')
    expect(bench.counters['undone']).toBe(0)
    await bench.end()
  })

  test('with SACK: new data that arrives where old is missing says that it was right, whatever is acknowledged then', async () => {
    const { bench, connection } = await sending(20_000, { sack: true })
    await bench.clock.advance(2 * RTT + 3)
    await bench.clock.advance(connection.info().rto)
    bench.all()
    expect(connection.info().congestionState).toBe('loss')
    await bench.send('A', { seq: 1, ack: 1001 })
    const [fresh] = sequences(bench.all())
    expect(fresh).toBeGreaterThanOrEqual(10_001)
    await bench.send('A', { seq: 1, ack: 1001, sack: [[fresh!, fresh! + 1000]] })
    expect(sequences(bench.all())[0]).toBe(1001)
    await bench.send('A', { seq: 1, ack: 4001, sack: [[fresh!, fresh! + 1000]] })
    expect(connection.info().congestionState).toBe('loss')
    expect(bench.counters['undone']).toBe(0)
    await bench.end()
  })

  test('the second timeout of the same data asks nobody any more', async () => {
    const { bench, connection } = await sending(20_000)
    const { rto } = connection.info()
    await bench.clock.advance(rto)
    await bench.clock.advance(2 * rto)
    expect(sequences(bench.all())).toEqual([1, 1])
    await bench.send('A', { seq: 1, ack: 1001 })
    expect(sequences(bench.all())).toEqual([1001, 2001])
    await bench.end()
  })

  test('nor is anything new sent where the window has no room for it', async () => {
    const { bench, connection } = await sending(20_000)
    await bench.send('A', { seq: 1, ack: 1, win: 10_000 })
    await bench.clock.advance(connection.info().rto)
    bench.all()
    await bench.send('A', { seq: 1, ack: 1001, win: 9000 })
    expect(sequences(bench.all())).toEqual([1001, 2001])
    await bench.end()
  })
})

describe('retransmissions that came twice (RFC 3708)', () => {
  test('one of two is not enough', async () => {
    const { bench, connection } = await sending(10_000, { sack: true, tcp: { congestionControl: 'reno' } })
    await bench.clock.advance(RTT)
    const { cwnd } = connection.info()
    await bench.send('A', { seq: 1, ack: 1, sack: [[2001, 8001]] })
    await bench.send('A', { seq: 1, ack: 1, sack: [[2001, 10_001]] })
    expect(sequences(bench.all()).filter((seq) => seq < 2001)).toEqual([1, 1001])
    await bench.send('A', { seq: 1, ack: 10_001 })
    await bench.send('A', { seq: 1, ack: 10_001, sack: [[1, 1001]] })
    expect(connection.info().cwnd).toBeLessThan(cwnd)
    expect(bench.counters['undone']).toBe(0)
    await bench.send('A', { seq: 1, ack: 10_001, sack: [[1001, 2001]] })
    expect(connection.info().cwnd).toBeGreaterThanOrEqual(cwnd)
    expect(bench.counters['undone']).toBe(1)
    await bench.end()
  })

  test('what the peer says it got twice, and was not sent again, takes nothing back', async () => {
    const { bench, connection } = await sending(10_000, { sack: true, tcp: { congestionControl: 'reno' } })
    await bench.send('A', { seq: 1, ack: 1001 })
    bench.all()
    await bench.clock.advance(RTT)
    const { cwnd } = connection.info()
    await bench.send('A', { seq: 1, ack: 1001, sack: [[2001, 6001]] })
    expect(sequences(bench.all())).toContain(1001)
    // From before recovery began.
    await bench.send('A', { seq: 1, ack: 1001, sack: [[1, 1001], [2001, 6001]] })
    expect(connection.info().congestionState).toBe('recovery')
    expect(connection.info().cwnd).toBeLessThan(cwnd)
    expect(bench.counters).toMatchObject({ duplicateReports: 1, undone: 0 })
    await bench.end()
  })
})
