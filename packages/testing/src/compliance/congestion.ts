import { seededRandom, type Random } from '@stack/core'
import { bindCases, expectEqual, expectThat, notApplicable, type CaseOf, type ComplianceCase } from './case.ts'
import { RATE_CASES } from './congestion-rate.ts'
import { createRateSample, type AckSampleLike, type CongestionAlgorithmLike, type CongestionControlLike, type RateSampleLike } from './congestion-shapes.ts'

const MSS = 1460
const RTT = 100
const SIZES = [88, 536, 1460, 8960] as const

function createSample(fields: Partial<AckSampleLike> = {}): AckSampleLike {
  return { acked: 0, delivered: 0, flight: 0, una: 0, nxt: 0, rtt: 0, smoothedRtt: 0, minimumRtt: 0, now: 0, limited: false, marked: 0, ...fields }
}

/** One control with its sender, and a clock that acknowledgments move. */
class Bench {
  readonly sender: { mss: number; smoothedRtt: number; readonly random: Random } = { mss: MSS, smoothedRtt: RTT * 1000, random: seededRandom(1) }
  readonly algorithm: CongestionAlgorithmLike
  readonly control: CongestionControlLike
  now = 10_000
  private readonly sample: AckSampleLike = createSample()
  private readonly rateSample: RateSampleLike = createRateSample()
  private deliveredTotal = 0
  private una = 1
  private minimumRtt = 0

  constructor(algorithm: CongestionAlgorithmLike, mss = MSS) {
    this.algorithm = algorithm
    this.sender.mss = mss
    this.control = algorithm.create(this.sender)
  }

  /** Another control of the same algorithm. */
  another(mss = MSS): Bench {
    return new Bench(this.algorithm, mss)
  }

  /** One ACK of `acked` bytes, in one reused object as TCP does it. */
  ack(acked: number = this.sender.mss, options: { readonly limited?: boolean; readonly rtt?: number; readonly marked?: number } = {}): void {
    const { sample, control } = this
    const rtt = options.rtt ?? RTT * 1000
    this.una = (this.una + acked) | 0
    if (rtt > 0 && (this.minimumRtt === 0 || rtt < this.minimumRtt)) this.minimumRtt = rtt
    sample.acked = sample.delivered = acked
    sample.flight = Math.max(acked, control.cwnd)
    sample.una = this.una
    sample.nxt = (this.una + sample.flight - acked) | 0
    sample.rtt = rtt
    sample.smoothedRtt = this.minimumRtt === 0 ? 0 : RTT * 1000
    sample.minimumRtt = this.minimumRtt
    sample.now = this.now
    sample.limited = options.limited ?? true
    sample.marked = options.marked ?? 0
    // A connection with ECN.
    if (options.marked !== undefined) control.onMarks?.(sample)
    control.onAck(sample)
    if (control.onDelivered !== undefined) control.onDelivered(this.rateOf(sample))
  }

  /** The same as a sample of the rate: the flight took a round trip. */
  private rateOf({ acked, flight, rtt, minimumRtt, now, limited }: AckSampleLike): RateSampleLike {
    const sample = this.rateSample
    this.deliveredTotal += acked
    sample.now = now
    sample.acked = acked
    sample.deliveredTotal = this.deliveredTotal
    sample.flight = flight - acked
    sample.delivered = Math.min(flight, this.deliveredTotal)
    sample.priorDelivered = this.deliveredTotal - sample.delivered
    sample.rate = (sample.delivered * 1000) / RTT
    sample.sentFlight = flight
    sample.isAppLimited = !limited
    sample.rtt = rtt
    sample.minimumRtt = minimumRtt
    sample.isWindowLimited = limited
    return sample
  }

  /** A round trip in which a full window is acknowledged, a segment with each ACK. */
  roundTrip(): void {
    const acks = Math.max(1, Math.floor(this.control.cwnd / this.sender.mss))
    for (let i = 0; i < acks; i++) {
      this.now += RTT / acks
      this.ack()
    }
  }

