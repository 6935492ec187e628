import { initialWindow, NO_THRESHOLD } from './congestion.ts'
import type { AckSample, CongestionAlgorithm, CongestionControl, CongestionSender } from './congestion.ts'

/** Slow start and congestion avoidance of RFC 5681 with the window arithmetic of RFC 6582, counted in bytes (RFC 3465). */
export class Reno implements CongestionControl {
  readonly name: string = 'reno'
  cwnd: number
  ssthresh: number = NO_THRESHOLD
  protected readonly sender: CongestionSender
  // Bytes acknowledged since the last increase in congestion avoidance.
  protected acked = 0
  private afterTimeout = false
  // Before the last reduction.
  private priorWindow = 0
  private priorThreshold = 0

  constructor(sender: CongestionSender) {
    this.sender = sender
    this.cwnd = initialWindow(sender.mss)
  }

  onAck(sample: AckSample): void {
    if (!sample.limited) return
    const { mss } = this.sender
    if (this.cwnd < this.ssthresh) {
      // Receivers acknowledge once a batch, so all bytes count (RFC 3465 with an unlimited L), save after a timeout,
      // when one ACK may cover much that had arrived before (RFC 3465 §2.3).
      const acked = this.afterTimeout ? Math.min(sample.acked, mss) : sample.acked
      this.cwnd = Math.min(this.cwnd + acked, Math.max(this.ssthresh, this.cwnd + mss))
      return
    }
    this.afterTimeout = false
    this.acked += sample.acked
    if (this.acked >= this.cwnd) {
      this.acked -= this.cwnd
      this.cwnd += mss
    }
  }

  onLoss(flight: number): void {
    this.remember()
    // What limited transmit sent beyond the window does not count (RFC 5681 §3.2 step 2).
    this.ssthresh = Math.max(Math.min(flight, this.cwnd) >>> 1, 2 * this.sender.mss)
    this.cwnd = this.ssthresh
    this.acked = 0
  }

  /** RFC 3168 §6.1.2. */
  onCongestion(): void {
    this.ssthresh = Math.max(this.cwnd >>> 1, 2 * this.sender.mss)
    this.cwnd = this.ssthresh
    this.acked = 0
  }

  onRecovered(flight: number): void {
    // RFC 6582 §3.2 step 3, first choice: no burst at the end of recovery.
    const { mss } = this.sender
    this.cwnd = Math.min(this.ssthresh, Math.max(flight, mss) + mss)
    this.acked = 0
  }

  onTimeout(flight: number): void {
    this.remember()
    this.ssthresh = Math.max(flight >>> 1, 2 * this.sender.mss)
    this.cwnd = this.sender.mss
    this.acked = 0
    this.afterTimeout = true
  }

  onUndo(): void {
    this.cwnd = Math.max(this.cwnd, this.priorWindow)
    this.ssthresh = Math.max(this.ssthresh, this.priorThreshold)
    this.afterTimeout = false
  }

  onIdle(): void {
    this.cwnd = Math.min(this.cwnd, initialWindow(this.sender.mss))
  }

  onLostSyn(): void {
    this.cwnd = this.sender.mss
  }

  onMss(): void {
    this.cwnd = Math.max(this.cwnd, this.sender.mss)
  }

  private remember(): void {
    this.priorWindow = this.cwnd
    this.priorThreshold = this.ssthresh
  }
}

/**
 * Reno as it is today: the standard of RFC 5681, with the window arithmetic of RFC 6582 ("NewReno").
 *
 * @returns an algorithm; `tcp()` has it as `'reno'`
 */
export function reno(): CongestionAlgorithm {
  return { name: 'reno', create: (sender) => new Reno(sender) }
}
