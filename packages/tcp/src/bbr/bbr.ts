import type { Milliseconds } from '@stack/core'
import { initialWindow, NO_THRESHOLD } from '../congestion.ts'
import type { CongestionAlgorithm, CongestionControl, CongestionSender, LostSegment, RateSample } from '../congestion.ts'
import { sendQuantum } from '../pacer.ts'
import { flightAtLoss, isTooMuchLost } from './bounds.ts'
import { Model } from './model.ts'
import { isProbing, isProbingBandwidth, PHASE_NAMES, PHASES, Phase } from './phases.ts'

/** BBR.MinPipeCwnd, segments (§5.6.4.3). */
const LEAST_WINDOW = 4
/** BBR.PacingMarginPercent: BBR sends a little less than the path takes, so that no queue stays (§5.6.2). */
const PACING_MARGIN = 0.99
/** Quanta in flight that offload at both ends needs (§5.5.8.1). */
const OFFLOAD_QUANTA = 3
/** BBR.ProbeRTTDuration, ms. */
const PROBE_RTT_DURATION = 200
/** Rounds without growth that end a probe that has a queue. */
const QUEUEING_ROUNDS = 2
/** Rounds in Drain at most (§5.3.2). */
const DRAIN_ROUNDS = 3
/** BBRStartupFullLossCnt: gaps in one round that end Startup (§5.3.1.3). */
const STARTUP_GAPS = 6
/** Rounds between two probes at most, so that Reno beside it gets its part (§5.3.3.8). */
const RENO_ROUNDS = 63
/** Least ms between two probes; up to a second more by chance. */
const PROBE_WAIT = 2000
/** A probe that goes on raises the bound by 1, 2, 4 … segments a round. */
const MOST_DOUBLINGS = 30
const NEVER = -1

/** What acknowledgments of these rounds answer (BBR.ack_phase). */
const Acks = { Other: 0, Starting: 1, Feedback: 2, Stopping: 3, Refilling: 4 } as const
type Acks = (typeof Acks)[keyof typeof Acks]

/**
 * BBR version 3 (draft-ietf-ccwg-bbr-06): a model of the path, made of the largest delivery rate and the least round trip,
 * says how fast to send and how much may be in flight. Section numbers here and beside are the draft's.
 */
class Bbr implements CongestionControl {
  readonly name = 'bbr'
  cwnd: number
  readonly ssthresh: number = NO_THRESHOLD
  private readonly sender: CongestionSender
  private readonly model = new Model()
  private state: Phase = Phase.Startup
  private pacingGain: number = PHASES[Phase.Startup].pacingGain
  private rate = 0
  private hasRtt = false
  private now: Milliseconds = 0
  /** C.inflight. */
  private flight = 0
  private deliveredTotal = 0
  private acks: Acks = Acks.Other

  // --- ProbeBW (§5.3.3) ---
  private cycleStart: Milliseconds = 0
  private probeWait: Milliseconds = 0
  /** Counted from 0 or 1, by chance. */
  private roundsSinceProbe = 0
  private probeRounds = 0
  private probeAcked = 0
  private ackedPerSegment: number = Infinity
  /** Samples are of what was sent in REFILL or UP, and the bound was not lowered since. */
  private isProbeSample = false
  private wasTooHigh = false
  private wasPrecautious = false

  // --- the other phases ---
  private drainStart = 0
  private gaps = 0
  private lastLost = 0
  private probeRttDone: Milliseconds = NEVER
  private isProbeRttRoundDone = false
  private isRestarting = false

  // --- loss recovery (§5.6.4.4, §5.5.11) ---
  private priorWindow = 0
  private isRecovering = false
  /** Where loss ended a probe that goes on when it was none. */
  private undoState: typeof Phase.Startup | typeof Phase.Up | null = null

  constructor(sender: CongestionSender) {
    this.sender = sender
    this.cwnd = initialWindow(sender.mss)
  }

