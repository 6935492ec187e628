import { PacketFlag, type Packet } from '@stack/buffer'
import { formatAddressText } from '../stack/address-text.ts'
import type { StackContext } from '../stack/context.ts'
import type { NicCounters, NicOptions } from '../stack/types.ts'
import { networkOf, sameAddress, type Address, type Prefix } from '../address/address.ts'
import type { Failure } from '../errors/codes.ts'
import type { Hooks } from '../hooks/hooks.ts'
import type { Dirty, Host } from '../registration/host.ts'
import type { Framing, LinkCapabilities, LinkEndpoint } from '../registration/link.ts'
import type { LinkAddressResolver, Neighbor, NeighborTable } from '../registration/neighbor.ts'
import type {
  AddressEndpoint, AddressTable, DuplicateAddressDetector, GroupAddressableEndpoint, NetworkEndpoint, NetworkInterface,
  NetworkProtocol, ParseResult, TurnTaker,
} from '../registration/network.ts'
import { createNeighborTable } from '../neighbor/neighbor-table.ts'
import { PacketLooping, type Route } from '../registration/route.ts'
import { createAddressTable, type NicAddressTable } from './address-table.ts'
import { AddressWaiters } from './address-waiters.ts'
import { createNicCounters } from './counters.ts'
import { Egress } from './egress.ts'
import { ETHERNET_HEADER_LENGTH, ETHERTYPE_OFFSET } from './ethernet.ts'
import { fifo } from './fifo.ts'
import { Ingress } from './ingress.ts'
import { LoopQueue } from './loop-queue.ts'
import { Observers } from './observers.ts'
import { isUsableAddress } from './usable.ts'

/** EtherTypes whose addresses a separate package resolves, to name it in a message. */
const RESOLVER_PACKAGES: Readonly<Record<number, string>> = { 0x0800: '@stack/arp' }

/**
 * A NIC as protocols see it: the endpoints, address tables and neighbours of one link, and the way out. What the link sees
 * is its {@link Ingress}; what users see is `NicHandle`.
 */
export class NicDevice implements NetworkInterface {
  readonly id: number
  readonly name: string
  readonly link: LinkEndpoint
  readonly host: Host
  readonly hooks: Hooks
  readonly context: StackContext
  readonly counters: NicCounters = createNicCounters()
  readonly observers: Observers
  readonly ingress: Ingress
  readonly egress: Egress
  /** The endpoints and, beside them, their EtherTypes and smallest packets: few enough for a scan. */
  readonly endpoints: NetworkEndpoint[] = []
  readonly endpointNumbers: number[] = []
  readonly minimumSizes: number[] = []
  readonly waiters: AddressWaiters = new AddressWaiters()
  readonly verifyChecksums: boolean
  isEnabled = false
  promiscuous: boolean
  spoofing: boolean
  private readonly loops: LoopQueue
  private readonly options: NicOptions
  private readonly tables = new Map<number, NicAddressTable>()
  /** Networks of the usable addresses, which are on-link. */
  private readonly onLink = new Map<AddressEndpoint, Prefix>()
  private readonly neighborTables: NeighborTable[] = []
  private readonly neighborNumbers: number[] = []
  private readonly removals: (() => void)[] = []
  private mtuLimit = Infinity
  private started = false
  private wantedUp = true
  private carrier = true
  private removed = false

  constructor(context: StackContext, id: number, name: string, link: LinkEndpoint, options: NicOptions) {
    const { host } = context
    this.context = context
    this.id = id
    this.name = name
    this.link = link
    this.options = options
    this.host = host
    this.hooks = context.hooks
    this.promiscuous = options.promiscuous ?? false
    this.spoofing = options.spoofing ?? false
    this.verifyChecksums = options.verifyChecksums ?? true
    this.observers = new Observers(id, context.packetEndpoints, host.memory, this.counters, (error) => {
      host.onError(error)
    })
    this.ingress = new Ingress(this, options.gro ?? true)
    this.loops = new LoopQueue(host.scheduler, host.memory, this.counters, (protocol, packet) => {
      this.ingress.deliverLooped(protocol, packet)
    })
    this.egress = new Egress({
      host, link, qdisc: options.qdisc ?? fifo(), counters: this.counters, observers: this.observers, softwareGso: options.softwareGso ?? true, nic: this,
    })
    this.removals.push(host.statistics.register(`nics/${name}`, this.counters))
  }

