import type { StackError, TransportPlugin } from '@stack/core'

/** One end as text. */
export interface Endpoint { readonly host: string; readonly port: number }

/** A received datagram, a plain object. `data` is a copy you own; its ends may be shared with other datagrams. */
export interface Datagram {
  readonly data: Uint8Array
  /** The sender: pass it to `send` to answer. A link-local one has its NIC as zone, `fe80::1%tap0`. */
  readonly remote: Endpoint
  /** The address that it was sent to (RFC 1122 §4.1.3.5): one of this stack's, or a group. */
  readonly local: Endpoint
  /** NIC it came in on. */
  readonly nicId: number
  readonly ttl: number
  readonly tos: number
  /** IPv4 options as on the wire, with their padding (RFC 1122 §4.1.3.2): a copy you own. Absent = it had none. */
  readonly ipOptions?: Uint8Array
}

/** Options of one socket. */
export interface UdpSocketOptions {
  /** Bytes of packet memory held for reading, 2,048–268,435,456; what comes on top is dropped and counted. Default 212,992. */
  readonly receiveBuffer?: number
  /** May send to broadcast addresses. Default false (`EACCES`). */
  readonly broadcast?: boolean
  /** Time to live, or hop limit, 0–255. Default 0: the network protocol's. */
  readonly ttl?: number
  /** TOS or traffic class, 0–255. Default 0. */
  readonly tos?: number
  /**
   * Options for the IPv4 header of what is sent, as on the wire: padded to a multiple of 4 bytes, 40 at most (RFC 1122 §4.1.3.2,
   * `IP_OPTIONS`). Not changed after it was given. Datagrams over IPv6 go without. Default null: none.
   */
  readonly ipOptions?: Uint8Array | null
  /** Time to live of multicast, 0–255. Default 1 (RFC 1112 §6.1). */
  readonly multicastTtl?: number
  /** Own multicast comes back to this host. Default true. */
  readonly multicastLoop?: boolean
  /** Share the port: each flow stays with one of the sockets, broadcast and multicast go to all. Every sharer must say so. Default false. */
  readonly reusePort?: boolean
  /** As `reusePort`, for sharers that say this. Default false. */
  readonly reuseAddress?: boolean
  /** NIC id or name to bind to. Default: any. */
  readonly nic?: number | string
}

/** Options of {@link Udp.bind}. */
export interface BindOptions extends UdpSocketOptions {
  /** 0 or absent = an ephemeral one (RFC 6056), 49,152–65,535. */
  readonly port?: number
  /** Default: every address of every installed family. `'::'` means the same, `'0.0.0.0'` every IPv4 address. */
  readonly host?: string
}

/** Options of {@link Udp.connect}. */
export interface UdpConnectOptions extends UdpSocketOptions {
  readonly host: string
  /** 1–65,535. */
  readonly port: number
  /** Default: chosen by route, and kept. */
  readonly localHost?: string
  /** 0 or absent = an ephemeral one. */
  readonly localPort?: number
}

/** Callbacks for adapters; exclusive with `receive` and iteration. */
export interface UdpHandler {
  /** Called per datagram, last in a turn. `data` is valid during the call only: copy what you keep. */
  datagram?(data: Uint8Array, remote: Endpoint, info: Datagram): void
  /**
   * Instead of `datagram` and `error`: something came, to be fetched with `tryReceive` and `takeError`. Called once for what
   * came since.
   */
  readable?(): void
  /** An ICMP error arrived for a connected socket. */
  error?(error: StackError): void
  /** There is room to send again. */
  writable?(): void
}

/** Counters of one socket. */
export interface UdpSocketStatistics {
  /** Datagrams queued for reading. */
  readonly received: number
  readonly sent: number
  /** Datagrams that found the receive buffer full. */
  readonly dropReceiveBufferFull: number
  /** Datagrams for which `send` answered false. */
  readonly dropSend: number
}

