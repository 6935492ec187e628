/** What a congestion control sees of its connection. */
export interface CongestionSender {
  /** Payload bytes of a full segment. */
  readonly mss: number
}

/** An acknowledgment of new data. One object per stack is reused: read it during the call only. */
export interface AckSample {
  /** Bytes newly acknowledged. */
  acked: number
  /** Bytes in flight before this acknowledgment. */
  flight: number
  /** The round trip just measured, µs; 0 = none. */
  rtt: number
  /** Monotonic ms. */
  now: number
  /** The flight before this acknowledgment was held back by cwnd, so that cwnd may grow (RFC 7661). */
  limited: boolean
}

/** Congestion control of one connection: says how much may be in flight. Loss detection and recovery are the sender's. */
export interface CongestionControl {
  readonly name: string
  /** Congestion window, bytes. */
  cwnd: number
  /** Slow start threshold, bytes. */
  ssthresh: number
  /** New data was acknowledged outside of fast recovery. */
  onAck(sample: AckSample): void
  /** Loss was detected by acknowledgments, with `flight` bytes out: sets `ssthresh` and `cwnd`. */
  onLoss(flight: number): void
  /** Fast recovery is over, with `flight` bytes still out. */
  onRecovered(flight: number): void
  /** The last `onLoss` or `onTimeout` was without cause: everything is as before it (RFC 4015). */
  onUndo(): void
  /** The retransmission timer expired for the first time on this data. */
  onTimeout(flight: number): void
  /** Nothing was sent for longer than the RTO (RFC 5681 §4.1). */
  onIdle(): void
  /** The handshake lost a SYN: begin with one segment (RFC 5681 §3.1). */
  onLostSyn(): void
  /** The segment size changed. */
  onMss(): void
}

/** A kind of congestion control. */
export interface CongestionAlgorithm {
  readonly name: string
  create(sender: CongestionSender): CongestionControl
}

/** Initial window (RFC 6928 §2). */
export function initialWindow(mss: number): number {
  return Math.min(10 * mss, Math.max(2 * mss, 14_600))
}
