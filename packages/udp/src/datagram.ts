import type { Packet } from '@stack/buffer'
import { isMapped, type Address, type TransportHost } from '@stack/core'
import type { Datagram, Endpoint } from './api.ts'

/** What a reader gets. Text forms are made when asked for. */
export class ReceivedDatagram implements Datagram {
  readonly data: Uint8Array
  readonly remote: PacketEnd
  readonly local: PacketEnd
  readonly nicId: number
  readonly ttl: number
  readonly tos: number

  constructor(host: TransportHost, packet: Packet, data: Uint8Array) {
    this.data = data
    this.nicId = packet.nicId
    this.ttl = packet.ttl
    this.tos = packet.tos
    this.remote = new PacketEnd(host, packet.sourceA, packet.sourceB, packet.sourceC, packet.sourceD, packet.sourcePort, packet.nicId)
    this.local = new PacketEnd(
      host, packet.destinationA, packet.destinationB, packet.destinationC, packet.destinationD, packet.destinationPort, packet.nicId,
    )
  }
}

/** An {@link Endpoint} whose text is made at the first look: most receivers of a flow never look. */
export class PacketEnd implements Endpoint, Address {
  readonly a: number
  readonly b: number
  readonly c: number
  readonly d: number
  readonly zone: number
  readonly port: number
  readonly #host: TransportHost
  #text: string | null = null

  constructor(host: TransportHost, a: number, b: number, c: number, d: number, port: number, nicId: number) {
    this.#host = host
    this.a = a
    this.b = b
    this.c = c
    this.d = d
    this.port = port
    // RFC 4007 §6: a link-local address names a host only together with its link.
    this.zone = isLinkLocal(host, this) ? nicId : 0
  }

  get host(): string {
    return (this.#text ??= this.#host.formatAddress(this))
  }
}

function isLinkLocal(host: TransportHost, address: Address): boolean {
  if (isMapped(address)) return false
  const protocols = host.networkProtocols
  for (let i = 0; i < protocols.length; i++) {
    const protocol = protocols[i]!
    if (protocol.ownsAddress?.(address) === true) return protocol.isLinkLocal?.(address) === true
  }
  return false
}
