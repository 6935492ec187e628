import type { CallOptions, Connection } from './connection.ts'
import type { Endpoint } from './endpoint.ts'
import type { ConnectionOptions } from './options.ts'

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
  /** As in {@link ConnectionOptions}: what SYN-ACKs say from now on. */
  readonly maximumSegmentSize?: number
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
  readonly signal?: AbortSignal | undefined
}

/**
 * Gets each connection that a listener accepts, last in a turn. What it throws, or its promise rejects with (a peer may reset at any
 * time), goes to the stack's `onError`, which ends the process unless `createStack` was given another.
 */
export type ConnectionListener = (connection: Connection) => unknown

/** A listening port. */
export interface Listener extends AsyncIterable<Connection>, AsyncDisposable {
  readonly local: Endpoint
  /** The next connection; null when the listener is closed. */
  accept(options?: CallOptions): Promise<Connection | null>
  tryAccept(): Connection | undefined
  /** Connections that wait for `accept`. */
  readonly pending: number
  /** Push instead of pull; exclusive with `accept`. @throws StackError `ERR_STACK_INVALID_ARGUMENT` */
  setHandler(handler: ConnectionListener | null): void
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
