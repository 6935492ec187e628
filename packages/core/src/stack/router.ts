import { isMapped, isUnspecified, networkOf, type Address, type Prefix } from '../address/address.ts'
import type { Failure } from '../errors/codes.ts'
import { BROADCAST_LINK_ADDRESS } from '../nic/ethernet.ts'
import type { NicDevice } from '../nic/nic.ts'
import type { Timer } from '../registration/host.ts'
import type { NetworkProtocol } from '../registration/network.ts'
import type { Neighbor } from '../registration/neighbor.ts'
import { PacketLooping, type Route } from '../registration/route.ts'
import { createPathMtuCache, type PathMtuCache } from '../route/path-mtu.ts'
import { RouteCache } from '../route/route-cache.ts'
import { createRoutingTable, type RoutingTable } from '../route/routing-table.ts'
import type { StackContext } from './context.ts'

/** ms after which a path is tried at full size again (RFC 1191 §6.3, RFC 8201 §5.3). */
const PATH_MTU_LIFETIME = 600_000
/** The limited broadcast address, 255.255.255.255, as the last word of a mapped address. */
const LIMITED_BROADCAST = -1

/** What is to be found for one destination. Filled step by step. */
interface Query {
  readonly protocol: NetworkProtocol
  readonly nicId: number
  readonly local: Address | null
  readonly remote: Address
  readonly echo: boolean
}

/** Finds routes: own addresses, broadcast, multicast, then the longest prefix. Keeps the generation that tells senders to ask again. */
export class Router {
  readonly table: RoutingTable
  readonly pathMtu: PathMtuCache
  generation = 1
  private readonly found = new RouteCache()
  private readonly context: StackContext
  private readonly pathMtuExpiry: Timer
  private lastPathMtu = 0

  constructor(context: StackContext) {
    const { scheduler, timers, secureRandom } = context.host
    this.context = context
    this.table = createRoutingTable({ usable: (nicId) => context.nics.device(nicId)?.isEnabled === true })
    this.pathMtu = createPathMtuCache({ scheduler, lifetime: PATH_MTU_LIFETIME, seed: secureRandom.uint32() })
    this.pathMtuExpiry = timers.create((now) => {
      // Routes hold what was learnt: those that hold an expired value must be asked for anew.
      this.changed()
      if (this.lastPathMtu + PATH_MTU_LIFETIME > now) this.pathMtuExpiry.arm(this.lastPathMtu + PATH_MTU_LIFETIME)
    })
  }

  /** Routes, addresses, NICs or policy changed: every route that was handed out is stale. */
  changed(): void {
    this.generation++
    const { events } = this.context.host
    if (events.has('routes-changed')) events.emit('routes-changed', { generation: this.generation })
  }

  addOnLink(nicId: number, prefix: Prefix): void {
    this.table.add({ prefix: withoutZone(prefix), gateway: null, nicId, source: null, mtu: 0, metric: 0 })
  }

  removeOnLink(nicId: number, prefix: Prefix): void {
    this.table.remove({ prefix: withoutZone(prefix), gateway: null, nicId, metric: 0 })
  }

  /** A default route of the gateway's family. */
  addGateway(nicId: number, gateway: Address): void {
    this.table.add({ prefix: withoutZone({ address: gateway, length: 0 }), gateway, nicId, source: null, mtu: 0, metric: 0 })
    this.changed()
  }

  removeNic(nicId: number): void {
    this.table.removeNic(nicId)
    this.changed()
  }

  updatePathMtu(local: Address, remote: Address, mtu: number): void {
    if (!this.pathMtu.update(local, remote, mtu)) return
    this.lastPathMtu = this.context.host.scheduler.now
    if (!this.pathMtuExpiry.armed) this.pathMtuExpiry.arm(this.lastPathMtu + PATH_MTU_LIFETIME)
    this.changed()
  }

  clear(): void {
    this.pathMtu.clear()
    this.found.clear()
    for (const { nicId } of this.table.list()) this.table.removeNic(nicId)
  }

  /** NIC on which the address is assigned, 0 = none. `nicId` 0 = any (or the one its zone names); `protocol` 0 = its owner. */
  localNic(nicId: number, protocol: number, address: Address): number {
    const owner = protocol === 0 ? this.context.protocols.owner(address) : this.context.protocols.networkByNumber(protocol)
    if (owner === null) return 0
    const wanted = nicId === 0 ? address.zone : nicId
    for (const device of this.context.nics.devices) {
      if (wanted !== 0 && device.id !== wanted) continue
      if (device.existingTable(owner.number)?.isLocal(address.a, address.b, address.c, address.d) === true) return device.id
    }
    // 127/8 and ::1 belong to the host whether or not somebody added them (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3).
    if (owner.isLoopback?.(address) !== true) return 0
    return this.loopbackDevice(owner, wanted)?.id ?? 0
  }