  /** Brings the control into congestion avoidance with a window of `segments`, by a loss and recovery. */
  avoid(segments: number): void {
    this.grow(4 * segments)
    this.lose(2 * segments * this.sender.mss)
    this.control.onRecovered(this.control.ssthresh)
    for (let trip = 0; trip < 50 && this.control.cwnd < this.control.ssthresh; trip++) this.roundTrip()
  }

  /** Slow start until the window has `segments`. */
  grow(segments: number): void {
    for (let trip = 0; trip < 30 && this.control.cwnd < segments * this.sender.mss; trip++) this.roundTrip()
  }

  /** Loss, with `flight` bytes out. */
  lose(flight: number = this.control.cwnd): void {
    this.control.onLoss(flight)
  }
}

/** A step of a random life. */
function randomStep(bench: Bench, next: () => number): void {
  const { control, sender } = bench
  const flight = Math.floor(next() * control.cwnd)
  bench.now += next() * 300
  const kind = next()
  if (kind < 0.7) bench.ack(Math.floor(next() * 3 * sender.mss), { limited: next() < 0.8, rtt: next() < 0.5 ? 0 : Math.floor(next() * 1e6) })
  else if (kind < 0.78) control.onLoss(flight)
  else if (kind < 0.86) control.onRecovered(Math.floor(flight / 2))
  else if (kind < 0.9) control.onTimeout(flight)
  else if (kind < 0.94) control.onIdle()
  else if (kind < 0.96) control.onLostSyn()
  else if (kind < 0.98) control.onCongestion?.()
  else {
    // Never larger: that has a case of its own.
    sender.mss = Math.min(sender.mss, SIZES[Math.floor(next() * SIZES.length)]!)
    control.onMss()
  }
}

/** Lives of 2,000 random steps each; `look` is called after each step. */
function randomLives(bench: Bench, look: (bench: Bench, step: string) => void): void {
  for (let seed = 1; seed <= 10; seed++) {
    const random = seededRandom(seed)
    const other = bench.another()
    for (let step = 1; step <= 2000; step++) {
      randomStep(other, () => random.next())
      look(other, `step ${String(step)} of seed ${String(seed)}`)
    }
  }
}

