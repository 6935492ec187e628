import type { AddressTable, Host, NetworkInterface, SipHash, TransportDispatcher } from '@stack/core'
import type { FragmentIds, GroupMembership, IcmpErrorLimiter, Reassembler } from '@stack/ip-common'
import type { Settings } from '../options.ts'
import type { Ipv6Counters } from '../statistics.ts'
import type { FlowLabels } from './flow-label.ts'

/** What all endpoints of one stack share. */
export interface Shared {
  readonly host: Host
  readonly settings: Settings
  readonly reassembler: Reassembler
  readonly errorLimiter: IcmpErrorLimiter
  readonly fragmentIds: FragmentIds
  readonly flowLabels: FlowLabels
  /** Keyed with the stack's secret: stable interface identifiers. */
  readonly identifiers: SipHash
}

/** What the parts of one endpoint share. */
export interface EndpointContext {
  readonly shared: Shared
  readonly nic: NetworkInterface
  readonly dispatcher: TransportDispatcher
  readonly addresses: AddressTable
  readonly groups: GroupMembership
  readonly counters: Ipv6Counters
}
