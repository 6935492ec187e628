import type { Packet, PacketPool } from '@stack/buffer'
import type { Address } from '../address/address.ts'
import type { Hooks } from '../hooks/hooks.ts'
import type { Clock, Counters, Logger, Milliseconds, Random, SecureRandom, TimerWheel } from '../registration/host.ts'
import type { LinkEndpoint } from '../registration/link.ts'
import type { AddressEndpoint, AddressOptions, NetworkInterface } from '../registration/network.ts'
import type { Neighbor, NeighborOptions } from '../registration/neighbor.ts'
import type { Plugin } from '../registration/plugin.ts'
import type { Qdisc } from '../nic/qdisc.ts'
import type { RouteEntry } from '../registration/route.ts'
import type { PacketEndpoint } from '../registration/transport.ts'
import type { Events } from './events.ts'
import type { ApiOf, NameOf } from './installed.ts'

/** Options of `createStack` beside `plugins`. Unknown ones are `ERR_STACK_INVALID_OPTION`. */
export interface StackOptions {
  /** For messages and captures. Default `'stack'`. */
  readonly name?: string
  /** Default: the system clock, one per realm. */
  readonly clock?: Clock
  /** Default: the platform's `crypto`. */
  readonly secureRandom?: SecureRandom
  /** Default: seeded from `secureRandom`. */
  readonly random?: Random
  /** The stack's account on a packet memory, owned by the stack. Default: one on the realm's memory. */
  readonly memory?: PacketPool
  readonly log?: Logger
  /** Gets what user listeners and handlers threw. Default: rethrown from a macrotask, as an uncaught exception. */
  readonly onError?: (error: unknown) => void
}

/** A tap sees every packet of a NIC, link header included where there is one. Borrowed: read it during the call, keep nothing. */
export type CaptureTap = (direction: 'in' | 'out', nicId: number, protocol: number, packet: Packet) => void

/** Sets up a NIC after it is there: DHCP, SLAAC, … */
export interface NicConfigurator {
  readonly name: string
  /** Resolves when the NIC may be used; the signal ends it with the NIC. */
  configure(nic: Nic, stack: StackBase, signal: AbortSignal): Promise<void>
}

/** Options of `addNic`. */
export interface NicOptions {
  /** Default: the link's kind and a number, `tun0`. */
  readonly name?: string
  /** With prefix length (`'10.0.0.2/24'`), else the protocol's default. */
  readonly addresses?: readonly string[]
  /** Adds a default route by this next hop, one a family. */
  readonly gateway?: string | readonly string[]
  readonly configure?: readonly NicConfigurator[]
  /** Default: `fifo()` of 1,000 packets. */
  readonly qdisc?: Qdisc
  readonly neighbors?: NeighborOptions
  /** Accept packets that are not for this host: any link address, any network address. Default false. */
  readonly promiscuous?: boolean
  /** Allow any source address. Default false. */
  readonly spoofing?: boolean
  /** Networks to take for its own, as {@link Nic.addRange} does: `['203.0.113.0/24']`. Default none. */
  readonly ranges?: readonly string[]
  /** Skip duplicate address detection for the addresses given here: usable at once. Default false. */
  readonly skipDuplicateDetection?: boolean
  /**
   * Use the addresses given here while duplicates are looked for (RFC 4429): `addNic` resolves at once, and a duplicate is told
   * by the event `address-changed`. False: wait until none was found, as RFC 5227 §2.1 (4 to 7 s) and RFC 4862 §5.4 (1 to 2 s)
   * have it; then `addNic` rejects with `EADDRINUSE`. Default true.
   */
  readonly optimistic?: boolean
  /** Verify received checksums (unless the link did). Default true. */
  readonly verifyChecksums?: boolean
  /**
   * Transports may build packets of up to 65,536 bytes, which the NIC cuts last thing before a link that cannot. False: each
   * segment goes its way alone, unless the link itself takes super-packets; those that come in by other links are cut all
   * the same. What is on the wire does not differ. Default true. @seed SoftwareGSOMaxSize
   */
  readonly softwareGso?: boolean
  /**
   * Generic receive offload: TCP segments of one flow that come in one batch of the link go up as one packet, as long as they
   * could be cut again exactly. Taps and packet sockets see them as they came, hooks see the first one, with the others as
   * its `chain`. Default true.
   */
  readonly gro?: boolean
  readonly signal?: AbortSignal | undefined
}

/** Counters of a NIC. Packets and bytes sent are those of the wire, whoever cuts what is larger. */
export interface NicCounters extends Counters {
  rxPackets: number
  rxBytes: number
  txPackets: number
  txBytes: number
  /** Segments that went up with the one before, as one packet: of `rxPackets`. */
  rxMerged: number
  /** NIC disabled or carrier lost. */
  dropDisabled: number
  /** Not addressed to this host at link level. */
  dropOtherHost: number
  dropMalformedLinkHeader: number
  /** No endpoint for the EtherType. */
  dropUnknownProtocol: number
  /** Shorter than the protocol's minimum. */
  dropTooShort: number
  /** Qdisc full. */
  dropQueueFull: number
  /** Neighbour resolution queue full. */
  dropNeighborQueueFull: number
  /** Loop queue full. */
  dropLoopFull: number
  /** No packet memory (or quota). */
  dropNoMemory: number
  /** Larger than the link's MTU. */
  dropTooLarge: number
  /** A hook said so; the NIC is the one that it came in by, or the one it was to leave by. Reasons: `hooks` in the stack's statistics. */
  dropHook: number
  /** Checksum or segmentation fields of an outgoing packet that do not fit its bytes, and packets with a chain that a link handed in. */
  dropBadOffload: number
  /** No room or no address for the link header. */
  dropLinkHeader: number
  /** Given to a link that threw, or did not say how many it took. */
  dropLinkFailed: number
}

