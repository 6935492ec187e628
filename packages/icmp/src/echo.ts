import { ChecksumState, type Packet } from '@stack/buffer'
import { addressSum, ANY_ADDRESS, checkOptions, errorCodeOf, installAsyncDispose, pseudoHeaderSum, sameAddress, StackError, startCall, type Address, type ErrorCode, type Failure, type NetworkHeaderParams, type PendingCall, type Registration, type Route, type Timer, type TransportEndpoint, type TransportEndpointId, type TransportError } from '@stack/core'
import type { EchoRequestOptions, EchoSocket, PingReply } from './api.ts'
import { REQUEST_SCHEMA } from './options.ts'
import type { EchoProtocol } from './protocol.ts'
import { ECHO_FIELD, ECHO_HEADER_LENGTH, ICMPV6_PROTOCOL, writeEcho } from './wire.ts'

/** Requests under way on one socket; one more is refused. */
const MAX_PENDING = 1024

interface Pending {
  readonly sequence: number
  readonly size: number
  readonly sentAt: number
  readonly timer: Timer
  readonly call: PendingCall<PingReply>
}

/** One identifier, any number of requests under way. */
export class Echo implements EchoSocket, TransportEndpoint {
  static {
    installAsyncDispose(this.prototype, (socket) => {
      socket.close()
      return Promise.resolve()
    })
  }

  declare readonly [Symbol.asyncDispose]: () => Promise<void>
  readonly uniqueId: number
  readonly identifier: number
  readonly closed: Promise<void>
  readonly remote: string
  private readonly protocol: EchoProtocol
  private readonly target: Address | null
  private readonly nicId: number
  private readonly local: Address | null
  private readonly pending = new Map<number, Pending>()
  private readonly registration: Registration
  private readonly params: NetworkHeaderParams
  private nextSequence = 1
  private route: Route | null = null
  private isClosed = false
  private resolveClosed!: () => void

