import { ChecksumState, type Packet } from '@stack/buffer'
import { addressSum, checkHandler, createMailbox, errorCodeOf, installAsyncDispose, isMapped, isUnspecified, pseudoHeaderSum, ReceiveQueue, StackError, type Address, type ErrorCode, type Failure, type Mailbox, type MailboxSource, type NetworkHeaderParams, type PortReservation, type Registration, type Route, type TransportEndpoint, type TransportEndpointId, type TransportError, type Wakeable } from '@stack/core'
import type { Datagram, Endpoint, UdpHandler, UdpSocket, UdpSocketOptions, UdpSocketStatistics } from './api.ts'
import { DatagramReader } from './datagram.ts'
import { DestinationCache, type Destination } from './destinations.ts'
import { sendError } from './errors.ts'
import { Memberships } from './memberships.ts'
import { checkSocketOptions, settle, SOCKET_SCHEMA, type SocketSettings } from './options.ts'
import type { UdpProtocol } from './protocol.ts'
import { verify } from './receive.ts'
import { UDP_FIELD, UDP_HEADER_LENGTH, UDP_PROTOCOL, writeUdpHeader } from './wire.ts'

/** 65,535 less the headers of IPv4 and UDP. */
const MAX_PAYLOAD_V4 = 65_507
/** IPv6 does not count its own header (RFC 8200 §3); more would be a jumbogram. */
const MAX_PAYLOAD_V6 = 65_527

/** One UDP socket: an endpoint to the demultiplexer, a {@link UdpSocket} to its user. */
export class Socket implements UdpSocket, TransportEndpoint, MailboxSource<Datagram, UdpHandler>, Wakeable {
  static {
    installAsyncDispose(this.prototype, (socket) => {
      socket.close()
      return socket.closed
    })
  }

  declare readonly [Symbol.asyncDispose]: () => Promise<void>
  readonly uniqueId: number
  readonly statistics: { -readonly [K in keyof UdpSocketStatistics]: number } = { received: 0, sent: 0, dropReceiveBufferFull: 0, dropSend: 0 }
  waking = false
  private readonly protocol: UdpProtocol
  private readonly destinations: DestinationCache
  private readonly reader: DatagramReader
  private readonly groups: Memberships
  private readonly queue = new ReceiveQueue()
  private readonly mailbox: Mailbox<Datagram, UdpHandler> = createMailbox<Datagram, UdpHandler>(this)
  private readonly params: NetworkHeaderParams = { protocol: UDP_PROTOCOL, ttl: 0, tos: 0, dontFragment: false, flowLabel: 0, options: null }
  private settings: SocketSettings
  private nicId = 0
  private localAddress!: Address
  private localPort = 0
  private reservation: PortReservation | null = null
  private registration: Registration | null = null
  private peer: Destination | null = null
  /** The local address of a connected socket: what its peer answers to, whatever routes do later. */
  private source: Address | null = null
  private pendingError: StackError | null = null
  private stopWaiting: (() => void) | null = null
  private wantsWritable = false
  /** Something came since a handler was told. */
  private isReadable = false
  private referenced = true

  constructor(protocol: UdpProtocol, settings: SocketSettings) {
    this.protocol = protocol
    this.uniqueId = protocol.host.nextEndpointId()
    this.settings = settings
    this.destinations = new DestinationCache(protocol.host)
    this.reader = new DatagramReader(protocol.host)
    this.groups = new Memberships(protocol.host)
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
    const failure = this.register()
    if (failure !== null) {
      reservation.release()
      throw this.bindError(failure, local, port)
    }
    this.reservation = reservation
    host.ref()
  }

  // --- what the demultiplexer calls ---

  handlePacket(_id: TransportEndpointId, packet: Packet): void {
    const { counters, host } = this.protocol
    const verdict = verify(packet)
    if (verdict !== 'ok') {
      if (verdict === 'checksum') counters.dropChecksum++
      else counters.dropMalformed++
      packet.release()
      return
    }
    packet.consumeTransportHeader(UDP_HEADER_LENGTH)
    if (this.mailbox.isClosed || !this.queue.push(packet, this.settings.receiveBuffer)) {
      counters.dropReceiveBufferFull++
      this.statistics.dropReceiveBufferFull++
      packet.release()
      return
    }
    counters.received++
    counters.bytesReceived += packet.length
    this.statistics.received++
    this.isReadable = true
    if (this.mailbox.isWanted) host.scheduler.wake(this)
  }