const CASES: readonly CaseOf<Bench>[] = [
  {
    name: 'its name is that of the algorithm',
    clause: 'CongestionControl.name',
    check({ algorithm, control }) {
      expectThat(algorithm.name.length > 0, 'The algorithm has no name.')
      expectEqual(control.name, algorithm.name, 'The name of the control')
    },
  },
  {
    name: 'begins with the initial window at most, and one segment at least',
    clause: 'RFC 6928 §2, RFC 5681 §3.1',
    check(bench) {
      for (const mss of SIZES) {
        const { cwnd } = bench.another(mss).control
        expectThat(cwnd >= mss && cwnd <= Math.min(10 * mss, Math.max(2 * mss, 14_600)), `With an MSS of ${String(mss)} the window begins with ${String(cwnd)} bytes.`)
      }
    },
  },
  {
    name: 'begins in slow start, with a threshold that is arbitrarily high',
    clause: 'RFC 5681 §3.1: ssthresh SHOULD be set arbitrarily high',
    check({ control }) {
      expectThat(control.ssthresh >= 65_535, `ssthresh begins with ${String(control.ssthresh)} bytes, less than the largest window without scaling.`)
    },
  },
  {
    name: 'grows in slow start',
    clause: 'RFC 5681 §3.1; CongestionControl.onAck',
    check(bench) {
      const before = bench.control.cwnd
      for (let trip = 0; trip < 3; trip++) bench.roundTrip()
      expectThat(bench.control.cwnd >= 2 * before, `Three full round trips of slow start took the window from ${String(before)} to ${String(bench.control.cwnd)} bytes.`)
    },
  },
  {
    name: 'grows in slow start by no more than what is acknowledged',
    clause: 'RFC 5681 §3.1, RFC 3465 §2.2',
    check(bench) {
      for (const acked of [1, MSS, 2 * MSS, 10 * MSS]) {
        const before = bench.control.cwnd
        bench.ack(acked)
        expectThat(bench.control.cwnd - before <= acked, `An ACK of ${String(acked)} bytes added ${String(bench.control.cwnd - before)}.`)
      }
    },
  },
  {
    name: 'an ACK of nothing adds nothing',
    clause: 'AckSample.acked',
    check(bench) {
      const before = bench.control.cwnd
      for (let i = 0; i < 50; i++) bench.ack(0)
      expectEqual(bench.control.cwnd, before, 'The window after ACKs of 0 bytes')
    },
  },
  {
    name: 'loss leaves a threshold of two segments',
    clause: 'RFC 5681 §3.1 (4): ssthresh = max (FlightSize / 2, 2*SMSS)',
    check({ control }) {
      control.onLoss(MSS)
      expectThat(control.ssthresh >= 2 * MSS, `Loss with one segment out set ssthresh to ${String(control.ssthresh)} bytes.`)
    },
  },
  {
    name: 'marks lower window and threshold, to two segments at least',
    clause: 'CongestionControl.onCongestion; RFC 3168 §6.1.2, RFC 5681 §3.1 (4)',
    check(bench) {
      // Without the call marks are losses.
      if (bench.control.onCongestion === undefined) return
      bench.grow(40)
      const before = bench.control.cwnd
      bench.control.onCongestion()
      const { cwnd, ssthresh } = bench.control
      expectThat(cwnd < before && ssthresh < before, `Marks took a window of ${String(before)} bytes to ${String(cwnd)}, the threshold to ${String(ssthresh)}.`)
      for (let i = 0; i < 20; i++) bench.control.onCongestion()
      expectThat(bench.control.ssthresh >= 2 * MSS, `After 21 reductions ssthresh is ${String(bench.control.ssthresh)} bytes.`)
    },
  },
  {
    name: 'to hear of marks changes no window',
    clause: 'CongestionControl.onMarks: onCongestion reduces, once in a round trip',
    check({ control }) {
      const { cwnd, ssthresh } = control
      const sample = createSample({ acked: MSS, delivered: MSS, flight: 10 * MSS, una: MSS, nxt: 10 * MSS, now: 10_000, marked: MSS, limited: true })
      for (let i = 0; i < 20; i++) control.onMarks?.(sample)
      expectEqual(control.cwnd, cwnd, 'The window after ACKs of marked text')
      expectEqual(control.ssthresh, ssthresh, 'The threshold after ACKs of marked text')
    },
  },
  {
    name: 'recovery ends with the threshold as window at most',
    clause: 'CongestionControl.onRecovered; RFC 6582 §3.2 step 3',
    check(bench) {
      bench.grow(40)
      bench.lose()
      // Windows are inflated in recovery by some.
      bench.control.cwnd += 10 * MSS
      bench.control.onRecovered(bench.control.ssthresh + 5 * MSS)
      const { cwnd, ssthresh } = bench.control
      expectThat(cwnd <= ssthresh, `The window after recovery is ${String(cwnd)} bytes, ssthresh ${String(ssthresh)}.`)
    },
  },
  {
    name: 'a timeout leaves one segment',
    clause: 'CongestionControl.onTimeout; RFC 5681 §3.1: cwnd MUST be set to no more than the loss window, LW, which equals 1 full-sized segment',
    check(bench) {
      bench.grow(40)
      bench.control.onTimeout(bench.control.cwnd)
      expectEqual(bench.control.cwnd, MSS, 'The window after a timeout')
    },
  },
  {
    name: 'idleness does not raise a small window',
    clause: 'RFC 5681 §4.1',
    check({ control }) {
      control.onTimeout(10 * MSS)
      const before = control.cwnd
      control.onIdle()
      expectThat(control.cwnd <= before, `Idleness raised the window from ${String(before)} to ${String(control.cwnd)} bytes.`)
    },
  },
  {
    name: 'idleness leaves the threshold',
    clause: 'RFC 5681 §4.1: what is known of the path stays known',
    check(bench) {
      bench.avoid(20)
      const before = bench.control.ssthresh
      bench.control.onIdle()
      expectThat(bench.control.ssthresh >= before, `Idleness lowered ssthresh from ${String(before)} to ${String(bench.control.ssthresh)}.`)
    },
  },
  {
    name: 'a reduction without cause is taken back',
    clause: 'CongestionControl.onUndo; RFC 4015 §3.2',
    check(bench) {
      bench.avoid(20)
      const { cwnd, ssthresh } = bench.control
      bench.control.onTimeout(cwnd)
      bench.control.onUndo()
      expectThat(bench.control.cwnd >= cwnd && bench.control.ssthresh >= ssthresh, `After an undo the window is ${String(bench.control.cwnd)} bytes, the threshold ${String(bench.control.ssthresh)}; before the timeout they were ${String(cwnd)} and ${String(ssthresh)}.`)
    },
  },
  {
    name: 'a lost SYN leaves one segment',
    clause: 'CongestionControl.onLostSyn; RFC 5681 §3.1',
    check({ control }) {
      control.onLostSyn()
      expectEqual(control.cwnd, MSS, 'The window after a lost SYN')
    },
  },
  {
    name: 'a larger segment fits into the window',
    clause: 'CongestionControl.onMss; a window below a segment stops the sender',
    check({ control, sender }) {
      control.onTimeout(10 * MSS)
      sender.mss = 8960
      control.onMss()
      expectThat(control.cwnd >= 8960, `The window is ${String(control.cwnd)} bytes with an MSS of 8,960.`)
    },
  },
  {
    name: 'a smaller segment does not raise the window',
    clause: 'CongestionControl.onMss; a smaller path MTU is no loss (LESSONS fe4459dba) and no gain',
    check(bench) {
      bench.grow(20)
      const before = bench.control.cwnd
      bench.sender.mss = 536
      bench.control.onMss()
      expectThat(bench.control.cwnd <= before, `The window rose from ${String(before)} to ${String(bench.control.cwnd)} bytes with a smaller MSS.`)
    },
  },
  {
    name: 'counts in the segment size of the moment',
    clause: 'CongestionSender.mss is read when needed',
    check(bench) {
      const { control, sender } = bench
      const other = bench.another(536)
      sender.mss = 536
      control.onMss()
      control.onTimeout(100 * MSS)
      other.control.onTimeout(100 * MSS)
      expectEqual(control.cwnd, other.control.cwnd, 'The window after a timeout, with an MSS that was larger at first,')
    },
  },
  {
    name: 'holds one segment at least, whatever happens',
    clause: 'CongestionControl.cwnd; RFC 5681 §3.1',
    check(bench) {
      randomLives(bench, ({ control, sender }, step) => {
        expectThat(!(control.cwnd < sender.mss), `After ${step} the window is ${String(control.cwnd)} bytes, the MSS ${String(sender.mss)}.`)
      })
    },
  },
  {
    name: 'has finite numbers, whatever happens',
    clause: 'CongestionControl.cwnd, ssthresh: bytes',
    check(bench) {
      randomLives(bench, ({ control }, step) => {
        expectThat(Number.isFinite(control.cwnd) && Number.isFinite(control.ssthresh), `After ${step} cwnd is ${String(control.cwnd)}, ssthresh ${String(control.ssthresh)}.`)
      })
    },
  },
  {
    name: 'is the same each time',
    clause: 'Only what the sender says decides: no clock or chance of its own',
    check(bench) {
      const lives = [0, 1].map(() => {
        const windows: number[] = []
        randomLives(bench, ({ control }) => windows.push(control.cwnd))
        return windows.join()
      })
      expectThat(lives[0] === lives[1], 'Two controls that saw the same have different windows.')
    },
  },
  {
    name: 'connections know nothing of each other',
    clause: 'CongestionAlgorithm.create: one control for each connection',
    check(bench) {
      const { control } = bench.another()
      const { cwnd, ssthresh } = bench.control
      control.onLoss(2 * MSS)
      control.onTimeout(2 * MSS)
      expectEqual(bench.control.cwnd, cwnd, 'The window of another connection, after a loss of this one,')
      expectEqual(bench.control.ssthresh, ssthresh, 'The threshold of another connection, after a loss of this one,')
      expectEqual(bench.another().control.cwnd, cwnd, 'The first window of a connection that comes later')
    },
  },
  {
    name: 'does not change the sample',
    clause: 'AckSample: read it',
    check({ control }) {
      const sample = createSample({ acked: MSS, delivered: MSS, flight: 10 * MSS, una: MSS, nxt: 10 * MSS, rtt: 50_000, smoothedRtt: 50_000, minimumRtt: 50_000, now: 10_000, limited: true })
      const before = JSON.stringify(sample)
      control.onAck(sample)
      expectEqual(JSON.stringify(sample), before, 'The sample after the call')
    },
  },
]