  get phase(): string {
    return PHASE_NAMES[this.state]
  }

  get isHoldingBack(): boolean {
    return this.state === Phase.ProbeRtt
  }

  /** §5.6.2, InitPacingRate: until there is a round trip, one of a millisecond is assumed. */
  get pacingRate(): number {
    if (!this.hasRtt) {
      const { smoothedRtt, mss } = this.sender
      this.hasRtt = smoothedRtt > 0
      this.rate = (PHASES[Phase.Startup].pacingGain * initialWindow(mss) * 1e6) / (this.hasRtt ? smoothedRtt : 1000)
    }
    return this.rate
  }

  // --- what the sender tells ---

  /** Everything is in {@link onDelivered}. */
  onAck(): void {}

  /** UpdateOnACK (§5.2.3). */
  onDelivered(sample: RateSample): void {
    this.now = sample.now
    this.flight = sample.flight
    this.deliveredTotal = sample.deliveredTotal
    if (this.isRecovering && !sample.isRecovering) {
      this.isRecovering = false
      this.restoreWindow()
    }
    if (sample.priorDelivered >= 0) this.updateModelAndState(sample)
    this.setPacingRate(this.pacingGain)
    this.setWindow(sample.acked)
  }

  onSegmentLost(segment: LostSegment): void {
    this.noteLoss(segment.deliveredTotal)
    if (segment.start !== this.lastLost) this.gaps++
    this.lastLost = segment.end
    // HandleLostPacket (§5.5.10.2).
    if (!this.isProbeSample || !isTooMuchLost(segment.lost, segment.sentFlight, true)) return
    this.handleTooHigh(flightAtLoss(segment.sentFlight, segment.lost, (segment.end - segment.start) | 0), segment.isAppLimited)
  }

  onLoss(): void {
    this.noteLoss(this.deliveredTotal)
    this.beginRecovery()
  }

  onTimeout(): void {
    this.noteLoss(this.deliveredTotal)
    this.beginRecovery()
    this.cwnd = this.sender.mss
  }

  /** {@link onDelivered} sees it by itself. */
  onRecovered(): void {}

  /** HandleSpuriousLossDetection (§5.5.11.2). */
  onUndo(): void {
    const { model, undoState } = this
    this.isRecovering = false
    this.restoreWindow()
    model.pipe.reset()
    model.bounds.restore()
    this.undoState = null
    if (undoState === Phase.Startup && this.state !== Phase.Startup) {
      model.pipe.isReached = false
      if (this.state !== Phase.ProbeRtt) this.enter(Phase.Startup)
    } else if (undoState === Phase.Up && this.state !== Phase.Up && this.state !== Phase.ProbeRtt) this.startRefill()
  }

  /** The model stays: BBR begins again at the rate that it knows (§5.4). */
  onIdle(): void {}

  /** HandleRestartFromIdle (§5.4.1). */
  onRestart(now: Milliseconds): void {
    this.now = now
    this.isRestarting = true
    this.model.aggregation.restart(now)
    if (isProbingBandwidth(this.state)) this.setPacingRate(1)
    else if (this.state === Phase.ProbeRtt) this.checkProbeRttDone()
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
    if (model.isRoundStart) this.roundsSinceProbe++
    model.updateBandwidth(sample)
    if (bounds.isRoundOver && !isProbing(this.state)) bounds.adapt(model.bandwidths.maximum, this.cwnd)
    const isLossInRound = bounds.isLossInRound
    if (bounds.isRoundOver) bounds.isLossInRound = false
    model.aggregation.take(this.now, sample.acked, model.bandwidth, this.cwnd, model.round, model.pipe.isReached)
    if (model.isRoundStart && !sample.isAppLimited && sample.rate > 0) model.pipe.onRound(sample.rate)
    this.checkStartupDone(sample, isLossInRound)
    this.checkDrainDone()
    this.updateProbeBandwidth(sample)
    model.minimumRtt.take(sample.rtt, this.now)
    this.checkProbeRtt(sample)
    bounds.endAck(sample)
    model.boundBandwidth()
  }

