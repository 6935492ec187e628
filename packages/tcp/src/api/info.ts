import type { TcpState } from './endpoint.ts'
import type { EcnKind } from './options.ts'

/**
 * What {@link Connection.info} tells, after Linux's `TCP_INFO`. Times in ms, sizes in bytes, sequence space without SYN and
 * FIN unless said.
 */
export interface ConnectionInfo {
  readonly state: TcpState
  // --- round trips and timers ---
  /** 0 = no sample yet. */
  readonly smoothedRtt: number
  readonly rttVariance: number
  /** Least sample; 0 = none yet. */
  readonly minimumRtt: number
  /** With its backoff. */
  readonly rto: number
  /** Doublings of `rto`. */
  readonly backoff: number
  /** How long what was sent may stay unacknowledged (RFC 5482); 0 = as many retransmissions as there may be. */
  readonly userTimeout: number
  /** How long an ACK may wait. */
  readonly ackTimeout: number
  /** Since text was last sent; Infinity = never. */
  readonly sinceSent: number
  /** Since text last came; Infinity = never. */
  readonly sinceReceived: number
  /** Since any segment last came; Infinity = never. */
  readonly sinceHeard: number
  // --- congestion and recovery ---
  /** Name of the algorithm. */
  readonly congestionControl: string
  /** `disorder`: duplicate ACKs came; `cwr`: marks bring cwnd down; `recovery`: fast retransmit; `loss`: after a timeout. */
  readonly congestionState: 'open' | 'disorder' | 'cwr' | 'recovery' | 'loss'
  readonly cwnd: number
  readonly ssthresh: number
  /** Segments by which something was overtaken at most, 3–300; 3 until more was seen. RACK counts time instead (RFC 8985). */
  readonly reordering: number
  /** ACKs that told of something that had been overtaken. */
  readonly reorderings: number
  // --- rates and what limits them ---
  /** Bytes a second at which data last arrived (draft-ietf-ccwg-bbr §4.1); 0 = no sample yet. */
  readonly deliveryRate: number
  /** The application had too little to send for `deliveryRate`: the path may take more. */
  readonly deliveryRateAppLimited: boolean
  /** Bytes a second at which data may leave; 0 = as the window allows. */
  readonly pacingRate: number
  /** Time in which something was to be sent, or not acknowledged. */
  readonly busyTime: number
  /** The part of it in which the peer's window held the sender up. */
  readonly receiveWindowLimitedTime: number
  /** The part of it in which all was sent, and a writer waited for room in the send buffer. */
  readonly sendBufferLimitedTime: number
  /** Sent and not acknowledged, with SYN and FIN. */
  readonly bytesInFlight: number
  /** The same in segments, as they were sent or as SACK blocks cut them, without SYN. */
  readonly segmentsInFlight: number
  /** Held lost, and not sent again yet. */
  readonly bytesLost: number
  /** Sent again, and neither acknowledged nor held lost anew. */
  readonly bytesRetransmitting: number
  /** Bytes beyond the acknowledged ones that the peer says it has (RFC 2018). */
  readonly bytesSacked: number
  /** Written and never sent. */
  readonly bytesNotSent: number
  /** Timeouts in a row without an answer. */
  readonly unansweredTimeouts: number
  /** Probes of a closed window, or of a silent peer, without an answer. */
  readonly unansweredProbes: number
  // --- segments and windows ---
  readonly sendMss: number
  /** MSS that we announced. */
  readonly receiveMss: number
  /** Full segment of the peer, as far as seen. */
  readonly largestReceived: number
  /** MTU of the path as known. */
  readonly pathMtu: number
  readonly sendWindow: number
  readonly receiveWindow: number
  /** The largest window that will be offered as things are. */
  readonly receiveWindowLimit: number
  /** What the send buffer may hold by now. */
  readonly sendBuffer: number
  /** What the receive buffer may hold by now. */
  readonly receiveBuffer: number
  /** Round trip as the receiver sees it: from an ACK to what it let the peer send; 0 = not known, or no matter because nothing is to be tuned. */
  readonly receiverRtt: number
  /** What the application took in the last of them. */
  readonly readPerRtt: number
  // --- totals ---
  /** Text sent, each byte once. */
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly bytesAcked: number
  readonly bytesRetransmitted: number
  readonly segmentsSent: number
  readonly segmentsReceived: number
  /** Those with text. */
  readonly dataSegmentsSent: number
  readonly dataSegmentsReceived: number
  readonly retransmits: number
  readonly timeouts: number
  /** Congestion marks (RFC 3168, RFC 9768). */
  readonly ecn: {
    /** What the handshake agreed to. */
    readonly kind: EcnKind
    /** Text leaves as ECT(0). */
    readonly isCapable: boolean
    /** Some packet came that was capable of ECN. */
    readonly isSeen: boolean
    /** Packets that came marked. */
    readonly received: number
    /** Times that marks brought cwnd down. */
    readonly reductions: number
    /** Packets that the peer says came marked; with classic ECN the bytes of ACKs with ECE, in segments. */
    readonly marked: number
    /** Bytes of text that came marked, as ECT(0) and as ECT(1), as far as the peer's Accurate ECN options say. */
    readonly markedBytes: number
    readonly ect0Bytes: number
    readonly ect1Bytes: number
  }
  /** Null = the connection has nothing to do with Fast Open. */
  readonly fastOpen: FastOpenInfo | null
  /** What the handshake agreed to; scales are 0 without window scaling. */
  readonly options: {
    readonly timestamps: boolean
    readonly windowScale: boolean
    readonly sack: boolean
    readonly sendScale: number
    readonly receiveScale: number
  }
}

/** How Fast Open (RFC 7413) went for a connection. Sizes in bytes. */
export interface FastOpenInfo {
  /**
   * `'waiting'`: the SYN waits for the first write; `'opening'`: it is out; `'done'`: its text was acknowledged by the SYN-ACK,
   * or, of a listener's connection, taken from the SYN; `'fallback'`: an ordinary handshake, and `fallback` says why.
   */
  readonly state: 'waiting' | 'opening' | 'done' | 'fallback'
  /**
   * `'no-cookie'`: there was none, it was asked for; `'refused'`: the server did not acknowledge all of the text; `'timeout'`:
   * the SYN had to leave again; `'too-big'`: for the path; `'paused'`: after failures, not now.
   */
  readonly fallback: 'no-cookie' | 'refused' | 'timeout' | 'too-big' | 'paused' | null
  /** Text that the SYN takes at most. */
  readonly room: number
  /** Text that went with the SYN. */
  readonly synBytes: number
  /** Text of it that the handshake acknowledged. */
  readonly synBytesAcked: number
}