  // --- what it is ---

  get mtu(): number {
    return Math.min(this.link.mtu, this.mtuLimit)
  }

  get framing(): Framing {
    return this.link.framing
  }

  get capabilities(): LinkCapabilities {
    return this.link.capabilities
  }

  get linkAddress(): Uint8Array | null {
    return this.link.linkAddress
  }

  get linkHeaderLength(): number {
    const { framing, maxHeaderLength } = this.link
    return framing === 'ethernet' ? Math.max(maxHeaderLength, ETHERNET_HEADER_LENGTH) : maxHeaderLength
  }

  get arpHardwareType(): number {
    return this.link.arpHardwareType
  }

  get isLoopback(): boolean {
    return this.link.capabilities.loopback === true
  }

  /** Do next hops need a link address here? */
  get needsResolution(): boolean {
    return this.link.capabilities.resolutionRequired ?? this.link.framing === 'ethernet'
  }

  get isRemoved(): boolean {
    return this.removed
  }

  networkEndpoint(protocol: number): NetworkEndpoint | null {
    return this.endpoints[this.endpointNumbers.indexOf(protocol)] ?? null
  }

  interfaceOf(nicId: number): NetworkInterface | null {
    return this.context.nics.device(nicId)
  }

  // --- endpoints, addresses, neighbours ---

  /** Attaches the link and makes an endpoint for every network protocol; they are not enabled yet. */
  open(): void {
    const { context } = this
    this.link.attach(this.ingress)
    for (const protocol of context.protocols.network) {
      const endpoint = protocol.newEndpoint(this, context.demultiplexer)
      this.endpoints.push(endpoint)
      this.endpointNumbers.push(protocol.number)
      this.minimumSizes.push(protocol.minimumPacketSize)
      this.removals.push(this.host.statistics.register(protocol.name, endpoint.statistics))
    }
    if (!this.needsResolution) return
    for (const endpoint of this.endpoints) {
      if (isResolver(endpoint) && this.neighborTable(endpoint.linkAddressProtocol) === null) this.addNeighborTable(endpoint)
    }
  }

  addressTable(protocol: number): AddressTable {
    return this.tables.get(protocol) ?? this.newAddressTable(protocol)
  }

  /** The table if the protocol has one here. For lookups that must not make any. */
  existingTable(protocol: number): AddressTable | null {
    return this.tables.get(protocol) ?? null
  }

  get addressTables(): Iterable<[number, AddressTable]> {
    return this.tables
  }

  get allNeighborTables(): readonly NeighborTable[] {
    return this.neighborTables
  }

  neighborTable(protocol: number): NeighborTable | null {
    const { neighborNumbers } = this
    for (let i = 0; i < neighborNumbers.length; i++) if (neighborNumbers[i] === protocol) return this.neighborTables[i]!
    return null
  }

  resolver(protocol: number): LinkAddressResolver | null {
    for (const endpoint of this.endpoints) if (isResolver(endpoint) && endpoint.linkAddressProtocol === protocol) return endpoint
    return null
  }

  duplicateDetector(protocol: number): DuplicateAddressDetector | null {
    for (const endpoint of this.endpoints) if (isDetector(endpoint) && endpoint.duplicateDetectionProtocol === protocol) return endpoint
    return null
  }

  /** Package or description of what is missing to use addresses of `protocol` here; null = nothing. */
  missingResolver(protocol: NetworkProtocol): string | null {
    if (!this.needsResolution || this.resolver(protocol.number) !== null) return null
    return RESOLVER_PACKAGES[protocol.number] ?? `a plugin that resolves ${protocol.name} addresses`
  }

