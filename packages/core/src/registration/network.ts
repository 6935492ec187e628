import type { Packet } from '@stack/buffer'
import type { Address, Prefix } from '../address/address.ts'
import type { Failure } from '../errors/codes.ts'
import type { Dirty, Host, Milliseconds } from './host.ts'
import type { Framing, LinkCapabilities } from './link.ts'
import type { LinkAddressResolver, NeighborTable } from './neighbor.ts'
import type { Route } from './route.ts'
import type { TransportDispatcher } from './transport.ts'
import type { Hooks } from '../hooks/hooks.ts'

/** Life of an address (RFC 4862 §2, RFC 4429 §2.1, RFC 5227). `optimistic` is in use while it is checked. `duplicate` keeps the record so that people can see it. */
export type AddressState = 'tentative' | 'optimistic' | 'assigned' | 'deprecated' | 'duplicate' | 'removed'

/** Names an address record of a network endpoint. @seed NetworkEndpointID */
export interface NetworkEndpointId {
  readonly localAddress: Address
}

/** One address of a NIC: a small record, not an endpoint. */
export interface AddressEndpoint {
  readonly id: NetworkEndpointId
  readonly address: Address
  readonly prefixLength: number
  readonly state: AddressState
  /** Clock ms until which new connections prefer it; Infinity = for ever. */
  readonly preferredUntil: Milliseconds
  /** Clock ms after which it is removed; Infinity = for ever. */
  readonly validUntil: Milliseconds
  /** Made by autoconfiguration or by a person. */
  readonly origin: 'manual' | 'autoconf' | 'dhcp' | 'link'
}

/** How to add an address. */
export interface AddressOptions {
  /** ms from now. Default Infinity. */
  readonly preferredLifetime?: Milliseconds
  /** ms from now. Default Infinity. */
  readonly validLifetime?: Milliseconds
  readonly origin?: AddressEndpoint['origin']
  /** Skip duplicate address detection. Default false; always skipped on loopback links. */
  readonly skipDuplicateDetection?: boolean
  /**
   * Use the address while duplicates are looked for (RFC 4429): what `addNic` and `addAddress` do by default with addresses
   * of origin `manual`. False: never before none was found, not even when the NIC comes up again (RFC 4862 §5.4, RFC 5227
   * §2.1). Else it waits the first time only, and stays in use when it is checked again.
   */
  readonly optimistic?: boolean
}

/** The addresses of one (NIC, network protocol). Made by the NIC for protocols that own addresses; shared with their endpoint. */
export interface AddressTable {
  readonly records: readonly AddressEndpoint[]
  /** The record of exactly this address whatever its state, or null. */
  get(address: Address): AddressEndpoint | null
  /** On the packet path: is (a,b,c,d) an assigned or deprecated address of this table? */
  isLocal(a: number, b: number, c: number, d: number): boolean
  /** On the packet path: local, or in a range that this NIC takes for its own. */
  accepts(a: number, b: number, c: number, d: number): boolean
  /**
   * Does this NIC say on its link that it has the address, which is not assigned? When it is in a range that is no wider than the
   * subnet it is in: others of a subnet may be there themselves.
   */
  claims(address: Address): boolean
  /** Networks all of whose addresses are taken, without being assigned: packets to them are for this host, and it may send from them. */
  readonly ranges: readonly Prefix[]
  addRange(prefix: Prefix): void
  /** False = there was none. */
  removeRange(prefix: Prefix): boolean
  /** True when one of the subnets has this directed broadcast address (IPv4, from interface subnets and never from routes). */
  isSubnetBroadcast(d: number): boolean
  /** Best source among assigned (then deprecated) addresses for `remote`: same subnet first, longest prefix match next. Protocols may override by `NetworkEndpoint.selectSource`. */
  selectSource(remote: Address): Address | null
  add(prefix: Prefix, options?: AddressOptions): AddressEndpoint
  remove(address: Address): boolean
  /** Sets lifetimes anew. */
  setLifetimes(address: Address, preferred: Milliseconds, valid: Milliseconds): void
  /** Verdict of duplicate detection. */
  markAssigned(address: Address): void
  markDuplicate(address: Address, holder: Uint8Array | null): void
}

