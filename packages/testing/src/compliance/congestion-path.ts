import { seededRandom, type Random } from '@stack/core'
import { createRateSample, type CongestionAlgorithmLike, type CongestionControlLike, type RateSampleLike } from './congestion-shapes.ts'

const MSS = 1448
/** ms between two looks at a sender that waits for nothing in particular. */
const IDLE_STEP = 1

interface Segment {
  readonly sentAt: number
  readonly ackAt: number
  readonly delivered: number
  readonly deliveredAt: number
  readonly firstSent: number
  readonly flight: number
  readonly isAppLimited: boolean
}

/** How a path is. */
export interface PathOptions {
  /** Bytes a second. */
  readonly rate: number
  /** ms, without a queue. */
  readonly rtt: number
}

/**
 * A sender with a control that follows the rate, before a bottleneck with an endless queue, and the delivery rate samples of
 * draft-ietf-ccwg-bbr-06 §4.1 for it. Every segment is acknowledged alone, and none is lost.
 */
export class RatePath {
  readonly control: CongestionControlLike
  readonly sender: { mss: number; smoothedRtt: number; readonly random: Random }
  /** Bytes a second; may change at any time. */
  rate: number
  /** Bytes a second that the application writes. */
  demand: number = Infinity
  /** Bytes delivered. */
  delivered = 0
  now = 1000
  /** Called behind each acknowledgment. */
  onAck: (sample: RateSampleLike) => void = () => {}
  private readonly rtt: number
  private readonly segments: Segment[] = []
  private flight = 0
  private free = 0
  private nextSend = 0
  private written = 0
  private deliveredAt = 0
  private firstSent = 0
  private limitedUntil = 0
  private isFull = false

  constructor(algorithm: CongestionAlgorithmLike, { rate, rtt }: PathOptions) {
    this.sender = { mss: MSS, smoothedRtt: rtt * 1000, random: seededRandom(7) }
    this.control = algorithm.create(this.sender)
    this.rate = rate
    this.rtt = rtt
  }

  /** The queue, ms. */
  get queue(): number {
    return Math.max(0, this.free - this.now)
  }

  /** Lets `seconds` pass; gives the mean rate delivered in them, bytes a second. */
  run(seconds: number): number {
    const end = this.now + seconds * 1000
    const before = this.delivered
    while (this.now < end) {
      this.send()
      const ack = this.segments[0]?.ackAt ?? Infinity
      const next = this.isFull ? ack : Math.min(ack, Math.max(this.nextSend, this.now + (this.demand === Infinity ? 0 : IDLE_STEP)))
      const then = Math.min(end, Math.max(next, this.now))
      this.written += this.demand === Infinity ? 0 : ((then - this.now) * this.demand) / 1000
      this.now = then
      if (ack <= this.now) this.acknowledge(this.segments.shift()!)
    }
    return (this.delivered - before) / seconds
  }

  private send(): void {
    const { control } = this
    for (;;) {
      this.isFull = this.flight > 0 && this.flight + MSS > control.cwnd
      if (this.isFull) return
      if (this.demand !== Infinity && this.written < MSS) {
        this.limitedUntil = Math.max(1, this.delivered + this.flight)
        return
      }
      if (this.now < this.nextSend) return
      if (this.flight === 0) {
        if (this.limitedUntil > 0) control.onRestart?.(this.now)
        this.firstSent = this.deliveredAt = this.now
      }
      if (this.demand !== Infinity) this.written -= MSS
      this.flight += MSS
      this.nextSend = Math.max(this.nextSend, this.now - 1) + ((control.pacingRate ?? 0) > 0 ? (MSS * 1000) / control.pacingRate! : 0)
      this.free = Math.max(this.free, this.now) + (MSS * 1000) / this.rate
      this.segments.push({
        sentAt: this.now, ackAt: this.free + this.rtt, delivered: this.delivered, deliveredAt: this.deliveredAt, firstSent: this.firstSent,
        flight: this.flight, isAppLimited: this.limitedUntil > 0,
      })
    }
  }

  private acknowledge(segment: Segment): void {
    const { now } = this
    // Another each time: who keeps one reads what became of it.
    const sample = createRateSample()
    this.flight -= MSS
    this.delivered += MSS
    this.deliveredAt = now
    this.firstSent = segment.sentAt
    if (this.delivered > this.limitedUntil) this.limitedUntil = 0
    const interval = Math.max(segment.sentAt - segment.firstSent, now - segment.deliveredAt)
    sample.now = now
    sample.acked = MSS
    sample.deliveredTotal = this.delivered
    sample.flight = this.flight
    sample.priorDelivered = segment.delivered
    sample.delivered = this.delivered - segment.delivered
    sample.rate = (sample.delivered * 1000) / interval
    sample.sentFlight = segment.flight
    sample.isAppLimited = segment.isAppLimited
    sample.rtt = Math.round((now - segment.sentAt) * 1000)
    sample.minimumRtt = this.rtt * 1000
    sample.isWindowLimited = this.isFull
    this.control.onDelivered!(sample)
    if (this.control.isHoldingBack === true) this.limitedUntil = this.delivered + this.flight
    this.onAck(sample)
  }
}