  handleError(id: TransportEndpointId, error: TransportError): void {
    const { counters, host } = this.protocol
    // RFC 8085 §5.2: only what this socket sent can have failed. The peer of a connected one is in the id it registered.
    if (this.peer === null && !this.destinations.mayKnow(id.remoteAddress!, id.remotePort)) {
      counters.dropStrayError++
      return
    }
    counters.errors++
    if (error.kind === 'packetTooBig') {
      // No reason to fail the next datagram: it is cut to what the path takes.
      if (error.cause === 'icmp') host.updatePathMtu(id.localAddress, id.remoteAddress!, error.mtu ?? 0)
      return
    }
    // RFC 1122 §4.1.3.3: errors go up, but only a connected socket knows whom one is about.
    if (this.peer === null) return
    this.pendingError = sendError(errorCodeOf(error, this.peer.address), this.peer)
    this.isReadable = true
    if (this.mailbox.isWanted) host.scheduler.wake(this)
  }

  abort(): void {
    this.close()
  }

  // --- UdpSocket ---

  get local(): Endpoint {
    return { host: this.protocol.host.formatAddress(this.source ?? this.localAddress), port: this.localPort }
  }

  get closed(): Promise<void> {
    return this.mailbox.closed
  }

  get remote(): Endpoint | null {
    return this.peer === null ? null : { host: this.peer.host, port: this.peer.port }
  }

  send(data: Uint8Array, to?: Endpoint): boolean {
    this.mailbox.assertOpen('send')
    // Called with whatever JavaScript hands in, whatever the type says.
    if ((data as Partial<Uint8Array> | null | undefined)?.BYTES_PER_ELEMENT !== 1) {
      throw new StackError('ERR_STACK_INVALID_ARGUMENT', 'send takes a Uint8Array; encode text with TextEncoder.', { syscall: 'send' })
    }
    const pending = this.takeError()
    if (pending !== null) throw pending
    const destination = to === undefined ? this.peer : this.destinations.get(to)
    if (destination === null) {
      throw new StackError('ENOTCONN', 'The socket is not connected: pass the destination as the second argument, or use udp.connect().', { syscall: 'send' })
    }
    const limit = isMapped(destination.address) ? MAX_PAYLOAD_V4 : MAX_PAYLOAD_V6
    if (data.length > limit) {
      throw new StackError('EMSGSIZE', `A UDP datagram to ${destination.host} carries at most ${limit} bytes, not ${data.length}: send several.`, { syscall: 'send' })
    }
    const route = this.routeTo(destination)
    const failure = typeof route === 'string' ? route : this.transmit(data, destination, route)
    if (failure === null) {
      this.protocol.host.scheduler.run()
      return true
    }
    if (failure !== 'ENOBUFS') throw sendError(failure, destination)
    this.protocol.counters.dropSend++
    this.statistics.dropSend++
    this.awaitRoom()
    return false
  }

  receive(options?: { readonly signal?: AbortSignal | undefined }): Promise<Datagram | null> {
    return this.mailbox.receive(options)
  }

  tryReceive(): Datagram | undefined {
    return this.take()
  }

  peek(): Datagram | undefined {
    const packet = this.queue.packets.head
    return packet === null ? undefined : this.reader.read(packet, packet.bytes.slice(packet.start, packet.end))
  }

  get readableLength(): number {
    return this.queue.packets.head?.length ?? 0
  }

  [Symbol.asyncIterator](): AsyncIterator<Datagram> {
    return this.mailbox[Symbol.asyncIterator]()
  }

  setHandler(handler: UdpHandler | null): void {
    if (handler !== null) {
      this.mailbox.assertOpen('setHandler')
      checkHandler('setHandler', handler, 'object')
    }
    this.mailbox.setHandler(handler)
    if (handler === null) return
    this.isReadable = !this.queue.isEmpty || this.pendingError !== null
    if (this.isReadable || this.wantsWritable) this.protocol.host.scheduler.wake(this)
  }

  joinGroup(group: string, options: { readonly nic?: number | string } = {}): void {
    this.mailbox.assertOpen('joinGroup')
    this.groups.join(group, this.protocol.nicOf(options.nic) || this.nicId)
  }

  leaveGroup(group: string, options: { readonly nic?: number | string } = {}): void {
    this.mailbox.assertOpen('leaveGroup')
    this.groups.leave(group, this.protocol.nicOf(options.nic) || this.nicId)
  }

  reconnect(to: Endpoint | null): void {
    this.mailbox.assertOpen('connect')
    const { peer, source } = this
    // What was looked up went out from the old source.
    this.destinations.clear()
    const next = to === null ? null : this.destinations.get(to)
    this.source = null
    const route = next === null ? null : this.routeTo(next)
    if (typeof route === 'string') {
      this.source = source
      throw sendError(route, next!, 'connect')
    }
    // The old registration goes before the new one comes, so that nothing of it is left behind.
    this.registration?.remove()
    this.peer = next
    this.source = route?.localAddress ?? null
    const failure = this.register()
    if (failure !== null) {
      this.peer = peer
      this.source = source
      this.register()
      throw this.bindError(failure, this.localAddress, this.localPort)
    }
    this.pendingError = null
  }

