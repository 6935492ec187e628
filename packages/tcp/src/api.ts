import type { StackError, TransportErrorKind, TransportPlugin } from '@stack/core'
import type { Authentication } from './authentication/contract.ts'
import type { CongestionAlgorithm } from './congestion.ts'

/** One end of a connection as text. */
export interface Endpoint {
  /** An address, with `%zone` where it has one. */
  readonly host: string
  readonly port: number
}

/** RFC 9293 §3.3.2 states. */
export type TcpState =
  | 'closed' | 'listen' | 'syn-sent' | 'syn-received' | 'established' | 'fin-wait-1' | 'fin-wait-2'
  | 'close-wait' | 'closing' | 'last-ack' | 'time-wait'

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

/** Feedback of congestion marks: none, RFC 3168, or RFC 9768. */
export type EcnKind = 'none' | 'classic' | 'accurate'

/** What {@link ConnectionOptions.ecn} decides in detail. Decided by the handshake. */
export interface EcnPolicy {
  /** What our SYN asks for. Default `'none'`. */
  readonly offer?: EcnKind
  /** The most that a peer gets whose SYN asks. Default `'accurate'`. */
  readonly accept?: EcnKind
  /**
   * Where Accurate ECN options go (RFC 9768 §3.2.3): nowhere; where they take nothing from the text, as on ACKs; or on each
   * segment, whose text is 12 bytes shorter for it. Default `'acks'`.
   */
  readonly options?: 'none' | 'acks' | 'all'
  /**
   * What leaves as ECT(0): new text (RFC 3168 §6.1.4–6.1.6); that and the SYN-ACK (RFC 5562); or, with accurate feedback,
   * everything behind the handshake, which is what Linux does. Default `'data'`.
   */
  readonly capable?: 'data' | 'syn-ack' | 'all'
  /**
   * What text tells with CWR that the window came down: `'new'`, that was never sent before (RFC 3168 §6.1.2), or whatever leaves
   * `'first'`, also what repairs a loss, as FreeBSD does. Default `'new'`.
   */
  readonly cwr?: 'new' | 'first'
  /**
   * Looks out for paths that lose what has ECN or rewrite it: SYNs go again without (RFC 3168 §6.1.1.1), and nothing leaves as
   * ECT when the peer saw what was never sent (RFC 9768 §3.2.2.3). Default true.
   */
  readonly verify?: boolean
}

/** An ICMP error that may end a connection while it opens. */
export type OpenError = Exclude<TransportErrorKind, 'packetTooBig' | 'unknown'>

