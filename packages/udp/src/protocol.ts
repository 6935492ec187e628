import {
  ANY_ADDRESS, isUnspecified, StackError, type Address, type TransportEndpoint, type TransportHost, type TransportProtocol,
  type UnknownDestinationDisposition,
} from '@stack/core'
import type { Packet } from '@stack/buffer'
import type { BindOptions, Udp, UdpConnectOptions, UdpOptions, UdpSocket } from './api.ts'
import { BIND_SCHEMA, checkSocketOptions, CONNECT_SCHEMA, DEFAULTS, settle, type SocketSettings } from './options.ts'
import { verify } from './receive.ts'
import { Socket } from './socket.ts'
import { UDP_FIELD, UDP_HEADER_LENGTH, UDP_PROTOCOL } from './wire.ts'

/** Counters of all sockets, under `udp` in the stack's statistics. */
export interface UdpCounters {
  received: number
  sent: number
  bytesReceived: number
  bytesSent: number
  /** The length field is below 8 or beyond the packet. */
  dropMalformed: number
  dropChecksum: number
  /** The socket's receive buffer is full. */
  dropReceiveBufferFull: number
  /** No packet memory to send from, or a queue below is full. */
  dropSend: number
  /** ICMP errors that concerned a socket. */
  errors: number
  /** ICMP errors about what a socket never sent. */
  dropStrayError: number
}

/** UDP (RFC 768) of one stack. */
export class UdpProtocol implements TransportProtocol, Udp {
  readonly number: number = UDP_PROTOCOL
  readonly name = 'udp'
  readonly minimumPacketSize: number = UDP_HEADER_LENGTH
  readonly host: TransportHost
  readonly counters: UdpCounters = {
    received: 0, sent: 0, bytesReceived: 0, bytesSent: 0, dropMalformed: 0, dropChecksum: 0, dropReceiveBufferFull: 0, dropSend: 0, errors: 0,
    dropStrayError: 0,
  }
  readonly closed: Promise<void>
  readonly defaults: SocketSettings
  private readonly maxSockets: number
  private readonly sockets = new Set<Socket>()
  private isClosed = false
  private resolveClosed!: () => void

  constructor(host: TransportHost, options: UdpOptions) {
    this.host = host
    this.defaults = settle(DEFAULTS, options)
    this.maxSockets = options.maxSockets ?? 65_536
    host.statistics.register('udp', this.counters)
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve
    })
  }

  // --- TransportProtocol ---

  /** A socket on an ephemeral port of the family. */
  newEndpoint(networkProtocol: number): TransportEndpoint {
    const owner = this.host.networkProtocols.find((protocol) => protocol.number === networkProtocol)
    return this.open(owner?.anyAddress ?? ANY_ADDRESS, 0, this.defaults)
  }

  parsePorts(packet: Packet): boolean {
    packet.sourcePort = packet.view.getUint16(packet.start)
    packet.destinationPort = packet.view.getUint16(packet.start + UDP_FIELD.destinationPort)
    return true
  }

  parse(packet: Packet): boolean {
    return packet.consumeTransportHeader(UDP_HEADER_LENGTH) >= 0
  }

  handleUnknownDestinationPacket(_id: unknown, packet: Packet): UnknownDestinationDisposition {
    // Port unreachable only for a datagram whose checksum was right: a broken header names anybody.
    switch (verify(packet)) {
      case 'ok':
        return 'unhandled'
      case 'checksum':
        this.counters.dropChecksum++
        return 'malformed'
      case 'length':
        this.counters.dropMalformed++
        return 'malformed'
    }
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    for (const socket of [...this.sockets]) socket.close()
    this.resolveClosed()
  }

  // --- Udp ---

  bind(options: BindOptions = {}): UdpSocket {
    checkSocketOptions('udp.bind', options, BIND_SCHEMA)
    const local = options.host === undefined ? this.anyAddress() : this.localAddress(options.host, options.nic)
    return this.open(local, options.port ?? 0, settle(this.defaults, options))
  }

  connect(options: UdpConnectOptions): UdpSocket {
    checkSocketOptions('udp.connect', options, CONNECT_SCHEMA)
    const local = options.localHost === undefined ? null : this.localAddress(options.localHost, options.nic)
    const socket = this.open(local ?? this.anyAddress(), options.localPort ?? 0, settle(this.defaults, options))
    try {
      socket.reconnect({ host: options.host, port: options.port })
    } catch (error) {
      socket.close()
      throw error
    }
    return socket
  }

  // --- for the sockets ---

  forget(socket: Socket): void {
    this.sockets.delete(socket)
  }

  /** The wildcard of what is installed: both families where there are both. */
  anyAddress(): Address {
    const own = this.host.networkProtocols.map((protocol) => protocol.anyAddress).filter((any) => any !== undefined)
    return own.length === 1 ? own[0]! : ANY_ADDRESS
  }

  nicOf(nic: number | string | undefined): number {
    return nic === undefined || nic === 0 ? 0 : this.host.nicId(nic)
  }

  private open(local: Address, port: number, settings: SocketSettings): Socket {
    if (this.isClosed) throw new StackError('ERR_STACK_CLOSED', 'The stack is closed; make sockets before close() or destroy().', { syscall: 'bind' })
    if (this.sockets.size >= this.maxSockets) {
      throw new StackError('ERR_STACK_LIMIT', `${this.maxSockets} UDP sockets are open, the limit of udp({ maxSockets }). Close some or raise it.`, { syscall: 'bind' })
    }
    const socket = new Socket(this, settings)
    socket.bind(local, port)
    this.sockets.add(socket)
    return socket
  }

  private localAddress(text: string, nic: number | string | undefined): Address {
    const { host } = this
    const address = host.parseAddress(text)
    const nicId = this.nicOf(nic) || address.zone
    if (isUnspecified(address) || host.isMulticast(address) || host.isBroadcast(address)) return address
    if (host.checkLocalAddress(nicId, address) !== 0) return address
    throw new StackError('EADDRNOTAVAIL', `${text} is not an address of this stack. Add it to a NIC first, or leave out the host to use every address.`, { syscall: 'bind', address: text })
  }
}
