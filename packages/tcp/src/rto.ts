/** Initial retransmission timeout, ms (RFC 6298 §2.1). */
export const INITIAL_RTO = 1000
/** Least timeout, ms. RFC 6298 §2.4 says 1 s; 200 ms is what the deployed Internet uses, and delayed ACKs stay below it. */
const MIN_RTO = 200
/** Largest timeout, ms (RFC 6298 §2.5: at least 60 s). */
const MAX_RTO = 120_000
/** Timeout after a handshake whose SYN was retransmitted, ms (RFC 6298 §5.7). */
export const RTO_AFTER_LOST_SYN = 3000

// Clock granularity G of RFC 6298 §2, µs.
const GRANULARITY = 1000

/** SRTT, RTTVAR and RTO (RFC 6298). Samples are µs, the timeout ms. */
export class RttEstimator {
  /** µs, 0 = no sample yet. */
  smoothed = 0
  /** µs. */
  variance = 0
  /** Smallest sample, µs; 0 = none yet. */
  minimum = 0
  /** ms, without backoff. */
  timeout: number = INITIAL_RTO
  /** Doublings since the last sample. */
  backoff = 0

  /** A round trip took `micros` (RFC 6298 §2.2, §2.3). Ends the backoff. */
  sample(micros: number): void {
    const r = Math.max(1, micros)
    if (this.smoothed === 0) {
      this.smoothed = r
      this.variance = r >>> 1
      this.minimum = r
    } else {
      this.variance = Math.round(0.75 * this.variance + 0.25 * Math.abs(this.smoothed - r))
      this.smoothed = Math.max(1, Math.round(0.875 * this.smoothed + 0.125 * r))
      if (r < this.minimum) this.minimum = r
    }
    const timeout = (this.smoothed + Math.max(GRANULARITY, 4 * this.variance)) / 1000
    this.timeout = Math.min(Math.max(timeout, MIN_RTO), MAX_RTO)
    this.backoff = 0
  }

  /** The timer expired: double it (RFC 6298 §5.5). */
  backOff(): void {
    if (this.timeout * 2 ** this.backoff < MAX_RTO) this.backoff++
  }

  /** What to arm the timer with, ms. */
  get current(): number {
    return this.backoff === 0 ? this.timeout : Math.min(this.timeout * 2 ** this.backoff, MAX_RTO)
  }
}
