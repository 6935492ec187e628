import { describe, expect, test } from 'vitest'
import { beginAck, createAckEvent } from '../src/ack-event.ts'
import { RingPool, Scoreboard } from '../src/scoreboard.ts'
import { Undo } from '../src/undo.ts'
import { Bench, pattern, type Segment } from './support/peer.ts'

const MSS = 1000
const RTT = 100

const sequences = (segments: readonly Segment[]): number[] => segments.map((segment) => segment.seq)

/** A connection whose round trip is known, with `bytes` on their way. */
async function sending(bytes: number, { timestamps = false }: { timestamps?: boolean } = {}) {
  const bench = await Bench.create()
  if (timestamps) bench.peerTs = 1
  const promise = bench.stack.tcp.connect({ host: bench.remote, port: 5000 })
  await bench.clock.settle()
  const syn = bench.expect('S')
  bench.localPort = syn.sourcePort
  await bench.clock.advance(RTT)
  await bench.send('SA', { seq: 0, ack: 1, mss: timestamps ? MSS + 12 : MSS, sackPermitted: true, ...(timestamps ? { ts: { value: 1, echo: syn.ts!.value } } : {}) })
  const connection = await promise
  bench.expect('A', { seq: 1, ack: 1 })
  connection.write(pattern(bytes)).catch(() => undefined)
  await bench.clock.settle()
  return { bench, connection, sent: bench.all() }
}

describe('RACK (RFC 8985 §6)', () => {
  test('three segments behind a gap mean that it is lost, at once [RFC8985-6.1-sent, RFC6675-4-lost, RFC6675-5-enter]', async () => {
    const { bench, connection } = await sending(10_000)
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 1, sack: [[1001, 2001]] })
    await bench.send('A', { seq: 1, ack: 1, sack: [[1001, 3001]] })
    bench.expectNothing()
    expect(connection.info().congestionState).toBe('disorder')
    await bench.send('A', { seq: 1, ack: 1, sack: [[1001, 4001]] })
    expect(sequences(bench.all())).toEqual([1])
    expect(connection.info()).toMatchObject({ congestionState: 'recovery', ssthresh: 7000 })
    await bench.end()
  })

  test('fewer, after a quarter of the least round trip: the reordering timer [RFC8985-6.2-timer, RFC8985-6.2-window]', async () => {
    const { bench } = await sending(2000)
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 1, sack: [[1001, 2001]] })
    bench.expectNothing()
    await bench.clock.advance(RTT / 4 - 1)
    bench.expectNothing()
    await bench.clock.advance(2)
    expect(sequences(bench.all())).toEqual([1])
    await bench.end()
  })

  test('several holes are all sent again in one round trip [RFC6675-4-next, RFC6675-4-pipe]', async () => {
    const { bench, connection } = await sending(10_000)
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 1, sack: [[1001, 2001]] })
    await bench.send('A', { seq: 1, ack: 1, sack: [[3001, 4001], [1001, 2001]] })
    await bench.send('A', { seq: 1, ack: 1, sack: [[5001, 6001], [3001, 4001], [1001, 2001]] })
    const first = sequences(bench.all())
    await bench.send('A', { seq: 1, ack: 1, sack: [[5001, 10_001], [3001, 4001], [1001, 2001]] })
    expect([...first, ...sequences(bench.all())]).toEqual([1, 2001, 4001])
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 10_001 })
    expect(connection.info()).toMatchObject({ congestionState: 'open', retransmits: 3, timeouts: 0 })
    await bench.end()
  })

  test('a retransmission that is lost is noticed, without the timer [RFC8985-6.1-sent]', async () => {
    const { bench, connection } = await sending(20_000)
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 1, sack: [[1001, 4001]] })
    expect(sequences(bench.all())[0]).toBe(1)
    // New data sent after the retransmission arrives; the retransmission did not.
    await bench.clock.advance(5)
    await bench.send('A', { seq: 1, ack: 1, sack: [[1001, 9001]] })
    const fresh = bench.all()
    expect(fresh.length).toBeGreaterThan(0)
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 1, sack: [[1001, fresh[0]!.seq + 1000]] })
    await bench.clock.advance(RTT / 2)
    expect(sequences(bench.all())).toContain(1)
    expect(connection.info().timeouts).toBe(0)
    await bench.end()
  })

  test('the loss of a retransmission is a second sign of congestion [RFC5681-4.3-twice]', async () => {
    const { bench, connection } = await sending(40_000)
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 1, sack: [[1001, 10_001]] })
    const out = sequences(bench.all())
    expect(out.slice(0, 2)).toEqual([1, 10_001])
    expect(connection.info().ssthresh).toBe(7000)
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 1, sack: [[1001, 11_001]] })
    expect(sequences(bench.all())).toContain(1)
    expect(connection.info().ssthresh).toBe(4900)
    // Once for what was out: not again with each ACK.
    await bench.send('A', { seq: 1, ack: 1, sack: [[1001, 12_001]] })
    expect(connection.info().ssthresh).toBe(4900)
    await bench.end()
  })

  test('reordering is learnt, and then waited for [RFC8985-6.2-reordering]', async () => {
    const { bench, connection } = await sending(20_000)
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 1, sack: [[1001, 3001]] })
    // What was late arrives after all: no retransmission, and the lesson.
    await bench.send('A', { seq: 1, ack: 3001 })
    expect(connection.info().retransmits).toBe(0)
    bench.all()
    await bench.send('A', { seq: 1, ack: 3001, sack: [[4001, 8001]] })
    expect(sequences(bench.all())).not.toContain(3001)
    await bench.clock.advance(RTT / 4 + 2)
    expect(sequences(bench.all())).toContain(3001)
    await bench.end()
  })
})

