import type { Milliseconds } from '@stack/core'
import type { RateSample } from '../congestion.ts'
import { Aggregation } from './aggregation.ts'
import { Bounds } from './bounds.ts'
import { BandwidthFilter, MinimumRtt } from './filters.ts'
import { FullPipe } from './full-pipe.ts'
import { Phase } from './phases.ts'

/** What BBR believes of the path (§5.5), and what it does about it. Bytes, bytes a second, ms. */
export class Model {
  phase: Phase = Phase.Startup
  readonly bandwidths: BandwidthFilter = new BandwidthFilter()
  readonly minimumRtt: MinimumRtt = new MinimumRtt()
  readonly aggregation: Aggregation = new Aggregation()
  readonly pipe: FullPipe = new FullPipe()
  readonly bounds: Bounds = new Bounds()
  /** BBR.bw: what the path is believed to take now. */
  bandwidth = 0
  /** BBR.round_count: packet-timed round trips. */
  round = 0
  /** This acknowledgment ends one. */
  isRoundStart = false
  private roundEnd = 0

  // --- as the last acknowledgment had it ---
  now: Milliseconds = 0
  /** C.inflight. */
  flight = 0
  /** C.delivered. */
  deliveredTotal = 0

  /** The acknowledgment ends a round trip if its segment was sent after the last one ended (§5.5.1). */
  updateRound(sample: RateSample): void {
    this.isRoundStart = sample.priorDelivered >= this.roundEnd
    if (!this.isRoundStart) return
    this.startRound()
    this.round++
  }

  /** What is sent from here on belongs to the next round. */
  startRound(): void {
    this.roundEnd = this.deliveredTotal
  }

  /** A rate that the application limited counts only if it is larger than what was thought (§5.5.4). */
  updateBandwidth({ rate, isAppLimited }: RateSample): void {
    if (rate > 0 && (!isAppLimited || rate >= this.bandwidths.maximum)) this.bandwidths.take(rate)
  }

  /** BoundBWForModel. */
  boundBandwidth(): void {
    this.bandwidth = Math.min(this.bandwidths.maximum, this.bounds.bandwidth)
  }

  /** Bytes that fill the path without a queue, at `bandwidth`; null = no round trip is known yet. */
  bdp(bandwidth: number = this.bandwidth): number | null {
    const { minimum } = this.minimumRtt
    return minimum === Infinity ? null : (bandwidth * minimum) / 1e6
  }
}
