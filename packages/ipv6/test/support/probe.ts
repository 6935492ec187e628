import type { Packet } from '@stack/buffer'
import type { Failure, NetworkHeaderParams, TransportEndpoint, TransportError, TransportHost, TransportPlugin, TransportProtocol } from '@stack/core'

/** Protocol 253, "for experimentation" (RFC 3692): two ports, then data. */
export const PROBE = 253

export interface Probe {
  /** What port 1 got: source, text of the data, and how it came. */
  readonly received: { readonly from: string; readonly data: string; readonly ttl: number; readonly tos: number; readonly headerLength: number }[]
  readonly errors: { readonly about: string; readonly error: TransportError }[]
  /** Sends from port 1 to port 2. */
  send(remote: string, data: Uint8Array, params?: Partial<NetworkHeaderParams> & { readonly nicId?: number; readonly local?: string }): Failure
  /** Sends bytes that begin with a network header. */
  sendRaw(remote: string, bytes: Uint8Array): Failure
  readonly host: TransportHost
}

/** A transport that does nothing but listen on port 1 and talk. */
export function probe(): TransportPlugin<'probe', Probe> {
  return {
    kind: 'transport',
    name: 'probe',
    apiVersion: 1,
    setup(host) {
      const received: Probe['received'] = []
      const errors: Probe['errors'] = []
      host.registerTransportProtocol(protocol)
      const endpoint: TransportEndpoint = {
        uniqueId: host.nextEndpointId(),
        closed: Promise.resolve(),
        abort() {},
        handlePacket(id, packet) {
          received.push({
            from: host.formatAddress(id.remoteAddress ?? { a: packet.sourceA, b: packet.sourceB, c: packet.sourceC, d: packet.sourceD, zone: 0 }),
            data: text(packet),
            ttl: packet.ttl,
            tos: packet.tos,
            headerLength: packet.networkHeaderLength,
          })
          packet.release()
        },
        handleError(id, error, packet) {
          if (error.kind === 'packetTooBig' && error.cause === 'icmp') host.updatePathMtu(id.localAddress, id.remoteAddress!, error.mtu!)
          errors.push({ about: text(packet), error })
        },
      }
      const any = { a: 0, b: 0, c: 0, d: 0, zone: 0 }
      host.endpoints.register(PROBE, { localAddress: any, localPort: 1, remoteAddress: null, remotePort: 0 }, endpoint, { fanOut: true })

      function send(remote: string, data: Uint8Array, given: Parameters<Probe['send']>[2] = {}): Failure {
        const route = host.findRoute(given.nicId ?? 0, given.local === undefined ? null : host.parseAddress(given.local), host.parseAddress(remote))
        if (route === null || typeof route === 'string') return route
        const packet = host.memory.allocate(route.endpoint.maxHeaderLength + 4, data.length)!
        packet.append(data, 0, data.length)
        const o = packet.pushTransportHeader(4)
        packet.view.setUint16(o, 1)
        packet.view.setUint16(o + 2, 2)
        packet.sourcePort = 1
        packet.destinationPort = 2
        return route.endpoint.writePacket(route, { protocol: PROBE, ttl: 0, tos: 0, dontFragment: false, flowLabel: 0, options: null, ...given }, packet)
      }

      function sendRaw(remote: string, bytes: Uint8Array): Failure {
        const route = host.findRoute(0, null, host.parseAddress(remote))
        if (route === null || typeof route === 'string') return route
        const packet = host.memory.allocate(route.nic.linkHeaderLength, bytes.length)!
        packet.append(bytes, 0, bytes.length)
        return route.endpoint.writeHeaderIncludedPacket(route, packet)
      }

      return { received, errors, send, sendRaw, host }
    },
  }
}

const protocol: TransportProtocol = {
  number: PROBE,
  name: 'probe',
  minimumPacketSize: 4,
  newEndpoint() {
    throw new Error('not here')
  },
  parsePorts(packet) {
    if (packet.end - packet.start < 4) return false
    packet.sourcePort = packet.view.getUint16(packet.start)
    packet.destinationPort = packet.view.getUint16(packet.start + 2)
    return true
  },
  parse: () => true,
  handleUnknownDestinationPacket: () => 'unhandled',
  close() {},
  closed: Promise.resolve(),
}

function text(packet: Packet): string {
  return new TextDecoder().decode(packet.bytes.slice(packet.start + 4, packet.end))
}