/** Options of one connection; also defaults of a stack (`tcp({ noDelay: true })`) and of a listener. */
export interface ConnectionOptions {
  /** Send small segments at once (RFC 1122 §4.2.3.4). Default false. */
  readonly noDelay?: boolean
  /**
   * What holds a small segment back while `noDelay` is not set (RFC 9293 §3.7.4): `'minshall'` = another small one that is not
   * acknowledged, as Linux does (draft-minshall-nagle); `'classic'` = anything that is not. Default `'minshall'`: the end of a large
   * write does not wait for the peer's delayed ACK.
   */
  readonly nagle?: 'minshall' | 'classic'
  /**
   * Most bytes that wait in the send buffer, 4,096–512 Mi: always as many, as with `SO_SNDBUF`. Default null: it tunes itself,
   * from 64 KiB to `maxSendBuffer`, to twice the congestion window, or the peer's window if that is smaller.
   */
  readonly sendBuffer?: number | null
  /**
   * Most bytes that wait to be read, and so the largest window offered, 4,096–512 Mi: always as many, as with `SO_RCVBUF`.
   * Default null: it tunes itself, from 64 KiB to `maxReceiveBuffer`, to twice what the application takes in a round trip.
   */
  readonly receiveBuffer?: number | null
  /** How large a send buffer that tunes itself grows, bytes, 4,096–512 Mi. Default 16 Mi. A quarter of the packet memory is the most, whatever this says. */
  readonly maxSendBuffer?: number
  /**
   * How large a receive buffer that tunes itself grows, bytes, 4,096–512 Mi. Default 16 Mi; it takes twice rate × round trip to
   * keep a path busy. The handshake chooses the window scale by it. A quarter of the packet memory is the most, whatever this says.
   */
  readonly maxReceiveBuffer?: number
  /** Longest time that written data may stay unacknowledged, ms; 0 = the protocol's default of retransmissions. Default 0 (RFC 5482). */
  readonly userTimeout?: number
  /**
   * The user timeout option (RFC 5482): tells the peer our timeout, and takes its word for ours. false = neither. Default false.
   *
   * - `advertise`: ms that are told, 1,000–1,966,020,000, in seconds or minutes on the wire. Default `userTimeout`, 300,000 when that is 0.
   * - `adopt`: ours becomes the larger of what both said, within the limits, once the peer said something. Default: unless `userTimeout` is set.
   * - `least`, `most`: the limits, ms. Default 100,000 and 3,600,000.
   */
  readonly userTimeoutOption?: boolean | { readonly advertise?: number; readonly adopt?: boolean; readonly least?: number; readonly most?: number }
  /** ms without traffic before a probe; false = off. Default false (RFC 9293 §3.8.4). */
  readonly keepAlive?: false | { readonly idle?: number; readonly interval?: number; readonly count?: number }
  /** Delay of ACKs, ms, 0 = never delay. Default 40; at most 500 (RFC 9293 §3.8.6.3). */
  readonly delayedAck?: number
  /**
   * Segments that are acknowledged at once, 0–65,535, when the connection is young, after a pause, or when something came twice or
   * out of order: a peer with few segments out waits for each ACK. That ends early when the application answers: then ACKs ride
   * on the answers. Only full segments, unless `quickAckSmall` is set. Setting it begins anew. Default 16.
   */
  readonly quickAcks?: number
  /** `quickAcks` holds for segments that are not full, too (Linux): an ACK of its own for the first request. Default false. */
  readonly quickAckSmall?: boolean
  /** Cap on the MSS announced and sent, bytes, 64–65,535. Default 65,535. */
  readonly maximumSegmentSize?: number
  /** Least MSS sent, whatever the peer asks for, bytes, 28–1,460: tiny segments cost as much as large ones. Default 28: what the narrowest link takes. */
  readonly minimumSegmentSize?: number
  /**
   * Search for the path's MTU by what arrives (RFC 4821): `'off'` = ICMP alone tells; `'black-hole'` = when full segments time out
   * three times in a row they shrink to `mtuProbeBase`, and larger ones are tried from there; `'always'` = begins small and tries.
   * Lost probes do not count as congestion. Default `'black-hole'`.
   */
  readonly mtuProbing?: 'off' | 'black-hole' | 'always'
  /** MSS with which a search for the path's MTU begins, bytes, 64–65,535; over IPv6 at least what makes 1,280 bytes. Default 1,024 (RFC 4821 §7.2). */
  readonly mtuProbeBase?: number
  /** Offers and takes timestamps (RFC 7323 §3). Decided by the handshake. Default true. */
  readonly timestamps?: boolean
  /**
   * Shift of the windows we offer, 0–14; false = no window scaling (RFC 7323 §2). Decided by the handshake. Default null:
   * the smallest with which all of `receiveBuffer`, or `maxReceiveBuffer`, can be told.
   */
  readonly windowScale?: number | false | null
  /** Cap on the window offered, bytes, 1,024–1,073,725,440, whatever the receive buffer has room for (`TCP_WINDOW_CLAMP`). Default the most: all of it. */
  readonly windowClamp?: number
  /**
   * Bytes that must be there before a `read` settles or a handler is told, or less when `into` is smaller or the stream ends
   * (`SO_RCVLOWAT`). `tryRead` gives what there is. At least 1. Default 1.
   */
  readonly receiveLowWater?: number
  /**
   * Writes are taken only while fewer bytes than this wait to be sent for the first time, so that what is written stays
   * fresh (`TCP_NOTSENT_LOWAT`). One that starts below it may go beyond. 1–2,147,483,647.
   * Default the most: the send buffer alone.
   */
  readonly notSentLowWater?: number
  /**
   * Urgent text is read where it stands (`SO_OOBINLINE`), as RFC 6093 §6 wants it. Without, its last byte is not in the stream but
   * `readUrgent` has it, until a read goes past its place; no read goes across. Default true.
   */
  readonly urgentInline?: boolean
  /** Holds segments back until they are full, 200 ms at most (`TCP_CORK`). Default false. */
  readonly cork?: boolean
  /** Retransmissions of a SYN before giving up, 0–127: 7 are 247 s (`TCP_SYNCNT`). Default 7: at least three minutes (RFC 9293 §3.8.3, MUST-23). */
  readonly synRetries?: number
  /**
   * Of these, the first that follow one another after the same time; the others wait twice as long as the one before (RFC 6298
   * §5.5 asks that of all). 0–127. Default 0; Linux has 4.
   */
  readonly synLinearRetries?: number
  /**
   * ICMP errors that end a connection while it opens, if they quote its SYN; others are kept, and told when the SYN's
   * retransmissions are over. Of an open connection they never end anything (RFC 5927 §5.2). `[]` is RFC 9293 §3.9.2.2 to the
   * letter. Default: all that say that something is unreachable or prohibited, so that a caller can try elsewhere (RFC 5461 §4.1).
   */
  readonly openErrors?: readonly OpenError[]
  /**
   * ms that `close()` waits for the peer before resetting, from the last progress of what is still to be sent; 0 = `close()`
   * resets at once, and what was not sent is lost (`SO_LINGER` with 0). Default 60,000.
   */
  readonly lingerTimeout?: number
  /**
   * ms that a closed connection waits for the peer's FIN once its own is acknowledged, then it is reset (`TCP_LINGER2`).
   * Default null: what is left of `lingerTimeout`.
   */
  readonly finWait2Timeout?: number | null
  /**
   * Explicit congestion notification: routers mark packets instead of dropping them. `'off'`: never. `'passive'`: when the peer
   * asks for it, classic (RFC 3168) or accurate (RFC 9768). `'on'`: asks for classic, too. `'accurate'`: asks for accurate, and
   * takes classic. Or an {@link EcnPolicy}. Default `'passive'`.
   */
  readonly ecn?: 'off' | 'passive' | 'on' | 'accurate' | EcnPolicy
  /** Name of an installed algorithm: `'cubic'` (RFC 9438), `'reno'` (RFC 5681), or one of `congestionControls` of `tcp()`, as `bbr()`. Default `'cubic'`. May be changed at any time: window and threshold stay. */
  readonly congestionControl?: string
  /**
   * Spreads what leaves over the round trip, twice as fast as the window allows in slow start and 1.2 times later (as Linux
   * does). Controls with a rate of their own, as BBR, pace always. Default false: as acknowledgments come.
   */
  readonly pacing?: boolean
  /**
   * Cap on the rate at which data leaves, bytes a second, at least 1 (`SO_MAX_PACING_RATE`); with it the connection is
   * paced. Default null: none.
   */
  readonly maxPacingRate?: number | null
  /**
   * After an idle retransmission timeout the congestion window is no more than the initial one (RFC 5681 §4.1), as there are no
   * ACKs that would space what leaves. false: it stays, and is halved for every five minutes in which less than half of it was
   * used (RFC 7661 §4.4): for requests that come in bursts, where bursts do no harm. Default true.
   */
  readonly slowStartAfterIdle?: boolean
  /** TTL or hop limit; 0 = the network's default. */
  readonly ttl?: number
  /** TOS or traffic class. With ECN its two lowest bits are TCP's own. Default 0. */
  readonly tos?: number
  /** Sends a segment when the end of a flight may be lost, two round trips after it (RFC 8985 §7). Default true. */
  readonly tailLossProbe?: boolean
  /** Selective acknowledgments, when the peer has them too (RFC 2018). Default true. Decided by the handshake. */
  readonly sack?: boolean
  /**
   * Told of each segment and timer, in the middle of the protocol: it may record, and must neither throw nor call the
   * stack. Default null.
   */
  readonly trace?: ((event: TcpTraceEvent) => void) | null
  /**
   * Signs what is sent and drops what is not signed: `md5()` of `@stack/tcp/md5` (RFC 2385) or `ao()` of `@stack/tcp/ao` (RFC
   * 5925). Not to be configured later: the keys may change, with its `setKeys`. A listener's holds from the SYN on. Default null.
   */
  readonly authentication?: Authentication | null
}

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
  /** Duplicate ACKs that mean loss. */
  readonly reordering: number
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

