import type { CallOptions, Connection } from './connection.ts'
import type { Endpoint } from './endpoint.ts'
import type { ConnectionOptions } from './options.ts'

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

/** Called last in a turn, for each request once. What it throws, or its promise rejects with, goes to the stack's `onError`. */
export type ForwardHandler = (request: ForwarderRequest) => unknown

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
