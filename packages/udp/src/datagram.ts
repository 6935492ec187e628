import type { Packet } from '@stack/buffer'
import { isMapped, type Address, type TransportHost } from '@stack/core'
import type { Datagram, Endpoint } from './api.ts'

/** Ends that a socket remembers, a power of two. A flow has two; a server answers few peers at a time more often than many. */
const SLOTS = 64

/** Bytes of an IPv4 header without options. */
const IPV4_HEADER = 20

interface Known {
  readonly a: number
  readonly b: number
  readonly c: number
  readonly d: number
  readonly port: number
  readonly nicId: number
  readonly endpoint: Endpoint
}

/**
 * Makes datagrams of packets. Their ends are plain objects, so that they may be spread and cloned; a text is made once for each
 * peer and not for each datagram, and its datagrams share it.
 */
export class DatagramReader {
  private readonly host: TransportHost
  /** Filled as peers come: most sockets know one. */
  private readonly known: (Known | undefined)[] = []

  constructor(host: TransportHost) {
    this.host = host
  }

  read(p: Packet, data: Uint8Array): Datagram {
    const datagram: Datagram = {
      data,
      remote: this.endpoint(p.sourceA, p.sourceB, p.sourceC, p.sourceD, p.sourcePort, p.nicId),
      local: this.endpoint(p.destinationA, p.destinationB, p.destinationC, p.destinationD, p.destinationPort, p.nicId),
      nicId: p.nicId,
      ttl: p.ttl,
      tos: p.tos,
    }
    const options = ipOptionsOf(p)
    return options === null ? datagram : { ...datagram, ipOptions: options }
  }

  private endpoint(a: number, b: number, c: number, d: number, port: number, nicId: number): Endpoint {
    const slot = (d ^ (d >>> 16) ^ (port * 31)) & (SLOTS - 1)
    const found = this.known[slot]
    if (found?.d === d && found.port === port && found.c === c && found.b === b && found.a === a && found.nicId === nicId) return found.endpoint
    const address = { a, b, c, d, zone: 0 }
    // RFC 4007 §6: a link-local address names a host only together with its link.
    const zone = isLinkLocal(this.host, address) ? nicId : 0
    const endpoint = Object.freeze({ host: this.host.formatAddress({ ...address, zone }), port })
    this.known[slot] = { a, b, c, d, port, nicId, endpoint }
    return endpoint
  }
}

/** What of an IPv4 header is behind its fixed part. */
function ipOptionsOf({ bytes, networkHeader, networkHeaderLength, sourceA, sourceB, sourceC }: Packet): Uint8Array | null {
  const isIpv4 = sourceC === 0xffff && sourceA === 0 && sourceB === 0
  return isIpv4 && networkHeader >= 0 && networkHeaderLength > IPV4_HEADER ? bytes.slice(networkHeader + IPV4_HEADER, networkHeader + networkHeaderLength) : null
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
