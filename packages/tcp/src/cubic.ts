import { initialWindow, NO_THRESHOLD } from './congestion.ts'
import type { AckSample, CongestionAlgorithm, CongestionControl, CongestionSender } from './congestion.ts'
import { HyStart } from './hystart.ts'

/** Segments/s³ (RFC 9438 §4.1, §5). */
const C = 0.4
/** What is left of the window after loss (RFC 9438 §4.6). */
const BETA = 0.7
/** With it a Reno that goes down to BETA only has the same window on average (RFC 9438 §4.3). */
const ALPHA = (3 * (1 - BETA)) / (1 + BETA)
/** The target is at most this part of cwnd (RFC 9438 §4.2). */
const LARGEST_STEP = 1.5
/** There is no epoch. */
const NONE = -1

/** What a reduction without cause is taken back to (RFC 9438 §4.9). */
interface Memory {
  readonly cwnd: number
  readonly ssthresh: number
  readonly largest: number
  readonly k: number
  readonly epoch: number
  readonly last: number
  readonly estimate: number
  readonly before: number
}

/**
 * CUBIC (RFC 9438). The RFC counts in segments, this in bytes; `cwnd` and `ssthresh` are integers, and what an ACK adds
 * beside whole bytes is kept for the next.
 */
class Cubic implements CongestionControl {
  readonly name = 'cubic'
  cwnd: number
  ssthresh: number = NO_THRESHOLD
  private readonly sender: CongestionSender
  private readonly hystart = new HyStart()
  private afterTimeout = false

  /** W_max, bytes: the window before the last reduction, or less by fast convergence; 0 = not known. */
  private largest = 0
  /** K, seconds from the beginning of the epoch until W_cubic is W_max. */
  private k = 0
  /** t_epoch, ms: when congestion avoidance began. */
  private epoch = NONE
  /** When the last ACK of this epoch came, ms. */
  private last = 0
  /** W_est, bytes: the window that Reno would have. */
  private estimate = 0
  /** cwnd_prior, bytes. */
  private before = 0
  /** Part of a byte that cwnd is to grow by. */
  private rest = 0

  /** Before the last reduction. */
  private prior: Memory | null = null

  constructor(sender: CongestionSender) {
    this.sender = sender
    this.cwnd = initialWindow(sender.mss)
  }

  onAck(sample: AckSample): void {
    if (this.cwnd < this.ssthresh) this.slowStart(sample)
    else this.avoid(sample)
  }

  /** RFC 9438 §4.10. HyStart++ is for the first slow start: later ones know where to stop (RFC 9406 §4.3). */
  private slowStart(sample: AckSample): void {
    const { mss } = this.sender
    if (this.ssthresh !== NO_THRESHOLD) {
      if (!sample.limited) return
      // RFC 3465 §2.3: after a timeout one ACK may cover much that had arrived before.
      const acked = this.afterTimeout ? Math.min(sample.acked, mss) : sample.acked
      this.cwnd = Math.min(this.cwnd + acked, Math.max(this.ssthresh, this.cwnd + mss))
      return
    }
    const { hystart } = this
    if (sample.limited) this.cwnd += hystart.growth(sample.acked)
    hystart.onAck(sample)
    if (!hystart.isOver) return
    // No loss, so that W_max is not known: the epoch begins with K = 0.
    this.ssthresh = this.before = this.cwnd
    this.largest = 0
  }

  /** RFC 9438 §4.2 to §4.5. */
  private avoid(sample: AckSample): void {
    const { now, acked } = sample
    this.afterTimeout = false
    if (this.epoch === NONE) this.beginEpoch(now)
    const pause = now - this.last
    this.last = now
    if (!sample.limited) {
      // Time in which something else than cwnd held the sender back does not count (RFC 9438 §4.2, §5.8).
      this.epoch += pause
      return
    }
    const { cwnd } = this
    this.estimate += ((this.estimate < this.before ? ALPHA : 1) * this.sender.mss * acked) / cwnd
    const elapsed = (now - this.epoch) / 1000
    if (this.windowAt(elapsed) < this.estimate) {
      // The Reno-friendly region (§4.3).
      this.cwnd = Math.max(cwnd, Math.floor(this.estimate))
      return
    }
    const target = Math.min(this.windowAt(elapsed + sample.smoothedRtt / 1e6), LARGEST_STEP * cwnd)
    // An ACK never lowers the window, whatever the curve says.
    if (target <= cwnd) return
    this.rest += ((target - cwnd) * acked) / cwnd
    const bytes = Math.floor(this.rest)
    this.rest -= bytes
    this.cwnd = cwnd + bytes
  }

