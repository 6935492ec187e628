import { checksumOf, type Packet } from '@stack/buffer'
import {
  ANY_MAPPED_ADDRESS, HookPoint, isMapped, mappedAddress, type Address, type AddressTable, type Failure, type GroupAddressableEndpoint, type HookContinuation,
  type LinkCapabilities, type NetworkEndpoint, type NetworkHeaderParams, type NetworkHost, type NetworkInterface, type NetworkPlugin, type NetworkProtocol,
  type ParseResult, type Route, type TransportDispatcher,
} from '@stack/core'
import { IPV4, ipv4Packet } from './packets.ts'
import { PlainReassembly } from './plain-reassembly.ts'

const HEADER = 20

/**
 * The smallest network protocol that suites need below transports: packets look like those of IPv4 without options. No
 * control messages, no forwarding, nothing for speed.
 */
export class PlainProtocol implements NetworkProtocol {
  readonly number: number = IPV4
  readonly name = 'plain'
  minimumPacketSize: number = HEADER
  readonly defaultPrefixLength = 32
  readonly anyAddress: Address = ANY_MAPPED_ADDRESS
  closed: Promise<void> = Promise.resolve()
  readonly reassembly: PlainReassembly
  readonly host: NetworkHost

  constructor(host: NetworkHost) {
    this.host = host
    this.reassembly = new PlainReassembly(host)
  }

  ownsAddress(address: Address): boolean {
    return isMapped(address)
  }

  isMulticast(address: Address): boolean {
    return isMapped(address) && address.d >>> 28 === 14
  }

  parseAddress(text: string): Address | null {
    if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return null
    const bytes = text.split('.').map(Number)
    return bytes.some((byte) => byte > 255) ? null : mappedAddress(bytes.reduce((word, byte) => (word << 8) | byte, 0))
  }

  formatAddress({ d }: Address): string {
    return [d >>> 24, (d >>> 16) & 255, (d >>> 8) & 255, d & 255].join('.')
  }

  parseAddresses(packet: Packet): boolean {
    if (packet.end - packet.start < HEADER) return false
    readAddresses(packet, packet.start)
    return true
  }

  parse(packet: Packet, result: ParseResult): boolean {
    result.ok = this.parseAddresses(packet)
    if (!result.ok) return false
    const at = packet.consumeNetworkHeader(HEADER)
    packet.transportProtocol = result.transportProtocol = packet.bytes[at + 9]!
    result.hasTransportHeader = (packet.view.getUint16(at + 6) & 0x1fff) === 0
    return true
  }

  newEndpoint(nic: NetworkInterface, dispatcher: TransportDispatcher): PlainEndpoint {
    return new PlainEndpoint(this, nic, dispatcher)
  }

  close(): void {
    this.reassembly.clear()
  }
}

/** {@link PlainProtocol} on one NIC. */
export class PlainEndpoint implements NetworkEndpoint, GroupAddressableEndpoint {
  readonly protocol: PlainProtocol
  readonly nic: NetworkInterface
  readonly dispatcher: TransportDispatcher
  readonly addresses: AddressTable
  nicId: number
  readonly protocolNumber: number = IPV4
  readonly defaultTtl = 64
  readonly statistics = { received: 0, sent: 0, dropped: 0 }
  isEnabled = false
  headerRoom: number = HEADER
  private readonly groups = new Set<number>()
  private id = 0

  constructor(protocol: PlainProtocol, nic: NetworkInterface, dispatcher: TransportDispatcher) {
    this.protocol = protocol
    this.nic = nic
    this.nicId = nic.id
    this.dispatcher = dispatcher
    this.addresses = nic.addressTable(IPV4)
  }

  get mtu(): number {
    return this.nic.mtu - HEADER
  }

  get capabilities(): LinkCapabilities {
    return this.nic.capabilities
  }

  get maxHeaderLength(): number {
    return this.nic.linkHeaderLength + this.headerRoom
  }

  enable(): void {
    this.isEnabled = true
  }

  disable(): void {
    this.isEnabled = false
  }

  close(): void {}

  joinGroup(group: Address): Failure {
    this.groups.add(group.d)
    return null
  }

  leaveGroup(group: Address): Failure {
    return this.groups.delete(group.d) ? null : 'EADDRNOTAVAIL'
  }

  isInGroup(group: Address): boolean {
    return this.groups.has(group.d)
  }

  // --- in ---

  handlePacket(packet: Packet): void {
    this.statistics.received++
    const { view, start } = packet
    const total = this.isWellFormed(packet) ? view.getUint16(start + 2) : 0
    if (total < HEADER || total > packet.length) {
      this.drop(packet)
      return
    }
    packet.trimEnd(total)
    packet.consumeNetworkHeader(HEADER)
    readAddresses(packet, start)
    packet.transportProtocol = packet.bytes[start + 9]!
    packet.ttl = packet.bytes[start + 8]!
    packet.tos = packet.bytes[start + 1]!
    this.runHooks(HookPoint.Prerouting, packet, this.route)
  }

  isWellFormed(packet: Packet): boolean {
    const { bytes, start } = packet
    return bytes[start] === 0x45 && packet.sum(start, start + HEADER) === 0xffff
  }

  readonly route: HookContinuation = (packet) => {
    if (!this.isForUs(packet)) {
      this.drop(packet)
      return
    }
    if ((packet.view.getUint16(packet.networkHeader + 6) & 0x3fff) === 0) {
      this.runHooks(HookPoint.Input, packet, this.deliver)
      return
    }
    const { sourceD, destinationD, transportProtocol } = packet
    const payload = this.protocol.reassembly.add(packet)
    if (payload === null) return
    const whole = this.packetOf(ipv4Packet({ source: bytesOf(sourceD), destination: bytesOf(destinationD), protocol: transportProtocol }, payload))
    if (whole !== null) this.handlePacket(whole)
  }

