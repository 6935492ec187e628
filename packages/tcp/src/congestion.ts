import type { Random } from '@stack/core'

/** What a congestion control sees of its connection. */
export interface CongestionSender {
  /** Payload bytes of a full segment; may change, see {@link CongestionControl.onMss}. */
  readonly mss: number
  /** Smoothed round trip (RFC 6298), µs; 0 = none yet. */
  readonly smoothedRtt: number
  /** The stack's numbers for jitter: the only chance that a control may take. */
  readonly random: Random
}

/** An acknowledgment of new data. One object per stack is reused: read it during the call only. All numbers are finite. */
export interface AckSample {
  /** Bytes newly acknowledged: SND.UNA moved by as many. */
  acked: number
  /** Bytes newly known to have arrived, by the acknowledgment number or by SACK blocks. */
  delivered: number
  /** Bytes in flight before this acknowledgment. */
  flight: number
  /** SND.UNA after it, int32: compare with `(a - b) | 0`. */
  una: number
  /** SND.NXT, int32. What is acknowledged from here on was sent after this call. */
  nxt: number
  /** The round trip just measured, µs; 0 = none. */
  rtt: number
  /** Smoothed, with this one (RFC 6298), µs; 0 = none yet. */
  smoothedRtt: number
  /** The least so far, µs; 0 = none yet. */
  minimumRtt: number
  /** Monotonic ms. */
  now: number
  /** The flight before this acknowledgment was held back by cwnd, so that cwnd may grow (RFC 7661). */
  limited: boolean
  /** Bytes of `delivered` that came marked, as the peer says (RFC 3168, RFC 9768); with ECE all of them. */
  marked: number
}

/**
 * What an acknowledgment tells of the path: a delivery rate sample (draft-ietf-ccwg-bbr-06 §4.1.2), for controls with
 * {@link CongestionControl.onDelivered}. One object per stack is reused: read it during the call only. "The segment" is the
 * one sent last of those that arrived.
 */
export interface RateSample {
  /** Monotonic ms. */
  now: number
  /** Bytes newly known to have arrived. */
  acked: number
  /** Bytes known to have arrived so far. */
  deliveredTotal: number
  /** Bytes believed to be in the network, after this acknowledgment and what it says is lost. */
  flight: number
  /** `deliveredTotal` when the segment was sent; -1 = no segment arrived, and the six members below say nothing. */
  priorDelivered: number
  /** Bytes a second; 0 = no sample that one can rely on. */
  rate: number
  /** Bytes that arrived since the segment was sent. */
  delivered: number
  /** Bytes held lost since then. */
  lost: number
  /** Bytes in flight right after the segment was sent. */
  sentFlight: number
  /** The application had nothing to send at some time since the sample began: the path may well take more. */
  isAppLimited: boolean
  /** Round trip of the segment, µs; 0 = none. */
  rtt: number
  /** Least round trip so far, µs; 0 = none yet. */
  minimumRtt: number
  /** cwnd held the sender back in the last round trip. */
  isWindowLimited: boolean
  /** Loss is being repaired, after fast retransmit or timeout. */
  isRecovering: boolean
  /** The peer has SACK: more than one loss in a round trip shows. */
  hasSack: boolean
}

/** A segment that is held lost, for controls with {@link CongestionControl.onSegmentLost}. One object per stack is reused. */
export interface LostSegment {
  /** Its sequence numbers, int32: `[start, end)`. */
  start: number
  end: number
  /** Bytes known to have arrived so far. */
  deliveredTotal: number
  /** Bytes held lost since it was sent, with it. */
  lost: number
  /** Bytes in flight right after it was sent. */
  sentFlight: number
  /** The application had nothing to send when it was sent. */
  isAppLimited: boolean
}

/**
 * Congestion control of one connection: says how much may be in flight, and how fast it leaves. Loss detection and recovery
 * are the sender's. It has no clock, no timer and no chance of its own, and allocates nothing per call: what it is told
 * decides. Controls that follow the window alone need none of the optional members.
 */
