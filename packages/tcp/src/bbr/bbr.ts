import type { Milliseconds } from '@stack/core'
import { NO_THRESHOLD } from '../congestion.ts'
import type { CongestionAlgorithm, CongestionControl, CongestionSender, LostSegment, RateSample } from '../congestion.ts'
import { BandwidthCycle } from './bandwidth-cycle.ts'
import { isTooMuchLost } from './bounds.ts'
import { Model } from './model.ts'
import { Parameters } from './parameters.ts'
import { isProbing, isProbingBandwidth, PHASE_NAMES, Phase } from './phases.ts'

/** BBR.ProbeRTTDuration, ms. */
const PROBE_RTT_DURATION = 200
/** Rounds in Drain at most (§5.3.2). */
const DRAIN_ROUNDS = 3
/** BBRStartupFullLossCnt: gaps in one round that end Startup (§5.3.1.3). */
const STARTUP_GAPS = 6
const NEVER = -1

/**
 * BBR version 3 (draft-ietf-ccwg-bbr-06): a model of the path, made of the largest delivery rate and the least round trip,
 * says how fast to send and how much may be in flight. Section numbers here and beside are the draft's, and so are the names
 * in capitals.
 */
class Bbr implements CongestionControl {
  readonly name = 'bbr'
  /** Not used. */
  ssthresh: number = NO_THRESHOLD
  private readonly sender: CongestionSender
  private readonly model = new Model()
  private readonly parameters: Parameters
  private readonly cycle: BandwidthCycle
  private drainStart = 0
  // Gaps that this round of losses has, and where the last one ended.
  private gaps = 0
  private lastLost = 0
  private probeRttDone: Milliseconds = NEVER
  private isProbeRttRoundDone = false
  /** BBR.idle_restart. */
  private isRestarting = false
  private isRecovering = false
  /** Where loss ended a probe that goes on when it was none. */
  private undoPhase: typeof Phase.Startup | typeof Phase.Up | null = null

  constructor(sender: CongestionSender) {
    this.sender = sender
    this.parameters = new Parameters(sender, this.model)
    this.cycle = new BandwidthCycle(sender, this.model, this.parameters)
  }

  get cwnd(): number {
    return this.parameters.cwnd
  }

  set cwnd(bytes: number) {
    this.parameters.cwnd = bytes
  }

  get pacingRate(): number {
    return this.parameters.pacingRate
  }

  get phase(): string {
    return PHASE_NAMES[this.model.phase]
  }

  get isHoldingBack(): boolean {
    return this.model.phase === Phase.ProbeRtt
  }

  // --- what the sender tells ---

  /** Everything is in {@link onDelivered}. */
  onAck(): void {}

  /** UpdateOnACK (§5.2.3). */
  onDelivered(sample: RateSample): void {
    const { model, parameters } = this
    model.now = sample.now
    model.flight = sample.flight
    model.deliveredTotal = sample.deliveredTotal
    if (this.isRecovering && !sample.isRecovering) {
      this.isRecovering = false
      parameters.restoreWindow()
    }
    if (sample.priorDelivered >= 0) this.updateModelAndState(sample)
    parameters.setPacingRate()
    parameters.setWindow(sample.acked)
  }

  onSegmentLost(segment: LostSegment): void {
    this.noteLoss(segment.deliveredTotal)
    if (segment.start !== this.lastLost) this.gaps++
    this.lastLost = segment.end
    if (this.cycle.segmentLost(segment)) this.undoPhase = Phase.Up
  }

  onLoss(): void {
    this.noteLoss(this.model.deliveredTotal)
    this.beginRecovery()
  }

  /** §5.6.4.4: one segment, and all that arrives opens the window again. */
  onTimeout(): void {
    this.noteLoss(this.model.deliveredTotal)
    this.beginRecovery()
    this.cwnd = this.sender.mss
  }

  /** {@link onDelivered} sees it by itself. */
  onRecovered(): void {}

  /** HandleSpuriousLossDetection (§5.5.11.2). */
  onUndo(): void {
    const { model, undoPhase } = this
    this.isRecovering = false
    this.parameters.restoreWindow()
    model.pipe.reset()
    model.bounds.restore()
    this.undoPhase = null
    if (undoPhase === null || model.phase === undoPhase) return
    if (undoPhase === Phase.Startup) model.pipe.isReached = false
    if (model.phase === Phase.ProbeRtt) return
    if (undoPhase === Phase.Startup) model.phase = Phase.Startup
    else this.cycle.startRefill()
  }

  /** The model stays: BBR begins again at the rate that it knows (§5.4). */
  onIdle(): void {}

  /** HandleRestartFromIdle (§5.4.1). */
  onRestart(now: Milliseconds): void {
    const { model } = this
    model.now = now
    this.isRestarting = true
    model.aggregation.restart(now)
    if (isProbingBandwidth(model.phase)) this.parameters.setPacingRate(1)
    else if (model.phase === Phase.ProbeRtt) this.checkProbeRttDone()
  }

  onLostSyn(): void {
    this.cwnd = this.sender.mss
  }

  onMss(): void {
    this.cwnd = Math.max(this.cwnd, this.sender.mss)
  }