  configure(options: UdpSocketOptions): void {
    checkSocketOptions('udp socket', options, SOCKET_SCHEMA)
    for (const fixed of ['nic', 'reusePort', 'reuseAddress'] as const) {
      if (options[fixed] !== undefined) {
        throw new StackError('ERR_STACK_INVALID_OPTION', `${fixed} is decided when the socket is bound; make another socket.`, { syscall: 'configure' })
      }
    }
    this.settings = settle(this.settings, options)
    this.destinations.clear()
    if (this.peer !== null) this.peer.route = null
  }

  close(): void {
    if (this.mailbox.isClosed) return
    this.registration?.remove()
    this.reservation?.release()
    this.groups.leaveAll()
    this.queue.clear()
    this.unref()
    this.protocol.forget(this)
    this.stopWaiting?.()
    this.pendingError = null
    this.mailbox.close()
  }

  ref(): this {
    if (!this.referenced && !this.mailbox.isClosed) {
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
    const { mailbox } = this
    if (this.wantsWritable && this.stopWaiting === null && mailbox.handler?.writable !== undefined) {
      this.wantsWritable = false
      this.call(() => mailbox.handler?.writable?.())
    }
    if (this.isReadable && mailbox.handler?.readable !== undefined) {
      this.isReadable = false
      this.call(() => mailbox.handler?.readable?.())
    }
    if (this.pendingError !== null && mailbox.handler?.error !== undefined) {
      const error = this.takeError()!
      this.call(() => mailbox.handler?.error?.(error))
    }
    mailbox.wake()
  }

  // --- what the mailbox calls ---

  take(): Datagram | undefined {
    const datagram = this.peek()
    this.queue.shift()?.release()
    return datagram
  }

  /** Without a copy: the handler has the bytes during the call only. */
  give(handler: UdpHandler): boolean {
    const packet = handler.datagram === undefined ? null : this.queue.shift()
    if (packet === null) return false
    const data = packet.bytes.subarray(packet.start, packet.end)
    const info = this.reader.read(packet, data)
    try {
      handler.datagram!(data, info.remote, info)
    } finally {
      packet.release()
    }
    return true
  }

  takeError(): StackError | null {
    const error = this.pendingError
    this.pendingError = null
    return error
  }

  onError(error: unknown): void {
    this.protocol.host.onError(error)
  }

  // --- inside ---

  /** What a handler throws is its user's, and costs nobody else anything. */
  private call(callback: () => void): void {
    try {
      callback()
    } catch (error) {
      this.protocol.host.onError(error)
    }
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
    params.options = settings.ipOptions !== null && isMapped(to.address) ? settings.ipOptions : null
    const failure = route.endpoint.writePacket(route, params, packet)
    if (failure === null) {
      counters.sent++
      counters.bytesSent += data.length
      this.statistics.sent++
    }
    return failure
  }

  private routeTo(to: Destination): Route | ErrorCode {
    const { host } = this.protocol
    let { route } = to
    if (route?.generation !== host.generation) {
      const { localAddress } = this
      const isAny = isUnspecified(localAddress)
      // Answers to a socket of the other family would find nobody.
      if (isMapped(to.address) ? !isMapped(localAddress) && !isAny : isMapped(localAddress)) return 'EAFNOSUPPORT'
      const found = host.findRoute(this.nicId || to.address.zone, this.source ?? (isAny ? null : localAddress), to.address, {
        multicastLoop: this.settings.multicastLoop,
      })
      if (found === null || typeof found === 'string') return found ?? 'EHOSTUNREACH'
      route = to.route = found
    }
    return route.isBroadcast && !this.settings.broadcast ? 'EACCES' : route
  }

  private register(): Failure {
    const { peer, settings } = this
    const answer = this.protocol.host.endpoints.register(
      UDP_PROTOCOL,
      { localAddress: this.source ?? this.localAddress, localPort: this.localPort, remoteAddress: peer?.address ?? null, remotePort: peer?.port ?? 0 },
      this,
      { nicId: this.nicId, reusePort: settings.reusePort || settings.reuseAddress, fanOut: true },
    )
    if (answer === null || typeof answer === 'string') return answer ?? 'EADDRINUSE'
    this.registration = answer
    return null
  }

  /** Memory or a queue is full: tell the handler at the next packet that leaves room. */
  private awaitRoom(): void {
    const { host } = this.protocol
    this.wantsWritable = true
    this.stopWaiting ??= host.memory.waiter(() => {
      this.stopWaiting = null
      host.scheduler.wake(this)
    })
  }

  private bindError(code: ErrorCode, local: Address, port: number): StackError {
    const host = this.protocol.host.formatAddress(local)
    const message = port === 0
      ? `No ephemeral UDP port is free on ${host}.`
      : `UDP port ${port} on ${host} is taken. Choose another, or set reusePort on every socket that shares it.`
    return new StackError(code, message, { syscall: 'bind', address: host, port })
  }
}