/** Sends probes for tentative addresses and calls `markAssigned` or `markDuplicate` (RFC 4862 §5.4, RFC 5227 §2.1). Found by presence of `checkDuplicate`. */
export interface DuplicateAddressDetector {
  /** Network protocol whose addresses it checks. */
  readonly duplicateDetectionProtocol: number
  checkDuplicate(address: Address): void
  cancelDuplicateCheck(address: Address): void
  /** An address became assigned (announce it) or went away. */
  addressAssigned?(address: Address): void
  addressRemoved?(address: Address): void
}

/** Joins and leaves groups on its NIC. Found by presence of `joinGroup`. */
export interface GroupAddressableEndpoint {
  joinGroup(group: Address): Failure
  leaveGroup(group: Address): Failure
  isInGroup(group: Address): boolean
}

/** Can forward. Found by presence of `setForwarding`. */
export interface ForwardingEndpoint {
  readonly forwarding: boolean
  setForwarding(on: boolean): void
}

/** Can forward multicast. Found by presence of `setMulticastForwarding`. */
export interface MulticastForwardingEndpoint {
  setMulticastForwarding(on: boolean): void
}

/** What a header needs beside the addresses of the route. A transport keeps one and changes it; it is read during the call only. @seed NetworkHeaderParams */
export interface NetworkHeaderParams {
  /** Transport protocol number. */
  protocol: number
  /** 0 = the endpoint's default. */
  ttl: number
  /** TOS or traffic class, DSCP and ECN. */
  tos: number
  dontFragment: boolean
  flowLabel: number
  /** IPv4 options or IPv6 extension headers as on the wire (padded), or null. */
  options: Uint8Array | null
}

/** Counters that every network endpoint has at least. Protocols add theirs. */
export interface NetworkCounters {
  received: number
  sent: number
}

/** One protocol on one NIC. @seed NetworkEndpoint */
export interface NetworkEndpoint {
  readonly nicId: number
  readonly protocolNumber: number
  readonly defaultTtl: number
  /** Largest transport payload with a bare header, bytes. */
  readonly mtu: number
  readonly capabilities: LinkCapabilities
  /** Link header + largest network header that it writes itself, bytes: the headroom a transport reserves. */
  readonly maxHeaderLength: number
  readonly isEnabled: boolean
  /** The NIC came up: start duplicate detection and the like. */
  enable(): void
  disable(): void
  /** Pushes the header and sends along `route`; takes ownership. */
  writePacket(route: Route, params: NetworkHeaderParams, packet: Packet): Failure
  /** The packet begins with its network header; fills in what raw sockets may leave zero; takes ownership. */
  writeHeaderIncludedPacket(route: Route, packet: Packet): Failure
  /** A packet came in: `packet.start` at the network header. Takes ownership. */
  handlePacket(packet: Packet): void
  close(): void
  readonly statistics: object
  /** Present on addressable endpoints. */
  readonly addresses?: AddressTable
  /** Overrides the table's source selection (RFC 6724). */
  selectSource?(remote: Address): Address | null
  /** Neighbour unreachability said that `address` is gone (for redirect and router state). */
  neighborChanged?(address: Address): void
  /**
   * The next hop of a packet that was forwarded did not answer: the protocol tells the sender (RFC 1812 §5.2.7.1). Headers
   * are forgotten, `packet.start` is at the network header. Takes ownership. Absent = dropped silently.
   */
  handleUnreachable?(packet: Packet): void
}

/** What {@link NetworkProtocol.parse} found. */
export interface ParseResult {
  ok: boolean
  transportProtocol: number
  hasTransportHeader: boolean
}

