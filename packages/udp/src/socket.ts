import { ChecksumState, type Packet } from '@stack/buffer'
import {
  addressSum, checkOptions, isUnspecified, pseudoHeaderSum, StackError, startCall, type Address, type ErrorCode, type Failure, type NetworkHeaderParams, type PendingCall, type PortReservation,
  type Registration, type Route, type TransportEndpoint, type TransportEndpointId, type TransportError, type Wakeable,
} from '@stack/core'
import type { Datagram, Endpoint, UdpHandler, UdpSocket, UdpSocketOptions } from './api.ts'
import { DestinationCache, type Destination } from './destinations.ts'
import { settle, SOCKET_SCHEMA, type SocketSettings } from './options.ts'
import type { UdpProtocol } from './protocol.ts'
import { verify } from './receive.ts'
import { UDP_FIELD, UDP_HEADER_LENGTH, UDP_PROTOCOL, writeUdpHeader } from './wire.ts'

/** Largest payload: 65,535 less the headers of IPv4 and UDP; IPv6 leaves room for more only in jumbograms. */
const MAX_PAYLOAD = 65_507

interface Counters {
  received: number
  sent: number
  dropReceiveBufferFull: number
  dropSend: number
}

/** One UDP socket: an endpoint to the demultiplexer, a {@link UdpSocket} to its user. */
export class Socket implements UdpSocket, TransportEndpoint, Wakeable {
  readonly uniqueId: number
  waking = false
  readonly statistics: Readonly<Record<string, number>>
  readonly closed: Promise<void>
  private readonly protocol: UdpProtocol
  private readonly counters: Counters = { received: 0, sent: 0, dropReceiveBufferFull: 0, dropSend: 0 }
  private readonly destinations: DestinationCache
  private readonly params: NetworkHeaderParams = { protocol: UDP_PROTOCOL, ttl: 0, tos: 0, dontFragment: false, flowLabel: 0, options: null }
  private readonly groups = new Map<string, { readonly nicId: number; readonly group: Address }>()
  private settings: SocketSettings
  private nicId = 0
  private localAddress!: Address
  private localPort = 0
  private reservation: PortReservation | null = null
  private registration: Registration | null = null
  private peer: Destination | null = null
  private pendingError: StackError | null = null
  private handler: UdpHandler | null = null
  private reader: PendingCall<Datagram | null> | null = null
  private head: Packet | null = null
  private tail: Packet | null = null
  /** Bytes of packet memory that queued datagrams hold: what counts is what is held. */
  private held = 0
  private wantsWritable = false
  private referenced = true
  private isClosed = false
  private resolveClosed!: () => void