  // --- the state machine (§5.3) ---

  private updateModelAndState(sample: RateSample): void {
    const { model } = this
    const { bounds } = model
    bounds.beginAck(sample)
    model.updateRound(sample)
    model.updateBandwidth(sample)
    const isLossRound = bounds.isRoundOver && bounds.isLossInRound
    if (isLossRound && !isProbing(model.phase)) bounds.adapt(model.bandwidths.maximum, this.cwnd)
    if (isLossRound) bounds.isLossInRound = false
    model.aggregation.take(model.now, sample.acked, model.bandwidth, this.cwnd, model.round, model.pipe.isReached)
    if (model.isRoundStart && !sample.isAppLimited && sample.rate > 0) model.pipe.onRound(sample.rate)
    this.checkStartupDone(sample)
    this.checkDrainDone()
    this.cycle.update(sample)
    model.minimumRtt.take(sample.rtt, model.now)
    this.checkProbeRtt(sample)
    bounds.endAck(sample)
    model.boundBandwidth()
  }

  private checkStartupDone(sample: RateSample): void {
    const { model } = this
    if (model.phase === Phase.Startup) this.checkStartupLoss(sample)
    if (model.phase !== Phase.Startup || !model.pipe.isReached) return
    model.phase = Phase.Drain
    this.drainStart = model.round
  }

  /** Startup ends when a whole round of recovery shows much loss in many places; without SACK one loss is much (§5.3.1.3). */
  private checkStartupLoss(sample: RateSample): void {
    const { bounds, pipe } = this.model
    const isMuch = !sample.hasSack || (bounds.isRoundOver && this.gaps >= STARTUP_GAPS && isTooMuchLost(sample.lost, sample.sentFlight, this.sender.mss, true))
    if (bounds.isRoundOver) this.gaps = 0
    if (pipe.isReached || !sample.isRecovering || !isMuch) return
    this.undoPhase = Phase.Startup
    pipe.isReached = pipe.isFull = true
    bounds.longterm = Math.max(this.model.bdp() ?? 0, bounds.latestFlight)
  }

  private checkDrainDone(): void {
    const { model } = this
    if (model.phase !== Phase.Drain) return
    const isDrained = model.flight <= this.parameters.inflight(model.bandwidth, 1)
    if (isDrained || model.round > this.drainStart + DRAIN_ROUNDS) this.cycle.startDown()
  }

  // --- ProbeRTT (§5.3.4) ---

  private checkProbeRtt(sample: RateSample): void {
    const { model } = this
    if (model.phase !== Phase.ProbeRtt && model.minimumRtt.isExpired && !this.isRestarting) {
      this.parameters.saveWindow(this.isRecovering)
      model.phase = Phase.ProbeRtt
      this.probeRttDone = NEVER
      this.cycle.stopSampling()
    }
    if (model.phase === Phase.ProbeRtt) this.inProbeRtt()
    if (sample.delivered > 0) this.isRestarting = false
  }

  /** HandleProbeRTT: 200 ms and a round with half of the path in flight. */
  private inProbeRtt(): void {
    const { model } = this
    if (this.probeRttDone === NEVER) {
      if (model.flight > this.parameters.probeRttWindow) return
      this.probeRttDone = model.now + PROBE_RTT_DURATION
      this.isProbeRttRoundDone = false
      model.startRound()
      return
    }
    if (model.isRoundStart) this.isProbeRttRoundDone = true
    if (this.isProbeRttRoundDone) this.checkProbeRttDone()
  }

  private checkProbeRttDone(): void {
    const { model } = this
    if (this.probeRttDone === NEVER || model.now <= this.probeRttDone) return
    model.minimumRtt.probed(model.now)
    this.parameters.restoreWindow()
    // ExitProbeRTT: the loss that ProbeRTT met says nothing of the path (§5.3.4.4).
    model.bounds.resetShortterm()
    if (!model.pipe.isReached) {
      model.phase = Phase.Startup
      return
    }
    this.cycle.startDown()
    model.phase = Phase.Cruise
  }

  // --- loss (§5.5.10, §5.5.11) ---

  /** NoteLoss. */
  private noteLoss(deliveredTotal: number): void {
    if (this.model.bounds.noteLoss(deliveredTotal)) this.saveState()
  }

  private beginRecovery(): void {
    this.saveState()
    this.isRecovering = true
  }

  /** SaveStateUponLoss. */
  private saveState(): void {
    this.parameters.saveWindow(this.isRecovering || this.model.phase === Phase.ProbeRtt)
    this.undoPhase = null
    this.model.bounds.save()
  }
}

/**
 * BBR version 3 (draft-ietf-ccwg-bbr-06): sends as fast as the path delivers, whatever is lost by chance, and keeps queues
 * short. It paces, and wants SACK and timestamps. `tcp()` does not have it by itself.
 *
 * @returns an algorithm, for `congestionControls`
 *
 * @example
 * ```ts
 * import { bbr, tcp } from '@stack/tcp'
 *
 * tcp({ congestionControls: [bbr()], congestionControl: 'bbr' })
 * ```
 */
export function bbr(): CongestionAlgorithm {
  return { name: 'bbr', create: (sender) => new Bbr(sender) }
}
