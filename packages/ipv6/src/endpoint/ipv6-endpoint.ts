import type { Packet } from '@stack/buffer'
import { address } from '@stack/core'
import type {
  Address, AddressTable, DuplicateAddressDetector, Failure, ForwardingEndpoint, GroupAddressableEndpoint, LinkAddressResolver,
  LinkCapabilities, NetworkEndpoint, NetworkHeaderParams, NetworkInterface, Route, TransportDispatcher,
} from '@stack/core'
import { createGroupMembership } from '@stack/ip-common'
import { eui64, linkLocalAddress, stableIdentifier } from '../address/interface-identifier.ts'
import { isMulticastWord, multicastLinkAddress } from '../address/scope.ts'
import { createErrorSender } from '../icmp/errors.ts'
import type { ErrorSender } from '../icmp/errors.ts'
import { createIcmpReceiver } from '../icmp/receiver.ts'
import { createDuplicateDetection } from '../ndp/duplicate-detection.ts'
import type { DuplicateDetection } from '../ndp/duplicate-detection.ts'
import { createNeighborDiscovery } from '../ndp/neighbor-discovery.ts'
import type { NeighborDiscovery } from '../ndp/neighbor-discovery.ts'
import { newCounters } from '../statistics.ts'
import type { Ipv6Counters } from '../statistics.ts'
import { IPV6_ETHERTYPE, IPV6_HEADER_LENGTH, IPV6_MINIMUM_MTU } from '../wire/header.ts'
import { Icmpv6Type, TimeExceededCode, UnreachableCode } from '../wire/icmpv6.ts'
import type { EndpointContext, Shared } from './context.ts'
import { createForwarder } from './forwarder.ts'
import { createInput } from './input.ts'
import type { Input } from './input.ts'
import { createOutput } from './output.ts'
import type { Output } from './output.ts'
import { selectSource } from './select-source.ts'

/** IDGEN_RETRIES of RFC 7217 §7. */
const IDENTIFIER_RETRIES = 3
/** Room for a header with a few extension headers; a larger one moves the packet. */
const EXTENSION_ROOM = 24

