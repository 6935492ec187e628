import { PacketFlag, type Packet, type PacketPool } from '@stack/buffer'
import { address as makeAddress, type Address } from '../address/address.ts'
import type { PortAllocator } from '../demux/ports.ts'
import type { Failure } from '../errors/codes.ts'
import { StackError } from '../errors/stack-error.ts'
import type { Clock, Host, Logger, Random, Scheduler, SecureRandom, StatisticsRegistry, TimerWheel } from '../registration/host.ts'
import type { NetworkProtocol } from '../registration/network.ts'
import type { HostOf, NetworkHost, PluginKind } from '../registration/plugin.ts'
import type { RawFactory, RawHost } from '../registration/raw.ts'
import type { Route } from '../registration/route.ts'
import type { FindRouteOptions, PacketEndpoint, RawTransportEndpoint, TransportHost, TransportProtocol, TransportRegistry } from '../registration/transport.ts'
import { formatAddressText, parseAddressText } from './address-text.ts'
import type { StackContext } from './context.ts'
import type { Events } from './events.ts'
import { isDevice } from './router.ts'
import type { NicDevice } from '../nic/nic.ts'

/** The parts of a host that do not depend on anything else of the stack. */
export type HostParts = Omit<Host, 'parseAddress' | 'formatAddress'>

/** What every plugin and NIC gets. */
export class StackHost implements Host {
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly timers: TimerWheel
  readonly random: Random
  readonly secureRandom: SecureRandom
  readonly memory: PacketPool
  readonly log: Logger
  readonly statistics: StatisticsRegistry
  readonly events: Events
  protected readonly context: StackContext
  private readonly parts: HostParts

  constructor(context: StackContext, parts: HostParts) {
    this.context = context
    this.parts = parts
    this.clock = parts.clock
    this.scheduler = parts.scheduler
    this.timers = parts.timers
    this.random = parts.random
    this.secureRandom = parts.secureRandom
    this.memory = parts.memory
    this.log = parts.log
    this.statistics = parts.statistics
    this.events = parts.events
  }

  onError(error: unknown): void {
    this.parts.onError(error)
  }

  ref(): void {
    this.parts.ref()
  }

  unref(): void {
    this.parts.unref()
  }

  parseAddress(text: string): Address {
    return parseAddressText(this.context, text)
  }

  formatAddress(address: Address): string {
    return formatAddressText(this.context, address)
  }
}

class NetworkStackHost extends StackHost implements NetworkHost {
  registerNetworkProtocol(protocol: NetworkProtocol): void {
    this.context.protocols.addNetwork(protocol)
  }
}

class TransportStackHost extends StackHost implements TransportHost {
  get endpoints(): TransportRegistry {
    return this.context.demultiplexer
  }

  get ports(): PortAllocator {
    return this.context.ports
  }

  get networkProtocols(): readonly NetworkProtocol[] {
    return this.context.protocols.network
  }

  get generation(): number {
    return this.context.router.generation
  }

  registerTransportProtocol(protocol: TransportProtocol): void {
    const { protocols, demultiplexer } = this.context
    protocols.checkOpen(protocol.name)
    const other = demultiplexer.protocol(protocol.number)
    if (other !== null) {
      throw new StackError(
        'ERR_STACK_ALREADY_INSTALLED',
        `${protocol.name} registers transport protocol ${protocol.number}, which ${other.name} has registered: install one of them.`,
      )
    }
    demultiplexer.addProtocol(protocol)
  }

  networkProtocolOf(address: Address): number {
    return this.context.protocols.owner(address)?.number ?? 0
  }

  findRoute(nicId: number, local: Address | null, remote: Address, options?: FindRouteOptions): Route | Failure {
    return this.context.router.find(nicId, local, remote, 0, options?.multicastLoop ?? true, options?.anySource ?? false)
  }

  checkLocalAddress(nicId: number, address: Address): number {
    return this.context.router.localNic(nicId, 0, address)
  }

  isBroadcast(address: Address): boolean {
    return this.context.router.isBroadcast(address)
  }