export interface CongestionControl {
  readonly name: string
  /**
   * Congestion window, bytes: an integer, at least one segment. While loss is repaired the sender sets it, too (PRR, RFC
   * 9937), and takes `ssthresh` at the end.
   */
  cwnd: number
  /** Slow start threshold, bytes: an integer. */
  ssthresh: number
  /** New data was acknowledged outside of fast recovery. Never lowers `cwnd`. */
  onAck(sample: AckSample): void
  /** Loss was detected by acknowledgments, with `flight` bytes out: sets `ssthresh` and `cwnd`. */
  onLoss(flight: number): void
  /** Fast recovery without SACK is over, with `flight` bytes still out. */
  onRecovered(flight: number): void
  /** The last `onLoss` or `onTimeout` was without cause: everything is as before it (RFC 4015). */
  onUndo(): void
  /** The retransmission timer expired for the first time on this data: sets `cwnd` to one segment. */
  onTimeout(flight: number): void
  /** Nothing was sent for longer than the RTO (RFC 5681 §4.1). */
  onIdle(): void
  /** The handshake lost a SYN: begin with one segment (RFC 5681 §3.1). */
  onLostSyn(): void
  /** The segment size changed. */
  onMss(): void

  /** Bytes a second at which data leaves, bursts of 1 ms or two segments aside; 0 or absent = as the window allows. */
  readonly pacingRate?: number
  /** What it is doing, a word for traces. */
  readonly phase?: string
  /** It sends less than the path takes, on purpose: rates measured of it are marked as limited by the application. */
  readonly isHoldingBack?: boolean
  /**
   * Every acknowledgment that tells of something new, in recovery too, when what it says is lost is known. A control that
   * has it rules its window itself: the sender does not touch `cwnd` while loss is repaired (no PRR).
   */
  onDelivered?(sample: RateSample): void
  /** A segment is held lost; `onLoss` or `onTimeout` follows when recovery begins with it. */
  onSegmentLost?(segment: LostSegment): void
  /** Data is about to leave, nothing is in flight, and the application had nothing to send until now. Monotonic ms. */
  onRestart?(now: number): void
  /**
   * The network marked what was sent, for the first time in a round trip (RFC 3168 §6.1.2): sets `ssthresh` and `cwnd`; the
   * sender then lets cwnd come down with what arrives. Never undone. Without it marks are `onLoss`.
   */
  onCongestion?(): void
  /** Each acknowledgment of a connection with ECN, whether anything was marked or not, in recovery too. */
  onMarks?(sample: AckSample): void
}

/**
 * A kind of congestion control, for the option `congestionControls` of `tcp()`. `congestionControlCompliance` of
 * `@stack/testing` checks one.
 *
 * @example
 * ```ts
 * import { reno, tcp } from '@stack/tcp'
 * import type { AckSample, CongestionAlgorithm } from '@stack/tcp'
 *
 * // Reno that does not grow beyond 100 segments.
 * const careful: CongestionAlgorithm = {
 *   name: 'careful',
 *   create(sender) {
 *     const control = reno().create(sender)
 *     const grow = control.onAck.bind(control)
 *     const onAck = (sample: AckSample) => {
 *       if (control.cwnd < 100 * sender.mss) grow(sample)
 *     }
 *     return Object.assign(control, { name: 'careful', onAck })
 *   },
 * }
 * tcp({ congestionControls: [careful], congestionControl: 'careful' })
 * ```
 */
export interface CongestionAlgorithm {
  /** What the option `congestionControl` calls it. */
  readonly name: string
  /** It lives by marks (RFC 8257): connections ask for ECN whatever the option `ecn` says, and echo marks as they come. Default false. */
  readonly needsEcn?: boolean
  /** Called once for each connection, and again when the handshake has settled the segment size. */
  create(sender: CongestionSender): CongestionControl
}

/** Initial window, bytes (RFC 6928 §2). */
export function initialWindow(mss: number): number {
  return Math.min(10 * mss, Math.max(2 * mss, 14_600))
}

/** `ssthresh` before the first loss: arbitrarily high (RFC 5681 §3.1). */
export const NO_THRESHOLD = 0x7fff_ffff

/** The objects that a stack reuses. */
export function createAckSample(): AckSample {
  return { acked: 0, delivered: 0, flight: 0, una: 0, nxt: 0, rtt: 0, smoothedRtt: 0, minimumRtt: 0, now: 0, limited: false, marked: 0 }
}

export function createRateSample(): RateSample {
  return {
    now: 0, acked: 0, deliveredTotal: 0, flight: 0, priorDelivered: -1, rate: 0, delivered: 0, lost: 0, sentFlight: 0,
    isAppLimited: false, rtt: 0, minimumRtt: 0, isWindowLimited: false, isRecovering: false, hasSack: false,
  }
}

export function createLostSegment(): LostSegment {
  return { start: 0, end: 0, deliveredTotal: 0, lost: 0, sentFlight: 0, isAppLimited: false }
}
