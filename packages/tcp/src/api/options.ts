import type { TransportErrorKind } from '@stack/core'
import type { Authentication } from '../authentication/contract.ts'
import type { TcpTraceEvent } from './trace.ts'

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
  /**
   * Retransmissions of a SYN that ask again, before it goes without, 0–127. Default: with `verify` 0 that ask for classic feedback
   * and 1 for accurate (RFC 9768 §3.1.4.1), else all.
   */
  readonly retries?: number | null
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
  /**
   * Least MSS that a peer may ask for, bytes, 48–1,460: tiny segments cost as much as large ones (CVE-2019-11479). What the path takes
   * counts more. Options are within it. Default 48: 40 bytes of options and a little text, as Linux has it.
   */
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
   * Bytes that must be there before a `read` settles or a handler is told (`SO_RCVLOWAT`), or less when `into` is smaller, the
   * stream ends, or the receive buffer has no room for more. `tryRead` gives what there is. At least 1. Default 1.
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
  /**
   * Least retransmission timeout, ms, 1–60,000 (`TCP_RTO_MIN_US`). Default 200: RFC 6298 §2.4 says a second; this is what the
   * deployed Internet uses, and delayed ACKs stay below it.
   */
  readonly minimumRto?: number
  /** Largest retransmission timeout, also of a SYN or SYN-ACK, ms, 1,000–3,600,000 (`TCP_RTO_MAX_MS`). Default 120,000 (RFC 6298 §2.5: at least a minute). */
  readonly maximumRto?: number
  /**
   * What `minimumRto` is the least of: the whole `'timeout'` (RFC 6298 §2.4), or what is added to the round trip for its `'variance'`,
   * as Linux does, so that the timeout is always that much longer than the round trip. Default `'timeout'`.
   */
  readonly rtoFloor?: 'timeout' | 'variance'
  /** Retransmissions of a SYN before giving up, 0–127: 7 are 247 s (`TCP_SYNCNT`). Default 7: at least three minutes (RFC 9293 §3.8.3, MUST-23). */
  readonly synRetries?: number
  /**
   * Of these, the first that follow one another after the same time; the others wait twice as long as the one before (RFC 6298
   * §5.5 asks that of all). 0–127. Default 0; Linux has 4.
   */
  readonly synLinearRetries?: number
  /**
   * Of these, how many offer timestamps, SACK and window scaling, 0–127; later ones have an MSS alone, as some middlebox may
   * drop SYNs for what it does not know. Default null: all.
   */
  readonly synOptionRetries?: number | null
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
  /**
   * What asks whether a closed window is open again (RFC 9293 §3.8.6.1): `'octet'` = the next byte, which the peer may take;
   * `'empty'` = a segment before it without text, as Linux sends, which is only answered. Default `'octet'`.
   */
  readonly windowProbe?: 'octet' | 'empty'
  /** Selective acknowledgments, when the peer has them too (RFC 2018). Default true. Decided by the handshake. */
  readonly sack?: boolean
  /**
   * Insecure: any reset within the window ends the connection, as in RFC 793, and not only the next in order (RFC 5961 §3). Who
   * knows the ports needs few guesses to cut it. For tests, and peers whose resets come late. Default false.
   */
  readonly insecureReset?: boolean
  /**
   * Insecure: a SYN within the window is answered with a reset and ends the connection, as in RFC 793; without, it is answered
   * with an ACK and changes nothing (RFC 5961 §4). Half-open connections of a listener keep to the latter. Default false.
   */
  readonly insecureSyn?: boolean
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
