import { seededRandom } from '@stack/core'
import { createLostSegment, createRateSample } from '../../src/congestion.ts'
import type { CongestionAlgorithm, CongestionControl, RateSample } from '../../src/congestion.ts'

const MSS = 1000
/** Segments that arrive behind a gap before it is held lost. */
const REORDERING = 3

interface Flying {
  readonly sequence: number
  readonly sentAt: number
  readonly ackAt: number
  readonly delivered: number
  readonly deliveredAt: number
  readonly firstSent: number
  readonly lost: number
  readonly flight: number
  readonly isAppLimited: boolean
  readonly isDropped: boolean
}

/** One phase of a control, as it was entered. */
export interface PhaseEntry {
  readonly phase: string
  /** ms since the start. */
  readonly at: number
  readonly cwnd: number
  readonly pacingRate: number
  readonly flight: number
}

/**
 * A control that follows the rate, and a path made of arithmetic: a bottleneck of `rate` bytes a second with a queue of
 * `limit` bytes, `rtt` ms. What is lost is not sent again: new segments are as good. Segments have 1,000 bytes.
 */
export class Path {
  readonly control: CongestionControl
  readonly phases: PhaseEntry[] = []
  rate: number
  rtt: number
  limit: number = Infinity
  /** Bytes a second that the application writes. */
  demand: number = Infinity
  /** Decides about each segment by its number. */
  drop: (index: number) => boolean = () => false
  /** ACKs come together at multiples of this, ms; 0 = as they come. */
  aggregation = 0
  hasSack = true
  delivered = 0
  lost = 0
  flight = 0
  now = 1000
  longestQueue = 0
  readonly sample: RateSample = createRateSample()
  private readonly segment = createLostSegment()
  private flying: Flying[] = []
  private arrived = 0
  private sequence = 0
  private free = 0
  private nextSend = 0
  private written = 0
  private deliveredAt = 0
  private firstSent = 0
  private limitedUntil = 0
  private recoverUntil = -1
  private isFull = false
  private wasFull = false
  private lastPhase: string | undefined = undefined

  constructor(algorithm: CongestionAlgorithm, { rate, rtt, seed = 1 }: { readonly rate: number; readonly rtt: number; readonly seed?: number }) {
    this.control = algorithm.create({ mss: MSS, smoothedRtt: rtt * 1000, random: seededRandom(seed) })
    this.rate = rate
    this.rtt = rtt
    this.note()
  }

  /** Bytes that fill the path. */
  get bdp(): number {
    return (this.rate * this.rtt) / 1000
  }

  get phase(): string {
    return this.control.phase!
  }

  /** The names of the phases since the last call. */
  takePhases(): string[] {
    return this.phases.splice(0).map(({ phase }) => phase)
  }

  /** Runs for `seconds`, or until `isDone`; gives the mean rate delivered, bytes a second. */
  run(seconds: number, isDone: () => boolean = () => false): number {
    const [start, before] = [this.now, this.delivered]
    const end = this.now + seconds * 1000
    while (this.now < end && !isDone()) {
      this.send()
      const ack = this.flying[0]?.ackAt ?? Infinity
      const isPaced = this.demand === Infinity && !this.isFull
      const next = Math.min(ack, isPaced ? this.nextSend : this.now + 1)
      const then = Math.min(end, Math.max(next, this.now))
      if (this.demand !== Infinity) this.written += ((then - this.now) * this.demand) / 1000
      this.now = then
      while (this.flying.length > 0 && this.flying[0]!.ackAt <= this.now) this.take(this.flying.shift()!)
    }
    return ((this.delivered - before) * 1000) / Math.max(1, this.now - start)
  }

  /** Runs until the control is in `phase`, `seconds` at most. */
  until(phase: string, seconds = 30): void {
    this.run(seconds, () => this.phase === phase)
    if (this.phase !== phase) throw new Error(`Not in ${phase} within ${seconds} s, but in ${this.phase}.`)
  }