  isBroadcast(address: Address): boolean {
    if (!isMapped(address)) return false
    if (address.d === LIMITED_BROADCAST) return true
    const { protocols, nics } = this.context
    const protocol = protocols.owner(address)?.number ?? 0
    for (const device of nics.devices) if (isSubnetBroadcast(device, protocol, address)) return true
    return false
  }

  isMulticast(address: Address): boolean {
    return this.context.protocols.owner(address)?.isMulticast?.(address) === true
  }

  /** The NIC for a group when the caller names none: by route, else the first that can. */
  groupNic(protocol: NetworkProtocol, nicId: number, group: Address): NicDevice | Failure {
    const wanted = nicId === 0 ? group.zone : nicId
    if (wanted !== 0) return this.usable(wanted, protocol)
    const row = this.table.lookup(group, 0)
    if (row !== null) return this.usable(row.nicId, protocol)
    return this.firstDevice(protocol) ?? 'ENETUNREACH'
  }

  /** A route, or why there is none. `echo`: own broadcast and multicast come back in; `anySource`: `local` need not be ours. */
  find(nicId: number, local: Address | null, remote: Address, protocol: number, echo: boolean, anySource: boolean): Route | Failure {
    const known = this.found.find(this.generation, nicId, local, remote, protocol, echo, anySource)
    if (known !== null) return known
    const route = this.search(nicId, local, remote, protocol, echo, anySource)
    if (route !== null && typeof route === 'object') this.found.add(nicId, local, remote, protocol, echo, anySource, route)
    return route
  }

  private search(nicId: number, givenLocal: Address | null, remote: Address, protocolNumber: number, echo: boolean, anySource: boolean): Route | Failure {
    const { protocols } = this.context
    const protocol = protocolNumber === 0 ? protocols.owner(remote) : protocols.networkByNumber(protocolNumber)
    if (protocol === null) return 'EAFNOSUPPORT'
    const local = givenLocal === null || isUnspecified(givenLocal) ? null : givenLocal
    const zone = remote.zone !== 0 ? remote.zone : (local?.zone ?? 0)
    if (nicId !== 0 && zone !== 0 && nicId !== zone) return 'ENETUNREACH'
    const bound = nicId !== 0 ? nicId : zone
    if (bound !== 0) {
      const device = this.usable(bound, protocol)
      if (!isDevice(device)) return device
    }
    const owner = local === null ? 0 : this.localNic(bound, protocol.number, local)
    if (local !== null && owner === 0 && !anySource && !this.maySpoof(bound) && !this.isInRange(bound, protocol.number, local)) return 'EADDRNOTAVAIL'
    const query: Query = { protocol, nicId: bound, local, remote, echo }
    if (isUnspecified(remote)) return 'ENETUNREACH'
    if (isMapped(remote) && remote.d === LIMITED_BROADCAST) return this.toGroup(query, owner, true)
    if (protocol.isMulticast?.(remote) === true) return this.toGroup(query, owner, false)
    const host = this.localNic(bound, protocol.number, remote)
    if (host !== 0) return this.toSelf(query, host)
    return this.toHost(query, owner)
  }

  private toSelf(query: Query, nicId: number): Route | Failure {
    const device = this.usable(nicId, query.protocol)
    if (!isDevice(device)) return device
    const { remote } = query
    return this.route(query, device, query.local ?? remote, remote, device.isLoopback ? PacketLooping.Out : PacketLooping.Loop, 0, false, false)
  }

  private toGroup(query: Query, owner: number, isBroadcast: boolean): Route | Failure {
    const { protocol, remote, local } = query
    const device = this.groupNic(protocol, query.nicId !== 0 ? query.nicId : owner, remote)
    if (!isDevice(device)) return device
    // Without an address yet: DHCP and router solicitations come from the unspecified one.
    const source = local ?? device.selectSource(protocol.number, remote) ?? protocol.anyAddress
    if (source === undefined) return 'EADDRNOTAVAIL'
    const loop = query.echo && !device.isLoopback ? PacketLooping.Both : PacketLooping.Out
    return this.route(query, device, source, remote, loop, 0, isBroadcast, !isBroadcast)
  }

  private toHost(query: Query, owner: number): Route | Failure {
    const { protocol, remote, local } = query
    // With a source given, the NIC that owns it comes first; then any that leads there (the weak model of RFC 1122 §3.3.4.2).
    const row = (owner !== 0 && query.nicId === 0 ? this.table.lookup(remote, owner) : null) ?? this.table.lookup(remote, query.nicId)
    if (row === null) return 'ENETUNREACH'
    const device = this.usable(row.nicId, protocol)
    if (!isDevice(device)) return device
    const source = local ?? this.preferredSource(row.source) ?? device.selectSource(protocol.number, remote)
    if (source === null) return 'EADDRNOTAVAIL'
    const isBroadcast = row.gateway === null && isMapped(remote) && isSubnetBroadcast(device, protocol.number, remote)
    const loop = isBroadcast && query.echo && !device.isLoopback ? PacketLooping.Both : PacketLooping.Out
    return this.route(query, device, source, row.gateway ?? remote, loop, row.mtu, isBroadcast, false, row.mss)
  }