describe('tail loss probes (RFC 8985 §7)', () => {
  test('the last segment again after two round trips, and its SACK shows the hole [RFC8985-7.2-probe, RFC8985-7.3-send]', async () => {
    const { bench, connection } = await sending(4000)
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 1001 })
    await bench.clock.advance(2 * RTT + 1)
    bench.expectNothing()
    await bench.clock.advance(2)
    expect(sequences(bench.all())).toEqual([3001])
    expect(bench.counters['tailProbes']).toBe(1)
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 1001, sack: [[3001, 4001]] })
    expect(sequences(bench.all())).toEqual([1001])
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 2001, sack: [[3001, 4001]] })
    expect(sequences(bench.all())).toEqual([2001])
    expect(connection.info().timeouts).toBe(0)
    await bench.end()
  })

  test('new data is the better probe [RFC8985-7.3-send]', async () => {
    const { bench, connection } = await sending(10_000)
    connection.tryWrite(pattern(1000))
    await bench.clock.settle()
    bench.expectNothing()
    await bench.clock.advance(2 * RTT + 3)
    expect(sequences(bench.all())).toEqual([10_001])
    await bench.end()
  })

  test('a probe that repaired the loss by itself costs half the window [RFC8985-7.4-detect]', async () => {
    const { bench, connection } = await sending(5000)
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 3001 })
    await bench.clock.advance(2 * RTT + 3)
    expect(sequences(bench.all())).toEqual([4001])
    const { cwnd } = connection.info()
    await bench.send('A', { seq: 1, ack: 5001 })
    connection.tryWrite(pattern(1000))
    await bench.clock.settle()
    bench.all()
    await bench.send('A', { seq: 1, ack: 6001 })
    expect(connection.info().cwnd).toBeLessThan(cwnd)
    await bench.end()
  })

  test('a probe that came twice costs nothing [RFC8985-7.4-detect]', async () => {
    const { bench, connection } = await sending(5000)
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 3001 })
    await bench.clock.advance(2 * RTT + 3)
    expect(sequences(bench.all())).toEqual([4001])
    const { cwnd } = connection.info()
    await bench.send('A', { seq: 1, ack: 5001 })
    await bench.send('A', { seq: 1, ack: 5001, sack: [[4001, 5001]] })
    connection.tryWrite(pattern(1000))
    await bench.clock.settle()
    await bench.send('A', { seq: 1, ack: 6001 })
    expect(connection.info().cwnd).toBeGreaterThanOrEqual(cwnd)
    await bench.end()
  })
})