  private send(): void {
    const { control } = this
    for (;;) {
      this.isFull = this.flight > 0 && this.flight + MSS > control.cwnd
      if (this.isFull) this.wasFull = true
      if (this.isFull) return
      if (this.demand !== Infinity && this.written < MSS) {
        this.limitedUntil = Math.max(1, this.delivered + this.flight)
        return
      }
      if (this.now < this.nextSend) return
      if (this.flight === 0 && this.limitedUntil > 0) control.onRestart?.(this.now)
      this.note()
      if (this.flight === 0) this.firstSent = this.deliveredAt = this.now
      if (this.demand !== Infinity) this.written -= MSS
      this.flight += MSS
      this.nextSend = Math.max(this.nextSend, this.now - 1) + (MSS * 1000) / control.pacingRate!
      this.launch()
    }
  }

  private launch(): void {
    const queue = Math.max(0, this.free - this.now)
    this.longestQueue = Math.max(this.longestQueue, queue)
    const isDropped = this.drop(this.sequence) || (queue * this.rate) / 1000 + MSS > this.limit
    if (!isDropped) this.free = Math.max(this.free, this.now) + (MSS * 1000) / this.rate
    const arrival = Math.max(this.free, this.now) + this.rtt
    this.flying.push({
      sequence: this.sequence++, sentAt: this.now, ackAt: this.aggregation === 0 ? arrival : Math.ceil(arrival / this.aggregation) * this.aggregation,
      delivered: this.delivered, deliveredAt: this.deliveredAt, firstSent: this.firstSent, lost: this.lost, flight: this.flight, isAppLimited: this.limitedUntil > 0, isDropped,
    })
  }

  private take(flying: Flying): void {
    if (flying.isDropped) this.lose(flying)
    else this.acknowledge(flying)
    this.note()
  }

  /** It is held lost when three behind it have come: about now. */
  private lose(flying: Flying): void {
    const { control, segment } = this
    if (this.arrived < REORDERING) return
    this.flight -= MSS
    this.lost += MSS
    segment.start = flying.sequence * MSS
    segment.end = segment.start + MSS
    segment.deliveredTotal = this.delivered
    segment.lost = this.lost - flying.lost
    segment.sentFlight = flying.flight
    segment.isAppLimited = flying.isAppLimited
    control.onSegmentLost!(segment)
    if (flying.sequence <= this.recoverUntil) return
    this.recoverUntil = this.sequence - 1
    control.onLoss(this.flight)
  }

  private acknowledge(flying: Flying): void {
    const { sample, now } = this
    this.arrived++
    this.flight -= MSS
    this.delivered += MSS
    this.deliveredAt = now
    this.firstSent = flying.sentAt
    if (this.delivered > this.limitedUntil) this.limitedUntil = 0
    const interval = Math.max(flying.sentAt - flying.firstSent, now - flying.deliveredAt)
    sample.now = now
    sample.acked = MSS
    sample.deliveredTotal = this.delivered
    sample.flight = this.flight
    sample.priorDelivered = flying.delivered
    sample.delivered = this.delivered - flying.delivered
    sample.rate = interval * 1.001 < this.rtt ? 0 : (sample.delivered * 1000) / interval
    sample.lost = this.lost - flying.lost
    sample.sentFlight = flying.flight
    sample.isAppLimited = flying.isAppLimited
    sample.rtt = Math.round((now - flying.sentAt) * 1000)
    sample.minimumRtt = this.rtt * 1000
    sample.isWindowLimited = this.wasFull
    sample.isRecovering = flying.sequence < this.recoverUntil
    sample.hasSack = this.hasSack
    this.wasFull = this.isFull
    this.control.onDelivered!(sample)
    if (this.control.isHoldingBack === true) this.limitedUntil = this.delivered + this.flight
  }

  private note(): void {
    const { phase, cwnd, pacingRate } = this.control
    if (phase === this.lastPhase) return
    this.lastPhase = phase
    this.phases.push({ phase: phase!, at: this.now - 1000, cwnd, pacingRate: pacingRate!, flight: this.flight })
  }
}
