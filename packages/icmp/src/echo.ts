import { ChecksumState, type Packet } from '@stack/buffer'
import {
  addressSum, ANY_ADDRESS, checkOptions, pseudoHeaderSum, sameAddress, StackError, type Address, type ErrorCode, type Failure, type NetworkHeaderParams,
  type OptionSchema, type Registration, type Route, type Timer, type TransportEndpoint, type TransportEndpointId, type TransportError,
} from '@stack/core'
import type { EchoSocket, PingOptions, PingReply } from './api.ts'
import type { EchoProtocol } from './protocol.ts'
import { ECHO_FIELD, ECHO_HEADER_LENGTH, ICMPV6_PROTOCOL, writeEcho } from './wire.ts'

/** Largest payload that fits an IPv4 packet. */
const MAX_SIZE = 65_507
/** Requests under way on one socket; one more is refused. */
const MAX_PENDING = 1024

export const PING_SCHEMA: OptionSchema = {
  size: { type: 'number', integer: true, min: 0, max: MAX_SIZE },
  timeout: { type: 'number', min: 0 },
  ttl: { type: 'number', integer: true, min: 0, max: 255 },
  tos: { type: 'number', integer: true, min: 0, max: 255 },
  sequence: { type: 'number', integer: true, min: 0, max: 65535 },
  nic: { type: 'any' },
  localHost: { type: 'string' },
  dontFragment: { type: 'boolean' },
  signal: { type: 'object' },
}

interface Pending {
  readonly sequence: number
  readonly size: number
  readonly sentAt: number
  readonly timer: Timer
  resolve(reply: PingReply): void
  reject(error: unknown): void
}

