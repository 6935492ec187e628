import type { Packet } from '@stack/buffer'
import { createGroupMembership } from '@stack/ip-common'
import type { GroupMembership } from '@stack/ip-common'
import type {
  Address, AddressTable, Failure, ForwardingEndpoint, GroupAddressableEndpoint, HookContinuation, LinkCapabilities, NetworkEndpoint, NetworkHeaderParams, NetworkInterface,
  Route, TransportDispatcher,
} from '@stack/core'
import type { Ipv4Context } from './context.ts'
import { icmpv4Counters, ipv4Counters } from './counters.ts'
import type { Icmpv4Counters, Ipv4Counters } from './counters.ts'
import { handleUnreachable, resumeForward } from './forward.ts'
import { deliver, receive, resumePrerouting } from './receive.ts'
import { resumeOutput, resumePostrouting, send, sendHeaderIncluded } from './send.ts'
import { IPV4_PROTOCOL } from './numbers.ts'
import { ALL_HOSTS, isMulticast } from './scope.ts'
import { IPV4_MAX_HEADER, IPV4_MIN_HEADER } from './wire/header.ts'

/** Where packets that a hook took go on when they come back; one function each, made once. */
interface Resumptions {
  readonly prerouting: HookContinuation
  readonly input: HookContinuation
  readonly forward: HookContinuation
  readonly output: HookContinuation
  readonly postrouting: HookContinuation
}

/** IPv4 on one NIC. What it does is in receive.ts, send.ts, forward.ts and icmp-*.ts. */
export class Ipv4Endpoint implements NetworkEndpoint, GroupAddressableEndpoint, ForwardingEndpoint {
  readonly nic: NetworkInterface
  readonly dispatcher: TransportDispatcher
  readonly context: Ipv4Context
  readonly addresses: AddressTable
  readonly groups: GroupMembership
  readonly statistics: Ipv4Counters = ipv4Counters()
  readonly icmp: Icmpv4Counters = icmpv4Counters()
  readonly resume: Resumptions
  readonly protocolNumber: number = IPV4_PROTOCOL
  readonly nicId: number
  isEnabled = false
  forwarding: boolean
  readonly #closed: (endpoint: Ipv4Endpoint) => void

  constructor(context: Ipv4Context, nic: NetworkInterface, dispatcher: TransportDispatcher, closed: (endpoint: Ipv4Endpoint) => void) {
    this.context = context
    this.nic = nic
    this.nicId = nic.id
    this.dispatcher = dispatcher
    this.addresses = nic.addressTable(IPV4_PROTOCOL)
    this.groups = createGroupMembership(context.settings.maxGroups)
    this.forwarding = context.settings.forwarding
    this.#closed = closed
    this.resume = {
      prerouting: (packet) => resumePrerouting(this, packet),
      input: (packet) => deliver(this, packet),
      forward: (packet) => resumeForward(this, packet),
      output: (packet) => resumeOutput(this, packet),
      postrouting: (packet) => resumePostrouting(this, packet),
    }
  }

  get defaultTtl(): number {
    return this.context.settings.defaultTtl
  }

  get mtu(): number {
    return this.nic.mtu - IPV4_MIN_HEADER
  }

  get capabilities(): LinkCapabilities {
    return this.nic.capabilities
  }

  get maxHeaderLength(): number {
    return this.nic.linkHeaderLength + IPV4_MAX_HEADER
  }

  enable(): void {
    this.isEnabled = true
  }

  disable(): void {
    this.isEnabled = false
  }

  handlePacket(packet: Packet): void {
    receive(this, packet)
  }

  writePacket(route: Route, params: NetworkHeaderParams, packet: Packet): Failure {
    return send(this, route, params, packet)
  }

  writeHeaderIncludedPacket(route: Route, packet: Packet): Failure {
    return sendHeaderIncluded(this, route, packet)
  }

  joinGroup(group: Address): Failure {
    if (!isMulticast(group.d)) return 'EINVAL'
    return this.groups.join(group) === 'full' ? 'ENOBUFS' : null
  }

  leaveGroup(group: Address): Failure {
    return this.groups.leave(group) === 'absent' ? 'EADDRNOTAVAIL' : null
  }

  isInGroup(group: Address): boolean {
    return this.isGroupMember(group.d)
  }

  isGroupMember(word: number): boolean {
    return word === ALL_HOSTS || (this.groups.size > 0 && this.groups.has(0, 0, 0xffff, word))
  }

  setForwarding(on: boolean): void {
    this.forwarding = on
  }

  handleUnreachable(packet: Packet): void {
    handleUnreachable(this, packet)
  }

  close(): void {
    this.isEnabled = false
    this.#closed(this)
  }
}