/** Callbacks for adapters; exclusive with promise reads. Called last in a turn. */
export interface ConnectionHandler {
  /** Data or the end of the stream is there: call `tryRead` until undefined or null. */
  readable?(): void
  /** There is room again after `tryWrite` took less than it was given. */
  writable?(): void
  /** Urgent text is announced, or more of it (RFC 9293 §3.8.5): see `urgentLength`. It may come later than this. */
  urgent?(): void
  /** The connection is over; `error` null after an orderly end. */
  closed?(error: StackError | null): void
}

export interface CallOptions { readonly signal?: AbortSignal }

/** How written bytes may be cut into segments. */
export interface WriteOptions {
  /** More follows soon: a last segment that is not full waits for it, 200 ms at most (`MSG_MORE`). Default false. */
  readonly more?: boolean
  /** What is written later never shares a segment with these bytes (`MSG_EOR`). Default false. */
  readonly endOfRecord?: boolean
  /**
   * Announces these bytes, and all before them, as urgent (`MSG_OOB`, RFC 9293 §3.8.5): at once, even while the peer's window is
   * closed. They stay in their place of the stream. Not for new protocols (RFC 6093 §5). Default false.
   */
  readonly urgent?: boolean
}

/** A TCP connection. */
export interface Connection extends AsyncIterable<Uint8Array>, AsyncDisposable {
  readonly local: Endpoint
  readonly remote: Endpoint
  readonly state: TcpState
  /** Bytes accepted by `write` and `tryWrite` so far. */
  readonly bytesWritten: number
  readonly bytesRead: number
  /** Resolves after an orderly end, rejects with the reason else. Never an unhandled rejection. */
  readonly closed: Promise<void>
  /** Resolves when the handshake is over, rejects when it failed. Never an unhandled rejection. */
  readonly opened: Promise<void>
  /** Why the connection ended; null = it did not, or orderly. `cause` is the ICMP error (`TransportError`) where that was it. */
  readonly error: StackError | null
  /**
   * What went wrong and was not taken yet, hard or soft (an ICMP error, RFC 9293 §3.9.2.2), and forgets it: after that reads
   * find the end of the stream, writes `EPIPE`. Null = nothing. This is `SO_ERROR`.
   */
  takeError(): StackError | null
  /** Bytes put into `into`, null = end of stream. One read at a time (`ERR_STACK_BUSY`). A zero-length `into` is a TypeError. */
  read(into: Uint8Array, options?: CallOptions): Promise<number | null>
  /** A copy of what is there, at most `max` (default 65,536) bytes. */
  readSome(options?: CallOptions & { readonly max?: number }): Promise<Uint8Array | null>
  /** Resolves when the bytes are the caller's again (copied into the send buffer). Order is kept. `end` sends a FIN behind them. Before the handshake is over, they wait for it. */
  write(bytes: Uint8Array | readonly Uint8Array[], options?: CallOptions & WriteOptions & { readonly end?: boolean }): Promise<void>
  /** undefined = would block, null = end of stream. Throws the connection's error. */
  tryRead(into: Uint8Array): number | null | undefined
  /** As `tryRead`, and leaves the bytes where they are (`MSG_PEEK`). */
  peek(into: Uint8Array): number | null | undefined
  /** As `tryRead` of at most `max` bytes, and throws them away (`MSG_TRUNC`). */
  discard(max: number): number | null | undefined
  /** Bytes taken, 0 = full; the options hold if it took all. Throws the connection's error, `EPIPE` after `shutdown('write')`. */
  tryWrite(bytes: Uint8Array, options?: WriteOptions): number
  /** Bytes that can be read now. */
  readonly readableLength: number
  /**
   * Bytes from the next one read to the end of the peer's urgent text, come or not; 0 = there is none. At 1 the next byte is the
   * last urgent one, the mark (`SIOCATMARK`).
   */
  readonly urgentLength: number
  /** The last urgent byte, once it is there, once (`recv` with `MSG_OOB`); undefined when there is none, or `urgentInline` is set. */
  readUrgent(): number | undefined
  /** Bytes written that the peer has not acknowledged (`SIOCOUTQ`). */
  readonly unackedLength: number
  /** Bytes that `tryWrite` would take now. */
  readonly writableLength: number
  setHandler(handler: ConnectionHandler | null): void
  shutdown(how: 'write' | 'read' | 'both'): void
  /**
   * Orderly: resolves when our FIN is acknowledged and the peer's is in, or `lingerTimeout` resets. Unread data → RST (RFC
   * 2525 §2.17). A handshake under way is given up (RFC 9293 §3.10.4).
   */
  close(): Promise<void>
  /** Resets now. */
  abort(reason?: unknown): void
  configure(options: ConnectionOptions): void
  readonly options: Required<ConnectionOptions>
  info(): ConnectionInfo
}

