import { PacketFlag, type Packet } from '@stack/buffer'
import {
  address, type Address, type AddressTable, type Failure, type LinkAddressResolver, type LinkCapabilities, type NetworkEndpoint, type NetworkHeaderParams, type NetworkInterface,
  type NetworkPlugin, type NetworkProtocol, type ParseResult, type Route, type TransportDispatcher,
} from '@stack/core'

/** EtherType of the fake network protocol: nothing that a real one uses. */
export const FAKE_NETWORK_PROTOCOL = 0xffe0
/** Bytes of its header. */
export const FAKE_NETWORK_HEADER = 20

/** The word that its addresses begin with. */
const FAMILY = 0x46414b45
const DEFAULT_TTL = 7
const ALL_SUBNETS = 0xffff

/** Offsets: total length, transport protocol, ttl, source, destination. */
const Field = { Length: 0, Protocol: 2, Ttl: 3, Source: 8, Destination: 12 } as const

/** What happened at one NIC. */
export interface FakeNetworkEndpoint extends NetworkEndpoint {
  /** In order: enable, disable, close, unreachable, header included … */
  readonly log: readonly string[]
  readonly statistics: { readonly received: number; readonly sent: number; readonly dropNotLocal: number; readonly dropMalformed: number }
}

/** `stack.fake` */
export interface FakeNetwork {
  /** One for each NIC, in order. */
  readonly endpoints: readonly FakeNetworkEndpoint[]
  readonly isClosed: boolean
}

/**
 * A network protocol that is none, to test what has to do with any of them: links, transports, core. Its addresses are
 * written `f:SUBNET.HOST`, two numbers of 16 bits; subnet 65535 is multicast, 254 link-local, 127 the host itself. It
 * knows link addresses without asking: 02:00 and the four bytes of the address.
 *
 * @example
 * ```ts
 * import { createTestStack, fakeNetwork, fakeTransport } from '@stack/testing'
 *
 * const { stack, link, end } = await createTestStack({ plugins: [fakeNetwork(), fakeTransport()], addresses: ['f:1.1/16'] })
 * const socket = stack.datagrams.open(7)
 * socket.send('f:1.2', 9, [1, 2, 3])
 * console.log(link.tryRead()) // 20 bytes of header, 8 more, and the three
 * socket.close()
 * await end()
 * ```
 */
export function fakeNetwork(): NetworkPlugin<'fake', FakeNetwork> {
  return {
    kind: 'network',
    name: 'fake',
    apiVersion: 1,
    setup(host) {
      const protocol = new Protocol()
      host.registerNetworkProtocol(protocol)
      return protocol
    },
  }
}

class Protocol implements NetworkProtocol, FakeNetwork {
  readonly number: number = FAKE_NETWORK_PROTOCOL
  readonly name = 'fake'
  readonly minimumPacketSize: number = FAKE_NETWORK_HEADER
  readonly defaultPrefixLength = 112
  readonly anyAddress: Address = address(FAMILY, 0, 0, 0)
  readonly closed: Promise<void> = Promise.resolve()
  readonly endpoints: FakeNetworkEndpoint[] = []
  isClosed = false

  ownsAddress(x: Address): boolean {
    return x.a === FAMILY
  }

  parseAddresses(packet: Packet): boolean {
    if (packet.end - packet.start < FAKE_NETWORK_HEADER) return false
    packet.sourceA = packet.destinationA = FAMILY
    packet.sourceB = packet.sourceC = packet.destinationB = packet.destinationC = 0
    packet.sourceD = packet.view.getInt32(packet.start + Field.Source)
    packet.destinationD = packet.view.getInt32(packet.start + Field.Destination)
    return true
  }

  parseAddress(text: string): Address | null {
    const match = /^f:(\d{1,5})\.(\d{1,5})$/.exec(text)
    return match === null ? null : address(FAMILY, 0, 0, (Number(match[1]) << 16) | Number(match[2]))
  }

  formatAddress(x: Address): string {
    return `f:${String(x.d >>> 16)}.${String(x.d & 0xffff)}`
  }

  isMulticast(x: Address): boolean {
    return x.d >>> 16 === ALL_SUBNETS
  }

  isLinkLocal(x: Address): boolean {
    return x.d >>> 16 === 254
  }

  isLoopback(x: Address): boolean {
    return x.d >>> 16 === 127
  }

