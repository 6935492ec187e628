import type { StackError, TransportPlugin } from '@stack/core'

/** One end as text. */
export interface Endpoint { readonly host: string; readonly port: number }

/** A received datagram. `data` is a copy you own. */
export interface Datagram {
  readonly data: Uint8Array
  readonly remote: Endpoint
  readonly local: Endpoint
  /** NIC it came in on. */
  readonly nicId: number
  readonly ttl: number
  readonly tos: number
}

/** Options of one socket. */
export interface UdpSocketOptions {
  /** Bytes of datagrams held for reading; more are dropped and counted. Default 212,992. */
  readonly receiveBuffer?: number
  /** May send to broadcast addresses. Default false (`EACCES`). */
  readonly broadcast?: boolean
  readonly ttl?: number
  readonly tos?: number
  /** Hop limit of multicast. Default 1. */
  readonly multicastTtl?: number
  /** Own multicast comes back to this host. Default true. */
  readonly multicastLoop?: boolean
  readonly reusePort?: boolean
  readonly reuseAddress?: boolean
  /** NIC id or name to bind to. */
  readonly nic?: number | string
}

export interface BindOptions extends UdpSocketOptions {
  /** 0 or absent = an ephemeral one. */
  readonly port?: number
  /** Default: every address of both families. */
  readonly host?: string
}

export interface UdpConnectOptions extends BindOptionsLocal {
  readonly host: string
  readonly port: number
}

export interface BindOptionsLocal extends UdpSocketOptions { readonly localHost?: string; readonly localPort?: number }

/** Callbacks for adapters; exclusive with `receive` and iteration. */
export interface UdpHandler {
  /** Called per datagram, last in a turn. `data` is valid during the call only: copy what you keep. */
  datagram?(data: Uint8Array, remote: Endpoint, info: Datagram): void
  /** An ICMP error arrived for a connected socket, or the socket was closed with a reason. */
  error?(error: StackError): void
  /** There is room to send again. */
  writable?(): void
}

/** A UDP socket. */
export interface UdpSocket extends AsyncIterable<Datagram> {
  readonly local: Endpoint
  readonly remote: Endpoint | null
  readonly closed: Promise<void>
  /**
   * Queues one datagram; false = queue or memory full, counted, nothing sent. `to` is required unless connected.
   * Throws for what is wrong with the call (`EMSGSIZE`, `EINVAL` for port 0, `EACCES`, `EHOSTUNREACH`, `ERR_STACK_CLOSED`) and once for a pending ICMP error of a connected socket.
   */
  send(data: Uint8Array, to?: Endpoint): boolean
  /** The next datagram; null when closed. One at a time (`ERR_STACK_BUSY`). */
  receive(options?: { readonly signal?: AbortSignal }): Promise<Datagram | null>
  tryReceive(): Datagram | undefined
  setHandler(handler: UdpHandler | null): void
  /** Joins a multicast group on a NIC (default: where the route leads). */
  joinGroup(group: string, options?: { readonly nic?: number | string }): void
  leaveGroup(group: string, options?: { readonly nic?: number | string }): void
  /** Connects to another peer, or with null to none (the old registration goes). */
  reconnect(to: Endpoint | null): void
  configure(options: UdpSocketOptions): void
  readonly statistics: Readonly<Record<string, number>>
  close(): void
  ref(): this
  unref(): this
}

/** `stack.udp` */
export interface Udp {
  bind(options?: BindOptions): UdpSocket
  connect(options: UdpConnectOptions): UdpSocket
}

export type UdpPlugin = TransportPlugin<'udp', Udp>

/** Options of `udp()`: defaults of sockets. */
export interface UdpOptions extends UdpSocketOptions {
  /** Sockets at most. Default 65,536. */
  readonly maxSockets?: number
}