/** A network interface. */
export interface Nic<L extends LinkEndpoint = LinkEndpoint> extends Events, AsyncDisposable {
  readonly id: number
  readonly name: string
  readonly link: L
  readonly mtu: number
  readonly isUp: boolean
  /** Text of the link address, `02:00:00:00:00:01`, or null. */
  readonly linkAddress: string | null
  readonly addresses: readonly { readonly address: string; readonly prefixLength: number; readonly state: AddressEndpoint['state'] }[]
  readonly statistics: Readonly<NicCounters>
  /**
   * `'10.0.0.2/24'`. Resolves when the address is usable: at once unless `optimistic` is false; then it rejects with `EADDRINUSE`
   * when the address is a duplicate.
   */
  addAddress(text: string, options?: AddressOptions & { readonly signal?: AbortSignal | undefined }): Promise<void>
  removeAddress(text: string): boolean
  /**
   * Takes every address of a network (`'203.0.113.0/24'`, `'0.0.0.0/0'`) for this host's, without assigning any: packets that
   * come in by this NIC to one of them are delivered here, and wildcard listeners and forwarders answer from them. What this host sends
   * to them goes along its routes as before. Who asks for them by ARP or neighbour
   * discovery is answered, unless they are in a subnet of the NIC that is narrower, whose hosts speak for themselves. At most 256 a
   * family.
   *
   * @throws StackError `ERR_STACK_INVALID_ADDRESS`, `ERR_STACK_LIMIT`
   */
  addRange(network: string): void
  /** False = it was not taken. */
  removeRange(network: string): boolean
  /** Networks that are taken. */
  readonly ranges: readonly string[]
  up(): void
  down(): void
  setMtu(mtu: number): void
  setPromiscuous(on: boolean): void
  setSpoofing(on: boolean): void
  readonly neighbors: {
    list(): readonly { readonly address: string; readonly linkAddress: string | null; readonly state: Neighbor['state'] }[]
    addStatic(address: string, linkAddress: string): void
    remove(address: string): boolean
    /** Resolves to the link address or rejects `EHOSTDOWN`. */
    resolve(address: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<string>
    flush(): void
  }
  /** See every packet; returns the removal. */
  tap(tap: CaptureTap): () => void
  /** Detaches and closes the link, removes addresses and routes, fails what waits. Idempotent. */
  remove(): Promise<void>
  /** The face that network endpoints see: for authors of protocols. */
  readonly networkInterface: NetworkInterface
}

/** The routing table at the API. */
export interface Routes {
  add(entry: RouteEntry): void
  /** Removes rows that agree in every field given; returns how many. */
  remove(entry: RouteEntry): number
  list(): readonly Required<Pick<RouteEntry, 'destination' | 'metric'>>[] & readonly RouteEntry[]
  /** Which way a packet would go; null = none. */
  lookup(host: string, options?: { readonly from?: string }): { readonly nic: number; readonly source: string; readonly nextHop: string; readonly mtu: number } | null
}

/** What every stack has, whatever is installed. */
export interface StackBase extends Events, AsyncDisposable {
  readonly name: string
  readonly nics: readonly Nic[]
  readonly routes: Routes
  readonly hooks: Hooks
  readonly clock: Clock
  readonly memory: PacketPool
  /**
   * The stack's timers: `armed` counts those that wait. Timers of links are not among them, because a link may outlive its
   * stack; what links hold counts in `memory` until it is delivered, and they let go of it when they are detached.
   */
  readonly timers: TimerWheel
  /** Bumped by any change of routes, addresses, NICs or policy. */
  readonly generation: number
  /** For dynamic code: the API of an installed plugin. */
  find<P extends Plugin<any, string, any, any>>(name: NameOf<P>): ApiOf<P> | undefined // eslint-disable-line @typescript-eslint/no-explicit-any -- variance
  /** Opens the link, attaches it, adds addresses. After a failure nothing is left behind. */
  addNic<const L extends LinkEndpoint>(link: L, options?: NicOptions): Promise<Nic<L>>
  nic(nameOrId: string | number): Nic | undefined
  /** A nested snapshot of every counter, with sums. */
  statistics(): StackStatistics
  /** Reads an address of any installed protocol; throws `ERR_STACK_INVALID_ADDRESS`. */
  parseAddress(text: string): Address
  formatAddress(address: Address): string
  /** NIC id on which the address is assigned, 0 = none. `nicId` 0 = any. @seed LinkAddressCache.CheckLocalAddress */
  checkLocalAddress(nicId: number, address: string): number
  registerPacketEndpoint(nicId: number, networkProtocol: number, endpoint: PacketEndpoint): () => void
  /** Let the process end although this stack has something open. */
  unref(): this
  ref(): this
  readonly isClosed: boolean
  /** Stops accepting, sends FINs, waits up to `timeout` ms (default 5,000, the stack's clock), then resets what is left. */
  close(options?: { readonly timeout?: Milliseconds }): Promise<void>
  /** Ends everything now; every pending call settles. */
  destroy(): void
}

/** One snapshot. Counters are summed from endpoints to NIC to stack. */
export interface StackStatistics {
  readonly nics: Readonly<Record<string, Readonly<Counters>>>
  readonly protocols: Readonly<Record<string, Readonly<Counters>>>
  readonly totals: Readonly<Counters>
}
