import type { Milliseconds } from '@stack/core'
import type { CongestionSender, LostSegment, RateSample } from '../congestion.ts'
import { flightAtLoss, isTooMuchLost } from './bounds.ts'
import type { Model } from './model.ts'
import type { Parameters } from './parameters.ts'
import { GAINS, isProbingBandwidth, Phase } from './phases.ts'

/** Rounds between two probes at most, so that Reno beside it gets its part (§5.3.3.8). */
const RENO_ROUNDS = 63
/** Least ms between two probes; up to a second more by chance. */
const PROBE_WAIT = 2000
/** A probe that goes on raises the bound by 1, 2, 4 … segments a round. */
const MOST_DOUBLINGS = 30
/** Rounds without growth that end a probe that has a queue. */
const QUEUEING_ROUNDS = 2

/** What acknowledgments of these rounds answer (BBR.ack_phase). */
const Acks = { Other: 0, Starting: 1, Feedback: 2, Stopping: 3, Refilling: 4 } as const
type Acks = (typeof Acks)[keyof typeof Acks]

/** ProbeBW (§5.3.3): sends slower, as fast as, and faster than the path delivers, in turn, to see what it takes. */
export class BandwidthCycle {
  private readonly sender: CongestionSender
  private readonly model: Model
  private readonly parameters: Parameters
  private acks: Acks = Acks.Other
  private since: Milliseconds = 0
  private wait: Milliseconds = 0
  /** Counted from 0 or 1, by chance. */
  private rounds = 0
  private probeRounds = 0
  private probeAcked = 0
  private ackedPerSegment: number = Infinity
  /** Samples are of what was sent in REFILL or UP, and the bound was not lowered since. */
  private isProbeSample = false
  private wasTooHigh = false
  private wasPrecautious = false

  constructor(sender: CongestionSender, model: Model, parameters: Parameters) {
    this.sender = sender
    this.model = model
    this.parameters = parameters
  }

  /** UpdateProbeBWCyclePhase. */
  update(sample: RateSample): void {
    const { model } = this
    if (model.isRoundStart) this.rounds++
    if (!model.pipe.isReached || this.adaptLongterm(sample)) return
    switch (model.phase) {
      case Phase.Down:
        if (this.isTimeToProbe()) this.startRefill()
        else if (this.isTimeToCruise()) model.phase = Phase.Cruise
        return
      case Phase.Cruise:
        if (this.isTimeToProbe()) this.startRefill()
        return
      case Phase.Refill:
        if (model.isRoundStart) this.startUp(sample)
        return
      case Phase.Up:
        if (!this.isTimeToGoDown(sample)) return
        this.wasTooHigh = false
        this.startDown()
    }
  }

  /** HandleLostPacket (§5.5.10.2); true when it ended UP. */
  segmentLost(segment: LostSegment): boolean {
    const { lost, sentFlight, start, end } = segment
    if (!this.isProbeSample || !isTooMuchLost(lost, sentFlight, this.sender.mss, true)) return false
    const { model, parameters } = this
    this.wasTooHigh = true
    // Once for each probe.
    this.isProbeSample = false
    if (!segment.isAppLimited) model.bounds.lowerLongterm(flightAtLoss(sentFlight, lost, (end - start) | 0), parameters.targetFlight)
    if (model.phase !== Phase.Up) return false
    this.startDown()
    return true
  }

  /** The samples that come are not of a probe any more. */
  stopSampling(): void {
    this.acks = Acks.Stopping
    this.model.startRound()
  }

  startDown(): void {
    const { model } = this
    const { random } = this.sender
    model.bounds.resetSignals()
    this.ackedPerSegment = Infinity
    this.rounds = random.next() < 0.5 ? 0 : 1
    this.wait = PROBE_WAIT + 1000 * random.next()
    this.since = model.now
    this.stopSampling()
    model.phase = Phase.Down
  }

  startRefill(): void {
    const { model } = this
    model.bounds.resetShortterm()
    this.probeRounds = 0
    this.probeAcked = 0
    this.wasPrecautious = false
    this.acks = Acks.Refilling
    model.startRound()
    model.phase = Phase.Refill
  }

  private startUp(sample: RateSample): void {
    const { model } = this
    this.isProbeSample = true
    this.acks = Acks.Starting
    model.startRound()
    model.pipe.reset(sample.rate)
    model.phase = Phase.Up
    this.raiseSlope()
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
      if (isProbingBandwidth(model.phase)) {
        if (!sample.isAppLimited) model.bandwidths.advance()
        // Precautionary bandwidth probing: it was safe, so that the real probe follows (§5.3.3.6).
        if (this.wasPrecautious && !this.wasTooHigh) {
          this.startRefill()
          return true
        }
      }
    }
    if (isTooMuchLost(sample.lost, sample.sentFlight, this.sender.mss, sample.hasSack) || bounds.longterm === Infinity) return false
    bounds.longterm = Math.max(bounds.longterm, sample.sentFlight)
    if (model.phase === Phase.Up) this.raiseLongterm(sample)
    return false
  }

  private isTimeToProbe(): boolean {
    if (this.model.now > this.since + this.wait) return true
    return this.rounds >= Math.min(this.parameters.targetFlight / this.sender.mss, RENO_ROUNDS)
  }

  private isTimeToCruise(): boolean {
    const { flight, bandwidths } = this.model
    return flight <= this.parameters.flightWithHeadroom && flight <= this.parameters.inflight(bandwidths.maximum, 1)
  }

  private isTimeToGoDown(sample: RateSample): boolean {
    const { bounds, pipe, flight } = this.model
    // Precautionary bandwidth probing: the last probe lost too much there (§5.3.3.6), where a segment more would be too much.
    if (this.wasTooHigh && flight + sample.acked + this.sender.mss > bounds.longterm) {
      this.wasPrecautious = true
      return true
    }
    if (!sample.isWindowLimited || this.parameters.cwnd < bounds.longterm) return pipe.isFull || this.isQueueing()
    // The bound, not the path, keeps the rate where it is.
    pipe.reset(sample.rate)
    return false
  }

  /**
   * Beyond the draft: two rounds without growth are enough when a quarter more than the path is in flight. The third is there
   * for receivers whose window lags behind (§5.3.1.2), which it does not then; the queue would grow by half.
   */
  private isQueueing(): boolean {
    const { pipe, bandwidths, flight } = this.model
    return pipe.rounds >= QUEUEING_ROUNDS && flight >= this.parameters.inflight(bandwidths.maximum, GAINS[Phase.Up].pacing)
  }

  /** ProbeInflightLongtermUpward: slowly at first, and twice as fast with each round. */
  private raiseLongterm(sample: RateSample): void {
    const { bounds, isRoundStart } = this.model
    if (!sample.isWindowLimited || this.parameters.cwnd < bounds.longterm) return
    this.probeAcked += sample.acked
    if (this.probeAcked >= this.ackedPerSegment) {
      const segments = Math.floor(this.probeAcked / this.ackedPerSegment)
      this.probeAcked -= segments * this.ackedPerSegment
      bounds.longterm += segments * this.sender.mss
    }
    if (isRoundStart) this.raiseSlope()
  }

  private raiseSlope(): void {
    this.ackedPerSegment = Math.max(this.parameters.cwnd / 2 ** this.probeRounds, this.sender.mss)
    this.probeRounds = Math.min(this.probeRounds + 1, MOST_DOUBLINGS)
  }
}