  private enter(state: Phase): void {
    this.state = state
    this.pacingGain = PHASES[state].pacingGain
  }

  private checkStartupDone(sample: RateSample, isLossInRound: boolean): void {
    if (this.state !== Phase.Startup) return
    this.checkStartupLoss(sample, isLossInRound)
    if (!this.model.pipe.isReached) return
    this.enter(Phase.Drain)
    this.drainStart = this.model.round
  }

  /** Startup ends when a whole round of recovery shows much loss in many places (§5.3.1.3). */
  private checkStartupLoss(sample: RateSample, isLossInRound: boolean): void {
    const { bounds, pipe } = this.model
    const isMuch = sample.hasSack
      ? bounds.isRoundOver && this.gaps >= STARTUP_GAPS && isTooMuchLost(sample.lost, sample.sentFlight, true)
      : isLossInRound
    if (bounds.isRoundOver) this.gaps = 0
    if (pipe.isReached || !sample.isRecovering || !isMuch) return
    this.undoState = Phase.Startup
    pipe.isReached = pipe.isFull = true
    bounds.longterm = Math.max(this.model.bdp() ?? 0, bounds.latestFlight)
  }

  private checkDrainDone(): void {
    if (this.state !== Phase.Drain) return
    if (this.flight <= this.inflight(this.model.bandwidth, 1) || this.model.round > this.drainStart + DRAIN_ROUNDS) this.startDown()
  }

  private updateProbeBandwidth(sample: RateSample): void {
    if (!this.model.pipe.isReached || this.adaptLongterm(sample)) return
    switch (this.state) {
      case Phase.Down:
        if (!this.isTimeToProbe()) {
          if (this.isTimeToCruise()) this.enter(Phase.Cruise)
          return
        }
        this.startRefill()
        return
      case Phase.Cruise:
        if (this.isTimeToProbe()) this.startRefill()
        return
      case Phase.Refill:
        if (this.model.isRoundStart) this.startUp(sample)
        return
      case Phase.Up:
        if (!this.isTimeToGoDown(sample)) return
        this.wasTooHigh = false
        this.startDown()
    }
  }

  /** AdaptLongTermModel; true when it has changed the state. */
  private adaptLongterm(sample: RateSample): boolean {
    const { model } = this
    const { bounds } = model
    if (model.isRoundStart && this.acks === Acks.Starting) this.acks = Acks.Feedback
    if (model.isRoundStart && this.acks === Acks.Stopping) {
      // The samples of the probe are in.
      this.isProbeSample = false
      this.acks = Acks.Other
      if (isProbingBandwidth(this.state)) {
        if (!sample.isAppLimited) model.bandwidths.advance()
        if (this.wasPrecautious && !this.wasTooHigh) {
          this.startRefill()
          return true
        }
      }
    }
    if (isTooMuchLost(sample.lost, sample.sentFlight, sample.hasSack) || bounds.longterm === Infinity) return false
    bounds.longterm = Math.max(bounds.longterm, sample.sentFlight)
    if (this.state === Phase.Up) this.raiseLongterm(sample)
    return false
  }

  private startDown(): void {
    const { random } = this.sender
    this.model.bounds.resetSignals()
    this.ackedPerSegment = Infinity
    this.roundsSinceProbe = random.next() < 0.5 ? 0 : 1
    this.probeWait = PROBE_WAIT + 1000 * random.next()
    this.cycleStart = this.now
    this.acks = Acks.Stopping
    this.model.startRound(this.deliveredTotal)
    this.enter(Phase.Down)
  }

  private startRefill(): void {
    this.model.bounds.resetShortterm()
    this.probeRounds = 0
    this.probeAcked = 0
    this.wasPrecautious = false
    this.acks = Acks.Refilling
    this.model.startRound(this.deliveredTotal)
    this.enter(Phase.Refill)
  }