  private route(
    query: Query, device: NicDevice, localAddress: Address, nextHop: Address, loop: PacketLooping, rowMtu: number, isBroadcast: boolean,
    isMulticast: boolean, mss = 0,
  ): Route | Failure {
    const { protocol, remote } = query
    // RFC 1122 §3.2.1.3 (g), RFC 4291 §2.5.3: a loopback address is no source for what leaves the host.
    if (loop !== PacketLooping.Loop && !device.isLoopback && protocol.isLoopback?.(localAddress) === true) return 'EADDRNOTAVAIL'
    let neighbor: Neighbor | null = null
    let staticLinkAddress: Uint8Array | null = null
    if (loop !== PacketLooping.Loop && device.needsResolution) {
      staticLinkAddress = isBroadcast ? BROADCAST_LINK_ADDRESS : (device.resolver(protocol.number)?.resolveStaticAddress(nextHop) ?? null)
      if (staticLinkAddress === null) {
        const neighbors = device.neighborTable(protocol.number)
        if (neighbors === null) return 'EHOSTUNREACH'
        neighbor = neighbors.lookup(nextHop)
        if (neighbor === null) return 'ENOBUFS'
      }
    }
    const learnt = this.pathMtu.get(localAddress, remote)
    let mtu = device.mtu
    if (rowMtu !== 0 && rowMtu < mtu) mtu = rowMtu
    if (learnt !== 0 && learnt < mtu) mtu = learnt
    return {
      nic: device,
      endpoint: device.networkEndpoint(protocol.number)!,
      protocol: protocol.number,
      localAddress,
      remoteAddress: remote,
      nextHop,
      neighbor,
      staticLinkAddress,
      loop,
      mtu,
      mss,
      isBroadcast,
      isMulticast,
      generation: this.generation,
    }
  }

  /** The NIC, if it can send packets of the protocol. */
  private usable(nicId: number, protocol: NetworkProtocol): NicDevice | Failure {
    const device = this.context.nics.device(nicId)
    if (device === null) return 'ENODEV'
    if (!device.isEnabled) return 'ENETDOWN'
    return device.networkEndpoint(protocol.number) === null ? 'EAFNOSUPPORT' : device
  }

  /** A row's source, as long as it is ours. */
  private preferredSource(source: Address | null): Address | null {
    return source !== null && this.localNic(0, 0, source) !== 0 ? source : null
  }

  private maySpoof(nicId: number): boolean {
    const { devices } = this.context.nics
    return devices.some((device) => device.spoofing && (nicId === 0 || device.id === nicId))
  }

  /** In a range that the NIC, or any, takes for its own. */
  private isInRange(nicId: number, protocol: number, { a, b, c, d }: Address): boolean {
    const { devices } = this.context.nics
    return devices.some((device) => (nicId === 0 || device.id === nicId) && device.existingTable(protocol)?.accepts(a, b, c, d) === true)
  }

  /** Where loopback addresses live: a loopback link, else any NIC, which loops them itself. */
  private loopbackDevice(protocol: NetworkProtocol, wanted: number): NicDevice | null {
    let any: NicDevice | null = null
    for (const device of this.context.nics.devices) {
      if (!device.isEnabled || (wanted !== 0 && device.id !== wanted) || device.networkEndpoint(protocol.number) === null) continue
      if (device.isLoopback) return device
      any ??= device
    }
    return any
  }

  /** The first NIC that reaches others; a loopback link only when there is nothing else. */
  private firstDevice(protocol: NetworkProtocol): NicDevice | null {
    let loopback: NicDevice | null = null
    for (const device of this.context.nics.devices) {
      if (!device.isEnabled || device.networkEndpoint(protocol.number) === null) continue
      if (!device.isLoopback) return device
      loopback ??= device
    }
    return loopback
  }
}

export function isDevice(answer: NicDevice | Failure): answer is NicDevice {
  return typeof answer === 'object' && answer !== null
}

/** For IPv4 addresses. */
function isSubnetBroadcast(device: NicDevice, protocol: number, { d }: Address): boolean {
  return device.existingTable(protocol)?.isSubnetBroadcast(d) === true
}

/** A prefix of the table: the NIC says where a link-local one is. */
function withoutZone(prefix: Prefix): Prefix {
  const { address, length } = networkOf(prefix)
  return { address: address.zone === 0 ? address : { ...address, zone: 0 }, length }
}