/** IPv6 on one NIC: resolver and duplicate detector for itself. */
export class Ipv6Endpoint
  implements NetworkEndpoint, LinkAddressResolver, DuplicateAddressDetector, GroupAddressableEndpoint, ForwardingEndpoint
{
  readonly nicId: number
  readonly protocolNumber: number = IPV6_ETHERTYPE
  readonly linkAddressProtocol: number = IPV6_ETHERTYPE
  readonly duplicateDetectionProtocol: number = IPV6_ETHERTYPE
  readonly statistics: Ipv6Counters = newCounters()
  readonly addresses: AddressTable
  isEnabled = false
  private readonly nic: NetworkInterface
  private readonly shared: Shared
  private readonly context: EndpointContext
  private readonly output: Output
  private readonly input: Input
  private readonly errors: ErrorSender
  private readonly ndp: NeighborDiscovery
  private readonly detection: DuplicateDetection
  private readonly closed: () => void
  private linkLocal: Address | null = null
  private identifierRetries = 0

  constructor(shared: Shared, nic: NetworkInterface, dispatcher: TransportDispatcher, closed: () => void) {
    this.nicId = nic.id
    this.nic = nic
    this.shared = shared
    this.closed = closed
    this.addresses = nic.addressTable(IPV6_ETHERTYPE)
    const context: EndpointContext = {
      shared, nic, dispatcher, addresses: this.addresses, groups: createGroupMembership(), counters: this.statistics,
    }
    this.context = context
    this.output = createOutput(context)
    this.errors = createErrorSender(context, this.output)
    this.ndp = createNeighborDiscovery(context, this.output, () => this.detection)
    this.detection = createDuplicateDetection(
      context,
      (target, nonce) => this.ndp.probe(target, nonce),
      (failed) => this.duplicateFound(failed),
    )
    this.input = createInput(context, {
      errors: this.errors,
      icmp: createIcmpReceiver(context, this.output, this.ndp),
      forwarder: createForwarder(context, this.output, this.errors),
    })
  }

  get defaultTtl(): number {
    return this.shared.settings.defaultHopLimit
  }

  get mtu(): number {
    return this.nic.mtu - IPV6_HEADER_LENGTH
  }

  get capabilities(): LinkCapabilities {
    return this.nic.capabilities
  }

  get maxHeaderLength(): number {
    return this.nic.linkHeaderLength + IPV6_HEADER_LENGTH + EXTENSION_ROOM
  }

  // --- life ---

  enable(): void {
    if (this.isEnabled) return
    this.isEnabled = true
    this.detection.restart()
    // RFC 8200 §5
    if (this.nic.mtu < IPV6_MINIMUM_MTU) {
      this.shared.host.log.warn(`${this.nic.name}: MTU ${this.nic.mtu} is below the ${IPV6_MINIMUM_MTU} bytes that IPv6 asks of a link; large packets of peers will be lost.`)
    }
    this.identifierRetries = 0
    this.addLinkLocal()
  }

  disable(): void {
    this.isEnabled = false
    this.detection.cancelAll()
  }

  close(): void {
    this.disable()
    this.closed()
  }

  /** RFC 4862 §5.3: every interface has a link-local address. */
  private addLinkLocal(): void {
    const { nic, shared } = this
    const mode = shared.settings.linkLocal
    if (mode === false || nic.isLoopback) return
    const own = nic.linkAddress
    const id =
      mode === 'eui64' && own?.length === 6
        ? eui64(own)
        : stableIdentifier(shared.identifiers, address(0xfe800000, 0, 0, 0), nic.name, this.identifierRetries)
    const next = linkLocalAddress(id, nic.id)
    const known = this.addresses.get(next)
    // A new link address brings a new one; the old one goes.
    if (known === null && this.linkLocal !== null) this.addresses.remove(this.linkLocal)
    this.linkLocal = next
    if (known === null) this.addresses.add({ address: next, length: 64 }, { origin: 'link' })
  }

  /** RFC 7217 §6: a stable identifier has successors; one made from a link address has none (RFC 4862 §5.4.5). */
  private duplicateFound(failed: Address): void {
    const { host, settings } = this.shared
    host.log.warn(`${this.nic.name}: ${host.formatAddress(failed)} is in use by another node and stays off.`)
    const isOwn = this.linkLocal !== null && failed.c === this.linkLocal.c && failed.d === this.linkLocal.d && failed.a === this.linkLocal.a
    const isStable = settings.linkLocal === 'stable' || this.nic.linkAddress?.length !== 6
    if (!isOwn || !isStable || this.identifierRetries >= IDENTIFIER_RETRIES) return
    this.identifierRetries++
    this.addLinkLocal()
  }

  // --- packets ---

  handlePacket(packet: Packet): void {
    this.input.handle(packet)
  }

  writePacket(route: Route, params: NetworkHeaderParams, packet: Packet): Failure {
    return this.output.write(route, params, packet)
  }

  writeHeaderIncludedPacket(route: Route, packet: Packet): Failure {
    return this.output.writeHeaderIncluded(route, packet)
  }

  selectSource(remote: Address): Address | null {
    return selectSource(this.addresses.records, remote)
  }

  /** The next hop of a forwarded packet did not answer (RFC 4443 §3.1). `packet.start` at its network header; takes ownership. */
  handleUnreachable(packet: Packet): void {
    this.errors.send(packet, Icmpv6Type.DestinationUnreachable, UnreachableCode.Address, 0)
    packet.release()
  }

  /** Fragments of a datagram did not all come (RFC 8200 §4.5). Borrows the first. */
  reassemblyTimedOut(first: Packet): void {
    this.errors.send(first, Icmpv6Type.TimeExceeded, TimeExceededCode.Reassembly, 0)
  }

  // --- link addresses ---

  linkAddressRequest(target: Address, local: Address | null, linkAddress: Uint8Array | null): Failure {
    // RFC 4861 §7.2.2: an assigned address, and never "::", which would be a probe.
    const isOurs = local !== null && this.addresses.isLocal(local.a, local.b, local.c, local.d)
    const source = isOurs ? local : this.selectSource(target)
    if (source === null) return 'EADDRNOTAVAIL'
    return this.ndp.solicit(target, source, linkAddress)
  }

  resolveStaticAddress(x: Address): Uint8Array | null {
    return isMulticastWord(x.a) ? multicastLinkAddress(x) : null
  }

  checkDuplicate(x: Address): void {
    this.detection.start(x)
  }

  cancelDuplicateCheck(x: Address): void {
    this.detection.cancel(x)
  }

  // --- groups ---

  joinGroup(group: Address): Failure {
    if (!isMulticastWord(group.a)) return 'EINVAL'
    return this.context.groups.join(group) === 'full' ? 'ENOBUFS' : null
  }

  leaveGroup(group: Address): Failure {
    return this.context.groups.leave(group) === 'absent' ? 'EADDRNOTAVAIL' : null
  }

  isInGroup(group: Address): boolean {
    return this.context.groups.has(group.a, group.b, group.c, group.d)
  }

  // --- forwarding: a property of the stack ---

  get forwarding(): boolean {
    return this.shared.settings.forwarding
  }

  setForwarding(on: boolean): void {
    this.shared.settings.forwarding = on
  }
}
