import type { RawFactory, RawPlugin } from '@stack/core'

/** A packet that a raw socket got. The bytes are yours. */
export interface RawDatagram {
  /** What follows the network header. */
  readonly data: Uint8Array
  /** The network header with its options. */
  readonly header: Uint8Array
  readonly source: string
  readonly destination: string
  readonly nicId: number
}

/** Options of {@link Raw.open}. */
export interface RawSocketOptions {
  /** Which network protocol: its EtherType, 0x0800 (IPv4, the default) or 0x86dd (IPv6). */
  readonly networkProtocol?: number
  /**
   * Transport protocol number, 0–255. 0 receives every protocol and sends with `headerIncluded` only. The checksum of
   * ICMPv6 (58) is filled in (RFC 3542 §3.1), no other.
   */
  readonly protocol: number
  /** `send` takes whole packets that begin with their network header. Default false. */
  readonly headerIncluded?: boolean
  /** NIC id or name to bind to. */
  readonly nic?: number | string
  /** 0–255; 0, the default, is the network protocol's. Not with `headerIncluded`. */
  readonly ttl?: number
  /** 0–255. Default 0. */
  readonly tos?: number
  /** Bytes of packet memory held for reading; more is dropped and counted. Default 212,992. */
  readonly receiveBuffer?: number
}

/** How raw and packet sockets are read. */
export interface ReadCalls<T> extends AsyncIterable<T>, AsyncDisposable {
  /** The next one; null when closed. One call at a time (`ERR_STACK_BUSY`). Rejects with the signal's reason. */
  receive(options?: { readonly signal?: AbortSignal | undefined }): Promise<T | null>
  /** The next one if there is one. */
  tryReceive(): T | undefined
  /** Called for each, last in a turn; exclusive with `receive` (`ERR_STACK_BUSY`). */
  setHandler(handler: ((datagram: T) => void) | null): void
  /** Dropped because the receive buffer was full. */
  readonly dropped: number
  /** Never rejects. */
  readonly closed: Promise<void>
  /** Ends it now; a pending `receive` resolves with null. Idempotent. An open socket keeps the process alive. */
  close(): void
}

/** A raw socket: packets of one transport protocol beside their normal delivery. */
export interface RawSocket extends ReadCalls<RawDatagram> {
  /**
   * Sends a payload to `host`, or a whole packet when `headerIncluded`: its length and checksum, and an IPv4 id or a
   * source that is zero, are filled in. False = queue or memory full, counted.
   *
   * @throws StackError `EMSGSIZE`, `EHOSTUNREACH`, `ENETUNREACH`, `EAFNOSUPPORT`, `EADDRNOTAVAIL`, `ENETDOWN`, `EINVAL` (a
   * wrong header, or no protocol to send), `ERR_STACK_INVALID_ADDRESS`, `ERR_STACK_INVALID_ARGUMENT`, `ERR_STACK_CLOSED`
   */
  send(data: Uint8Array, host: string): boolean
}

/** A frame or packet that a packet socket got. The bytes are yours. */
export interface PacketDatagram {
  /**
   * From the network header on when the socket is cooked, else from the link header on. On a link without one it is the
   * Ethernet header that the packet would have, with zeros for addresses that are not known.
   */
  readonly data: Uint8Array
  /** EtherType. */
  readonly protocol: number
  /** The sender's link address (own, when outgoing), or null. */
  readonly linkAddress: Uint8Array | null
  readonly nicId: number
  /** This host sends it. */
  readonly outgoing: boolean
}

/** Options of {@link Raw.packet}. */
export interface PacketSocketOptions {
  /** EtherType; default: every protocol (`ALL_PROTOCOLS` of core). */
  readonly protocol?: number
  /** Without link header. Default false. */
  readonly cooked?: boolean
  /** NIC id or name; default: every NIC (then `send` must name one). */
  readonly nic?: number | string
  /** Bytes of packet memory held for reading; more is dropped and counted. Default 212,992. */
  readonly receiveBuffer?: number
}

/** Where a packet socket sends to. */
export interface PacketTarget {
  readonly nic?: number | string
  /** For cooked sockets: link address of the receiver; null = none needed. */
  readonly linkAddress?: Uint8Array | null
  /** For cooked sockets: EtherType. Default: the socket's. */
  readonly protocol?: number
}

/**
 * A packet socket: what a NIC receives, as it is, and what it sends to others. As elsewhere only a socket for every protocol
 * sees what is sent.
 */
export interface PacketSocket extends ReadCalls<PacketDatagram> {
  /**
   * Sends a frame with its Ethernet header, which a link of bare packets does without, or a network packet when cooked.
   * False = queue or memory full, counted.
   *
   * @throws StackError `EINVAL` (shorter than its header; cooked: no protocol, or no link address on Ethernet), `EMSGSIZE`,
   * `ENODEV`, `ENETDOWN`, `ERR_STACK_INVALID_ARGUMENT`, `ERR_STACK_CLOSED`
   */
  send(data: Uint8Array, to?: PacketTarget): boolean
}

/** `stack.raw` */
export interface Raw extends RawFactory {
  /** @throws StackError `EAFNOSUPPORT`, `ENODEV`, `ERR_STACK_INVALID_OPTION`, `ERR_STACK_LIMIT` (4,096 sockets), `ERR_STACK_CLOSED` */
  open(options: RawSocketOptions): RawSocket
  /** @throws StackError `ENODEV`, `ERR_STACK_INVALID_OPTION`, `ERR_STACK_LIMIT`, `ERR_STACK_CLOSED` */
  packet(options?: PacketSocketOptions): PacketSocket
}

/** What {@link raw} returns. */
export type RawSocketsPlugin = RawPlugin<'raw', Raw>
