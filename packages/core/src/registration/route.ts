import type { Address } from '../address/address.ts'
import type { NetworkEndpoint, NetworkInterface } from './network.ts'
import type { Neighbor } from './neighbor.ts'

/** Where a written packet goes: out, back in, or both (broadcast and own multicast). @seed PacketLooping */
export const PacketLooping = { Out: 1, Loop: 2, Both: 3 } as const
export type PacketLooping = (typeof PacketLooping)[keyof typeof PacketLooping]

/** A way to a destination. Immutable, for sending only; asked for anew when `generation` is not the stack's any more. */
export interface Route {
  readonly nic: NetworkInterface
  readonly endpoint: NetworkEndpoint
  readonly protocol: number
  readonly localAddress: Address
  readonly remoteAddress: Address
  /** The gateway, or the remote address itself when on-link. */
  readonly nextHop: Address
  /** Null where no resolution is needed (links without addresses, broadcast, multicast, loop). */
  readonly neighbor: Neighbor | null
  /** Link address that needs no resolution (broadcast, multicast), else null. */
  readonly staticLinkAddress: Uint8Array | null
  readonly loop: PacketLooping
  /** Bytes with network header: the least of link, route entry and what the path told (PMTU). */
  readonly mtu: number
  /** Cap on TCP's MSS in both directions, bytes; 0 = none. */
  readonly mss: number
  readonly isBroadcast: boolean
  readonly isMulticast: boolean
  /** Generation of the stack's routing state when it was made. */
  readonly generation: number
}

/** A row of the routing table. */
export interface RouteEntry {
  /** `'10.0.0.0/8'`, `'default'`, `'::/0'`. */
  readonly destination: string
  /** Next hop; absent = on-link. */
  readonly gateway?: string
  /** NIC id or name; may be left out when the gateway is on-link on one NIC. */
  readonly nic?: number | string
  /** Preferred source address. */
  readonly source?: string
  /** Bytes; caps the link's. */
  readonly mtu?: number
  /** Caps the MSS that TCP announces and sends along the route, bytes, 28–65,495: for paths that lose what is larger. Default: `mtu` alone. */
  readonly mss?: number
  /** Lower wins among equal prefixes. Default 0. */
  readonly metric?: number
}