  selectSource(protocol: number, remote: Address): Address | null {
    const endpoint = this.networkEndpoint(protocol)
    if (endpoint?.selectSource !== undefined) return endpoint.selectSource(remote)
    return this.existingTable(protocol)?.selectSource(remote) ?? null
  }

  checkLocalAddress(nicId: number, protocol: number, address: Address): number {
    return this.context.router.localNic(nicId, protocol, address)
  }

  findRoute(nicId: number, local: Address | null, remote: Address, protocol: number): Route | Failure {
    return this.context.router.find(nicId, local, remote, protocol, true, false)
  }

  private newAddressTable(number: number): NicAddressTable {
    const protocol = this.context.protocols.networkByNumber(number)!
    const table: NicAddressTable = createAddressTable({
      host: this.host,
      nicId: this.id,
      protocol,
      isLoopback: this.isLoopback,
      detector: () => this.duplicateDetector(number),
      isEnabled: () => this.isEnabled,
      changed: (record, holder) => {
        this.addressChanged(protocol, record, holder)
      },
      rangesChanged: () => {
        this.context.router.changed()
      },
    })
    this.tables.set(number, table)
    return table
  }

  private addressChanged(protocol: NetworkProtocol, record: AddressEndpoint, holder: Uint8Array | null): void {
    const { router } = this.context
    const { address, prefixLength, state } = record
    this.moveOnLink(record, isUsableAddress(record) ? { address, length: prefixLength } : null)
    router.changed()
    this.waiters.changed(record)
    const { events, log } = this.host
    const text = protocol.formatAddress(address)
    if (state === 'duplicate') log.warn(`${this.name}: another host on the link uses ${text}; this stack does not any more.`)
    if (!events.has('address-changed')) return
    events.emit('address-changed', { nicId: this.id, address: text, state, ...(holder === null ? {} : { holder }) })
  }

  /** The route to the address's own subnet comes and goes with the last address in it. */
  private moveOnLink(record: AddressEndpoint, prefix: Prefix | null): void {
    const { router } = this.context
    const old = this.onLink.get(record)
    this.onLink.delete(record)
    if (old !== undefined && !this.hasOnLink(old)) router.removeOnLink(this.id, old)
    if (prefix === null) return
    const network = networkOf(prefix)
    if (!this.hasOnLink(network)) router.addOnLink(this.id, network)
    this.onLink.set(record, network)
  }

  private hasOnLink(network: Prefix): boolean {
    for (const other of this.onLink.values()) {
      if (other.length === network.length && sameAddress(other.address, network.address)) return true
    }
    return false
  }

  private addNeighborTable(resolver: LinkAddressResolver): void {
    const number = resolver.linkAddressProtocol
    const protocol = this.context.protocols.networkByNumber(number)
    if (protocol === null) return
    const result: ParseResult = { ok: false, transportProtocol: 0, hasTransportHeader: false }
    this.neighborNumbers.push(number)
    this.neighborTables.push(
      createNeighborTable({
        host: this.host,
        nicId: this.id,
        resolver,
        options: this.options.neighbors ?? {},
        counters: this.counters,
        localAddressFor: (remote) => this.selectSource(number, remote),
        sendResolved: (packet, linkAddress) => {
          if (!this.isEnabled) return this.refuse(packet)
          packet.linkDestination = linkAddress
          return this.egress.send(packet)
        },
        unreachable: (packet) => {
          this.reportUnreachable(protocol, packet, result)
        },
        onChange: (neighbor, removed) => {
          this.neighborChanged(protocol, neighbor, removed)
        },
      }),
    )
  }

