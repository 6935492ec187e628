import type { Packet } from '@stack/buffer'
import type { Address } from '../address/address.ts'
import type { ErrorCode, Failure } from '../errors/codes.ts'
import type { TransportError } from '../errors/transport-error.ts'
import type { Host } from './host.ts'
import type { PortAllocator } from '../demux/ports.ts'
import type { NetworkProtocol } from './network.ts'
import type { Route } from './route.ts'

/** Local and remote address and port: the name under which an endpoint registers. On the path it is integers in the packet. @seed TransportEndpointID */
export interface TransportEndpointId {
  /** `ANY_ADDRESS` = any of both families, `ANY_MAPPED_ADDRESS` = any IPv4 address. */
  readonly localAddress: Address
  /** Port, or the protocol's own identifier (ICMP echo). */
  readonly localPort: number
  /** Null with port 0 = anybody. */
  readonly remoteAddress: Address | null
  readonly remotePort: number
}

/** A connection or socket as the demultiplexer sees it. @seed TransportEndpoint */
export interface TransportEndpoint {
  /** Unique in the stack. @seed TransportEndpoint.UniqueID */
  readonly uniqueId: number
  /**
   * `handlePacket` takes TCP segments that the NIC has merged: the first as it came, the others behind it through
   * `packet.chain`, in order, each with only its text. Absent = they come one by one.
   */
  readonly takesChains?: boolean
  /** A packet for `id` (the registration that matched); takes ownership; `packet.start` is at the transport header, which it consumes. */
  handlePacket(id: TransportEndpointId, packet: Packet): void
  /**
   * About a packet that this endpoint is said to have sent, from the local to the remote end of `id`: `packet` starts at
   * the quoted transport header; borrowed, not owned. Anybody can forge an ICMP error, so the endpoint checks what is
   * quoted (RFC 5927 §4), and it alone tells the stack a path MTU: {@link TransportHost.updatePathMtu}.
   *
   * @seed TransportEndpoint.HandleControlPacket
   */
  handleError(id: TransportEndpointId, error: TransportError, packet: Packet): void
  /** Ends it now; may finish asynchronously. `code` = why, for calls that wait; absent = the application wanted it. */
  abort(code?: ErrorCode): void
  /** Already resolved if nothing was ever started. Never rejects. */
  readonly closed: Promise<void>
  /** State for a snapshot, for those who can (capability saveRestore). */
  snapshot?(): unknown
  restore?(state: unknown): void
}

/** Gets clones beside normal delivery. @seed RawTransportEndpoint */
export interface RawTransportEndpoint {
  /** `packet` has its network header set (`networkHeader`) and `start` at the transport header. Takes ownership. */
  handlePacket(packet: Packet): void
  /**
   * An error about a packet of its protocols, from `local` to `remote`; borrowed. True = this endpoint sent such a packet
   * and believes it.
   */
  handleError?(local: Address, remote: Address, error: TransportError, packet: Packet): boolean
}

/** A packet socket. @seed PacketEndpoint */
export interface PacketEndpoint {
  /**
   * `packet` is immutable and a clone of its own: takes ownership. `start` is at the network header; the link header,
   * when there was one, is at `linkHeader`. `linkAddress` is the sender's (or own, when outgoing), null when unknown.
   */
  handlePacket(nicId: number, linkAddress: Uint8Array | null, protocol: number, packet: Packet): void
}

/** What became of a packet that no endpoint took. */
export type UnknownDestinationDisposition = 'handled' | 'malformed' | 'unhandled'

/** What became of a delivered packet; the network layer alone answers with ICMP. */
export type DeliveryDisposition = 'handled' | 'protocolUnreachable' | 'portUnreachable'

/** A transport protocol. @seed TransportProtocol */
export interface TransportProtocol {
  /** IP protocol number. */
  readonly number: number
  readonly name: string
  /** Shorter transport packets are dropped and counted by the stack. */
  readonly minimumPacketSize: number
  /**
   * An unbound endpoint of a network protocol. A protocol whose endpoints are what they are bound to, as TCP's connections and
   * listeners, throws `ERR_STACK_NOT_SUPPORTED`; nothing in core calls this. @seed TransportProtocol.NewEndpoint
   */
  newEndpoint(networkProtocol: number): TransportEndpoint
  /** Raw endpoint of this protocol; absent = not offered. @seed TransportProtocol.NewRawEndpoint */
  newRawEndpoint?(networkProtocol: number): RawTransportEndpoint
  /** Sets `sourcePort`, `destinationPort` from the header at `packet.start`; false = malformed. @seed TransportProtocol.ParsePorts */
  parsePorts(packet: Packet): boolean
  /** Marks the transport header without acting on it. */
  parse(packet: Packet): boolean
  /** Nobody is registered for the packet's tuple: TCP answers RST. Borrowed: the stack releases it. @seed TransportProtocol.HandleUnknownDestinationPacket */
  handleUnknownDestinationPacket(id: TransportEndpointId, packet: Packet): UnknownDestinationDisposition
  close(): void
  readonly closed: Promise<void>
}

