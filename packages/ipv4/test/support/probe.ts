import { ChecksumState } from '@stack/buffer'
import type { Packet } from '@stack/buffer'
import { mappedAddress } from '@stack/core'
import type { Failure, NetworkHeaderParams, Route, TransportEndpoint, TransportHost, TransportPlugin, TransportProtocol } from '@stack/core'
import { formatIpv4Address } from '../../src/wire.ts'
import { bytesOf, segment } from './packets.ts'

/** A transport that writes down what it gets. */
interface Probe {
  /** Datagrams: `source > destination:port "data"`. */
  readonly received: string[]
  /** Control messages. */
  readonly errors: string[]
  readonly payloads: Uint8Array[]
  /** Believes what ICMP says about path MTUs; at first true. */
  believes: boolean
  listen(port: number): void
  route(destination: number, source?: number): Route | Failure
  /** From port 1000, as UDP would: checksum partial, at the place of UDP's. */
  send(route: Route, data: string | Uint8Array, params?: Partial<NetworkHeaderParams>): Failure
  /** With the network header in `bytes`. */
  sendRaw(route: Route, bytes: Uint8Array): Failure
}

export type ProbePlugin = TransportPlugin<'probe', Probe>

export function probe(): ProbePlugin {
  return { kind: 'transport', name: 'probe', apiVersion: 1, setup: (host) => setUp(host) }
}

function setUp(host: TransportHost): Probe {
  const received: string[] = []
  const errors: string[] = []
  const payloads: Uint8Array[] = []
  const endpoint: TransportEndpoint = {
    uniqueId: host.nextEndpointId(),
    closed: Promise.resolve(),
    abort() {},
    handlePacket(id, packet) {
      const data = packet.bytes.slice(packet.start + 8, packet.end)
      payloads.push(data)
      const what = data.length > 32 ? `${data.length} bytes` : `"${new TextDecoder().decode(data)}"`
      received.push(`${formatIpv4Address(packet.sourceD)} > ${formatIpv4Address(packet.destinationD)}:${id.localPort} ${what}`)
      packet.release()
    },
    handleError(id, error, packet) {
      const port = packet.view.getUint16(packet.start + 2)
      if (api.believes && error.kind === 'packetTooBig' && error.cause === 'icmp') host.updatePathMtu(id.localAddress, id.remoteAddress!, error.mtu!)
      errors.push(`${error.cause} ${error.kind}${error.mtu === undefined || error.mtu === 0 ? '' : ` ${error.mtu}`} :${id.localPort} > :${port}`)
    },
  }
  const protocol: TransportProtocol = {
    number: 17,
    name: 'probe',
    minimumPacketSize: 8,
    closed: Promise.resolve(),
    close() {},
    newEndpoint: () => endpoint,
    parsePorts(packet) {
      packet.sourcePort = packet.view.getUint16(packet.start)
      packet.destinationPort = packet.view.getUint16(packet.start + 2)
      return true
    },
    parse: (packet) => packet.consumeTransportHeader(8) >= 0,
    handleUnknownDestinationPacket: () => 'unhandled',
  }
  host.registerTransportProtocol(protocol)

  function packetOf(headroom: number, bytes: Uint8Array): Packet {
    const packet = host.memory.allocate(headroom, bytes.length)!
    packet.append(bytes, 0, bytes.length)
    return packet
  }

  const api: Probe = {
    received,
    errors,
    payloads,
    believes: true,
    listen(port) {
      const id = { localAddress: mappedAddress(0), localPort: port, remoteAddress: null, remotePort: 0 }
      if (typeof host.endpoints.register(17, id, endpoint) === 'string') throw new Error('taken')
    },
    route: (destination, source) => host.findRoute(0, source === undefined ? null : mappedAddress(source), mappedAddress(destination)),
    send(route, data, params = {}) {
      const bytes = segment(1000, 53, bytesOf(data))
      const packet = packetOf(route.endpoint.maxHeaderLength, bytes)
      packet.checksumState = ChecksumState.Partial
      packet.checksumStart = packet.start
      packet.checksumOffset = 6
      const failure = route.endpoint.writePacket(route, { protocol: 17, ttl: 0, tos: 0, dontFragment: false, flowLabel: 0, options: null, ...params }, packet)
      host.scheduler.run()
      return failure
    },
    sendRaw(route, bytes) {
      const failure = route.endpoint.writeHeaderIncludedPacket(route, packetOf(route.nic.linkHeaderLength, bytes))
      host.scheduler.run()
      return failure
    },
  }
  return api
}