/** What is true of controls that follow losses, not rates. */
const WINDOW_CASES: readonly CaseOf<Bench>[] = [
  {
    name: 'grows in congestion avoidance',
    clause: 'RFC 5681 §3.1; CongestionControl.onAck',
    check(bench) {
      bench.avoid(10)
      const before = bench.control.cwnd
      for (let trip = 0; trip < 200 && bench.control.cwnd <= before; trip++) bench.roundTrip()
      expectThat(bench.control.cwnd > before, `200 full round trips of congestion avoidance left the window at ${String(before)} bytes.`)
    },
  },
  {
    name: 'grows in congestion avoidance by half of the window in a round trip at most',
    clause: 'RFC 5681 §3.1: a segment; RFC 9438 §4.4: half of the window is the most that any standard allows',
    check(bench) {
      bench.avoid(20)
      for (let trip = 0; trip < 50; trip++) {
        const before = bench.control.cwnd
        bench.roundTrip()
        const most = Math.max(MSS, before / 2)
        expectThat(bench.control.cwnd - before <= most, `Round trip ${String(trip + 1)} of congestion avoidance added ${String(bench.control.cwnd - before)} bytes to ${String(before)}.`)
      }
    },
  },
  {
    name: 'an ACK never lowers the window',
    clause: 'CongestionControl.onAck (LESSONS 5f8c66e26)',
    check(bench) {
      bench.avoid(30)
      for (let i = 0; i < 3000; i++) {
        const before = bench.control.cwnd
        bench.now += i % 500 === 0 ? 60_000 : 7
        bench.ack((i % 5) * 400, { limited: i % 7 !== 0, rtt: i % 3 === 0 ? 0 : (i % 11) * 20_000 })
        expectThat(bench.control.cwnd >= before, `ACK ${String(i + 1)} lowered the window from ${String(before)} to ${String(bench.control.cwnd)} bytes.`)
      }
    },
  },
  {
    name: 'does not grow while something else than the window holds the sender back',
    clause: 'AckSample.limited; RFC 7661 §4.3, RFC 9293 §3.8.2',
    check(bench) {
      const before = bench.control.cwnd
      for (let i = 0; i < 50; i++) bench.ack(MSS, { limited: false })
      expectEqual(bench.control.cwnd, before, 'The window after ACKs of a sender that had nothing to send')
    },
  },
  {
    name: 'loss lowers window and threshold',
    clause: 'CongestionControl.onLoss; RFC 5681 §3.2 step 2',
    check(bench) {
      bench.grow(40)
      const flight = bench.control.cwnd
      bench.lose(flight)
      const { cwnd, ssthresh } = bench.control
      expectThat(cwnd < flight, `With ${String(flight)} bytes out, loss left the window at ${String(cwnd)}.`)
      expectThat(ssthresh < flight, `With ${String(flight)} bytes out, loss set ssthresh to ${String(ssthresh)}.`)
    },
  },
  {
    name: 'a timeout lowers the threshold, to two segments at least',
    clause: 'RFC 5681 §3.1 (4)',
    check(bench) {
      bench.grow(40)
      const flight = bench.control.cwnd
      bench.control.onTimeout(flight)
      expectThat(bench.control.ssthresh < flight, `With ${String(flight)} bytes out, a timeout set ssthresh to ${String(bench.control.ssthresh)}.`)
      const other = bench.another()
      other.control.onTimeout(MSS)
      expectThat(other.control.ssthresh >= 2 * MSS, `A timeout with one segment out set ssthresh to ${String(other.control.ssthresh)} bytes.`)
    },
  },
  {
    name: 'slow start begins again after a timeout and gets to the threshold',
    clause: 'RFC 5681 §3.1',
    check(bench) {
      bench.grow(40)
      bench.control.onTimeout(bench.control.cwnd)
      const { ssthresh } = bench.control
      for (let trip = 0; trip < 12; trip++) bench.roundTrip()
      expectThat(bench.control.cwnd >= ssthresh, `12 round trips after a timeout the window is ${String(bench.control.cwnd)} bytes, ssthresh ${String(ssthresh)}.`)
    },
  },
  {
    name: 'slow start after a timeout adds a segment with each ACK at most',
    clause: 'RFC 3465 §2.3: after a timeout L is one segment, as one ACK may cover much that had arrived before',
    check(bench) {
      bench.grow(40)
      bench.control.onTimeout(bench.control.cwnd)
      const before = bench.control.cwnd
      bench.ack(10 * MSS)
      expectThat(bench.control.cwnd - before <= MSS, `The first ACK after a timeout added ${String(bench.control.cwnd - before)} bytes.`)
    },
  },
  {
    name: 'after idleness begins with the initial window at most',
    clause: 'CongestionControl.onIdle; RFC 5681 §4.1: the restart window is min (IW, cwnd)',
    check(bench) {
      const initial = bench.control.cwnd
      bench.grow(40)
      bench.control.onIdle()
      expectThat(bench.control.cwnd <= initial, `After idleness the window is ${String(bench.control.cwnd)} bytes; it began with ${String(initial)}.`)
    },
  },
  {
    name: 'does not keep the sample',
    clause: 'AckSample: one object per stack is reused',
    check(bench) {
      const other = bench.another()
      for (const acked of [MSS, 3 * MSS, 2 * MSS]) {
        bench.ack(acked)
        const sample = createSample({ acked, delivered: acked, flight: Math.max(acked, other.control.cwnd), una: acked, nxt: acked, rtt: RTT * 1000, smoothedRtt: RTT * 1000, now: other.now, limited: true })
        other.control.onAck(sample)
        Object.assign(sample, createSample({ acked: 1e6, delivered: 1e6, flight: 1e6, rtt: 1, smoothedRtt: 1, minimumRtt: 1 }))
      }
      expectEqual(other.control.cwnd, bench.control.cwnd, 'The window of a control whose samples are changed after the call')
    },
  },
]

