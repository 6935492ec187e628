import type { Packet } from '@stack/buffer'
import {
  ANY_ADDRESS, type Registration, type TransportEndpoint, type TransportEndpointId, type TransportError, type TransportHost, type TransportPlugin,
  type TransportProtocol, type UnknownDestinationDisposition, type Wakeable,
} from '@stack/core'
import { foldSum, sumBytes } from '@stack/buffer'
import type { TransportFields, TransportUnderTest } from '../../src/index.ts'

const NUMBER = 200
/** Ports, length, checksum over header and payload alone. */
const HEADER = 8

/** A transport protocol that passes every case, about as large as UDP's format. Mutants replace members. */
export class GoodTransport implements TransportProtocol {
  readonly number = NUMBER
  name = 'datagram'
  minimumPacketSize = HEADER
  closed: Promise<void>
  readonly host: TransportHost
  readonly sockets = new Set<GoodSocket>()
  isClosed = false
  /** For mutants: packets seen. */
  seen = 0
  mutateSocket: (socket: GoodSocket) => void = () => {}
  private resolveClosed!: () => void

  constructor(host: TransportHost) {
    this.host = host
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve
    })
  }

  newEndpoint = (): TransportEndpoint => this.socket()

  parsePorts = (packet: Packet): boolean => {
    packet.sourcePort = packet.view.getUint16(packet.start)
    packet.destinationPort = packet.view.getUint16(packet.start + 2)
    return true
  }

  parse = (packet: Packet): boolean => packet.consumeTransportHeader(HEADER) >= 0

  isGood = (packet: Packet): boolean => {
    const length = packet.view.getUint16(packet.start + 4)
    return length >= HEADER && length <= packet.length && packet.sum(packet.start) === 0xffff
  }

  handleUnknownDestinationPacket = (_id: TransportEndpointId, packet: Packet): UnknownDestinationDisposition => (this.isGood(packet) ? 'unhandled' : 'malformed')

  close = (): void => {
    if (this.isClosed) return
    this.isClosed = true
    for (const socket of [...this.sockets]) socket.close()
    this.resolveClosed()
  }

  open(port: number, heard: () => void): GoodSocket {
    const socket = this.socket()
    socket.heard = heard
    socket.register(port)
    return socket
  }

  private socket(): GoodSocket {
    const socket = new GoodSocket(this)
    this.mutateSocket(socket)
    return socket
  }
}

/** One end of {@link GoodTransport}. */
export class GoodSocket implements TransportEndpoint, Wakeable {
  uniqueId: number
  waking = false
  closed: Promise<void> = Promise.resolve()
  heard: () => void = () => {}
  readonly queue: Packet[] = []
  readonly protocol: GoodTransport
  registration: Registration | null = null

  constructor(protocol: GoodTransport) {
    this.protocol = protocol
    this.uniqueId = protocol.host.nextEndpointId()
  }

  register = (port: number): void => {
    const id = { localAddress: ANY_ADDRESS, localPort: port, remoteAddress: null, remotePort: 0 }
    const registration = this.protocol.host.endpoints.register(NUMBER, id, this)
    if (typeof registration !== 'object' || registration === null) throw new Error(`The port is taken: ${String(registration)}`)
    this.registration = registration
    this.protocol.sockets.add(this)
  }

  handlePacket = (_id: TransportEndpointId, packet: Packet): void => {
    if (!this.isWanted(packet)) {
      packet.release()
      return
    }
    this.queue.push(packet)
    this.protocol.host.scheduler.wake(this)
  }

  isWanted = (packet: Packet): boolean => this.protocol.isGood(packet)

  wake(): void {
    for (const packet of this.queue.splice(0)) {
      this.release(packet)
      this.heard()
    }
  }

  release = (packet: Packet): void => packet.release()

  handleError = (_id: TransportEndpointId, _error: TransportError, _packet: Packet): void => {}

  abort = (): void => this.close()

  close = (): void => {
    this.unregister()
    this.protocol.sockets.delete(this)
    for (const packet of this.queue.splice(0)) packet.release()
  }

  unregister = (): void => {
    this.registration?.remove()
    this.registration = null
  }
}

/** The plugin; `mutate` changes the protocol before it is registered. */
function datagram(mutate: (protocol: GoodTransport) => void = () => {}): TransportPlugin<'datagram', GoodTransport> {
  return {
    kind: 'transport',
    name: 'datagram',
    apiVersion: 1,
    setup(host) {
      const protocol = new GoodTransport(host)
      mutate(protocol)
      host.registerTransportProtocol(protocol)
      return protocol
    },
  }
}

export function datagramUnderTest(mutate?: (protocol: GoodTransport) => void): TransportUnderTest<TransportPlugin<'datagram', GoodTransport>> {
  return {
    plugin: datagram(mutate),
    number: NUMBER,
    messages: true,
    checksumOffset: 6,
    open(stack, heard) {
      const socket = stack.datagram.open(5000, heard)
      return { port: 5000, close: () => socket.close() }
    },
    build,
  }
}

function build({ sourcePort, destinationPort, payload }: TransportFields): Uint8Array {
  const bytes = new Uint8Array(HEADER + payload.length)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, sourcePort)
  view.setUint16(2, destinationPort)
  view.setUint16(4, bytes.length)
  bytes.set(payload, HEADER)
  view.setUint16(6, ~foldSum(sumBytes(bytes, 0, bytes.length)) & 0xffff)
  return bytes
}