  isMulticast(address: Address): boolean {
    return this.context.router.isMulticast(address)
  }

  joinGroup(nicId: number, group: Address): Failure {
    return this.changeGroup(nicId, group, (device, protocol) => device.joinGroup(protocol, group))
  }

  leaveGroup(nicId: number, group: Address): Failure {
    return this.changeGroup(nicId, group, (device, protocol) => device.leaveGroup(protocol, group))
  }

  confirmReachable(route: Route): void {
    if (route.neighbor !== null) route.nic.neighborTable(route.protocol)?.confirmReachable(route.neighbor)
  }

  doubtReachable(route: Route): void {
    if (route.neighbor !== null) route.nic.neighborTable(route.protocol)?.doubtReachable(route.neighbor)
  }

  updatePathMtu(local: Address, remote: Address, mtu: number): void {
    this.context.router.updatePathMtu(local, remote, mtu)
  }

  nextEndpointId(): number {
    return this.context.nics.nextEndpointId()
  }

  nicId(nic: number | string): number {
    return this.context.nics.require(nic).id
  }

  private changeGroup(nicId: number, group: Address, change: (device: NicDevice, protocol: number) => Failure): Failure {
    const protocol = this.context.protocols.owner(group)
    if (protocol === null) return 'EAFNOSUPPORT'
    if (protocol.isMulticast?.(group) !== true) return 'EINVAL'
    const device = this.context.router.groupNic(protocol, nicId, group)
    return isDevice(device) ? change(device, protocol.number) : device
  }
}

class RawStackHost extends TransportStackHost implements RawHost {
  registerRawFactory(factory: RawFactory): void {
    this.context.protocols.setRawFactory(factory)
  }

  registerRawEndpoint(nicId: number, networkProtocol: number, transportProtocol: number, endpoint: RawTransportEndpoint): () => void {
    return this.context.demultiplexer.registerRaw(nicId, networkProtocol, transportProtocol, endpoint)
  }

  registerPacketEndpoint(nicId: number, networkProtocol: number, endpoint: PacketEndpoint): () => void {
    return this.context.packetEndpoints.add(nicId, networkProtocol, endpoint)
  }

  writeHeaderIncluded(nicId: number, remote: Address, packet: Packet): Failure {
    const { router, protocols } = this.context
    const protocol = protocols.owner(remote)
    // The header names its source, which need not be ours: that is what such sockets are for.
    const route = protocol?.parseAddresses(packet) === true ? router.find(nicId, sourceOf(packet), remote, protocol.number, true, true) : 'EINVAL'
    if (typeof route !== 'object' || route === null) {
      packet.release()
      return route
    }
    packet.flags |= PacketFlag.HeaderIncluded
    return route.endpoint.writeHeaderIncludedPacket(route, packet)
  }

  writeLinkPacket(nicId: number, linkAddress: Uint8Array | null, protocol: number, packet: Packet): Failure {
    const device = this.context.nics.device(nicId)
    if (device !== null && (linkAddress !== null || device.framing !== 'ethernet')) return device.writePacketTo(linkAddress, protocol, packet)
    packet.release()
    return device === null ? 'ENODEV' : 'EINVAL'
  }

  writeRawLinkPacket(nicId: number, packet: Packet): Failure {
    const device = this.context.nics.device(nicId)
    if (device !== null) return device.writeRaw(packet)
    packet.release()
    return 'ENODEV'
  }
}

function sourceOf(packet: Packet): Address {
  return makeAddress(packet.sourceA, packet.sourceB, packet.sourceC, packet.sourceD)
}

/** The narrow host of a plugin kind. */
export function createHost<K extends PluginKind>(kind: K, context: StackContext, parts: HostParts): HostOf[K] {
  const makers: { readonly [P in PluginKind]: () => HostOf[P] } = {
    network: () => new NetworkStackHost(context, parts),
    transport: () => new TransportStackHost(context, parts),
    raw: () => new RawStackHost(context, parts),
  }
  return makers[kind]()
}