  constructor(protocol: EchoProtocol, target: Address | null, nicId: number, local: Address | null = null) {
    const { host } = protocol
    this.protocol = protocol
    this.target = target
    this.nicId = nicId
    this.local = local
    this.remote = target === null ? '' : host.formatAddress(target)
    this.uniqueId = host.nextEndpointId()
    this.params = { protocol: protocol.number, ttl: 0, tos: 0, dontFragment: false, flowLabel: 0, options: null }
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve
    })
    ;[this.identifier, this.registration] = this.register()
    protocol.add(this)
    host.ref()
  }

  // --- what the demultiplexer calls ---

  handlePacket(_id: TransportEndpointId, packet: Packet): void {
    const { counters, host } = this.protocol
    const { view, start } = packet
    const pending = packet.length < ECHO_HEADER_LENGTH ? undefined : this.pending.get(view.getUint16(start + ECHO_FIELD.sequence))
    const from = this.protocol.sourceOf(packet)
    if (pending === undefined || !this.isExpected(from)) {
      counters.dropUnexpected++
      packet.release()
      return
    }
    const size = packet.length - ECHO_HEADER_LENGTH
    // RFC 792 p. 15: the data of the request comes back.
    const isIntact = size === pending.size && isPattern(packet.bytes, start + ECHO_HEADER_LENGTH, packet.end)
    // A turn has one time for all its packets, which may be a little older than the request.
    const rtt = Math.max(0, packet.arrival - pending.sentAt)
    const { ttl } = packet
    packet.release()
    if (!isIntact) {
      counters.dropUnexpected++
      this.fail(pending, this.error('EPROTO', `the answer has another payload than was sent (${size} bytes of ${pending.size})`))
      return
    }
    counters.replies++
    this.forget(pending)
    pending.call.resolve({ host: host.formatAddress(from), sequence: pending.sequence, rtt, ttl, size })
  }

  handleError(id: TransportEndpointId, error: TransportError, packet: Packet): void {
    const { counters, host } = this.protocol
    const pending = packet.length < ECHO_HEADER_LENGTH ? undefined : this.pending.get(packet.view.getUint16(packet.start + ECHO_FIELD.sequence))
    if (pending === undefined || !sameAddress(id.remoteAddress!, this.target!)) {
      counters.dropStrayError++
      return
    }
    counters.errors++
    if (error.kind === 'packetTooBig' && error.cause === 'icmp') host.updatePathMtu(id.localAddress, id.remoteAddress!, error.mtu ?? 0)
    const text = error.cause === 'neighbor' ? NEIGHBOR_DOWN : TEXTS[error.kind]
    this.fail(pending, this.error(errorCodeOf(error, this.target!), text))
  }

  abort(): void {
    this.close()
  }

  // --- EchoSocket ---

  ping(options: EchoRequestOptions = {}): Promise<PingReply> {
    try {
      checkOptions('echo.ping', options, REQUEST_SCHEMA)
      return this.request(options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.registration.remove()
    const error = new StackError('ERR_STACK_CLOSED', 'The echo socket or its stack was closed before the reply came.', { syscall: 'ping' })
    for (const pending of [...this.pending.values()]) this.fail(pending, error)
    this.protocol.forget(this)
    this.protocol.host.unref()
    this.resolveClosed()
  }

  // --- inside ---

  private request(options: EchoRequestOptions): Promise<PingReply> {
    const { host } = this.protocol
    const { signal } = options
    if (this.isClosed) throw new StackError('ERR_STACK_CLOSED', 'The echo socket is closed; open another one.', { syscall: 'ping' })
    if (this.target === null) throw new StackError('ENOTCONN', 'The echo socket has no target: open it with icmp.open(host).', { syscall: 'ping' })
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error)
    if (this.pending.size >= MAX_PENDING) throw new StackError('ERR_STACK_LIMIT', `${MAX_PENDING} echo requests are under way on this socket; await some of them.`, { syscall: 'ping' })
    const sequence = options.sequence ?? this.freeSequence()
    if (this.pending.has(sequence)) throw new StackError('ERR_STACK_BUSY', `An echo request with sequence ${sequence} is under way on this socket.`, { syscall: 'ping' })
    const size = options.size ?? 56
    const timeout = options.timeout ?? 1000
    return startCall<PingReply>(
      (call) => {
        const sentAt = host.clock.now()
        const timer = host.timers.create(() => {
          this.protocol.counters.timeouts++
          this.fail(pending, this.error('ETIMEDOUT', `no answer within ${timeout} ms`))
        })
        const pending: Pending = { sequence, size, sentAt, timer, call }
        this.pending.set(sequence, pending)
        timer.arm(sentAt + timeout)
        const failure = this.transmit(sequence, size, options)
        if (failure !== null) this.fail(pending, this.error(failure, SEND_ERRORS[failure] ?? failure))
        host.scheduler.run()
      },
      signal,
      () => {
        const pending = this.pending.get(sequence)
        if (pending !== undefined) this.forget(pending)
      },
    )
  }

  private transmit(sequence: number, size: number, options: EchoRequestOptions): Failure {
    const { host, number, requestType, counters } = this.protocol
    const route = this.findRoute()
    if (route === null || typeof route === 'string') return route ?? 'EHOSTUNREACH'
    const packet = host.memory.allocate(route.endpoint.maxHeaderLength, ECHO_HEADER_LENGTH + size)
    if (packet === null) return 'ENOBUFS'
    packet.end = packet.start + ECHO_HEADER_LENGTH + size
    writeEcho(packet.view, packet.start, requestType, this.identifier, sequence)
    writePattern(packet.bytes, packet.start + ECHO_HEADER_LENGTH, packet.end)
    if (number === ICMPV6_PROTOCOL) {
      // RFC 4443 §2.3: ICMPv6 sums a pseudo-header, ICMPv4 does not.
      const sum = pseudoHeaderSum(addressSum(route.localAddress) + addressSum(route.remoteAddress), number, ECHO_HEADER_LENGTH + size)
      packet.view.setUint16(packet.start + ECHO_FIELD.checksum, sum)
    }
    packet.checksumState = ChecksumState.Partial
    packet.checksumStart = packet.start
    packet.checksumOffset = ECHO_FIELD.checksum
    packet.transportProtocol = number
    const { params } = this
    params.ttl = options.ttl ?? 0
    params.tos = options.tos ?? 0
    params.dontFragment = options.dontFragment ?? false
    counters.requests++
    return route.endpoint.writePacket(route, params, packet)
  }

  private findRoute(): Route | Failure {
    const { host } = this.protocol
    if (this.route?.generation === host.generation) return this.route
    const route = host.findRoute(this.nicId, this.local, this.target!)
    if (route !== null && typeof route === 'object') this.route = route
    return route
  }

  private register(): [number, Registration] {
    const { host, number } = this.protocol
    const localAddress = this.protocol.family?.anyAddress ?? ANY_ADDRESS
    // 65,535 identifiers a family; with few taken the first try does.
    const start = host.secureRandom.uint32()
    for (let i = 0; i < 65535; i++) {
      const localPort = ((start + i) % 65535) + 1
      const answer = host.endpoints.register(number, { localAddress, localPort, remoteAddress: null, remotePort: 0 }, this)
      if (answer !== null && typeof answer === 'object') return [localPort, answer]
    }
    throw new StackError('ERR_STACK_LIMIT', 'All 65,535 echo identifiers are in use; close some echo sockets.', { syscall: 'ping' })
  }

  private freeSequence(): number {
    while (this.pending.has(this.nextSequence)) this.nextSequence = (this.nextSequence + 1) & 0xffff
    const sequence = this.nextSequence
    this.nextSequence = (sequence + 1) & 0xffff
    return sequence
  }

  /** Broadcast and multicast targets are answered by somebody else. */
  private isExpected(from: Address): boolean {
    const { host } = this.protocol
    const { target } = this
    return target !== null && (sameAddress(from, target) || host.isMulticast(target) || host.isBroadcast(target))
  }

  private forget(pending: Pending): void {
    this.pending.delete(pending.sequence)
    pending.timer.cancel()
  }

  private fail(pending: Pending, error: StackError): void {
    // It may be over: a failure to send is told twice when a neighbour is known to be down.
    if (this.pending.get(pending.sequence) !== pending) return
    this.forget(pending)
    pending.call.reject(error)
  }

  private error(code: ErrorCode, what: string): StackError {
    return new StackError(code, `Ping to ${this.remote}: ${what}.`, { syscall: 'ping', address: this.remote })
  }
}