/** Where to connect to. Hosts are addresses; names are a resolver's business. */
export interface ConnectOptions extends ConnectionOptions, CallOptions {
  readonly host: string
  readonly port: number
  readonly localHost?: string
  readonly localPort?: number
  /** NIC id or name to bind to. */
  readonly nic?: number | string
  /** ms until `ETIMEDOUT`; default: the SYN's retransmissions (247 s). */
  readonly timeout?: number
  /**
   * Fast Open (RFC 7413): of a server that gave a cookie before, the first write goes with the SYN, as far as a segment takes
   * it; another is asked for a cookie. Call `open`, and write at once: after 1 ms the SYN leaves without text. A network may
   * deliver the SYN twice, so what is written first must not do harm when the server's application gets it twice (§6.1).
   * `requireCookie: false` sends text to a server that is known to want no cookie (§7.3). Default false.
   */
  readonly fastOpen?: boolean | { readonly requireCookie?: boolean }
}

/** Fast Open of a listener (RFC 7413 §4.2.2). */
export interface FastOpenListenOptions {
  /** Connections that may have begun with their SYN and lack the last ACK, 0–65,535; a SYN beyond gets an ordinary handshake (§5.1). 0 = off. */
  readonly queue: number
  /** False: text is taken of anybody who says it is from somewhere, which invites floods (§7.3). Default true. */
  readonly requireCookie?: boolean
  /** The secret of the cookies, as `fastOpenKey` of `tcp()`. Default: that of the stack. */
  readonly key?: Uint8Array
}