describe('proportional rate reduction (RFC 9937)', () => {
  test('cwnd comes down to ssthresh in one round trip, segment for segment [RFC9937-6-reduce, RFC9937-6-end]', async () => {
    const { bench, connection } = await sending(30_000)
    await bench.clock.advance(RTT)
    const out: number[] = []
    for (let i = 1; i <= 9; i++) {
      await bench.send('A', { seq: 1, ack: 1, sack: [[1001, 1001 + 1000 * i]] })
      out.push(...sequences(bench.all()))
    }
    // Limited transmit for the first two, the lost one, then about one for every two that arrived.
    expect(out.slice(0, 3)).toEqual([10_001, 11_001, 1])
    expect(out.length).toBeGreaterThanOrEqual(5)
    expect(out.length).toBeLessThanOrEqual(8)
    const { ssthresh } = connection.info()
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: out.at(-1)! + 1000 })
    expect(connection.info()).toMatchObject({ congestionState: 'open', cwnd: ssthresh })
    await bench.end()
  })

  test('after heavy loss sending goes on with what arrives, no faster than slow start [RFC9937-6-bound]', async () => {
    const { bench, connection } = await sending(30_000)
    await bench.clock.advance(RTT)
    // Seven of ten are lost.
    const out: number[][] = []
    for (const end of [8001, 9001, 10_001]) {
      await bench.send('A', { seq: 1, ack: 1, sack: [[7001, end]] })
      out.push(sequences(bench.all()))
    }
    expect(connection.info().bytesInFlight).toBeGreaterThan(0)
    const repaired = out.flat().filter((sequence) => sequence < 7001)
    expect(repaired.length).toBeGreaterThanOrEqual(1)
    expect(repaired.length).toBeLessThanOrEqual(4)
    for (let next = 1001; next <= 7001; next += 1000) {
      await bench.clock.advance(RTT)
      await bench.send('A', { seq: 1, ack: next, sack: [[7001, 10_001]] })
      expect(bench.all().length).toBeLessThanOrEqual(3)
    }
    expect(connection.info().timeouts).toBe(0)
    await bench.end()
  })
})

describe('limited transmit (RFC 3042)', () => {
  test('the first two segments behind a gap let one new segment each leave [RFC3042-2-first]', async () => {
    const { bench } = await sending(20_000)
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 1, sack: [[1001, 2001]] })
    expect(sequences(bench.all())).toEqual([10_001])
    await bench.send('A', { seq: 1, ack: 1, sack: [[1001, 3001]] })
    expect(sequences(bench.all())).toEqual([11_001])
    await bench.end()
  })
})

