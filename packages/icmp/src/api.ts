import type { TransportPlugin } from '@stack/core'

/** How to ping. */
export interface PingOptions {
  /** Payload bytes after the 8-byte header. Default 56; at most 65,507 (IPv4). */
  readonly size?: number
  /** ms to wait for the reply. Default 1,000. */
  readonly timeout?: number
  readonly ttl?: number
  readonly tos?: number
  readonly sequence?: number
  readonly nic?: number | string
  readonly localHost?: string
  readonly dontFragment?: boolean
  readonly signal?: AbortSignal
}

/** An answered echo request. */
export interface PingReply {
  readonly host: string
  readonly sequence: number
  /** ms on the stack's clock, µs resolution. */
  readonly rtt: number
  readonly ttl: number
  readonly size: number
}

/** An echo socket: any number of requests under one identifier. */
export interface EchoSocket {
  readonly identifier: number
  readonly remote: string
  /** Rejects `ETIMEDOUT`, `EHOSTUNREACH`, `ENETUNREACH`, `ENETDOWN` …, `EPROTO` when the payload came back changed. */
  ping(options?: PingOptions): Promise<PingReply>
  close(): void
}

/** `stack.icmp` */
export interface Icmp {
  /** One request, one reply. */
  ping(host: string, options?: PingOptions): Promise<PingReply>
  open(host: string, options?: Pick<PingOptions, 'nic' | 'localHost'>): EchoSocket
}

export type IcmpPlugin = TransportPlugin<'icmp', Icmp>