/** What a listener may change while it listens; what is absent stays. */
export interface ListenerSettings {
  /** As in {@link ListenOptions}. */
  readonly fastOpen?: false | FastOpenListenOptions
}

/** How handshakes that others begin are taken; of a listener, and defaults of a stack (`tcp({ synCookies: 'always' })`). */
export interface HandshakeOptions {
  /** Retransmissions of a SYN-ACK before the half-open connection is forgotten, 0–127. Default 5: 63 s. */
  readonly synAckRetries?: number
  /**
   * SYN cookies (RFC 4987 §3.6): SYN-ACKs that need no half-open connection here, because the final ACK brings back all that
   * is to be known. They round the peer's MSS down, and keep window scaling, SACK and ECN only for peers with timestamps.
   * `'auto'`: when the SYN queue is full, or packet memory scarce; `'always'`; `'off'`: the oldest half-open connection makes
   * room. Default `'auto'`.
   */
  readonly synCookies?: 'off' | 'auto' | 'always'
  /** Half-open connections that a listener keeps, 1–1,000,000. Default: as many as its backlog, and 128 at least. */
  readonly synBacklog?: number
  /**
   * A handshake that ends when `backlog` connections wait is reset; else its last ACK is dropped, and the SYN-ACK sent again
   * later (`tcp_abort_on_overflow`). Default false.
   */
  readonly abortOnOverflow?: boolean
  /**
   * ms that a connection may take to send its first text before `accept` has it without (`TCP_DEFER_ACCEPT`), rounded up to
   * timeouts of the SYN-ACK: 1, 3, 7, 15 s … 0 = it is accepted at once. Default 0.
   */
  readonly deferAccept?: number
}

