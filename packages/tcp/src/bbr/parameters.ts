import { initialWindow } from '../congestion.ts'
import type { CongestionSender } from '../congestion.ts'
import { sendQuantum } from '../pacer.ts'
import type { Model } from './model.ts'
import { GAINS, isProbingBandwidth, Phase } from './phases.ts'

/** BBR.MinPipeCwnd, segments (§5.6.4.3). */
const LEAST_WINDOW = 4
/** BBR.PacingMarginPercent: BBR sends a little less than the path takes, so that no queue stays (§5.6.2). */
const PACING_MARGIN = 0.99
/** Quanta in flight that offload at both ends needs (§5.5.8.1). */
const OFFLOAD_QUANTA = 3

/** What BBR controls (§5.6): the rate, bytes a second, and the window, bytes. */
export class Parameters {
  cwnd: number
  private rate = 0
  private hasRtt = false
  private priorWindow = 0
  private readonly sender: CongestionSender
  private readonly model: Model

  constructor(sender: CongestionSender, model: Model) {
    this.sender = sender
    this.model = model
    this.cwnd = initialWindow(sender.mss)
  }

  /** §5.6.2, InitPacingRate: until there is a round trip, one of a millisecond is assumed. */
  get pacingRate(): number {
    if (!this.hasRtt) {
      const { smoothedRtt, mss } = this.sender
      this.hasRtt = smoothedRtt > 0
      this.rate = (GAINS[Phase.Startup].pacing * initialWindow(mss) * 1e6) / (this.hasRtt ? smoothedRtt : 1000)
    }
    return this.rate
  }

  /** SetPacingRateWithGain. */
  setPacingRate(gain: number = GAINS[this.model.phase].pacing): void {
    const rate = gain * this.model.bandwidth * PACING_MARGIN
    // A rate that is low because little was to be sent does not slow Startup down.
    if (rate > 0 && (this.model.pipe.isReached || rate > this.pacingRate)) this.rate = rate
  }

  /** Bytes in flight without which acknowledgments would come in bursts. */
  get leastWindow(): number {
    return LEAST_WINDOW * this.sender.mss
  }

  /** TargetInflight. */
  get targetFlight(): number {
    return Math.min(this.model.bdp() ?? initialWindow(this.sender.mss), this.cwnd)
  }

  /** BDPMultiple and QuantizationBudget (§5.6.4.2): bytes in flight for `gain` times the path, and `extra`. */
  inflight(bandwidth: number, gain: number, extra = 0): number {
    const { mss } = this.sender
    const bdp = this.model.bdp(bandwidth)
    const wanted = bdp === null ? initialWindow(mss) : gain * bdp
    const least = Math.max(OFFLOAD_QUANTA * sendQuantum(this.pacingRate, mss), this.leastWindow)
    return Math.max(wanted + extra, least) + (this.model.phase === Phase.Up ? 2 * mss : 0)
  }

  /** InflightWithHeadroom. */
  get flightWithHeadroom(): number {
    return this.model.bounds.withHeadroom(this.sender.mss, this.leastWindow)
  }

  /** ProbeRTTCwnd (§5.6.4.5). */
  get probeRttWindow(): number {
    const bdp = this.model.bdp() ?? initialWindow(this.sender.mss)
    return Math.max(GAINS[Phase.ProbeRtt].window * bdp, this.leastWindow)
  }

  /** SetCwnd (§5.6.4.6): `acked` bytes arrived. */
  setWindow(acked: number): void {
    const { model } = this
    const most = this.inflight(model.bandwidth, GAINS[model.phase].window, model.aggregation.extra)
    let window = this.cwnd
    if (model.pipe.isReached) window = Math.min(window + acked, most)
    else if (window < most || model.deliveredTotal < initialWindow(this.sender.mss)) window += acked
    window = Math.max(window, this.leastWindow)
    if (model.phase === Phase.ProbeRtt) window = Math.min(window, this.probeRttWindow)
    this.cwnd = Math.floor(Math.min(window, Math.max(this.volumeCap, this.leastWindow)))
  }

  /** The last good window, which loss and ProbeRTT do not touch (§5.6.4.4); `isModulated`: they have already. */
  saveWindow(isModulated: boolean): void {
    this.priorWindow = isModulated ? Math.max(this.priorWindow, this.cwnd) : this.cwnd
  }

  restoreWindow(): void {
    this.cwnd = Math.max(this.cwnd, this.priorWindow)
  }

  /** BoundCwndForModel (§5.6.4.7). */
  private get volumeCap(): number {
    const { bounds, phase } = this.model
    let cap = Infinity
    if (phase === Phase.ProbeRtt || phase === Phase.Cruise) cap = this.flightWithHeadroom
    else if (isProbingBandwidth(phase)) cap = bounds.longterm
    return Math.min(cap, bounds.flight)
  }
}
