import type { RateSample } from '../congestion.ts'

/** BBR.Beta: what is left at most of a bound that one round lowers. */
const BETA = 0.7
/** BBR.LossThresh: part of what is in flight that may be lost. */
const LOSS_THRESHOLD = 0.02
/** Segments that may be lost by chance. */
const CHANCE = 5
/** BBR.Headroom: part of the bound that is left to others. */
const HEADROOM = 0.15

/**
 * Is so much lost of what was in flight that it was too much (§5.5.10.2, IsInflightTooHigh)? Beyond the draft, a handful of
 * segments is not, as in Startup, where that is less than twice the threshold: one in a hundred that is lost by chance is
 * four of 170 in every fifth round.
 */
export function isTooMuchLost(lost: number, flight: number, mss: number, hasSack: boolean): boolean {
  const chance = Math.min(CHANCE * mss, 2 * flight * LOSS_THRESHOLD)
  return lost > Math.max(flight * LOSS_THRESHOLD, chance) || (lost > 0 && !hasSack)
}

/** How much of what was in flight the path took, when `size` of it made the loss too large (§5.5.10.2, InflightAtLoss). */
export function flightAtLoss(flight: number, lost: number, size: number): number {
  const before = flight - size
  const prefix = (LOSS_THRESHOLD * before - (lost - size)) / (1 - LOSS_THRESHOLD)
  return Math.max(0, before) + Math.max(0, prefix)
}

/** What loss says of the path: bounds of rate (bytes a second) and flight (bytes); Infinity = none (§5.5.10). */
export class Bounds {
  /** BBR.bw_shortterm and BBR.inflight_shortterm: what the path took in the last rounds; forgotten when BBR probes. */
  bandwidth: number = Infinity
  flight: number = Infinity
  /** BBR.inflight_longterm: what it took when BBR probed. */
  longterm: number = Infinity
  /** The largest rate and volume delivered in this round of losses. */
  latestBandwidth = 0
  latestFlight = 0
  isRoundOver = false
  isLossInRound = false
  private roundEnd = 0
  private undoBandwidth: number = Infinity
  private undoFlight: number = Infinity
  private undoLongterm: number = Infinity

  /** UpdateLatestDeliverySignals: at the beginning of an acknowledgment. */
  beginAck(sample: RateSample): void {
    this.latestBandwidth = Math.max(this.latestBandwidth, sample.rate)
    this.latestFlight = Math.max(this.latestFlight, sample.delivered)
    this.isRoundOver = sample.priorDelivered >= this.roundEnd
    if (this.isRoundOver) this.roundEnd = sample.deliveredTotal
  }

  /** AdvanceLatestDeliverySignals: at its end. */
  endAck(sample: RateSample): void {
    if (!this.isRoundOver) return
    this.latestBandwidth = sample.rate
    this.latestFlight = sample.delivered
  }

  /** Something was lost: the round that shows what is delivered all the same begins. True when it is the first in it. */
  noteLoss(deliveredTotal: number): boolean {
    if (this.isLossInRound) return false
    this.isLossInRound = true
    this.roundEnd = deliveredTotal
    return true
  }

  /** A round with loss is over in which BBR did not probe: the bounds follow what was delivered (§5.5.10.3). */
  adapt(bandwidth: number, cwnd: number): void {
    if (this.bandwidth === Infinity) this.bandwidth = bandwidth
    if (this.flight === Infinity) this.flight = cwnd
    this.bandwidth = Math.max(this.latestBandwidth, BETA * this.bandwidth)
    this.flight = Math.max(this.latestFlight, BETA * this.flight)
  }

  /** What was in flight in a probe was too much; `target` is what BBR wants there. */
  lowerLongterm(flight: number, target: number): void {
    this.longterm = Math.max(flight, BETA * target)
  }

  /** `longterm` less what is left to others, `least` at least (InflightWithHeadroom). */
  withHeadroom(mss: number, least: number): number {
    if (this.longterm === Infinity) return Infinity
    return Math.max(this.longterm - Math.max(mss, HEADROOM * this.longterm), least)
  }

  /** ResetCongestionSignals. */
  resetSignals(): void {
    this.isLossInRound = false
    this.latestBandwidth = this.latestFlight = 0
  }

  /** ResetShortTermModel. */
  resetShortterm(): void {
    this.bandwidth = this.flight = Infinity
  }

  /** Before loss is repaired that may be none (§5.5.11.1). */
  save(): void {
    this.undoBandwidth = this.bandwidth
    this.undoFlight = this.flight
    this.undoLongterm = this.longterm
  }

  /** It was none (§5.5.11.2). */
  restore(): void {
    this.isLossInRound = false
    this.bandwidth = Math.max(this.bandwidth, this.undoBandwidth)
    this.flight = Math.max(this.flight, this.undoFlight)
    this.longterm = Math.max(this.longterm, this.undoLongterm)
  }
}
