import type { Packet } from '@stack/buffer'
import {
  address, type Address, type AddressTable, type Failure, type LinkAddressResolver, type LinkCapabilities, type NetworkEndpoint,
  type NetworkHeaderParams, type NetworkInterface, type NetworkPlugin, type NetworkProtocol, type ParseResult, type Route,
  type TransportDispatcher,
} from '@stack/core'

/** EtherType, and the word that its addresses begin with: nothing that any real protocol uses. */
export const FAKE_PROTOCOL = 0xffe0
const FAKE_FAMILY = 0x46414b45
export const FAKE_HEADER = 20
const RESOLUTION = 250
const DEFAULT_TTL = 7

/** Offsets: total length, transport protocol, ttl, source, destination. */
const LENGTH = 0
const PROTOCOL = 2
const TTL = 3
const SOURCE = 8
const DESTINATION = 12

/** What a test can look at. */
export interface FakeNetwork {
  readonly endpoints: FakeEndpoint[]
  readonly isClosed: boolean
}

export interface FakeNetworkOptions {
  /** Resolves link addresses (default true). */
  readonly resolves?: boolean
}

/** `f:SUBNET.HOST`, two numbers of 16 bits. Subnet 65535 is multicast, `f:127.x` the host itself. */
export function fakeAddress(subnet: number, host: number): Address {
  return address(FAKE_FAMILY, 0, 0, (subnet << 16) | host)
}

export function fakeNetwork(options: FakeNetworkOptions = {}): NetworkPlugin<'fake', FakeNetwork> {
  return {
    kind: 'network',
    name: 'fake',
    apiVersion: 1,
    setup(host) {
      const protocol = new Protocol(options.resolves ?? true)
      host.registerNetworkProtocol(protocol)
      return protocol
    },
  }
}

class Protocol implements NetworkProtocol, FakeNetwork {
  readonly number = FAKE_PROTOCOL
  readonly name = 'fake'
  readonly minimumPacketSize = FAKE_HEADER
  readonly defaultPrefixLength = 112
  readonly anyAddress: Address = address(FAKE_FAMILY, 0, 0, 0)
  readonly closed: Promise<void> = Promise.resolve()
  readonly endpoints: FakeEndpoint[] = []
  isClosed = false
  private readonly resolves: boolean

  constructor(resolves: boolean) {
    this.resolves = resolves
  }

  ownsAddress(x: Address): boolean {
    return x.a === FAKE_FAMILY
  }

  parseAddresses(packet: Packet): boolean {
    if (packet.end - packet.start < FAKE_HEADER) return false
    packet.sourceA = packet.destinationA = FAKE_FAMILY
    packet.sourceB = packet.sourceC = packet.destinationB = packet.destinationC = 0
    packet.sourceD = packet.view.getInt32(packet.start + SOURCE)
    packet.destinationD = packet.view.getInt32(packet.start + DESTINATION)
    return true
  }

  parseAddress(text: string): Address | null {
    const match = /^f:(\d+)\.(\d+)$/.exec(text)
    return match === null ? null : fakeAddress(Number(match[1]), Number(match[2]))
  }

  formatAddress(x: Address): string {
    return `f:${x.d >>> 16}.${x.d & 0xffff}`
  }

  isMulticast(x: Address): boolean {
    return x.d >>> 16 === 0xffff
  }

  isLinkLocal(x: Address): boolean {
    return x.d >>> 16 === 254
  }

  isLoopback(x: Address): boolean {
    return x.d >>> 16 === 127
  }

  newEndpoint(nic: NetworkInterface, dispatcher: TransportDispatcher): NetworkEndpoint {
    const endpoint = this.resolves ? new ResolvingEndpoint(this, nic, dispatcher) : new FakeEndpoint(this, nic, dispatcher)
    this.endpoints.push(endpoint)
    return endpoint
  }

  parse(packet: Packet, result: ParseResult): boolean {
    const at = packet.consumeNetworkHeader(FAKE_HEADER)
    result.ok = result.hasTransportHeader = at >= 0
    if (at >= 0) result.transportProtocol = packet.transportProtocol = packet.bytes[at + PROTOCOL]!
    return result.ok
  }

  close(): void {
    this.isClosed = true
  }
}

/** One fake protocol on one NIC. */
class FakeEndpoint implements NetworkEndpoint {
  readonly protocolNumber = FAKE_PROTOCOL
  readonly defaultTtl = DEFAULT_TTL
  readonly statistics = { received: 0, sent: 0, dropNotLocal: 0, dropMalformed: 0 }
  readonly addresses: AddressTable
  readonly groups = new Set<number>()
  /** What happened, in order. */
  readonly log: string[] = []
  isEnabled = false
  protected readonly nic: NetworkInterface
  private readonly protocol: NetworkProtocol
  private readonly dispatcher: TransportDispatcher

  constructor(protocol: NetworkProtocol, nic: NetworkInterface, dispatcher: TransportDispatcher) {
    this.protocol = protocol
    this.nic = nic
    this.dispatcher = dispatcher
    this.addresses = nic.addressTable(FAKE_PROTOCOL)
    // The NIC registers them too: they count once.
    nic.host.statistics.register(protocol.name, this.statistics)
  }

  get nicId(): number {
    return this.nic.id
  }

  get mtu(): number {
    return this.nic.mtu - FAKE_HEADER
  }