  newEndpoint(nic: NetworkInterface, dispatcher: TransportDispatcher): NetworkEndpoint {
    const endpoint = new Endpoint(this, nic, dispatcher)
    this.endpoints.push(endpoint)
    return endpoint
  }

  parse(packet: Packet, result: ParseResult): boolean {
    const at = packet.consumeNetworkHeader(FAKE_NETWORK_HEADER)
    result.ok = result.hasTransportHeader = at >= 0
    if (at >= 0) result.transportProtocol = packet.transportProtocol = packet.bytes[at + Field.Protocol]!
    return result.ok
  }

  close(): void {
    this.isClosed = true
  }
}

class Endpoint implements FakeNetworkEndpoint, LinkAddressResolver {
  readonly protocolNumber: number = FAKE_NETWORK_PROTOCOL
  readonly linkAddressProtocol: number = FAKE_NETWORK_PROTOCOL
  readonly defaultTtl: number = DEFAULT_TTL
  readonly statistics = { received: 0, sent: 0, dropNotLocal: 0, dropMalformed: 0 }
  readonly addresses: AddressTable
  readonly log: string[] = []
  isEnabled = false
  private readonly groups = new Set<number>()
  private readonly nic: NetworkInterface
  private readonly protocol: Protocol
  private readonly dispatcher: TransportDispatcher

  constructor(protocol: Protocol, nic: NetworkInterface, dispatcher: TransportDispatcher) {
    this.protocol = protocol
    this.nic = nic
    this.dispatcher = dispatcher
    this.addresses = nic.addressTable(FAKE_NETWORK_PROTOCOL)
  }

  get nicId(): number {
    return this.nic.id
  }

  get mtu(): number {
    return this.nic.mtu - FAKE_NETWORK_HEADER
  }

  get capabilities(): LinkCapabilities {
    return this.nic.capabilities
  }

  get maxHeaderLength(): number {
    return this.nic.linkHeaderLength + FAKE_NETWORK_HEADER
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
    const length = packet.length + FAKE_NETWORK_HEADER
    const at = packet.pushNetworkHeader(FAKE_NETWORK_HEADER)
    packet.bytes.fill(0, at, at + FAKE_NETWORK_HEADER)
    packet.view.setUint16(at + Field.Length, length)
    packet.bytes[at + Field.Protocol] = params.protocol
    packet.bytes[at + Field.Ttl] = params.ttl === 0 ? DEFAULT_TTL : params.ttl
    packet.view.setInt32(at + Field.Source, route.localAddress.d)
    packet.view.setInt32(at + Field.Destination, route.remoteAddress.d)
    this.statistics.sent++
    return this.nic.writePacket(route, FAKE_NETWORK_PROTOCOL, packet)
  }

  writeHeaderIncludedPacket(route: Route, packet: Packet): Failure {
    this.log.push('header included')
    return this.nic.writePacket(route, FAKE_NETWORK_PROTOCOL, packet)
  }

  handlePacket(packet: Packet): void {
    this.statistics.received++
    if (!this.protocol.parseAddresses(packet) || packet.view.getUint16(packet.start + Field.Length) > packet.length) {
      this.statistics.dropMalformed++
      packet.release()
      return
    }
    packet.trimEnd(packet.view.getUint16(packet.start + Field.Length))
    const result: ParseResult = { ok: false, transportProtocol: 0, hasTransportHeader: false }
    this.protocol.parse(packet, result)
    if (!this.isOurs(packet) && !this.nic.promiscuous) {
      this.statistics.dropNotLocal++
      packet.release()
      return
    }
    if (this.dispatcher.deliverTransportPacket(result.transportProtocol, packet) === 'handled') return
    this.log.push('unreachable')
    packet.release()
  }

  handleUnreachable(packet: Packet): void {
    this.log.push('a forwarded packet is undeliverable')
    packet.release()
  }

  linkAddressRequest(): Failure {
    return null
  }

  resolveStaticAddress({ d }: Address): Uint8Array {
    return Uint8Array.of(d >>> 16 === ALL_SUBNETS ? 3 : 2, 0, d >>> 24, (d >> 16) & 255, (d >> 8) & 255, d & 255)
  }

  private isOurs({ destinationA: a, destinationB: b, destinationC: c, destinationD: d, flags }: Packet): boolean {
    return this.addresses.isLocal(a, b, c, d) || this.groups.has(d) || (d >>> 16 === 127 && (flags & PacketFlag.Looped) !== 0)
  }
}