/** A UDP socket. */
export interface UdpSocket extends AsyncIterable<Datagram>, AsyncDisposable {
  readonly local: Endpoint
  /** The peer of a connected socket. */
  readonly remote: Endpoint | null
  /** Never rejects. */
  readonly closed: Promise<void>
  /**
   * Queues one datagram, whose bytes are copied; false = queue or memory full, counted, nothing sent, and the handler's
   * `writable` is called when there is room. `to` is required unless connected; a connected socket may send elsewhere, too,
   * but hears its peer only.
   *
   * @throws StackError for what is wrong with the call: `EMSGSIZE` (more than 65,507 bytes over IPv4, 65,527 over IPv6),
   * `EINVAL` (port 0), `EACCES` (broadcast), `EAFNOSUPPORT`, `EHOSTUNREACH`, `ENETUNREACH`, `EADDRNOTAVAIL`, `ENETDOWN`,
   * `ENODEV`, `ENOTCONN`, `ERR_STACK_INVALID_ADDRESS`, `ERR_STACK_INVALID_ARGUMENT`, `ERR_STACK_CLOSED`; and once for a
   * pending ICMP error of a connected socket, when nothing is sent
   */
  send(data: Uint8Array, to?: Endpoint): boolean
  /**
   * The next datagram; null when closed. One at a time (`ERR_STACK_BUSY`). Rejects with the signal's reason, and once with
   * a pending ICMP error of a connected socket (`ECONNREFUSED` …); iteration does the same.
   */
  receive(options?: { readonly signal?: AbortSignal | undefined }): Promise<Datagram | null>
  /** The next datagram if there is one. */
  tryReceive(): Datagram | undefined
  /** As `tryReceive`, and leaves it where it is (`MSG_PEEK`). `data` is a copy all the same. */
  peek(): Datagram | undefined
  /** Bytes of the datagram that `tryReceive` gives next; 0 = none is there, or an empty one (`FIONREAD`). */
  readonly readableLength: number
  /** The pending ICMP error of a connected socket, and forgets it; null = none (`SO_ERROR`). Else `send` and `receive` throw it. */
  takeError(): StackError | null
  /** @throws StackError `ERR_STACK_BUSY` while a `receive` is pending, `ERR_STACK_INVALID_ARGUMENT`, `ERR_STACK_CLOSED` */
  setHandler(handler: UdpHandler | null): void
  /**
   * Joins a multicast group on a NIC (default: where the route leads), until `leaveGroup` or `close`. As on other systems
   * every socket on the port gets what any of them joined.
   *
   * @throws StackError `EINVAL` (no multicast address), `EADDRINUSE` (joined already), `ENODEV`, `ENOBUFS` (too many groups)
   */
  joinGroup(group: string, options?: { readonly nic?: number | string }): void
  /** @throws StackError `EADDRNOTAVAIL` unless joined */
  leaveGroup(group: string, options?: { readonly nic?: number | string }): void
  /** Connects to another peer, or with null to none (the old registration goes). What is queued stays. Throws as `connect`. */
  reconnect(to: Endpoint | null): void
  /** Changes options; those that decide the registration (`nic`, `reusePort`, `reuseAddress`) are `ERR_STACK_INVALID_OPTION`. */
  configure(options: UdpSocketOptions): void
  readonly statistics: UdpSocketStatistics
  /** Ends it now: queued datagrams go, a pending `receive` resolves with null. Idempotent. */
  close(): void
  /** An open socket keeps the process alive unless `unref` was called. */
  ref(): this
  unref(): this
}

/** `stack.udp` */
export interface Udp {
  /** @throws StackError `EADDRINUSE`, `EADDRNOTAVAIL`, `ENODEV`, `ERR_STACK_INVALID_OPTION`, `ERR_STACK_LIMIT`, `ERR_STACK_CLOSED` */
  bind(options?: BindOptions): UdpSocket
  /** As `bind`, then hears and sends to one peer. Nothing is sent. Throws as `bind`, and as `send` for want of a route. */
  connect(options: UdpConnectOptions): UdpSocket
}

/** What {@link udp} returns. */
export type UdpPlugin = TransportPlugin<'udp', Udp>

/** Options of `udp()`: defaults of sockets. */
export interface UdpOptions extends UdpSocketOptions {
  /** Sockets at most. Default 65,536. */
  readonly maxSockets?: number
}