/** One identifier, any number of requests under way. */
export class Echo implements EchoSocket, TransportEndpoint {
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
    const { view, start } = packet
    const pending = packet.length < ECHO_HEADER_LENGTH ? undefined : this.pending.get(view.getUint16(start + ECHO_FIELD.sequence))
    const size = packet.length - ECHO_HEADER_LENGTH
    const from = { a: packet.sourceA, b: packet.sourceB, c: packet.sourceC, d: packet.sourceD, zone: 0 }
    const wanted = pending !== undefined && (this.target === null || this.isGroup() || sameAddress(from, this.target))
    if (!wanted) {
      this.protocol.counters.dropUnexpected++
      packet.release()
      return
    }
    const intact = size === pending.size && isPattern(packet.bytes, start + ECHO_HEADER_LENGTH, packet.end)
    const reply: PingReply = {
      host: this.protocol.host.formatAddress(from),
      sequence: pending.sequence,
      rtt: packet.arrival - pending.sentAt,
      ttl: packet.ttl,
      size,
    }
    packet.release()
    if (intact) {
      this.protocol.counters.replies++
      this.settle(pending, null, reply)
    } else {
      this.protocol.counters.dropUnexpected++
      this.settle(pending, new StackError('EPROTO', `${this.remote} answered with another payload than was sent (${String(size)} bytes of ${String(pending.size)}).`, { syscall: 'ping', address: this.remote }), reply)
    }
  }

  handleError(_id: TransportEndpointId, error: TransportError, packet: Packet): void {
    const pending = packet.length < ECHO_HEADER_LENGTH ? undefined : this.pending.get(packet.view.getUint16(packet.start + ECHO_FIELD.sequence))
    if (pending === undefined) return
    this.protocol.counters.errors++
    const [code, text] = CODES[error.kind]
    const down = error.cause === 'neighbor'
    this.settle(
      pending,
      new StackError(down ? 'EHOSTDOWN' : code, `Ping to ${this.remote}: ${down ? 'the next hop does not answer address resolution' : text}.`, { syscall: 'ping', address: this.remote }),
      null,
    )
  }

  abort(): void {
    this.close()
  }

  // --- EchoSocket ---

  ping(options: PingOptions = {}): Promise<PingReply> {
    try {
      checkOptions('icmp.ping', options, PING_SCHEMA)
      return this.request(options)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.registration.remove()
    const error = new StackError('ERR_STACK_CLOSED', 'The echo socket or its stack was closed before the reply came.', { syscall: 'ping' })
    for (const pending of [...this.pending.values()]) this.settle(pending, error, null)
    this.protocol.forget(this)
    this.protocol.host.unref()
    this.resolveClosed()
  }

  // --- inside ---

  private request(options: PingOptions): Promise<PingReply> {
    const { host } = this.protocol
    const { signal } = options
    if (this.isClosed) throw new StackError('ERR_STACK_CLOSED', 'The echo socket is closed; open another one.', { syscall: 'ping' })
    if (this.target === null) throw new StackError('ENOTCONN', 'The echo socket has no target: open it with icmp.open(host).', { syscall: 'ping' })
    if (signal?.aborted === true) throw signal.reason as Error
    if (this.pending.size >= MAX_PENDING) throw new StackError('ERR_STACK_LIMIT', `${String(MAX_PENDING)} echo requests are under way on this socket; await some of them.`, { syscall: 'ping' })
    const sequence = options.sequence ?? this.freeSequence()
    if (this.pending.has(sequence)) throw new StackError('ERR_STACK_BUSY', `An echo request with sequence ${String(sequence)} is under way on this socket.`, { syscall: 'ping' })
    const size = options.size ?? 56
    const timeout = options.timeout ?? 1000
    return new Promise((resolve, reject) => {
      const timer = host.timers.create(() => {
        this.protocol.counters.timeouts++
        this.settle(pending, new StackError('ETIMEDOUT', `${this.remote} did not answer within ${String(timeout)} ms.`, { syscall: 'ping', address: this.remote }), null)
      })
      const abort = (): void => {
        this.settle(pending, signal!.reason, null)
      }
      const pending: Pending = {
        sequence, size, timer, sentAt: host.clock.now(),
        resolve: (reply) => (signal?.removeEventListener('abort', abort), resolve(reply)),
        reject: (error) => (signal?.removeEventListener('abort', abort), reject(error as Error)),
      }
      signal?.addEventListener('abort', abort, { once: true })
      this.pending.set(sequence, pending)
      timer.arm(pending.sentAt + timeout)
      const failure = this.transmit(sequence, size, options)
      if (failure !== null) this.settle(pending, this.sendError(failure), null)
      host.scheduler.run()
    })
  }

  private transmit(sequence: number, size: number, options: PingOptions): Failure {
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
  private isGroup(): boolean {
    const { host } = this.protocol
    return host.isMulticast(this.target!) || host.isBroadcast(this.target!)
  }

  private settle(pending: Pending, error: unknown, reply: PingReply | null): void {
    if (this.pending.get(pending.sequence) !== pending) return
    this.pending.delete(pending.sequence)
    pending.timer.cancel()
    if (error !== null || reply === null) pending.reject(error)
    else pending.resolve(reply)
  }

  private sendError(code: ErrorCode): StackError {
    return new StackError(code, `Ping to ${this.remote} could not be sent: ${code === 'ENOBUFS' ? 'no packet memory or queue space is free' : 'no route leads there'}.`, { syscall: 'ping', address: this.remote })
  }
}

const CODES: Readonly<Record<TransportError['kind'], readonly [ErrorCode, string]>> = {
  packetTooBig: ['EMSGSIZE', 'the packet is larger than the path carries'],
  portUnreachable: ['ECONNREFUSED', 'the port is unreachable'],
  protocolUnreachable: ['ENOPROTOOPT', 'the host does not speak the protocol'],
  hostUnreachable: ['EHOSTUNREACH', 'a router says that the host is unreachable'],
  netUnreachable: ['ENETUNREACH', 'a router says that the network is unreachable'],
  prohibited: ['EACCES', 'a router prohibits it'],
  timeExceeded: ['EHOSTUNREACH', 'the TTL ran out on the way'],
  parameterProblem: ['EPROTO', 'a router did not like a header'],
  unknown: ['EHOSTUNREACH', 'the network reported an error'],
}

function writePattern(bytes: Uint8Array, from: number, to: number): void {
  for (let i = from; i < to; i++) bytes[i] = i - from
}

function isPattern(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] !== ((i - from) & 0xff)) return false
  return true
}