  private startUp(sample: RateSample): void {
    this.isProbeSample = true
    this.acks = Acks.Starting
    this.model.startRound(this.deliveredTotal)
    this.model.pipe.reset(sample.rate)
    this.enter(Phase.Up)
    this.raiseSlope()
  }

  private isTimeToProbe(): boolean {
    if (this.now > this.cycleStart + this.probeWait) return true
    return this.roundsSinceProbe >= Math.min(this.targetFlight() / this.sender.mss, RENO_ROUNDS)
  }

  private isTimeToCruise(): boolean {
    const { bounds, bandwidths } = this.model
    return this.flight <= bounds.withHeadroom(this.sender.mss, this.leastWindow) && this.flight <= this.inflight(bandwidths.maximum, 1)
  }

  private isTimeToGoDown(sample: RateSample): boolean {
    const { bounds, pipe } = this.model
    // Precautionary bandwidth probing (§5.3.3.6): the last probe lost too much there.
    if (this.wasTooHigh && this.flight >= bounds.longterm) {
      this.wasPrecautious = true
      return true
    }
    if (!sample.isWindowLimited || this.cwnd < bounds.longterm) return pipe.isFull || this.isQueueing()
    // The bound, not the path, keeps the rate where it is.
    pipe.reset(sample.rate)
    return false
  }

  /**
   * Beyond the draft: two rounds without growth are enough when a quarter more than the path is in flight. A third is there
   * for receivers whose window lags behind (§5.3.1.2), which it does not then; the queue would grow by half.
   */
  private isQueueing(): boolean {
    const { pipe, bandwidths } = this.model
    return pipe.rounds >= QUEUEING_ROUNDS && this.flight >= this.inflight(bandwidths.maximum, PHASES[Phase.Up].pacingGain)
  }

  /** ProbeInflightLongtermUpward: slowly at first, and twice as fast with each round. */
  private raiseLongterm(sample: RateSample): void {
    const { bounds } = this.model
    if (!sample.isWindowLimited || this.cwnd < bounds.longterm) return
    this.probeAcked += sample.acked
    if (this.probeAcked >= this.ackedPerSegment) {
      const segments = Math.floor(this.probeAcked / this.ackedPerSegment)
      this.probeAcked -= segments * this.ackedPerSegment
      bounds.longterm += segments * this.sender.mss
    }
    if (this.model.isRoundStart) this.raiseSlope()
  }

  private raiseSlope(): void {
    this.ackedPerSegment = Math.max(this.cwnd / 2 ** this.probeRounds, this.sender.mss)
    this.probeRounds = Math.min(this.probeRounds + 1, MOST_DOUBLINGS)
  }

  // --- ProbeRTT (§5.3.4) ---

  private checkProbeRtt(sample: RateSample): void {
    if (this.state !== Phase.ProbeRtt && this.model.minimumRtt.isExpired && !this.isRestarting) {
      this.saveWindow()
      this.enter(Phase.ProbeRtt)
      this.probeRttDone = NEVER
      this.acks = Acks.Stopping
      this.model.startRound(this.deliveredTotal)
    }
    if (this.state === Phase.ProbeRtt) this.inProbeRtt()
    if (sample.delivered > 0) this.isRestarting = false
  }

  private inProbeRtt(): void {
    if (this.probeRttDone === NEVER) {
      if (this.flight > this.probeRttWindow) return
      this.probeRttDone = this.now + PROBE_RTT_DURATION
      this.isProbeRttRoundDone = false
      this.model.startRound(this.deliveredTotal)
      return
    }
    if (this.model.isRoundStart) this.isProbeRttRoundDone = true
    if (this.isProbeRttRoundDone) this.checkProbeRttDone()
  }