  /** The next hop of a packet did not answer. Takes ownership. */
  private reportUnreachable(protocol: NetworkProtocol, packet: Packet, result: ParseResult): void {
    const forwarded = (packet.flags & PacketFlag.Forwarded) !== 0
    packet.resetHeaders()
    const endpoint = this.networkEndpoint(protocol.number)
    if (forwarded) {
      // RFC 1812 §5.2.7.1: the sender is told, by the protocol that forwarded.
      if (endpoint?.handleUnreachable !== undefined) endpoint.handleUnreachable(packet)
      else packet.release()
      return
    }
    if (protocol.parseAddresses(packet) && protocol.parse(packet, result) && result.hasTransportHeader) {
      const local = { a: packet.sourceA, b: packet.sourceB, c: packet.sourceC, d: packet.sourceD, zone: 0 }
      const remote = { a: packet.destinationA, b: packet.destinationB, c: packet.destinationC, d: packet.destinationD, zone: 0 }
      packet.nicId = this.id
      this.context.demultiplexer.deliverTransportError(
        local, remote, protocol.number, result.transportProtocol, { kind: 'hostUnreachable', cause: 'neighbor' }, packet,
      )
    }
    packet.release()
  }

  private neighborChanged(protocol: NetworkProtocol, neighbor: Neighbor, removed: boolean): void {
    if (removed || neighbor.state === 'failed') this.networkEndpoint(protocol.number)?.neighborChanged?.(neighbor.address)
    const { events } = this.host
    if (!events.has('neighbor-changed')) return
    events.emit('neighbor-changed', {
      nicId: this.id,
      address: formatAddressText(this.context, neighbor.address),
      state: removed ? 'removed' : neighbor.state,
      linkAddress: neighbor.linkAddress,
    })
  }

  // --- the way out ---

  writePacket(route: Route, protocol: number, packet: Packet): Failure {
    if (!this.isEnabled) return this.refuse(packet)
    packet.networkProtocol = protocol
    packet.nicId = this.id
    packet.linkSource = null
    if (route.loop !== PacketLooping.Out) {
      if (route.loop === PacketLooping.Loop) return this.loops.push(protocol, packet)
      const copy = packet.clone(this.host.memory)
      if (copy === null) this.counters.dropNoMemory++
      else this.loops.push(protocol, copy)
    }
    if (route.neighbor !== null) {
      const neighbors = this.neighborTable(route.protocol)
      if (neighbors !== null) return neighbors.send(route.neighbor, packet)
    }
    packet.linkDestination = route.staticLinkAddress
    return this.egress.send(packet)
  }

  writePacketTo(linkAddress: Uint8Array | null, protocol: number, packet: Packet): Failure {
    if (!this.isEnabled) return this.refuse(packet)
    packet.networkProtocol = protocol
    packet.nicId = this.id
    packet.linkSource = null
    packet.linkDestination = linkAddress
    return this.egress.send(packet)
  }

  get gsoMaxSize(): number {
    return this.egress.gsoMaxSize
  }

  get isFull(): boolean {
    return this.egress.isFull
  }

  awaitRoom(endpoint: Dirty): void {
    this.egress.awaitRoom(endpoint)
  }

  get isContended(): boolean {
    return this.egress.isContended
  }

  awaitTurn(endpoint: TurnTaker): void {
    this.egress.awaitTurn(endpoint)
  }

  loopPacket(protocol: number, packet: Packet): void {
    if (this.isEnabled) this.loops.push(protocol, packet)
    else this.refuse(packet)
  }

  writeRaw(packet: Packet): Failure {
    if (!this.isEnabled) return this.refuse(packet)
    const { start, end } = packet
    const size = end - start - ETHERNET_HEADER_LENGTH
    if (size < 0 || size > this.mtu) {
      packet.release()
      return size < 0 ? 'EINVAL' : 'EMSGSIZE'
    }
    packet.nicId = this.id
    packet.flags |= PacketFlag.PacketRaw
    packet.networkProtocol = packet.view.getUint16(start + ETHERTYPE_OFFSET)
    if (this.framing === 'ethernet') {
      packet.linkHeader = start
      packet.linkHeaderLength = ETHERNET_HEADER_LENGTH
    } else {
      // Packet sockets see every link as Ethernet; this one carries bare packets.
      packet.start = start + ETHERNET_HEADER_LENGTH
    }
    return this.egress.writeRaw(packet.networkProtocol, packet)
  }

