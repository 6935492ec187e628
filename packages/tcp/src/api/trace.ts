import type { TcpState } from './endpoint.ts'

/**
 * What {@link ConnectionOptions.trace} is told: one segment, or one timer that expired. Times in ms, sizes in bytes. The
 * object is used again for the next event.
 */
export interface TcpTraceEvent {
  /** When it was sent, or came out of the link: the stack's monotonic clock. */
  readonly time: number
  readonly kind: 'send' | 'receive' | 'timeout'
  /** Why it was sent, or what the timer was for; '' for what was received. `ack` is an ACK without text. */
  readonly reason:
    | 'new' | 'fast-retransmit' | 'timeout-retransmit' | 'mtu-retransmit' | 'tail-probe' | 'mtu-probe' | 'window-probe' | 'keep-alive'
    | 'fast-open-retransmit' | 'ack' | 'syn' | 'fin' | 'reset' | ''
  /** Control bits, as `Flag` of `@stack/tcp/wire`; 0 of a timeout, as all fields of the segment. */
  readonly flags: number
  /** Relative to the sender's initial sequence number, unsigned. */
  readonly seq: number
  /** Relative to the receiver's initial sequence number, unsigned; 0 without ACK. */
  readonly ack: number
  /** Bytes of text. */
  readonly length: number
  /** The window of the segment, scaled. */
  readonly window: number
  readonly cwnd: number
  readonly ssthresh: number
  /** Bytes a second at which data may leave; 0 = not paced. */
  readonly pacingRate: number
  /** What the congestion control is doing, `'probe-bw-cruise'` of BBR; '' of one that has no phases. */
  readonly phase: string
  /** Smoothed round-trip time; 0 = none yet. */
  readonly srtt: number
  /** Retransmission timeout, with its backoff. */
  readonly rto: number
  /** Bytes sent and not acknowledged, with what is being sent, before what was received. */
  readonly inFlight: number
  /** What the send and the receive buffer may hold by now: both follow the connection unless they were set. */
  readonly sendBuffer: number
  readonly receiveBuffer: number
  /** The state before what was received. */
  readonly state: TcpState
  /** Tell connections apart that share a hook, those of a listener. */
  readonly localPort: number
  readonly remotePort: number
}