/** Up from a network endpoint. @seed TransportDispatcher */
export interface TransportDispatcher {
  /** `start` at the transport header, address words filled in. Takes ownership unless the answer is an unreachable, when the packet stays the caller's. */
  deliverTransportPacket(protocol: number, packet: Packet): DeliveryDisposition
  /**
   * Clones for raw sockets of a packet that the network layer acts on itself and no transport gets: ICMP errors, neighbour
   * discovery. Borrowed; `start` at the transport header. What goes to `deliverTransportPacket` is shown to them there.
   */
  deliverRawPacket(protocol: number, packet: Packet): void
  /** An ICMP error about a packet from `local` to `remote`; `packet.start` at the quoted transport header; borrowed. */
  deliverTransportError(
    local: Address,
    remote: Address,
    networkProtocol: number,
    transportProtocol: number,
    error: TransportError,
    packet: Packet,
  ): void
}

/** Gets what no endpoint is registered for: forwarders. True = it took the packet (and owns it). */
export type DefaultHandler = (id: TransportEndpointId, packet: Packet) => boolean

/** How to register. */
export interface RegisterOptions {
  /** NIC the socket is bound to; 0 = any. */
  readonly nicId?: number
  /** Several endpoints share a wildcard or exact id: hashed by flow (RFC-less, Linux SO_REUSEPORT). All members must say so. */
  readonly reusePort?: boolean
  /** Datagram delivery of broadcast and multicast to every matching endpoint. */
  readonly fanOut?: boolean
}

/** One registration with the demultiplexer. */
export interface Registration {
  readonly id: TransportEndpointId
  readonly active: boolean
  /** Idempotent. */
  remove(): void
}

/** Exact tuple → wildcards → default handler, on the packet's integers. */
export interface TransportRegistry {
  /** `EADDRINUSE` when the id is taken. */
  register(protocol: number, id: TransportEndpointId, endpoint: TransportEndpoint, options?: RegisterOptions): Registration | Failure
  /** Is exactly this id taken? `nicId` as in {@link RegisterOptions}. */
  has(protocol: number, local: Address, localPort: number, remote: Address | null, remotePort: number, nicId: number): boolean
  setDefaultHandler(protocol: number, handler: DefaultHandler | null): void
  /** Registered ids of a protocol, for listings. */
  readonly size: number
}

/** Options of {@link TransportHost.findRoute}. */
export interface FindRouteOptions {
  /** Send own multicast and broadcast back in too. Default true. */
  readonly multicastLoop?: boolean
  /** Allow a source that no NIC owns (forwarders). */
  readonly anySource?: boolean
}

/** What a transport protocol gets. */
export interface TransportHost extends Host {
  registerTransportProtocol(protocol: TransportProtocol): void
  readonly endpoints: TransportRegistry
  readonly ports: PortAllocator
  readonly networkProtocols: readonly NetworkProtocol[]
  /** EtherType of the protocol that owns `address`; 0 = none installed. */
  networkProtocolOf(address: Address): number
  /** Bumped by any change of routes, addresses, NICs or policy: a sender whose route differs asks again. */
  readonly generation: number
  /** A route, or why there is none. `nicId` 0 = any; `local` null = chosen. */
  findRoute(nicId: number, local: Address | null, remote: Address, options?: FindRouteOptions): Route | Failure
  /** NIC id on which the address is assigned, 0 = none. */
  checkLocalAddress(nicId: number, address: Address): number
  /** Is `address` a broadcast address of some interface (255.255.255.255 or directed)? */
  isBroadcast(address: Address): boolean
  isMulticast(address: Address): boolean
  joinGroup(nicId: number, group: Address): Failure
  leaveGroup(nicId: number, group: Address): Failure
  /** Upward reachability hint for the route's neighbour. */
  confirmReachable(route: Route): void
  /** The opposite: what goes along the route brings no answer (RFC 9293 §3.8.3). */
  doubtReachable(route: Route): void
  /**
   * Learns a path MTU (RFC 1191, 8201) from an error that the transport believes: it quotes what is under way (RFC 5927
   * §7). Ignored when not smaller than the one known, below 68 (IPv4) or below 1,280 (IPv6).
   */
  updatePathMtu(local: Address, remote: Address, mtu: number): void
  nextEndpointId(): number
  /** NIC id by id or name; throws `ENODEV`. */
  nicId(nic: number | string): number
}
