import { ChecksumState, type Packet } from '@stack/buffer'
import {
  ANY_ADDRESS, type Failure, type NetworkHeaderParams, type Registration, type TransportEndpoint, type TransportEndpointId, type TransportError, type TransportHost,
  type TransportPlugin, type TransportProtocol, type UnknownDestinationDisposition, type Wakeable,
} from '@stack/core'
import { toBytes, type Bytes } from '../packets/bytes.ts'

/** Protocol number of the fake transport. */
export const FAKE_TRANSPORT_PROTOCOL = 200
/** Bytes of its header: source port, destination port, length, checksum. */
export const FAKE_TRANSPORT_HEADER = 8

/** A datagram that came in. */
export interface FakeDatagram {
  readonly from: string
  readonly port: number
  readonly bytes: Uint8Array
  readonly nicId: number
}

/** A socket of the fake transport. */
export interface FakeSocket {
  readonly port: number
  /** Everything that came in, in order. */
  readonly received: readonly FakeDatagram[]
  readonly errors: readonly TransportError[]
  readonly isAborted: boolean
  /** User code: called after something came in, last in its turn. */
  onReceive: (() => void) | null
  /** Returns why it did not go, or null. The checksum is left to the NIC, as transports do. */
  send(host: string, port: number, content: Bytes): Failure
  close(): void
}

/** `stack.datagrams` */
export interface FakeTransport {
  /** What the plugin was given. */
  readonly host: TransportHost
  /** Binds a port of any address; throws where that fails. */
  open(port: number): FakeSocket
}

/** A transport protocol over any network protocol, to test those: datagrams with ports and a checksum, which is over themselves only. */
export function fakeTransport(): TransportPlugin<'datagrams', FakeTransport> {
  return {
    kind: 'transport',
    name: 'datagrams',
    apiVersion: 1,
    setup(host) {
      const protocol = new Protocol(host)
      host.registerTransportProtocol(protocol)
      return protocol
    },
  }
}

class Protocol implements TransportProtocol, FakeTransport {
  readonly number: number = FAKE_TRANSPORT_PROTOCOL
  readonly name = 'datagrams'
  readonly minimumPacketSize: number = FAKE_TRANSPORT_HEADER
  readonly host: TransportHost
  readonly closed: Promise<void> = Promise.resolve()

  constructor(host: TransportHost) {
    this.host = host
  }

  open(port: number): FakeSocket {
    const socket = this.newEndpoint()
    socket.bind(port)
    return socket
  }

  newEndpoint(): Socket {
    return new Socket(this.host)
  }

  parsePorts(packet: Packet): boolean {
    if (packet.end - packet.start < FAKE_TRANSPORT_HEADER) return false
    packet.sourcePort = packet.view.getUint16(packet.start)
    packet.destinationPort = packet.view.getUint16(packet.start + 2)
    return true
  }

  parse(packet: Packet): boolean {
    return packet.consumeTransportHeader(FAKE_TRANSPORT_HEADER) >= 0
  }

  handleUnknownDestinationPacket(): UnknownDestinationDisposition {
    return 'unhandled'
  }

  close(): void {}
}

class Socket implements FakeSocket, TransportEndpoint, Wakeable {
  readonly uniqueId: number
  readonly closed: Promise<void> = Promise.resolve()
  readonly received: FakeDatagram[] = []
  readonly errors: TransportError[] = []
  waking = false
  isAborted = false
  onReceive: (() => void) | null = null
  port = 0
  private registration: Registration | null = null
  private readonly host: TransportHost
  private readonly params: NetworkHeaderParams = { protocol: FAKE_TRANSPORT_PROTOCOL, ttl: 0, tos: 0, dontFragment: false, flowLabel: 0, options: null }

  constructor(host: TransportHost) {
    this.host = host
    this.uniqueId = host.nextEndpointId()
  }

  bind(port: number): void {
    this.port = port
    const id: TransportEndpointId = { localAddress: ANY_ADDRESS, localPort: port, remoteAddress: null, remotePort: 0 }
    const answer = this.host.endpoints.register(FAKE_TRANSPORT_PROTOCOL, id, this, { fanOut: true })
    if (typeof answer !== 'object' || answer === null) throw new Error(`Port ${String(port)} of the fake transport: ${String(answer)}.`)
    this.registration = answer
    this.host.ref()
  }

  send(host: string, port: number, content: Bytes): Failure {
    const remote = this.host.networkProtocols.map((protocol) => protocol.parseAddress(host)).find((found) => found !== null)
    if (remote === undefined) return 'EAFNOSUPPORT'
    const route = this.host.findRoute(0, null, remote)
    if (typeof route !== 'object' || route === null) return route
    const bytes = toBytes(content)
    const packet = this.host.memory.allocate(route.endpoint.maxHeaderLength + FAKE_TRANSPORT_HEADER, bytes.length)
    if (packet === null) return 'ENOBUFS'
    packet.append(bytes, 0, bytes.length)
    const at = packet.pushTransportHeader(FAKE_TRANSPORT_HEADER)
    packet.view.setUint16(at, this.port)
    packet.view.setUint16(at + 2, port)
    packet.view.setUint16(at + 4, packet.length)
    packet.view.setUint16(at + 6, 0)
    packet.checksumState = ChecksumState.Partial
    packet.checksumStart = at
    packet.checksumOffset = 6
    const failure = route.endpoint.writePacket(route, this.params, packet)
    this.host.scheduler.run()
    return failure
  }

  close(): void {
    this.abort()
  }

  handlePacket(_id: TransportEndpointId, packet: Packet): void {
    const from = this.host.formatAddress({ a: packet.sourceA, b: packet.sourceB, c: packet.sourceC, d: packet.sourceD, zone: 0 })
    const { nicId, sourcePort: port } = packet
    packet.consumeTransportHeader(FAKE_TRANSPORT_HEADER)
    this.received.push({ from, port, nicId, bytes: packet.bytes.slice(packet.start, packet.end) })
    packet.release()
    if (this.onReceive !== null) this.host.scheduler.wake(this)
  }

  handleError(_id: TransportEndpointId, error: TransportError): void {
    this.errors.push(error)
  }

  wake(): void {
    try {
      this.onReceive?.()
    } catch (error) {
      this.host.onError(error)
    }
  }

  abort(): void {
    if (this.registration === null) return
    this.registration.remove()
    this.registration = null
    this.isAborted = true
    this.host.unref()
  }
}