describe('what was no loss is taken back', () => {
  test('Eifel: the echo of the original says so [RFC3522-3-detect, RFC3522-4015-undo]', async () => {
    const { bench, connection, sent } = await sending(10_000, { timestamps: true })
    await bench.clock.advance(RTT)
    const { cwnd } = connection.info()
    const original = sent[0]!.ts!.value
    await bench.send('A', { seq: 1, ack: 1, sack: [[1001, 4001]], ts: { value: 2, echo: original } })
    expect(sequences(bench.all())[0]).toBe(1)
    expect(connection.info().cwnd).toBeLessThan(cwnd)
    // The first one was only late: its own timestamp comes back.
    await bench.clock.advance(5)
    await bench.send('A', { seq: 1, ack: 4001, ts: { value: 3, echo: original } })
    expect(connection.info().congestionState).toBe('open')
    expect(connection.info().cwnd).toBeGreaterThanOrEqual(cwnd)
    expect(bench.counters['undone']).toBe(1)
    await bench.end()
  })

  test('Eifel: only the ACK that first covers the first retransmission says so [RFC3522-3-detect]', () => {
    const undo = new Undo(1000, 9000)
    const answer = (una: number, acked: number, echo: number): boolean => {
      const event = createAckEvent()
      beginAck(event, 0, echo, true)
      event.acked = acked
      return undo.isAnsweredBefore(event, una)
    }
    expect(answer(2000, 1000, 10)).toBe(false)
    undo.resent(3000, 1000, 50)
    undo.resent(5000, 1000, 60)
    // What an earlier recovery had sent again arrives, and moves SND.UNA up to the hole.
    expect(answer(3000, 2000, 40)).toBe(false)
    expect(answer(4000, 1000, 50)).toBe(false)
    expect(answer(4000, 1000, 49)).toBe(true)
    expect(answer(9000, 8000, 49)).toBe(true)
    expect(answer(6000, 2000, 49)).toBe(false)
  })

  test('a retransmission that was out when the reduction was taken back is lost like any other [RFC8985-6.1-sent]', () => {
    const board = new Scoreboard(new RingPool())
    for (let i = 0; i < 4; i++) board.push(i * 1000, (i + 1) * 1000, 0, i)
    board.markLost(0)
    board.markLost(1)
    board.markSentAgain(0, 10, 4)
    board.forgetLosses()
    expect([board.lostBytes, board.outBytes, board.firstLost()]).toEqual([0, 1000, -1])
    board.markLost(0)
    expect([board.lostBytes, board.outBytes, board.firstLost()]).toEqual([1000, 0, 0])
  })

  test('D-SACK: everything that was sent again came twice [RFC3522-3708-dsack]', async () => {
    const { bench, connection } = await sending(10_000)
    await bench.clock.advance(RTT)
    const { cwnd } = connection.info()
    await bench.send('A', { seq: 1, ack: 1, sack: [[1001, 4001]] })
    expect(sequences(bench.all())[0]).toBe(1)
    await bench.send('A', { seq: 1, ack: 4001 })
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 4001, sack: [[1, 1001]] })
    expect(connection.info().congestionState).toBe('open')
    expect(connection.info().cwnd).toBeGreaterThanOrEqual(cwnd)
    expect(bench.counters).toMatchObject({ undone: 1, duplicateReports: 1 })
    await bench.end()
  })

  test('D-SACK after recovery: the ACK of what left before the retransmission comes first', async () => {
    const { bench, connection } = await sending(10_000)
    await bench.clock.advance(RTT)
    const { cwnd } = connection.info()
    await bench.send('A', { seq: 1, ack: 1, sack: [[1001, 4001]] })
    expect(sequences(bench.all())[0]).toBe(1)
    await bench.clock.advance(10)
    await bench.send('A', { seq: 1, ack: 10_001 })
    expect(connection.info().congestionState).toBe('open')
    expect(connection.info().cwnd).toBeLessThan(cwnd)
    // What came twice later, or lies elsewhere, says nothing of that recovery.
    connection.write(pattern(1000)).catch(() => undefined)
    await bench.clock.settle()
    await bench.send('A', { seq: 1, ack: 11_001, sack: [[10_001, 11_001]] })
    expect(connection.info().cwnd).toBeLessThan(cwnd)
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 11_001, sack: [[1, 1001]] })
    expect(connection.info().cwnd).toBeGreaterThanOrEqual(cwnd)
    expect(bench.counters).toMatchObject({ undone: 1, duplicateReports: 2 })
    await bench.end()
  })

  test('F-RTO: new data goes out after the first ACK, and the second says that the timeout was wrong [RFC5682-2.1-first, RFC5682-2.1-spurious]', async () => {
    const { bench, connection } = await sending(20_000)
    const { cwnd } = connection.info()
    await bench.clock.advance(520)
    bench.all()
    expect(connection.info().congestionState).toBe('loss')
    await bench.send('A', { seq: 1, ack: 1001 })
    const fresh = sequences(bench.all())
    expect(fresh.every((sequence) => sequence >= 10_001)).toBe(true)
    await bench.send('A', { seq: 1, ack: 2001 })
    expect(connection.info().congestionState).toBe('open')
    expect(connection.info().cwnd).toBeGreaterThanOrEqual(cwnd)
    expect(sequences(bench.all()).every((sequence) => sequence >= 10_001)).toBe(true)
    await bench.end()
  })

  test('F-RTO: when something is missing the timeout was right [RFC5682-2.1-first]', async () => {
    const { bench, connection } = await sending(20_000)
    await bench.clock.advance(520)
    bench.all()
    await bench.send('A', { seq: 1, ack: 1001 })
    const fresh = bench.all()
    await bench.send('A', { seq: 1, ack: 1001, sack: [[fresh[0]!.seq, fresh[0]!.seq + 1000]] })
    expect(connection.info().congestionState).toBe('loss')
    expect(sequences(bench.all())).toContain(1001)
    await bench.end()
  })

  test('after a timeout only what was sent long ago is lost [RFC8985-6.3-timeout, RFC6675-5.1-timeout]', async () => {
    const { bench, connection } = await sending(10_000)
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 1, sack: [[1001, 2001]] })
    bench.all()
    await bench.clock.advance(3000)
    const again = sequences(bench.all())
    expect(again).not.toContain(1001)
    expect(connection.info().congestionState).toBe('loss')
    await bench.end()
  })
})