  constructor(protocol: UdpProtocol, settings: SocketSettings) {
    this.protocol = protocol
    this.uniqueId = protocol.host.nextEndpointId()
    this.settings = settings
    this.statistics = this.counters as unknown as Readonly<Record<string, number>>
    this.destinations = new DestinationCache(protocol.host)
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve
    })
  }

  /** Called once, by the protocol. */
  bind(local: Address, port: number): void {
    const { host } = this.protocol
    const { reusePort, reuseAddress, nic } = this.settings
    this.nicId = this.protocol.nicOf(nic) || local.zone
    const reservation = host.ports.reserve({ protocol: UDP_PROTOCOL, address: local, port, nicId: this.nicId, reusePort, reuseAddress })
    if (typeof reservation === 'string' || reservation === null) throw this.bindError(reservation ?? 'EADDRINUSE', local, port)
    this.localAddress = local
    this.localPort = reservation.port
    const failure = this.register(null)
    if (failure !== null) {
      reservation.release()
      throw this.bindError(failure, local, port)
    }
    this.reservation = reservation
    host.ref()
  }

  // --- what the demultiplexer calls ---

  handlePacket(_id: TransportEndpointId, packet: Packet): void {
    const { counters } = this.protocol
    const verdict = verify(packet)
    if (verdict !== 'ok') {
      if (verdict === 'checksum') counters.dropChecksum++
      else counters.dropMalformed++
      packet.release()
      return
    }
    // The first datagram always fits: a buffer smaller than one must not deafen the socket.
    if (this.isClosed || (this.held + packet.capacity > this.settings.receiveBuffer && this.head !== null)) {
      counters.dropReceiveBufferFull++
      this.counters.dropReceiveBufferFull++
      packet.release()
      return
    }
    packet.consumeTransportHeader(UDP_HEADER_LENGTH)
    packet.next = null
    if (this.tail === null) this.head = packet
    else this.tail.next = packet
    this.tail = packet
    this.held += packet.capacity
    counters.received++
    counters.bytesReceived += packet.length
    this.counters.received++
    if (this.handler !== null || this.reader !== null) this.protocol.host.scheduler.wake(this)
  }

  handleError(_id: TransportEndpointId, error: TransportError): void {
    this.protocol.counters.errors++
    // Only a connected socket knows whom the error is about (RFC 1122 §4.1.3.3).
    if (this.peer === null) return
    const code = codeOf(error)
    this.pendingError = new StackError(code, `The network answered a datagram to ${this.peer.text}: ${error.kind}.`, {
      syscall: 'send', address: this.peer.host, port: this.peer.port,
    })
    this.protocol.host.scheduler.wake(this)
  }

  abort(): void {
    this.close()
  }

  // --- UdpSocket ---

  get local(): Endpoint {
    const address = this.peer !== null && isUnspecified(this.localAddress) ? (this.peer.source ?? this.localAddress) : this.localAddress
    return { host: this.protocol.host.formatAddress(address), port: this.localPort }
  }

  get remote(): Endpoint | null {
    return this.peer === null ? null : { host: this.peer.host, port: this.peer.port }
  }

  send(data: Uint8Array, to?: Endpoint): boolean {
    this.assertOpen('send')
    this.throwPending()
    const destination = to === undefined ? this.peer : this.destinations.get(to)
    if (destination === null) {
      throw new StackError('ENOTCONN', 'The socket is not connected: pass the destination as the second argument, or use udp.connect().', { syscall: 'send' })
    }
    if (data.length > MAX_PAYLOAD) {
      throw new StackError('EMSGSIZE', `A UDP datagram carries at most ${String(MAX_PAYLOAD)} bytes, not ${String(data.length)}. Send several.`, { syscall: 'send' })
    }
    const route = this.routeTo(destination)
    const failure = this.transmit(data, destination, route)
    if (failure === null) {
      this.protocol.host.scheduler.run()
      return true
    }
    if (failure === 'ENOBUFS') {
      this.protocol.counters.dropSend++
      this.counters.dropSend++
      this.wantsWritable = true
      this.awaitMemory()
      return false
    }
    throw sendError(failure, destination)
  }

  receive(options: { readonly signal?: AbortSignal } = {}): Promise<Datagram | null> {
    const { signal } = options
    if (this.reader !== null || this.handler !== null) {
      return Promise.reject(new StackError('ERR_STACK_BUSY', 'Another receive() is pending on this socket, or a handler takes its datagrams; wait for it or call setHandler(null).', { syscall: 'receive' }))
    }
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error)
    const ready = this.tryReceive()
    if (ready !== undefined) return Promise.resolve(ready)
    if (this.isClosed) return Promise.resolve(null)
    const error = this.takePending()
    if (error !== null) return Promise.reject(error)
    return startCall(
      (call) => {
        this.reader = call
      },
      signal,
      () => {
        this.reader = null
      },
    )
  }

  tryReceive(): Datagram | undefined {
    const packet = this.shift()
    if (packet === null) return undefined
    const datagram = new ReceivedDatagram(this.protocol.host.formatAddress.bind(this.protocol.host), packet, packet.bytes.slice(packet.start, packet.end))
    packet.release()
    return datagram
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Datagram> {
    for (;;) {
      const datagram = await this.receive()
      if (datagram === null) return
      yield datagram
    }
  }

  setHandler(handler: UdpHandler | null): void {
    this.handler = handler
    if (handler !== null && (this.head !== null || this.pendingError !== null)) this.protocol.host.scheduler.wake(this)
  }

  joinGroup(group: string, options: { readonly nic?: number | string } = {}): void {
    this.assertOpen('joinGroup')
    const { host } = this.protocol
    const address = host.parseAddress(group)
    if (!host.isMulticast(address)) {
      throw new StackError('EINVAL', `${group} is not a multicast address.`, { syscall: 'joinGroup', address: group })
    }
    const nicId = this.groupNic(address, options.nic)
    const key = `${host.formatAddress(address)} ${String(nicId)}`
    if (this.groups.has(key)) throw new StackError('EADDRINUSE', `The socket is in ${group} on this NIC already.`, { syscall: 'joinGroup', address: group })
    const failure = host.joinGroup(nicId, address)
    if (failure !== null) throw new StackError(failure, `Joining ${group} failed.`, { syscall: 'joinGroup', address: group })
    this.groups.set(key, { nicId, group: address })
  }

  leaveGroup(group: string, options: { readonly nic?: number | string } = {}): void {
    const { host } = this.protocol
    const address = host.parseAddress(group)
    const nicId = this.groupNic(address, options.nic)
    const key = `${host.formatAddress(address)} ${String(nicId)}`
    if (!this.groups.delete(key)) throw new StackError('EADDRNOTAVAIL', `The socket is not in ${group} on this NIC.`, { syscall: 'leaveGroup', address: group })
    host.leaveGroup(nicId, address)
  }

  reconnect(to: Endpoint | null): void {
    this.assertOpen('connect')
    const old = this.peer
    const peer = to === null ? null : this.destinations.get(to)
    if (peer !== null) {
      const route = this.routeTo(peer)
      peer.source = route.localAddress
    }
    // The old registration goes before the new one comes (LESSONS §7: reconnect leaves it behind).
    this.registration?.remove()
    this.peer = peer
    const failure = this.register(peer)
    if (failure !== null) {
      this.peer = old
      this.register(old)
      throw this.bindError(failure, this.localAddress, this.localPort)
    }
    this.pendingError = null
  }

  configure(options: UdpSocketOptions): void {
    checkOptions('udp socket', options, SOCKET_SCHEMA)
    for (const fixed of ['nic', 'reusePort', 'reuseAddress'] as const) {
      if (options[fixed] !== undefined) {
        throw new StackError('ERR_STACK_INVALID_OPTION', `${fixed} is decided when the socket is bound; make another socket.`, { syscall: 'configure' })
      }
    }
    this.settings = settle(this.settings, options)
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    const { host } = this.protocol
    this.registration?.remove()
    this.reservation?.release()
    for (const { nicId, group } of this.groups.values()) host.leaveGroup(nicId, group)
    this.groups.clear()
    for (let packet = this.shift(); packet !== null; packet = this.shift()) packet.release()
    this.unref()
    this.protocol.forget(this)
    this.stopWaiting?.()
    this.reader?.resolve(null)
    this.reader = null
    this.handler = null
    this.resolveClosed()
  }

  ref(): this {
    if (!this.referenced && !this.isClosed) {
      this.referenced = true
      this.protocol.host.ref()
    }
    return this
  }

  unref(): this {
    if (this.referenced) {
      this.referenced = false
      this.protocol.host.unref()
    }
    return this
  }

  /** User code, last in a turn. */
  wake(): void {
    const { reader } = this
    if (reader !== null) {
      const datagram = this.tryReceive()
      const error = datagram === undefined ? this.takePending() : null
      if (datagram === undefined && error === null) return
      this.reader = null
      if (error !== null) reader.reject(error)
      else reader.resolve(datagram ?? null)
      return
    }
    if (this.wantsWritable && this.handler?.writable !== undefined && this.stopWaiting === null) {
      this.wantsWritable = false
      this.handler.writable()
    }
    if (this.pendingError !== null && this.handler?.error !== undefined) this.handler.error(this.takePending()!)
    this.drain()
  }

  // --- inside ---

  private stopWaiting: (() => void) | null = null

  /** Hands what is queued to the handler; it may close the socket or take itself away in between. */
  private drain(): void {
    const format = this.protocol.host.formatAddress.bind(this.protocol.host)
    while (this.handler?.datagram !== undefined) {
      const packet = this.shift()
      if (packet === null) return
      const data = packet.bytes.subarray(packet.start, packet.end)
      const info = new ReceivedDatagram(format, packet, data)
      try {
        this.handler.datagram(data, info.remote, info)
      } finally {
        packet.release()
        if (this.head !== null) this.protocol.host.scheduler.wake(this)
      }
    }
  }

  private shift(): Packet | null {
    const packet = this.head
    if (packet === null) return null
    this.head = packet.next
    if (this.head === null) this.tail = null
    packet.next = null
    this.held -= packet.capacity
    return packet
  }

  private transmit(data: Uint8Array, to: Destination, route: Route): Failure {
    const { host, counters } = this.protocol
    const length = UDP_HEADER_LENGTH + data.length
    const packet = host.memory.allocate(route.endpoint.maxHeaderLength + UDP_HEADER_LENGTH, data.length)
    if (packet === null) return 'ENOBUFS'
    packet.append(data, 0, data.length)
    const header = packet.pushTransportHeader(UDP_HEADER_LENGTH)
    writeUdpHeader(packet.view, header, this.localPort, to.port, length)
    packet.view.setUint16(header + UDP_FIELD.checksum, pseudoHeaderSum(addressSum(route.localAddress) + addressSum(to.address), UDP_PROTOCOL, length))
    packet.checksumState = ChecksumState.Partial
    packet.checksumStart = header
    packet.checksumOffset = UDP_FIELD.checksum
    packet.transportProtocol = UDP_PROTOCOL
    const { params, settings } = this
    params.ttl = route.isMulticast ? settings.multicastTtl : settings.ttl
    params.tos = settings.tos
    const failure = route.endpoint.writePacket(route, params, packet)
    if (failure === null) {
      counters.sent++
      counters.bytesSent += data.length
      this.counters.sent++
    }
    return failure
  }

  private routeTo(to: Destination): Route {
    const { host } = this.protocol
    let route = to.route
    if (route?.generation !== host.generation) {
      const found = host.findRoute(this.nicId || to.address.zone, isUnspecified(this.localAddress) ? null : this.localAddress, to.address, {
        multicastLoop: this.settings.multicastLoop,
      })
      if (found === null || typeof found === 'string') throw sendError(found ?? 'EHOSTUNREACH', to)
      route = to.route = found
    }
    if (route.isBroadcast && !this.settings.broadcast) {
      throw new StackError('EACCES', `${to.host} is a broadcast address: bind the socket with { broadcast: true } to send there.`, { syscall: 'send', address: to.host, port: to.port })
    }
    return route
  }

  private register(peer: Destination | null): Failure {
    const { host } = this.protocol
    const local = peer !== null && isUnspecified(this.localAddress) ? peer.source! : this.localAddress
    const answer = host.endpoints.register(
      UDP_PROTOCOL,
      { localAddress: local, localPort: this.localPort, remoteAddress: peer?.address ?? null, remotePort: peer?.port ?? 0 },
      this,
      { nicId: this.nicId, reusePort: this.settings.reusePort || this.settings.reuseAddress, fanOut: true },
    )
    if (answer === null || typeof answer === 'string') return answer ?? 'EADDRINUSE'
    this.registration = answer
    return null
  }

  private groupNic(group: Address, nic: number | string | undefined): number {
    const nicId = this.protocol.nicOf(nic) || this.nicId || group.zone
    if (nicId !== 0) return nicId
    const route = this.protocol.host.findRoute(0, null, group)
    if (route !== null && typeof route === 'object') return route.nic.id
    throw new StackError('ENODEV', 'No route leads to the group: name the NIC, joinGroup(group, { nic }).', { syscall: 'joinGroup' })
  }

  /** Memory ran out: tell the handler when there is some again. */
  private awaitMemory(): void {
    this.stopWaiting ??= this.protocol.host.memory.waiter(() => {
      this.stopWaiting = null
      this.protocol.host.scheduler.wake(this)
    })
  }

  private takePending(): StackError | null {
    const error = this.pendingError
    this.pendingError = null
    return error
  }

  private throwPending(): void {
    const error = this.takePending()
    if (error !== null) throw error
  }

  private assertOpen(syscall: string): void {
    if (this.isClosed) throw new StackError('ERR_STACK_CLOSED', 'The socket is closed; bind another one.', { syscall })
  }

  private bindError(code: ErrorCode, local: Address, port: number): StackError {
    const host = this.protocol.host.formatAddress(local)
    const message = port === 0
      ? `No ephemeral UDP port is free on ${host}.`
      : `UDP port ${String(port)} on ${host} is taken. Choose another, or set reusePort on every socket that shares it.`
    return new StackError(code, message, { syscall: 'bind', address: host, port })
  }
}

