import type { Random } from '@stack/core'

/** What a congestion control sees of its connection: the shape of `CongestionSender` of `@stack/tcp`. */
export interface CongestionSenderLike {
  readonly mss: number
  readonly smoothedRtt: number
  readonly random: Random
}

/** The shape of `AckSample` of `@stack/tcp`. */
export interface AckSampleLike {
  acked: number
  delivered: number
  flight: number
  una: number
  nxt: number
  rtt: number
  smoothedRtt: number
  minimumRtt: number
  now: number
  limited: boolean
  marked: number
}

/** The shape of `RateSample` of `@stack/tcp`. */
export interface RateSampleLike {
  now: number
  acked: number
  deliveredTotal: number
  flight: number
  priorDelivered: number
  rate: number
  delivered: number
  lost: number
  sentFlight: number
  isAppLimited: boolean
  rtt: number
  minimumRtt: number
  isWindowLimited: boolean
  isRecovering: boolean
  hasSack: boolean
}

/** The shape of `LostSegment` of `@stack/tcp`. */
export interface LostSegmentLike {
  start: number
  end: number
  deliveredTotal: number
  lost: number
  sentFlight: number
  isAppLimited: boolean
}

/** The shape of `CongestionControl` of `@stack/tcp`, which says what the members mean. */
export interface CongestionControlLike {
  readonly name: string
  cwnd: number
  ssthresh: number
  onAck(sample: AckSampleLike): void
  onLoss(flight: number): void
  onRecovered(flight: number): void
  onUndo(): void
  onTimeout(flight: number): void
  onIdle(): void
  onLostSyn(): void
  onMss(): void
  onCongestion?(): void
  onMarks?(sample: AckSampleLike): void
  readonly pacingRate?: number
  readonly phase?: string
  readonly isHoldingBack?: boolean
  onDelivered?(sample: RateSampleLike): void
  onSegmentLost?(segment: LostSegmentLike): void
  onRestart?(now: number): void
}

/** The shape of `CongestionAlgorithm` of `@stack/tcp`; a test of types there keeps the two equal. */
export interface CongestionAlgorithmLike {
  readonly name: string
  readonly needsEcn?: boolean
  create(sender: CongestionSenderLike): CongestionControlLike
}

export function createRateSample(): RateSampleLike {
  return {
    now: 0, acked: 0, deliveredTotal: 0, flight: 0, priorDelivered: -1, rate: 0, delivered: 0, lost: 0, sentFlight: 0,
    isAppLimited: false, rtt: 0, minimumRtt: 0, isWindowLimited: false, isRecovering: false, hasSack: true,
  }
}