/** Where to listen. */
export interface ListenOptions extends ConnectionOptions, HandshakeOptions {
  /** 0 = an ephemeral one. */
  readonly port: number
  /** Default: every address of both families. */
  readonly host?: string
  readonly nic?: number | string
  /** Established connections that wait for `accept`. Default 511. */
  readonly backlog?: number
  /** Shares the port with other listeners that say so, and with connections from that port (RFC 9293 §3.9.1.1, MUST-42). Default false. */
  readonly reusePort?: boolean
  /**
   * Takes text that comes with a SYN from clients that were here before (RFC 7413): `accept` has such a connection, and its
   * text may be read and answered, before the handshake is over. An application must stand to get such a request twice
   * (§6.1). Default false.
   */
  readonly fastOpen?: false | FastOpenListenOptions
  readonly signal?: AbortSignal
}

/** A listening port. */
export interface Listener extends AsyncIterable<Connection>, AsyncDisposable {
  readonly local: Endpoint
  /** The next connection; null when the listener is closed. */
  accept(options?: CallOptions): Promise<Connection | null>
  tryAccept(): Connection | undefined
  /** Connections that wait for `accept`. */
  readonly pending: number
  /** Push instead of pull; exclusive with `accept`. */
  setHandler(handler: ((connection: Connection) => void) | null): void
  /**
   * Changes what may change.
   *
   * @throws StackError `ERR_STACK_INVALID_OPTION`
   */
  configure(options: ListenerSettings): void
  /** Stops listening; connections not accepted yet are reset; accepted ones go on. */
  close(): Promise<void>
  readonly closed: Promise<void>
  ref(): this
  unref(): this
}

/** What a forwarder is asked about, and how much may wait for its answer. */
export interface ForwardOptions extends CallOptions {
  /** NIC by which the SYNs come, id or name. Default: any. */
  readonly nic?: number | string
  /** Requests that wait for an answer; further SYNs are dropped, and will come again. 1–1,000,000. Default 1,024. */
  readonly maxInFlight?: number
  /** ms after which a request that nobody answered is dropped. At least 1. Default 30,000. */
  readonly timeout?: number
}

/** One SYN that no listener wanted: decide, now or later. Until then the peer gets no answer; its SYN again is the same request. */
export interface ForwarderRequest {
  /** Whom the peer wants to talk to. */
  readonly local: Endpoint
  readonly remote: Endpoint
  /** Still to be decided: not answered, not expired, and the peer did not take it back. */
  readonly pending: boolean
  /**
   * Sends the SYN-ACK, from an address that need not be the stack's; resolves when established.
   *
   * Signatures are those of `tcp({ authentication })`: the SYN was judged by them.
   *
   * @throws StackError (rejects) `ECONNREFUSED`, `ETIMEDOUT` when the peer resets it or does not answer; `ETIMEDOUT`,
   * `ECONNRESET`, `ERR_STACK_CLOSED`, `ERR_STACK_BUSY` when it was not pending any more; `ERR_STACK_LIMIT` beyond
   * `maxConnections`
   */
  accept(options?: ConnectionOptions & CallOptions): Promise<Connection>
  /**
   * `'reset'`: connection refused. `'unreachable'`: an ICMP error, host unreachable, as a router's, within its rate limit.
   * `'drop'`: silence. Does nothing to a request that is not pending.
   */
  reject(how: 'reset' | 'drop' | 'unreachable'): void
}

/** Called last in a turn, for each request once. */
export type ForwardHandler = (request: ForwarderRequest) => void