/** What a reader gets. Text forms are made when asked for. */
class ReceivedDatagram implements Datagram {
  readonly data: Uint8Array
  readonly remote: Endpoint
  readonly local: Endpoint
  readonly nicId: number
  readonly ttl: number
  readonly tos: number

  constructor(format: (address: Address) => string, packet: Packet, data: Uint8Array) {
    this.data = data
    this.nicId = packet.nicId
    this.ttl = packet.ttl
    this.tos = packet.tos
    this.remote = new PacketEnd(format, packet.sourceA, packet.sourceB, packet.sourceC, packet.sourceD, packet.sourcePort)
    this.local = new PacketEnd(format, packet.destinationA, packet.destinationB, packet.destinationC, packet.destinationD, packet.destinationPort)
  }
}

/** An {@link Endpoint} whose text is made at the first look: most receivers of a flow never look. */
class PacketEnd implements Endpoint, Address {
  readonly a: number
  readonly b: number
  readonly c: number
  readonly d: number
  readonly zone = 0
  readonly port: number
  private readonly format: (address: Address) => string
  private text: string | null = null

  constructor(format: (address: Address) => string, a: number, b: number, c: number, d: number, port: number) {
    this.format = format
    this.a = a
    this.b = b
    this.c = c
    this.d = d
    this.port = port
  }