/** A network protocol of the stack. @seed NetworkProtocol */
export interface NetworkProtocol {
  /** EtherType. */
  readonly number: number
  readonly name: string
  /** Shorter packets are dropped and counted by the NIC. */
  readonly minimumPacketSize: number
  /** Prefix length of an address given without one. */
  readonly defaultPrefixLength: number
  /** Does the address belong to this protocol? Absent on protocols without addresses of their own, such as ARP. */
  ownsAddress?(address: Address): boolean
  /** Fills the packet's address words from the header at `packet.start`; false when it is too short. @seed NetworkProtocol.ParseAddresses */
  parseAddresses(packet: Packet): boolean
  /** Reads a text form; null when it is not one of this protocol's. No zone, no prefix length. */
  parseAddress(text: string): Address | null
  formatAddress(address: Address): string
  /** The unspecified address of the family, for wildcard binds. */
  readonly anyAddress?: Address
  isMulticast?(address: Address): boolean
  isLinkLocal?(address: Address): boolean
  /** Addresses of the stack itself on any NIC (127/8, ::1). */
  isLoopback?(address: Address): boolean
  newEndpoint(nic: NetworkInterface, dispatcher: TransportDispatcher): NetworkEndpoint
  /** Consumes the network header and marks where the transport header is, without acting on it (capture, packet sockets, looped packets). @seed NetworkProtocol.Parse */
  parse(packet: Packet, result: ParseResult): boolean
  close(): void
  readonly closed: Promise<void>
}

/** Who sends in turn with others: see {@link NetworkInterface.awaitTurn}. */
export interface TurnTaker extends Dirty {
  /** Its turn begins: it may send `bytes` before it stands in line again. */
  takeTurn(bytes: number): void
}

/** The NIC as its network endpoints see it. */
export interface NetworkInterface {
  readonly id: number
  readonly name: string
  readonly host: Host
  readonly hooks: Hooks
  readonly mtu: number
  readonly framing: Framing
  readonly capabilities: LinkCapabilities
  readonly linkAddress: Uint8Array | null
  readonly linkHeaderLength: number
  readonly arpHardwareType: number
  readonly isLoopback: boolean
  readonly isEnabled: boolean
  /** Accepts packets to any address (promiscuous at network level). */
  readonly promiscuous: boolean
  /** May send from any address. */
  readonly spoofing: boolean
  /** The table shared with the endpoint of an addressable protocol; made on first use. */
  addressTable(protocol: number): AddressTable
  /** Present when an endpoint of this NIC resolves that protocol's addresses. */
  neighborTable(protocol: number): NeighborTable | null
  resolver(protocol: number): LinkAddressResolver | null
  duplicateDetector(protocol: number): DuplicateAddressDetector | null
  networkEndpoint(protocol: number): NetworkEndpoint | null
  /**
   * Sends a finished network packet of `protocol` along `route`: loops it, resolves the next hop, queues, finishes
   * checksums, writes. Takes ownership.
   */
  writePacket(route: Route, protocol: number, packet: Packet): Failure
  /** Sends to a known link address (null on links without), no resolution. Takes ownership. */
  writePacketTo(linkAddress: Uint8Array | null, protocol: number, packet: Packet): Failure
  /**
   * Largest super-packet that may be written now (`packet.gsoType`), bytes with network header; 0 = none. To be asked when
   * sending and not to be kept: it changes with the link. Absent = 0. @seed GSOEndpoint.GSOMaxSize
   */
  readonly gsoMaxSize?: number
  /** The queue to the link has refused a packet, and nothing has left it since: what is written now would be dropped. Absent = false. */
  readonly isFull?: boolean
  /** Marks `endpoint` dirty once when the queue has room again, in the order of asking. For who would only ask again and again. */
  awaitRoom?(endpoint: Dirty): void
  /** Somebody waits to send, or would have to: who has sent much stands in line with `awaitTurn` before sending more. Absent = false. */
  readonly isContended?: boolean
  /**
   * Lets `endpoint` send again when those before it had their turn: calls `takeTurn` and marks it dirty, once. A few have their turn at
   * a time; the next ones when there is nothing else to do, so that what was sent is read before more comes.
   */
  awaitTurn?(endpoint: TurnTaker): void
  /** Puts a packet on the run queue as if it had come in on this NIC. Takes ownership. */
  loopPacket(protocol: number, packet: Packet): void
  /** The stack's routes, for replies, errors and forwarding. */
  findRoute(nicId: number, local: Address | null, remote: Address, protocol: number): Route | Failure
  /** Other NICs for forwarding decisions; null when gone. */
  interfaceOf(nicId: number): NetworkInterface | null
  /** NIC id (or 0) on which the address is assigned; `nicId` 0 = any. @seed LinkAddressCache.CheckLocalAddress */
  checkLocalAddress(nicId: number, protocol: number, address: Address): number
  setPromiscuous(on: boolean): void
}
