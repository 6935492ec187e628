import type { StackError, TransportPlugin } from '@stack/core'

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
    | 'new' | 'fast-retransmit' | 'timeout-retransmit' | 'mtu-retransmit' | 'window-probe' | 'keep-alive'
    | 'ack' | 'syn' | 'fin' | 'reset' | ''
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
  /** Smoothed round-trip time; 0 = none yet. */
  readonly srtt: number
  /** Retransmission timeout, with its backoff. */
  readonly rto: number
  /** Bytes sent and not acknowledged, with what is being sent, before what was received. */
  readonly inFlight: number
  /** The state before what was received. */
  readonly state: TcpState
  /** Tell connections apart that share a hook, those of a listener. */
  readonly localPort: number
  readonly remotePort: number
}

/** Options of one connection; also defaults of a stack (`tcp({ noDelay: true })`) and of a listener. */
export interface ConnectionOptions {
  /** Send small segments at once (RFC 1122 §4.2.3.4). Default false. */
  readonly noDelay?: boolean
  /** Most bytes that wait in the send buffer. Default 262,144; 4,096–16 Mi. */
  readonly sendBuffer?: number
  /** Most bytes offered as receive window. Default 1 MiB; 4,096–16 Mi. */
  readonly receiveBuffer?: number
  /** Longest time that written data may stay unacknowledged, ms; 0 = the protocol's default of retransmissions. Default 0 (RFC 5482). */
  readonly userTimeout?: number
  /** ms without traffic before a probe; false = off. Default false (RFC 9293 §3.8.4). */
  readonly keepAlive?: false | { readonly idle?: number; readonly interval?: number; readonly count?: number }
  /** Delay of ACKs, ms, 0 = never delay. Default 40; at most 500 (RFC 9293 §3.8.6.3). */
  readonly delayedAck?: number
  /** Cap on the MSS announced and sent, bytes. */
  readonly maximumSegmentSize?: number
  /** ms that `close()` waits for the peer before resetting, from the last progress of what is still to be sent. Default 60,000. */
  readonly lingerTimeout?: number
  /** Name of an installed algorithm. Default `'newreno'` for now. */
  readonly congestionControl?: string
  /** TTL or hop limit; 0 = the network's default. */
  readonly ttl?: number
  /** TOS or traffic class. Default 0. */
  readonly tos?: number
  /**
   * Told of each segment and timer, in the middle of the protocol: it may record, and must neither throw nor call the
   * stack. Default null.
   */
  readonly trace?: ((event: TcpTraceEvent) => void) | null
}

/** What {@link Connection.info} tells. Times in ms, sizes in bytes. */
export interface ConnectionInfo {
  readonly state: TcpState
  readonly smoothedRtt: number
  readonly rttVariance: number
  readonly rto: number
  readonly cwnd: number
  readonly ssthresh: number
  readonly sendMss: number
  readonly receiveMss: number
  readonly sendWindow: number
  readonly receiveWindow: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly bytesAcked: number
  readonly bytesInFlight: number
  readonly segmentsSent: number
  readonly segmentsReceived: number
  readonly retransmits: number
  readonly timeouts: number
  readonly options: { readonly timestamps: boolean; readonly windowScale: boolean; readonly sack: boolean }
}

/** Callbacks for adapters; exclusive with promise reads. Called last in a turn. */
export interface ConnectionHandler {
  /** Data or the end of the stream is there: call `tryRead` until undefined or null. */
  readable?(): void
  /** There is room again after `tryWrite` took less than it was given. */
  writable?(): void
  /** The connection is over; `error` null after an orderly end. */
  closed?(error: StackError | null): void
}

export interface CallOptions { readonly signal?: AbortSignal }

/** A TCP connection. */
export interface Connection extends AsyncIterable<Uint8Array> {
  readonly local: Endpoint
  readonly remote: Endpoint
  readonly state: TcpState
  /** Bytes accepted by `write` and `tryWrite` so far. */
  readonly bytesWritten: number
  readonly bytesRead: number
  /** Resolves after an orderly end, rejects with the reason else. Never an unhandled rejection. */
  readonly closed: Promise<void>
  /** Bytes put into `into`, null = end of stream. One read at a time (`ERR_STACK_BUSY`). A zero-length `into` is a TypeError. */
  read(into: Uint8Array, options?: CallOptions): Promise<number | null>
  /** A copy of what is there, at most `max` (default 65,536) bytes. */
  readSome(options?: CallOptions & { readonly max?: number }): Promise<Uint8Array | null>
  /** Resolves when the bytes are the caller's again (copied into the send buffer). Order is kept. `end` sends a FIN behind them. */
  write(bytes: Uint8Array | readonly Uint8Array[], options?: CallOptions & { readonly end?: boolean }): Promise<void>
  /** undefined = would block, null = end of stream. Throws the connection's error. */
  tryRead(into: Uint8Array): number | null | undefined
  /** Bytes taken, 0 = full. Throws the connection's error, `EPIPE` after `shutdown('write')`. */
  tryWrite(bytes: Uint8Array): number
  /** Bytes that can be read now. */
  readonly readableLength: number
  /** Bytes that `tryWrite` would take now. */
  readonly writableLength: number
  setHandler(handler: ConnectionHandler | null): void
  shutdown(how: 'write' | 'read' | 'both'): void
  /** Orderly: resolves when our FIN is acknowledged and the peer's is in, or the orphan timeout resets. Unread data → RST (RFC 2525 §2.17). */
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
  /** ms until `ETIMEDOUT`; default: the SYN's retransmissions (about 127 s). */
  readonly timeout?: number
}

/** Where to listen. */
export interface ListenOptions extends ConnectionOptions {
  /** 0 = an ephemeral one. */
  readonly port: number
  /** Default: every address of both families. */
  readonly host?: string
  readonly nic?: number | string
  /** Established connections that wait for `accept`. Default 511. */
  readonly backlog?: number
  readonly reusePort?: boolean
  readonly signal?: AbortSignal
}

/** A listening port. */
export interface Listener extends AsyncIterable<Connection> {
  readonly local: Endpoint
  /** The next connection; null when the listener is closed. */
  accept(options?: CallOptions): Promise<Connection | null>
  tryAccept(): Connection | undefined
  /** Push instead of pull; exclusive with `accept`. */
  setHandler(handler: ((connection: Connection) => void) | null): void
  /** Stops listening; connections not accepted yet are reset; accepted ones go on. */
  close(): Promise<void>
  readonly closed: Promise<void>
  ref(): this
  unref(): this
}

/** One SYN that no listener wanted: decide. */
export interface ForwarderRequest {
  readonly local: Endpoint
  readonly remote: Endpoint
  /** Sends the SYN-ACK; resolves when established. */
  accept(options?: ConnectionOptions): Promise<Connection>
  reject(how: 'reset' | 'drop' | 'unreachable'): void
}

/** `stack.tcp` */
export interface Tcp {
  connect(options: ConnectOptions): Promise<Connection>
  listen(options: ListenOptions): Listener
  /** Open connections and listeners, for listings. */
  connections(): readonly Connection[]
}

export type TcpPlugin = TransportPlugin<'tcp', Tcp>

/** Options of `tcp()`. */
export interface TcpOptions extends ConnectionOptions {
  /** TIME-WAIT records kept; the oldest is evicted. Default 65,536. */
  readonly maxTimeWait?: number
  /** ms in TIME-WAIT (2 MSL). Default 60,000. */
  readonly timeWait?: number
  /** Connections at most; further SYNs are dropped, connects fail `ERR_STACK_LIMIT`. Default 1,000,000. */
  readonly maxConnections?: number
}
