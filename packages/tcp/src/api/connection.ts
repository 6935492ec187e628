import type { StackError } from '@stack/core'
import type { Endpoint, TcpState } from './endpoint.ts'
import type { ConnectionInfo } from './info.ts'
import type { ConnectionOptions } from './options.ts'

/** Callbacks for adapters; exclusive with promise reads. Called last in a turn; what they throw goes to the stack's `onError`. */
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

export interface CallOptions { readonly signal?: AbortSignal | undefined }

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

/**
 * A TCP connection. Iterating reads copies until the stream ends, and throws the connection's error; leaving the loop early leaves the
 * connection open.
 */
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
  /**
   * Bytes put into `into`, null = end of stream. One read at a time (`ERR_STACK_BUSY`). A zero-length `into` is a TypeError, what is no
   * Uint8Array `ERR_STACK_INVALID_ARGUMENT`. Rejects with the signal's reason; no bytes are lost then.
   */
  read(into: Uint8Array, options?: CallOptions): Promise<number | null>
  /** A copy of what is there, at most `max` bytes, at least 1 (default 65,536); null = end of stream. Waits as `read` does. */
  readSome(options?: CallOptions & { readonly max?: number }): Promise<Uint8Array | null>
  /**
   * Resolves when the bytes are the caller's again (copied into the send buffer); until then they must not change. Order is kept. `end`
   * sends a FIN behind them. Before the handshake is over, they wait for it. Rejects with the signal's reason, and then a part may have
   * been taken: `bytesWritten` says how far it got. Text is encoded first, with TextEncoder (`ERR_STACK_INVALID_ARGUMENT`).
   */
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
  /** @throws StackError `ERR_STACK_BUSY` while a read is pending, `ERR_STACK_INVALID_ARGUMENT` */
  setHandler(handler: ConnectionHandler | null): void
  /** Ends a direction, or both: `'write'` sends a FIN behind what is written, `'read'` ends our reads and drops what still comes. */
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
  /** 1–65,535. */
  readonly port: number
  /** Default: chosen by route. */
  readonly localHost?: string
  /** 0 or absent = an ephemeral one. */
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