  get capabilities(): LinkCapabilities {
    return this.nic.capabilities
  }

  get maxHeaderLength(): number {
    return this.nic.linkHeaderLength + FAKE_HEADER
  }

  enable(): void {
    this.isEnabled = true
    this.log.push('enable')
  }

  disable(): void {
    this.isEnabled = false
    this.log.push('disable')
  }

  close(): void {
    this.log.push('close')
  }

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

  writePacket(route: Route, params: NetworkHeaderParams, packet: Packet): Failure {
    packet.transportProtocol = params.protocol
    const length = packet.length + FAKE_HEADER
    const at = packet.pushNetworkHeader(FAKE_HEADER)
    packet.bytes.fill(0, at, at + FAKE_HEADER)
    packet.view.setUint16(at + LENGTH, length)
    packet.bytes[at + PROTOCOL] = params.protocol
    packet.bytes[at + TTL] = params.ttl === 0 ? DEFAULT_TTL : params.ttl
    packet.view.setInt32(at + SOURCE, route.localAddress.d)
    packet.view.setInt32(at + DESTINATION, route.remoteAddress.d)
    this.statistics.sent++
    return this.nic.writePacket(route, FAKE_PROTOCOL, packet)
  }

  writeHeaderIncludedPacket(route: Route, packet: Packet): Failure {
    this.log.push('header included')
    return this.nic.writePacket(route, FAKE_PROTOCOL, packet)
  }

  handlePacket(packet: Packet): void {
    this.statistics.received++
    const result: ParseResult = { ok: false, transportProtocol: 0, hasTransportHeader: false }
    if (!this.protocol.parseAddresses(packet) || packet.view.getUint16(packet.start + LENGTH) > packet.length) {
      this.statistics.dropMalformed++
      packet.release()
      return
    }
    packet.trimEnd(packet.view.getUint16(packet.start + LENGTH))
    this.protocol.parse(packet, result)
    if (result.transportProtocol === RESOLUTION) {
      this.handleResolution(packet)
      return
    }
    const { destinationA: a, destinationB: b, destinationC: c, destinationD: d } = packet
    const isLocal = this.addresses.isLocal(a, b, c, d) || this.groups.has(d) || (d >>> 16 === 127 && (packet.flags & 4) !== 0)
    if (!isLocal && !this.nic.promiscuous) {
      this.statistics.dropNotLocal++
      packet.release()
      return
    }
    if (this.dispatcher.deliverTransportPacket(result.transportProtocol, packet) === 'handled') return
    this.log.push('unreachable')
    packet.release()
  }

  handleUnreachable(packet: Packet): void {
    this.log.push(`forwarded packet of ${packet.length} bytes is undeliverable`)
    packet.release()
  }

  neighborChanged(x: Address): void {
    this.log.push(`neighbor ${this.protocol.formatAddress(x)} is gone`)
  }

  protected handleResolution(packet: Packet): void {
    packet.release()
  }
}

/** Asks with [1, asked], answers with [2, asked, link address]; the source says who asks. */
class ResolvingEndpoint extends FakeEndpoint implements LinkAddressResolver {
  readonly linkAddressProtocol = FAKE_PROTOCOL

  linkAddressRequest(asked: Address, local: Address | null, linkAddress: Uint8Array | null): Failure {
    if (local === null) return 'EADDRNOTAVAIL'
    return this.send(1, asked.d, local.d, linkAddress ?? Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff))
  }

  resolveStaticAddress(x: Address): Uint8Array | null {
    return x.d >>> 16 === 0xffff ? Uint8Array.of(3, 0, 0, 0, (x.d >> 8) & 0xff, x.d & 0xff) : null
  }

  protected override handleResolution(packet: Packet): void {
    const { view, start, sourceD } = packet
    const asked = view.getInt32(start + 1)
    const mac = packet.bytes.slice(start + 5, start + 11)
    const neighbors = this.nic.neighborTable(FAKE_PROTOCOL)!
    if (packet.bytes[start] === 2) {
      neighbors.handleConfirmation(address(FAKE_FAMILY, 0, 0, asked), mac, { solicited: true, override: true, isRouter: false })
    } else if (this.addresses.isLocal(FAKE_FAMILY, 0, 0, asked)) {
      neighbors.handleProbe(address(FAKE_FAMILY, 0, 0, sourceD), mac)
      this.send(2, asked, asked, mac, sourceD)
    }
    packet.release()
  }

  private send(type: number, asked: number, source: number, to: Uint8Array, destination = asked): Failure {
    const packet = this.nic.host.memory.allocate(this.maxHeaderLength, 64)
    if (packet === null) return 'ENOBUFS'
    const at = packet.start
    packet.bytes[at] = type
    packet.view.setInt32(at + 1, asked)
    packet.bytes.set(this.nic.linkAddress!, at + 5)
    packet.end = at + 11
    const header = packet.pushNetworkHeader(FAKE_HEADER)
    packet.bytes.fill(0, header, header + FAKE_HEADER)
    packet.view.setUint16(header + LENGTH, packet.length)
    packet.bytes[header + PROTOCOL] = RESOLUTION
    packet.view.setInt32(header + SOURCE, source)
    packet.view.setInt32(header + DESTINATION, destination)
    return this.nic.writePacketTo(to, FAKE_PROTOCOL, packet)
  }
}
