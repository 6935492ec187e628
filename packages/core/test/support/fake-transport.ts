import { ChecksumState, type Packet } from '@stack/buffer'
import {
  ANY_ADDRESS, type Address, type Dirty, type Failure, type NetworkHeaderParams, type Registration, type TransportEndpoint,
  type TransportEndpointId, type TransportError, type TransportHost, type TransportPlugin, type TransportProtocol,
  type UnknownDestinationDisposition, type Wakeable,
} from '@stack/core'

export const FAKE_TRANSPORT = 200
/** Source port, destination port, length, checksum. */
const HEADER = 8

/** The API that the plugin adds to its stack: datagrams with numbers as content. */
export interface FakeTransport {
  readonly host: TransportHost
  open(port: number): FakeSocket
  /** True = `close` takes as long as it is told. */
  holdClose(): () => void
}

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
  readonly number = FAKE_TRANSPORT
  readonly name = 'datagrams'
  readonly minimumPacketSize = HEADER
  readonly host: TransportHost
  readonly closed: Promise<void>
  private resolveClosed!: () => void
  private held = false

  constructor(host: TransportHost) {
    this.host = host
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve
    })
  }

  open(port: number): FakeSocket {
    const socket = this.newEndpoint()
    socket.bind(port)
    return socket
  }

  holdClose(): () => void {
    this.held = true
    return this.resolveClosed
  }

  newEndpoint(): FakeSocket {
    return new FakeSocket(this.host)
  }

  parsePorts(packet: Packet): boolean {
    if (packet.end - packet.start < 4) return false
    packet.sourcePort = packet.view.getUint16(packet.start)
    packet.destinationPort = packet.view.getUint16(packet.start + 2)
    return true
  }

  parse(packet: Packet): boolean {
    return packet.consumeTransportHeader(HEADER) >= 0
  }

  handleUnknownDestinationPacket(): UnknownDestinationDisposition {
    return 'unhandled'
  }

  close(): void {
    if (!this.held) this.resolveClosed()
  }
}

/** A datagram as it was received. */
export interface Received {
  readonly from: string
  readonly port: number
  readonly bytes: readonly number[]
  readonly checksumState: number
  readonly nicId: number
  readonly flags: number
  readonly arrival: number
}

export class FakeSocket implements TransportEndpoint, Wakeable, Dirty {
  readonly uniqueId: number
  readonly closed: Promise<void> = Promise.resolve()
  readonly received: Received[] = []
  readonly errors: TransportError[] = []
  waking = false
  dirty = false
  isAborted = false
  /** Called from `wake`: user code. */
  onWake: (() => void) | null = null
  port = 0
  /** Where the last datagram goes when the socket is aborted, from the end of the turn. */
  farewell: Address | null = null
  private registration: Registration | null = null
  private readonly host: TransportHost
  private readonly params: NetworkHeaderParams = {
    protocol: FAKE_TRANSPORT, ttl: 0, tos: 0, dontFragment: false, flowLabel: 0, options: null,
  }

  constructor(host: TransportHost) {
    this.host = host
    this.uniqueId = host.nextEndpointId()
  }

  bind(port: number): void {
    this.port = port
    const id: TransportEndpointId = { localAddress: ANY_ADDRESS, localPort: port, remoteAddress: null, remotePort: 0 }
    const answer = this.host.endpoints.register(FAKE_TRANSPORT, id, this, { fanOut: true })
    if (typeof answer !== 'object' || answer === null) throw new Error(String(answer))
    this.registration = answer
    this.host.ref()
  }

  /** Sends `length` bytes (or these bytes), leaving the checksum to the NIC as transports do. */
  send(to: Address, port: number, content: number | readonly number[], options: { nicId?: number; run?: boolean; chunk?: boolean } = {}): Failure {
    const route = this.host.findRoute(options.nicId ?? 0, null, to)
    if (typeof route !== 'object' || route === null) return route
    const bytes = Uint8Array.from(typeof content === 'number' ? { length: content } : content, (x: unknown, i) => (typeof x === 'number' ? x : i & 0xff))
    const packet = this.host.memory.allocate(route.endpoint.maxHeaderLength + HEADER, options.chunk === true ? 0 : bytes.length)
    if (packet === null) return 'ENOBUFS'
    if (options.chunk === true) {
      const chunk = this.host.memory.chunk(bytes.length)!
      chunk.append(bytes, 0, bytes.length)
      packet.attachPayload(chunk, 0, bytes.length)
      chunk.release()
    } else {
      packet.append(bytes, 0, bytes.length)
    }
    const at = packet.pushTransportHeader(HEADER)
    packet.view.setUint16(at, this.port)
    packet.view.setUint16(at + 2, port)
    packet.view.setUint16(at + 4, packet.length)
    packet.view.setUint16(at + 6, 0)
    packet.checksumState = ChecksumState.Partial
    packet.checksumStart = at
    packet.checksumOffset = 6
    const failure = route.endpoint.writePacket(route, this.params, packet)
    if (options.run !== false) this.host.scheduler.run()
    return failure
  }

  handlePacket(_id: TransportEndpointId, packet: Packet): void {
    const from = this.host.formatAddress({ a: packet.sourceA, b: packet.sourceB, c: packet.sourceC, d: packet.sourceD, zone: 0 })
    const { checksumState, nicId, flags, arrival, sourcePort } = packet
    packet.consumeTransportHeader(HEADER)
    this.received.push({
      from, port: sourcePort, bytes: [...packet.bytes.subarray(packet.start, packet.end)], checksumState, nicId, flags, arrival,
    })
    packet.release()
    if (this.onWake !== null) this.host.scheduler.wake(this)
  }

  handleError(_id: TransportEndpointId, error: TransportError): void {
    this.errors.push(error)
  }

  flushOutput(): void {
    if (this.farewell !== null) this.send(this.farewell, this.port, [0xbe], { run: false })
  }

  wake(): void {
    this.onWake?.()
  }

  abort(): void {
    if (this.registration === null) return
    this.registration.remove()
    this.registration = null
    this.isAborted = true
    if (this.farewell !== null) this.host.scheduler.markDirty(this)
    this.host.unref()
  }

  snapshot(): unknown {
    return { port: this.port, received: [...this.received] }
  }

  restore(state: unknown): void {
    const { port, received } = state as { readonly port: number; readonly received: readonly Received[] }
    this.bind(port)
    this.received.push(...received)
  }
}