  /** W_cubic(t), bytes, `t` in seconds (RFC 9438 §4.2, equation 1). */
  private windowAt(t: number): number {
    const distance = t - this.k
    return C * this.sender.mss * distance * distance * distance + this.largest
  }

  /** A stage of congestion avoidance (RFC 9438 §4.2, equation 2; without a W_max above, §4.8 and §4.10). */
  private beginEpoch(now: number): void {
    const { cwnd } = this
    this.epoch = this.last = now
    this.estimate = cwnd
    this.rest = 0
    if (this.largest > cwnd) this.k = Math.cbrt((this.largest - cwnd) / this.sender.mss / C)
    else {
      this.k = 0
      this.largest = cwnd
    }
  }

  onLoss(flight: number): void {
    this.remember()
    // What limited transmit sent beyond the window does not count (RFC 5681 §3.2 step 2).
    this.retreat(Math.min(flight, this.cwnd))
  }

  /** Marks are losses to it (RFC 9438 §4.6). */
  onCongestion(): void {
    this.prior = null
    this.retreat(this.cwnd)
  }

  private retreat(flight: number): void {
    const { cwnd } = this
    // Fast convergence (RFC 9438 §4.7): whoever gets less than before makes room for others.
    this.largest = cwnd < this.largest ? (cwnd * (1 + BETA)) / 2 : cwnd
    this.reduce(flight)
    this.cwnd = this.ssthresh
  }

  onRecovered(flight: number): void {
    // RFC 6582 §3.2 step 3, first choice: no burst at the end of recovery.
    const { mss } = this.sender
    this.cwnd = Math.min(this.ssthresh, Math.max(flight, mss) + mss)
  }

  onTimeout(flight: number): void {
    this.remember()
    // RFC 9438 §4.8: W_max is the window with which congestion avoidance begins.
    this.largest = 0
    this.reduce(flight)
    this.cwnd = this.sender.mss
    this.afterTimeout = true
  }

  /** RFC 9438 §4.6. */
  private reduce(flight: number): void {
    this.before = this.cwnd
    this.ssthresh = Math.max(Math.floor(flight * BETA), 2 * this.sender.mss)
    this.epoch = NONE
  }

  private remember(): void {
    const { cwnd, ssthresh, largest, k, epoch, last, estimate, before } = this
    this.prior = { cwnd, ssthresh, largest, k, epoch, last, estimate, before }
  }

  /** RFC 9438 §4.9. */
  onUndo(): void {
    const { prior } = this
    if (prior === null) return
    this.cwnd = Math.max(this.cwnd, prior.cwnd)
    this.ssthresh = Math.max(this.ssthresh, prior.ssthresh)
    this.largest = prior.largest
    this.k = prior.k
    this.epoch = prior.epoch
    this.last = prior.last
    this.estimate = prior.estimate
    this.before = prior.before
    this.afterTimeout = false
  }

  onIdle(): void {
    const restart = initialWindow(this.sender.mss)
    if (this.cwnd <= restart) return
    this.cwnd = restart
    // Slow start comes first, then a new epoch towards the same W_max.
    this.epoch = NONE
  }

  onLostSyn(): void {
    this.cwnd = this.sender.mss
  }

  onMss(): void {
    this.cwnd = Math.max(this.cwnd, this.sender.mss)
  }
}

/**
 * CUBIC (RFC 9438) with HyStart++ (RFC 9406) in its first slow start: the default of `tcp()`.
 *
 * @returns an algorithm; `tcp()` has it as `'cubic'`
 */
export function cubic(): CongestionAlgorithm {
  return { name: 'cubic', create: (sender) => new Cubic(sender) }
}
