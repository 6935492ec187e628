import type { TransportPlugin } from '@stack/core'

/** Where an echo socket sends from. */
export interface EchoOptions {
  /** NIC id or name. Default: where the route leads. */
  readonly nic?: number | string
  /** Source address. Default: chosen by route. */
  readonly localHost?: string
}

/** One echo request. */
export interface EchoRequestOptions {
  /** Payload bytes after the 8-byte header, 0–65,507. Default 56. */
  readonly size?: number
  /** ms of the stack's clock to wait for the reply, at most 2³¹. Default 1,000. */
  readonly timeout?: number
  /** Time to live, or hop limit, 0–255. Default 0: the network protocol's. */
  readonly ttl?: number
  /** TOS or traffic class, 0–255. Default 0. */
  readonly tos?: number
  /** 0–65,535. Default: counted from 1. */
  readonly sequence?: number
  /** Routers must not cut it, and this host does not: `EMSGSIZE` instead. Default false. */
  readonly dontFragment?: boolean
  readonly signal?: AbortSignal | undefined
}

/** How to ping. */
export interface PingOptions extends EchoOptions, EchoRequestOptions {}

/** An answered echo request. */
export interface PingReply {
  /** Who answered: the target, or a member of the group that was asked. */
  readonly host: string
  readonly sequence: number
  /** ms on the stack's clock, µs resolution. */
  readonly rtt: number
  /** What was left of the reply's time to live. */
  readonly ttl: number
  /** Payload bytes. */
  readonly size: number
}

/** An echo socket: any number of requests under one identifier. */
export interface EchoSocket extends AsyncDisposable {
  /** RFC 792: what tells the replies of sockets apart, 1–65,535. */
  readonly identifier: number
  readonly remote: string
  /**
   * One request, one reply. At most 1,024 wait on a socket (`ERR_STACK_LIMIT`), each with a sequence number of its own
   * (`ERR_STACK_BUSY`).
   *
   * Rejects with `ETIMEDOUT`; what a router or the next hop says: `EHOSTUNREACH` (also when the TTL ran out),
   * `ENETUNREACH`, `EHOSTDOWN`, `EACCES`, `ENOPROTOOPT`, `EMSGSIZE`, `EPROTO`; when it could not be sent `ENETUNREACH`,
   * `ENETDOWN`, `EADDRNOTAVAIL`, `ENOBUFS`; `EPROTO` when the payload came back changed; the signal's reason;
   * `ERR_STACK_CLOSED`, `ERR_STACK_INVALID_OPTION`.
   */
  ping(options?: EchoRequestOptions): Promise<PingReply>
  /** Rejects what waits with `ERR_STACK_CLOSED`. Idempotent. An open socket keeps the process alive. */
  close(): void
}

/** `stack.icmp` */
export interface Icmp {
  /** Opens a socket for one request. Rejects as {@link EchoSocket.ping}, and with what `open` throws. */
  ping(host: string, options?: PingOptions): Promise<PingReply>
  /** @throws StackError `EAFNOSUPPORT`, `EADDRNOTAVAIL`, `ENODEV`, `ERR_STACK_INVALID_ADDRESS`, `ERR_STACK_LIMIT`, `ERR_STACK_CLOSED` */
  open(host: string, options?: EchoOptions): EchoSocket
}

/** What {@link icmp} returns. */
export type IcmpPlugin = TransportPlugin<'icmp', Icmp>
