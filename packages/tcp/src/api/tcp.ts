import type { TransportPlugin } from '@stack/core'
import type { CongestionAlgorithm } from '../congestion.ts'
import type { ConnectOptions, Connection } from './connection.ts'
import type { ForwardHandler, ForwardOptions, Forwarder } from './forwarder.ts'
import type { HandshakeOptions, ListenOptions, Listener } from './listener.ts'
import type { ConnectionOptions } from './options.ts'

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
  /**
   * Resolves when the handshake is over.
   *
   * @throws StackError (rejects) `ECONNREFUSED`, `ETIMEDOUT`, `EHOSTUNREACH`, `ENETUNREACH`, `EADDRINUSE`, `EADDRNOTAVAIL` …;
   * `ERR_STACK_INVALID_ADDRESS` for a name, `ERR_STACK_INVALID_OPTION`; the signal's reason
   */
  connect(options: ConnectOptions): Promise<Connection>
  /**
   * As `connect`, and gives the connection while it is `'syn-sent'`: to watch it, write ahead, or close it again. `opened`
   * says how it went. `signal` and `timeout` are those of the handshake.
   *
   * @throws StackError at once what needs no answer of the peer: `EADDRINUSE`, `EADDRNOTAVAIL`, `EHOSTUNREACH` …
   */
  open(options: ConnectOptions): Connection
  /** @throws StackError `EADDRINUSE`, `EADDRNOTAVAIL`, `ENODEV`, `ERR_STACK_INVALID_OPTION`, `ERR_STACK_CLOSED` */
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
  /** Connections that are not over yet, whoever opened them, for listings. */
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
   * Segments with SYN and FIN, which scanners send and since T/TCP (RFC 6247) no host: `'take'` = as RFC 9293 §3.10.7 has it, and
   * a listener does not heed the FIN; `'no-open'` = they open nothing; `'drop'` = no state takes or answers them. Fast Open may
   * have both. Default `'no-open'`, as Linux.
   */
  readonly synFin?: 'take' | 'no-open' | 'drop'
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
  /**
   * A server that answered a request without a cookie is asked in the form of the experiment next (RFC 6994), which old ones
   * want. false: it is not asked for a minute, twice as long with each time in a row (RFC 7413 §4.1.3.1). Default true.
   */
  readonly fastOpenExperimental?: boolean
  /** Algorithms to install beside `'cubic'` and `'reno'`, 64 at most, each with a name of its own. Default none. */
  readonly congestionControls?: readonly CongestionAlgorithm[]
}