const SEND_ERRORS: Partial<Record<ErrorCode, string>> = {
  EADDRNOTAVAIL: 'no address of this stack fits as the source',
  EMSGSIZE: 'it is larger than the path carries, and must not be cut',
  ENETDOWN: 'the interface is down',
  ENETUNREACH: 'no route leads there; add one, or a gateway',
  ENOBUFS: 'no packet memory or queue space is free',
  ENODEV: 'the interface is gone',
}

const NEIGHBOR_DOWN = 'the next hop does not answer address resolution'

const TEXTS: Readonly<Record<TransportError['kind'], string>> = {
  packetTooBig: 'the packet is larger than the path carries',
  portUnreachable: 'the port is unreachable',
  protocolUnreachable: 'the host does not speak the protocol',
  hostUnreachable: 'a router says that the host is unreachable',
  netUnreachable: 'a router says that the network is unreachable',
  prohibited: 'a router prohibits it',
  timeExceeded: 'the TTL ran out on the way',
  parameterProblem: 'a router did not like a header',
  unknown: 'the network reported an error',
}

function writePattern(bytes: Uint8Array, from: number, to: number): void {
  for (let i = from; i < to; i++) bytes[i] = i - from
}

function isPattern(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] !== ((i - from) & 0xff)) return false
  return true
}
