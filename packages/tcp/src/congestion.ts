/** What a congestion control sees of its connection. */
export interface CongestionSender {
  /** Payload bytes of a full segment; may change, see {@link CongestionControl.onMss}. */
  readonly mss: number
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
}

/**
 * Congestion control of one connection: says how much may be in flight. Loss detection and recovery are the sender's. It has
 * no clock, no timer and no chance of its own, and allocates nothing per call: what it is told decides.
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
  /** Called once for each connection, and again when the handshake has settled the segment size. */
  create(sender: CongestionSender): CongestionControl
}

/** Initial window, bytes (RFC 6928 §2). */
export function initialWindow(mss: number): number {
  return Math.min(10 * mss, Math.max(2 * mss, 14_600))
}

/** `ssthresh` before the first loss: arbitrarily high (RFC 5681 §3.1). */
export const NO_THRESHOLD = 0x7fff_ffff

/** The sample that a stack reuses. */
export function createAckSample(): AckSample {
  return { acked: 0, delivered: 0, flight: 0, una: 0, nxt: 0, rtt: 0, smoothedRtt: 0, minimumRtt: 0, now: 0, limited: false }
}
