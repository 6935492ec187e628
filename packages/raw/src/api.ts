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
  /** Transport protocol number, 0–255. 0 receives every protocol and sends with `headerIncluded` only. */
  readonly protocol: number
  /** `send` takes whole packets that begin with their network header. Default false. */
  readonly headerIncluded?: boolean
  /** NIC id or name to bind to. */
  readonly nic?: number | string
  readonly ttl?: number
  readonly tos?: number
  /** Bytes of packet memory held for reading; more is dropped and counted. Default 212,992. */
  readonly receiveBuffer?: number
}

interface ReadCalls<T> extends AsyncIterable<T> {
  /** The next one; null when closed. One call at a time (`ERR_STACK_BUSY`). */
  receive(options?: { readonly signal?: AbortSignal }): Promise<T | null>
  tryReceive(): T | undefined
  /** Called for each, last in a turn; exclusive with `receive`. */
  setHandler(handler: ((datagram: T) => void) | null): void
  /** Dropped because the receive buffer was full. */
  readonly dropped: number
  readonly closed: Promise<void>
  close(): void
}

/** A raw socket: packets of one transport protocol beside their normal delivery. */
export interface RawSocket extends ReadCalls<RawDatagram> {
  /**
   * Sends a payload to `host`, or a whole packet when `headerIncluded`. False = queue or memory full, counted.
   * Throws `EMSGSIZE`, `EHOSTUNREACH`, `EINVAL`, `ERR_STACK_CLOSED`.
   */
  send(data: Uint8Array, host: string): boolean
}

/** A frame or packet that a packet socket got. The bytes are yours. */
export interface PacketDatagram {
  /** From the network header on, or from the link header on when the socket is not cooked and the link has one. */
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
  /** EtherType; default: every protocol. */
  readonly protocol?: number
  /** Without link header. Default false. */
  readonly cooked?: boolean
  /** NIC id or name; default: every NIC (then `send` must name one). */
  readonly nic?: number | string
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

/** A packet socket: what a NIC receives and sends, as it is. */
export interface PacketSocket extends ReadCalls<PacketDatagram> {
  /** Sends a frame with its link header, or a network packet when cooked. False = queue or memory full. */
  send(data: Uint8Array, to?: PacketTarget): boolean
}

/** `stack.raw` */
export interface Raw extends RawFactory {
  open(options: RawSocketOptions): RawSocket
  packet(options?: PacketSocketOptions): PacketSocket
}

export type RawSocketsPlugin = RawPlugin<'raw', Raw>
