import type { Packet } from '@stack/buffer'
import type { Address } from '../address/address.ts'
import type { Failure } from '../errors/codes.ts'
import type { Milliseconds } from './host.ts'

/** RFC 4861 §7.3.2 states, and `failed`, `static` of practice. */
export type NeighborState = 'incomplete' | 'reachable' | 'stale' | 'delay' | 'probe' | 'failed' | 'static'

/** One neighbour. A Route refers to it and reads its link address at each send. */
export interface Neighbor {
  readonly address: Address
  readonly state: NeighborState
  /** Known link address (6 bytes), or null. Replaced, never written in place. */
  readonly linkAddress: Uint8Array | null
  readonly isRouter: boolean
  /** Clock ms of the last state change. */
  readonly updatedAt: Milliseconds
}

/** What a confirmation said (the flags of a Neighbour Advertisement; ARP replies map onto them). */
export interface ConfirmationFlags {
  readonly solicited: boolean
  readonly override: boolean
  readonly isRouter: boolean
}

/**
 * The neighbours of one (NIC, network protocol): RFC 4861 neighbour unreachability detection for ARP and NDP alike.
 * Bounded, observable. @seed LinkAddressCache
 */
export interface NeighborTable {
  readonly size: number
  /** The entry for a next hop, made (idle, `incomplete`) when new. Null when the table is full of entries in use. */
  lookup(address: Address): Neighbor | null
  /**
   * Sends `packet` to `neighbor` through `NetworkInterface.sendResolved` at once if its link address is known, else queues
   * it (256 packets an entry, 64 entries in resolution, oldest dropped) and starts resolution. Takes ownership.
   */
  send(neighbor: Neighbor, packet: Packet): Failure
  /** A request or solicitation from `address` at `linkAddress` was received: create as, or move to, Stale. */
  handleProbe(address: Address, linkAddress: Uint8Array): void
  /** A reply or advertisement was received (RFC 4861 §7.2.5). Never creates an entry. */
  handleConfirmation(address: Address, linkAddress: Uint8Array | null, flags: ConfirmationFlags): void
  /** Something unsolicited (gratuitous ARP, unsolicited NA): may create or refresh as Stale, never Reachable (LESSONS §7). */
  handleUnsolicited(address: Address, linkAddress: Uint8Array): void
  /** Forward progress above (new data acknowledged): the neighbour is reachable (RFC 4861 §7.3.1). */
  confirmReachable(neighbor: Neighbor): void
  /** No progress above: a reachable neighbour is asked again when the next packet goes there (RFC 1122 §3.3.1.4). */
  doubtReachable(neighbor: Neighbor): void
  /** @seed LinkAddressCache.AddLinkAddress */
  addLinkAddress(address: Address, linkAddress: Uint8Array): void
  /** Static entry: never probed, never evicted. */
  addStatic(address: Address, linkAddress: Uint8Array): void
  remove(address: Address): boolean
  /** Resolves: calls back once, from the run queue, with the link address or a failure; returns a cancel. @seed LinkAddressCache.GetLinkAddress */
  getLinkAddress(address: Address, callback: (linkAddress: Uint8Array | null, failure: Failure) => void): () => void
  list(): readonly Neighbor[]
  /** Forgets everything dynamic (carrier lost) and fails what waits. */
  flush(): void
  close(): void
}

/**
 * Turns next hops into link addresses: the ARP endpoint for IPv4, the IPv6 endpoint for itself. Found by presence of
 * `linkAddressRequest`. @seed LinkAddressResolver
 */
export interface LinkAddressResolver {
  /** Network protocol whose addresses it resolves. @seed LinkAddressResolver.LinkAddressProtocol */
  readonly linkAddressProtocol: number
  /** Sends one request for `address`: to `linkAddress` when probing a known neighbour, else to everybody. @seed LinkAddressResolver.LinkAddressRequest */
  linkAddressRequest(address: Address, local: Address | null, linkAddress: Uint8Array | null): Failure
  /** The link address that needs no resolution: broadcast, multicast mapping; null when resolution is needed. @seed LinkAddressResolver.ResolveStaticAddress */
  resolveStaticAddress(address: Address): Uint8Array | null
}

/** RFC 4861 §10 constants of hosts, ms and counts; options of a NIC. */
export interface NeighborOptions {
  /** 30,000 ms; jittered by 0.5–1.5 (RFC 4861 §6.3.2). */
  readonly baseReachableTime?: Milliseconds
  /** 1,000 ms between requests. */
  readonly retransmitTimer?: Milliseconds
  /** 3 broadcast or multicast requests. */
  readonly maxMulticastProbes?: number
  /** 3 unicast requests in Probe. */
  readonly maxUnicastProbes?: number
  /** 5,000 ms in Delay before probing. */
  readonly delayFirstProbeTime?: Milliseconds
  /** 512 entries; the least recently used dynamic idle one is evicted. */
  readonly maxEntries?: number
  /** 256 packets wait for one resolution, oldest dropped. */
  readonly maxQueuedPackets?: number
  /** 64 resolutions hold packets at once. */
  readonly maxPendingResolutions?: number
}