  private checkProbeRttDone(): void {
    if (this.probeRttDone === NEVER || this.now <= this.probeRttDone) return
    const { model } = this
    model.minimumRtt.probed(this.now)
    this.restoreWindow()
    model.bounds.resetShortterm()
    if (!model.pipe.isReached) {
      this.enter(Phase.Startup)
      return
    }
    this.startDown()
    this.enter(Phase.Cruise)
  }

  // --- loss ---

  /** NoteLoss (§5.5.10.2). */
  private noteLoss(deliveredTotal: number): void {
    if (this.model.bounds.noteLoss(deliveredTotal)) this.saveState()
  }

  private handleTooHigh(flight: number, isAppLimited: boolean): void {
    this.wasTooHigh = true
    // Once for each probe.
    this.isProbeSample = false
    if (!isAppLimited) this.model.bounds.lowerLongterm(flight, this.targetFlight())
    if (this.state !== Phase.Up) return
    this.undoState = Phase.Up
    this.startDown()
  }

  private beginRecovery(): void {
    this.saveState()
    this.isRecovering = true
  }

  /** SaveStateUponLoss (§5.5.11.1). */
  private saveState(): void {
    this.saveWindow()
    this.undoState = null
    this.model.bounds.save()
  }

  private saveWindow(): void {
    const isModulated = this.isRecovering || this.state === Phase.ProbeRtt
    this.priorWindow = isModulated ? Math.max(this.priorWindow, this.cwnd) : this.cwnd
  }

  private restoreWindow(): void {
    this.cwnd = Math.max(this.cwnd, this.priorWindow)
  }

  // --- the control parameters (§5.6) ---

  private setPacingRate(gain: number): void {
    const rate = gain * this.model.bandwidth * PACING_MARGIN
    // A rate that is low because little was to be sent does not slow Startup down.
    if (rate > 0 && (this.model.pipe.isReached || rate > this.pacingRate)) this.rate = rate
  }

  private get leastWindow(): number {
    return LEAST_WINDOW * this.sender.mss
  }

  /** TargetInflight. */
  private targetFlight(): number {
    return Math.min(this.model.bdp() ?? initialWindow(this.sender.mss), this.cwnd)
  }

  /** BDPMultiple and QuantizationBudget: bytes in flight for `gain` times the path, and `extra`. */
  private inflight(bandwidth: number, gain: number, extra = 0): number {
    const { mss } = this.sender
    const bdp = this.model.bdp(bandwidth)
    const wanted = bdp === null ? initialWindow(mss) : gain * bdp
    const least = Math.max(OFFLOAD_QUANTA * sendQuantum(this.pacingRate, mss), this.leastWindow)
    return Math.max(wanted + extra, least) + (this.state === Phase.Up ? 2 * mss : 0)
  }

  private get probeRttWindow(): number {
    const bdp = this.model.bdp() ?? initialWindow(this.sender.mss)
    return Math.max(PHASES[Phase.ProbeRtt].windowGain * bdp, this.leastWindow)
  }

  /** SetCwnd (§5.6.4.6). */
  private setWindow(acked: number): void {
    const { model } = this
    const most = this.inflight(model.bandwidth, PHASES[this.state].windowGain, model.aggregation.extra)
    let window = this.cwnd
    if (model.pipe.isReached) window = Math.min(window + acked, most)
    else if (window < most || this.deliveredTotal < initialWindow(this.sender.mss)) window += acked
    window = Math.max(window, this.leastWindow)
    if (this.state === Phase.ProbeRtt) window = Math.min(window, this.probeRttWindow)
    this.cwnd = Math.floor(Math.min(window, Math.max(this.volumeCap(), this.leastWindow)))
  }

  /** BoundCwndForModel (§5.6.4.7). */
  private volumeCap(): number {
    const { bounds } = this.model
    let cap = Infinity
    if (this.state === Phase.ProbeRtt || this.state === Phase.Cruise) cap = bounds.withHeadroom(this.sender.mss, this.leastWindow)
    else if (isProbingBandwidth(this.state)) cap = bounds.longterm
    return Math.min(cap, bounds.flight)
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
