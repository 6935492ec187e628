import type { Milliseconds } from '@stack/core'
import { RoundMaximum } from './filters.ts'

/** BBR.ExtraAckedFilterLen: rounds remembered, once the pipe was full. */
const ROUNDS = 10

/**
 * BBR.extra_acked: bytes by which acknowledgments run ahead of the rate, because something on the way, or the receiver,
 * collects them; as much more may be in flight (§5.5.9).
 */
export class Aggregation {
  extra = 0
  private since: Milliseconds = 0
  private delivered = 0
  private readonly filter = new RoundMaximum()

  /** `acked` bytes arrived; `bandwidth` in bytes a second. */
  take(now: Milliseconds, acked: number, bandwidth: number, cwnd: number, round: number, isPipeFull: boolean): void {
    let expected = (bandwidth * (now - this.since)) / 1000
    // Slower than expected: whatever was collected is through.
    if (this.delivered <= expected) {
      this.restart(now)
      expected = 0
    }
    this.delivered += acked
    this.filter.take(Math.min(this.delivered - expected, cwnd), round)
    // While the rate doubles, more than expected is the rule: a round is enough.
    this.extra = this.filter.maximum(isPipeFull ? ROUNDS : 1)
  }

  restart(now: Milliseconds): void {
    this.delivered = 0
    this.since = now
  }
}
