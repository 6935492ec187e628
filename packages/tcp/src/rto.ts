/** Initial retransmission timeout, ms (RFC 6298 §2.1). */
export const INITIAL_RTO = 1000
/** Timeout after a handshake whose SYN was retransmitted, ms (RFC 6298 §5.7). */
export const RTO_AFTER_LOST_SYN = 3000

/** What a sample counts for at most, µs: so far are sums of them small integers. */
const LONGEST = 600_000_000

// Clock granularity G of RFC 6298 §2, µs.
const GRANULARITY = 1000

/** What bounds a timeout, ms. */
interface RtoLimits {
  readonly minimumRto: number
  readonly maximumRto: number
  readonly rtoFloor: 'timeout' | 'variance'
}

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
  sample(micros: number, { minimumRto, maximumRto, rtoFloor }: RtoLimits): void {
    const r = Math.max(1, Math.min(micros, LONGEST))
    if (this.smoothed === 0) {
      this.smoothed = r
      this.variance = r >>> 1
      this.minimum = r
    } else {
      const { smoothed, variance } = this
      // Rounded, with a quarter and an eighth of the new (RTTVAR before SRTT).
      this.variance = variance + ((Math.abs(smoothed - r) - variance + 2) >> 2)
      this.smoothed = Math.max(1, smoothed + ((r - smoothed + 4) >> 3))
      if (r < this.minimum) this.minimum = r
    }
    const floor = rtoFloor === 'timeout' ? GRANULARITY : minimumRto * 1000
    this.timeout = Math.min(Math.max(this.smoothed + Math.max(floor, 4 * this.variance), minimumRto * 1000), maximumRto * 1000) / 1000
    this.backoff = 0
  }

  /** The timer expired: double it (RFC 6298 §5.5). */
  backOff({ maximumRto }: RtoLimits): void {
    if (this.timeout * 2 ** this.backoff < maximumRto) this.backoff++
  }

  /** What to arm the timer with, ms. */
  current({ maximumRto }: RtoLimits): number {
    return Math.min(this.backoff === 0 ? this.timeout : this.timeout * 2 ** this.backoff, maximumRto)
  }
}
