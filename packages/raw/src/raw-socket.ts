import { ChecksumState, type Packet } from '@stack/buffer'
import {
  addressSum, pseudoHeaderSum, sameAddress, StackError, type Address, type Failure, type NetworkHeaderParams, type RawHost, type TransportError,
  type UnassociatedEndpoint,
} from '@stack/core'
import type { RawDatagram, RawSocket } from './api.ts'
import { ReadingSocket } from './reading-socket.ts'
import { assertBytes, settleSend, type RawCounters } from './send.ts'

/** Options with every default filled in. */
export interface RawSettings {
  readonly networkProtocol: number
  readonly protocol: number
  readonly headerIncluded: boolean
  readonly nicId: number
  readonly ttl: number
  readonly tos: number
  readonly receiveBuffer: number
}

/** Room for the largest link header that is usual: Ethernet with a VLAN tag, rounded up. The NIC makes more if need be. */
const HEADROOM = 32
/** An IPv6 header and the longest payload it can state. */
const MAX_PACKET = 40 + 65_535
/** Hosts that a socket remembers having sent to. */
const MAX_RECENT = 16
const IPV6 = 0x86dd
const ICMPV6 = 58
const ICMPV6_CHECKSUM = 2

/** A raw socket of one (network, transport) protocol. */
export class RawSocketEndpoint extends ReadingSocket<RawDatagram> implements RawSocket, UnassociatedEndpoint {
  readonly networkProtocol: number
  readonly transportProtocol: number
  private readonly settings: RawSettings
  private readonly params: NetworkHeaderParams
  private readonly unregister: () => void
  private readonly forget: (socket: RawSocketEndpoint) => void
  /** Where packets went to: errors about others are not believed (RFC 5927 §4). */
  private readonly recent: Address[] = []

  constructor(host: RawHost, settings: RawSettings, counters: RawCounters, forget: (socket: RawSocketEndpoint) => void) {
    super(host, settings.receiveBuffer, counters)
    this.settings = settings
    this.forget = forget
    this.networkProtocol = settings.networkProtocol
    this.transportProtocol = settings.protocol
    this.params = { protocol: settings.protocol, ttl: settings.ttl, tos: settings.tos, dontFragment: false, flowLabel: 0, options: null }
    this.unregister = host.registerRawEndpoint(settings.nicId, settings.networkProtocol, settings.protocol, this)
  }

  handlePacket(packet: Packet): void {
    this.put(packet)
  }

  handleError(local: Address, remote: Address, error: TransportError): boolean {
    if (!this.recent.some((sent) => sameAddress(sent, remote))) return false
    if (error.kind === 'packetTooBig' && error.cause === 'icmp') this.host.updatePathMtu(local, remote, error.mtu ?? 0)
    return true
  }

  send(data: Uint8Array, host: string): boolean {
    this.mailbox.assertOpen('send')
    assertBytes(data)
    const { headerIncluded, protocol } = this.settings
    if (protocol === 0 && !headerIncluded) {
      throw new StackError('EINVAL', 'A raw socket for every protocol cannot know which to send: open it with a protocol, or with headerIncluded.', { syscall: 'send' })
    }
    const remote = this.host.parseAddress(host)
    const isWrongFamily = this.host.networkProtocolOf(remote) !== this.networkProtocol
    const failure = isWrongFamily ? 'EAFNOSUPPORT' : headerIncluded ? this.sendWhole(data, remote) : this.sendPayload(data, remote)
    const isSent = settleSend(failure, this.counters, host)
    if (isSent) {
      this.remember(remote)
      this.host.scheduler.run()
    }
    return isSent
  }

  override close(): void {
    this.unregister()
    super.close()
    this.forget(this)
  }

  private remember(remote: Address): void {
    const { recent } = this
    if (recent.some((known) => sameAddress(known, remote))) return
    if (recent.length === MAX_RECENT) recent.shift()
    recent.push(remote)
  }

  private sendWhole(data: Uint8Array, remote: Address): Failure {
    if (data.length > MAX_PACKET) return 'EMSGSIZE'
    const packet = this.host.memory.allocate(HEADROOM, data.length)
    if (packet === null) return 'ENOBUFS'
    packet.append(data, 0, data.length)
    return this.host.writeHeaderIncluded(this.settings.nicId, remote, packet)
  }

  private sendPayload(data: Uint8Array, remote: Address): Failure {
    if (data.length > MAX_PACKET) return 'EMSGSIZE'
    const route = this.host.findRoute(this.settings.nicId || remote.zone, null, remote)
    if (route === null || typeof route === 'string') return route ?? 'EHOSTUNREACH'
    const packet = this.host.memory.allocate(route.endpoint.maxHeaderLength, data.length)
    if (packet === null) return 'ENOBUFS'
    packet.append(data, 0, data.length)
    packet.transportProtocol = this.transportProtocol
    if (this.networkProtocol === IPV6 && this.transportProtocol === ICMPV6 && data.length >= ICMPV6_CHECKSUM + 2) {
      // RFC 3542 §3.1: its sum needs the source, which the sender does not know.
      packet.view.setUint16(
        packet.start + ICMPV6_CHECKSUM, pseudoHeaderSum(addressSum(route.localAddress) + addressSum(remote), ICMPV6, data.length),
      )
      packet.checksumState = ChecksumState.Partial
      packet.checksumStart = packet.start
      packet.checksumOffset = ICMPV6_CHECKSUM
    }
    return route.endpoint.writePacket(route, this.params, packet)
  }

  protected override datagram(packet: Packet): RawDatagram {
    const { networkHeader, networkHeaderLength, start, end, bytes } = packet
    const text = (a: number, b: number, c: number, d: number): string => this.host.formatAddress({ a, b, c, d, zone: 0 })
    return {
      data: bytes.slice(start, end),
      header: networkHeader < 0 ? new Uint8Array(0) : bytes.slice(networkHeader, networkHeader + networkHeaderLength),
      source: text(packet.sourceA, packet.sourceB, packet.sourceC, packet.sourceD),
      destination: text(packet.destinationA, packet.destinationB, packet.destinationC, packet.destinationD),
      nicId: packet.nicId,
    }
  }
}