  private refuse(packet: Packet): Failure {
    this.counters.dropDisabled++
    packet.release()
    return 'ENETDOWN'
  }

  // --- groups ---

  joinGroup(protocol: number, group: Address): Failure {
    const endpoint = this.networkEndpoint(protocol)
    return isGroupAddressable(endpoint) ? endpoint.joinGroup(group) : 'ERR_STACK_NOT_SUPPORTED'
  }

  leaveGroup(protocol: number, group: Address): Failure {
    const endpoint = this.networkEndpoint(protocol)
    return isGroupAddressable(endpoint) ? endpoint.leaveGroup(group) : 'ERR_STACK_NOT_SUPPORTED'
  }

  // --- life ---

  /** Everything is in place: enabled from now on unless it was taken down meanwhile. */
  start(): void {
    this.started = true
    this.refresh()
  }

  setUp(up: boolean): void {
    this.wantedUp = up
    this.refresh()
  }

  setCarrier(up: boolean): void {
    this.carrier = up
    this.refresh()
  }

  setPromiscuous(on: boolean): void {
    this.promiscuous = on
    this.link.setPromiscuous?.(on)
    this.context.router.changed()
  }

  setSpoofing(on: boolean): void {
    this.spoofing = on
    this.context.router.changed()
  }

  /** False = larger than the link, which cannot change. */
  setMtu(mtu: number): boolean {
    if (this.link.setMtu !== undefined) {
      this.link.setMtu(mtu)
      this.mtuLimit = Infinity
    } else if (mtu > this.link.mtu) {
      return false
    } else {
      this.mtuLimit = mtu
    }
    this.context.router.changed()
    return true
  }

  /** Ends it: nothing is left on the link, in tables or in queues. */
  remove(): void {
    if (this.removed) return
    this.wantedUp = false
    this.refresh()
    this.removed = true
    this.waiters.close()
    for (const table of this.tables.values()) table.clear()
    for (const table of this.neighborTables) table.close()
    for (const endpoint of this.endpoints) endpoint.close()
    this.context.router.removeNic(this.id)
    this.observers.taps = []
    this.link.attach(null)
    this.link.close()
    for (const removal of this.removals) removal()
  }

  private refresh(): void {
    const enabled = this.started && this.wantedUp && this.carrier && !this.removed
    if (enabled === this.isEnabled) return
    if (enabled) this.enable()
    else this.disable()
    this.context.router.changed()
    const type = enabled ? 'nic-up' : 'nic-down'
    if (this.host.events.has(type)) this.host.events.emit(type, { nicId: this.id, name: this.name })
  }

  private enable(): void {
    this.isEnabled = true
    for (const endpoint of this.endpoints) endpoint.enable()
    for (const table of this.tables.values()) table.enable()
  }

  private disable(): void {
    for (const table of this.tables.values()) table.disable()
    // Still enabled: endpoints may say goodbye (leave their groups), and the link gets what is queued.
    for (const endpoint of this.endpoints) endpoint.disable()
    this.egress.drain()
    this.isEnabled = false
    this.ingress.clear()
    for (const table of this.neighborTables) table.flush()
    this.loops.clear()
    this.egress.clear()
  }
}

/** Can packets be sent from and delivered to this address? */

function isResolver(endpoint: object): endpoint is LinkAddressResolver {
  return 'linkAddressRequest' in endpoint
}

function isDetector(endpoint: object): endpoint is DuplicateAddressDetector {
  return 'checkDuplicate' in endpoint
}

function isGroupAddressable(endpoint: object | null): endpoint is GroupAddressableEndpoint {
  return endpoint !== null && 'joinGroup' in endpoint
}