/** The case for those controls alone. */
function forWindows({ name, clause, check }: CaseOf<Bench>): CaseOf<Bench> {
  return {
    name,
    clause,
    check(bench) {
      if (bench.control.onDelivered !== undefined) notApplicable('The control follows the rate, and rules its window by it.')
      return check(bench)
    },
  }
}

/** The case for the others. */
function forRates({ name, clause, check }: CaseOf<CongestionAlgorithmLike>): CaseOf<Bench> {
  return {
    name,
    clause,
    check(bench) {
      if (bench.control.onDelivered === undefined) notApplicable('The control does not follow the rate: it has no onDelivered.')
      return check(bench.algorithm)
    },
  }
}

/**
 * The cases that every congestion control passes, those for controls that follow the window or the rate among them. They
 * need no time and no connection.
 *
 * @example
 * ```ts
 * import { reno } from '@stack/tcp'
 * import { congestionControlCompliance } from '@stack/testing'
 *
 * for (const { run } of congestionControlCompliance(() => reno())) await run()
 * ```
 */
export function congestionControlCompliance(make: () => CongestionAlgorithmLike | Promise<CongestionAlgorithmLike>): ComplianceCase[] {
  return bindCases([...CASES, ...WINDOW_CASES.map(forWindows), ...RATE_CASES.map(forRates)], async () => new Bench(await make()), async () => {})
}