  get host(): string {
    return (this.text ??= this.format(this))
  }
}

function codeOf(error: TransportError): ErrorCode {
  switch (error.kind) {
    case 'portUnreachable':
      return 'ECONNREFUSED'
    case 'protocolUnreachable':
      return 'ENOPROTOOPT'
    case 'netUnreachable':
      return 'ENETUNREACH'
    case 'packetTooBig':
      return 'EMSGSIZE'
    case 'prohibited':
      return 'EACCES'
    case 'hostUnreachable':
      return error.cause === 'neighbor' ? 'EHOSTDOWN' : 'EHOSTUNREACH'
    case 'timeExceeded':
    case 'unknown':
      return 'EHOSTUNREACH'
    case 'parameterProblem':
      return 'EPROTO'
  }
}

function sendError(code: ErrorCode, to: { readonly host: string; readonly port: number }): StackError {
  const why: Partial<Record<ErrorCode, string>> = {
    EAFNOSUPPORT: 'no installed network protocol owns this address',
    EADDRNOTAVAIL: 'no address of this stack fits as the source',
    EHOSTUNREACH: 'no route leads there',
    ENETUNREACH: 'no route leads there',
    ENETDOWN: 'the interface is down',
    EMSGSIZE: 'the datagram is larger than the path carries',
  }
  return new StackError(code, `Sending to ${to.host} port ${String(to.port)} failed: ${why[code] ?? code}.`, { syscall: 'send', address: to.host, port: to.port })
}