/** SYNs that no listener wants, as requests to decide about. */
export interface Forwarder extends AsyncDisposable {
  /** Requests that wait for an answer. */
  readonly pending: number
  /** Requests that wait are dropped; accepted connections go on. */
  close(): Promise<void>
  readonly closed: Promise<void>
  ref(): this
  unref(): this
}

/** Servers that gave a cookie, or refused one (RFC 7413 §4.1.3): 1,024 unless `fastOpenCache` says otherwise. */
export interface FastOpenServers {
  readonly size: number
  /** Would the first write go with the SYN to `host` now? `localHost` as in {@link ConnectOptions}. */
  has(host: string, localHost?: string): boolean
  /** Forgets cookies, segment sizes and failures. */
  clear(): void
}

/** `stack.tcp` */
export interface Tcp {
  /** What connections and listeners have that say nothing else: the options of `tcp()`, and the defaults. */
  readonly defaults: Required<ConnectionOptions>
  connect(options: ConnectOptions): Promise<Connection>
  /**
   * As `connect`, and gives the connection while it is `'syn-sent'`: to watch it, write ahead, or close it again. `opened`
   * says how it went. `signal` and `timeout` are those of the handshake.
   *
   * @throws StackError at once what needs no answer of the peer: `EADDRINUSE`, `EADDRNOTAVAIL`, `EHOSTUNREACH` …
   */
  open(options: ConnectOptions): Connection
  listen(options: ListenOptions): Listener
  /**
   * Asks `handler` about each SYN that no listener wants, whatever its destination: the stack's own addresses, those of
   * `nic.addRange`, all of them with a promiscuous NIC. This is what transparent proxies and gateways are made of. What the
   * stack sends to itself is not asked about. One for all NICs, and one for each.
   *
   * @throws StackError `EADDRINUSE`
   * @example
   * ```ts
   * const forwarder = stack.tcp.forward({}, async (request) => {
   *   if (request.local.port !== 80) return request.reject('reset')
   *   const connection = await request.accept()
   *   await connection.write(new TextEncoder().encode(`you asked for ${request.local.host}`), { end: true })
   * })
   * ```
   */
  forward(options: ForwardOptions, handler: ForwardHandler): Forwarder
  /** What clients keep of servers for Fast Open. */
  readonly fastOpenCache: FastOpenServers
  /** Open connections and listeners, for listings. */
  connections(): readonly Connection[]
}

export type TcpPlugin = TransportPlugin<'tcp', Tcp>

/** Options of `tcp()`. */
export interface TcpOptions extends ConnectionOptions, HandshakeOptions {
  /** TIME-WAIT records kept; the oldest is evicted. Default 65,536. */
  readonly maxTimeWait?: number
  /** ms in TIME-WAIT (2 MSL). Default 60,000. */
  readonly timeWait?: number
  /** Connections at most; further SYNs are dropped, connects fail `ERR_STACK_LIMIT`. Default 1,000,000. */
  readonly maxConnections?: number
  /**
   * Connections that the application closed and that still wait for the peer, each a connection's memory; who would be one more
   * is reset at its close (`tcp_max_orphans`). 0–1,000,000. Default 16,384.
   */
  readonly maxOrphans?: number
  /**
   * Secret of the Fast Open cookies of all listeners (RFC 7413 §4.1.2): 16 bytes, or 32, the second half being the key before,
   * whose cookies are still good. Hosts that share an address share it (§6.3.4). Default: one of our own, changed each hour.
   */
  readonly fastOpenKey?: Uint8Array
  /** Servers that clients remember for Fast Open, 1–65,536; who was not asked for longest gives way. Default 1,024. */
  readonly fastOpenCache?: number
  /**
   * ms without Fast Open after connections with it found no answer (RFC 7413 §7.1); it doubles, six times at most, with each
   * time in a row. 0 = never. Default 3,600,000.
   */
  readonly fastOpenPause?: number
  /** Algorithms to install beside `'cubic'` and `'reno'`, 64 at most, each with a name of its own. Default none. */
  readonly congestionControls?: readonly CongestionAlgorithm[]
}