  isForUs({ destinationD }: Packet): boolean {
    return this.addresses.isLocal(0, 0, 0xffff, destinationD) || this.groups.has(destinationD) || this.nic.promiscuous
  }

  readonly deliver: HookContinuation = (packet) => {
    if (this.handUp(packet) !== 'handled') packet.release()
  }

  handUp(packet: Packet): ReturnType<TransportDispatcher['deliverTransportPacket']> {
    return this.dispatcher.deliverTransportPacket(packet.transportProtocol, packet)
  }

  drop(packet: Packet): void {
    this.statistics.dropped++
    packet.release()
  }

  // --- out ---

  writePacket(route: Route, params: NetworkHeaderParams, packet: Packet): Failure {
    if (!this.isEnabled) return this.refuse('ENETDOWN', packet)
    if (packet.length + HEADER > this.mtuOf(route)) return this.writeFragments(route, params, packet)
    const at = packet.pushNetworkHeader(HEADER)
    if (at < 0) return this.refuse('ENOBUFS', packet)
    this.writeHeader(packet, route, params, 0)
    return this.output(route, packet)
  }

  writeHeaderIncludedPacket(route: Route, packet: Packet): Failure {
    packet.networkHeader = packet.start
    packet.networkHeaderLength = HEADER
    readAddresses(packet, packet.start)
    return this.output(route, packet)
  }

  mtuOf(route: Route): number {
    return route.mtu
  }

  refuse(failure: Failure, packet: Packet): Failure {
    packet.release()
    return failure
  }

  ttlOf(params: NetworkHeaderParams): number {
    return params.ttl === 0 ? this.defaultTtl : params.ttl
  }

  mayFragment(params: NetworkHeaderParams): boolean {
    return !params.dontFragment
  }

  output(route: Route, packet: Packet): Failure {
    this.runHooks(HookPoint.Output, packet, (accepted) => {
      this.runHooks(HookPoint.Postrouting, accepted, (last) => this.transmit(route, last))
    })
    return null
  }

  transmit(route: Route, packet: Packet): void {
    this.statistics.sent++
    route.nic.writePacket(route, IPV4, packet)
  }

  runHooks(point: HookPoint, packet: Packet, next: HookContinuation): void {
    const { hooks } = this.nic
    if (!hooks.isEmpty[point]! && hooks.run(point, packet, IPV4, this.nicId, this.nicId, next) === 'gone') return
    next(packet, false)
  }

  private writeFragments(route: Route, params: NetworkHeaderParams, packet: Packet): Failure {
    const whole = this.nic.host.memory.flatten(packet)
    if (whole === null || !this.mayFragment(params)) return this.refuse('EMSGSIZE', whole ?? packet)
    const size = (this.mtuOf(route) - HEADER) & ~7
    this.id++
    for (let offset = 0; offset < whole.length; offset += size) {
      const end = Math.min(offset + size, whole.length)
      const fragment = this.packetOf(whole.bytes.slice(whole.start + offset, whole.start + end))
      if (fragment === null) continue
      fragment.pushNetworkHeader(HEADER)
      this.writeHeader(fragment, route, params, (offset >> 3) | (end < whole.length ? 0x2000 : 0))
      this.output(route, fragment)
    }
    whole.release()
    return null
  }

  private packetOf(bytes: Uint8Array): Packet | null {
    const packet = this.nic.host.memory.allocate(this.maxHeaderLength + HEADER, bytes.length)
    packet?.append(bytes, 0, bytes.length)
    return packet
  }

  private writeHeader(packet: Packet, route: Route, params: NetworkHeaderParams, flagsOffset: number): void {
    const { bytes, view, networkHeader: at } = packet
    bytes[at] = 0x45
    bytes[at + 1] = params.tos
    view.setUint16(at + 2, packet.length)
    view.setUint16(at + 4, this.id)
    view.setUint16(at + 6, flagsOffset)
    bytes[at + 8] = this.ttlOf(params)
    bytes[at + 9] = packet.transportProtocol = params.protocol
    view.setUint16(at + 10, 0)
    view.setInt32(at + 12, this.sourceOf(route).d)
    view.setInt32(at + 16, route.remoteAddress.d)
    view.setUint16(at + 10, checksumOf(packet.sum(at, at + HEADER)))
    readAddresses(packet, at)
  }

  sourceOf(route: Route): Address {
    return route.localAddress
  }
}

function readAddresses(packet: Packet, at: number): void {
  packet.sourceA = packet.sourceB = packet.destinationA = packet.destinationB = 0
  packet.sourceC = packet.destinationC = 0xffff
  packet.sourceD = packet.view.getInt32(at + 12)
  packet.destinationD = packet.view.getInt32(at + 16)
}

function bytesOf(word: number): Uint8Array {
  return Uint8Array.of(word >>> 24, word >>> 16, word >>> 8, word)
}

/** The plugin; `change` may replace members of the protocol before it is registered, and of each endpoint. */
export function plainNetwork(change: { protocol?(protocol: PlainProtocol): void; endpoint?(endpoint: PlainEndpoint): void } = {}): NetworkPlugin<'plain', PlainProtocol> {
  return {
    kind: 'network',
    name: 'plain',
    apiVersion: 1,
    setup(host) {
      const protocol = new PlainProtocol(host)
      const newEndpoint = protocol.newEndpoint.bind(protocol)
      protocol.newEndpoint = (nic, dispatcher) => {
        const endpoint = newEndpoint(nic, dispatcher)
        change.endpoint?.(endpoint)
        return endpoint
      }
      change.protocol?.(protocol)
      host.registerNetworkProtocol(protocol)
      return protocol
    },
  }
}
