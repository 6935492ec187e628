import type { Packet } from '@stack/buffer'
import { ANY_ADDRESS, isUnspecified } from '@stack/core'
import type { ErrorCode, Failure, TransportEndpoint, TransportEndpointId, TransportHost, TransportProtocol, UnknownDestinationDisposition } from '@stack/core'
import type {
  CallOptions, Connection, ConnectionOptions, ConnectOptions, FastOpenServers, Forwarder, ForwardHandler, ForwardOptions, Listener, ListenOptions, Tcp, TcpOptions,
} from './api.ts'
import { openRequest } from './accept-request.ts'
import { AgeList } from './age-list.ts'
import { openActive } from './connect.ts'
import { TcpConnection } from './connection.ts'
import { TCP_PROTOCOL } from './context.ts'
import type { TcpContext } from './context.ts'
import { createAckEvent } from './ack-event.ts'
import { createAckSample, createLostSegment, createRateSample } from './congestion.ts'
import { createCounters } from './counters.ts'
import { cubic } from './cubic.ts'
import { TcpEndpoint } from './endpoint.ts'
import type { EndpointOwner } from './endpoint.ts'
import { tcpError } from './errors.ts'
import { FastOpenCache, isFastOpenReady } from './fast-open-cache.ts'
import { FastOpenKeys } from './fast-open-keys.ts'
import type { FastOpenQueue } from './fast-open-server.ts'
import { TcpForwarder } from './forwarder.ts'
import type { ForwarderOwner } from './forwarder.ts'
import type { Request } from './forwarder-request.ts'
import { GapHolders } from './gap-holders.ts'
import { createSecrets } from './isn.ts'
import { TcpListener } from './listener.ts'
import type { ListenerOwner } from './listener.ts'
import { checkConnectOptions, checkForwardOptions, checkListenOptions, checkTcpOptions, HANDSHAKE_DEFAULTS, settle, settleHandshake } from './options.ts'
import { openEarly, promote } from './passive-open.ts'
import { reno } from './reno.ts'
import { answerUnknown } from './reset.ts'
import { segmentArrives } from './segment-arrives.ts'
import { State } from './state.ts'
import { SynCookies } from './syn-cookie.ts'
import type { HalfOpen } from './syn-queue.ts'
import { RingPool } from './scoreboard.ts'
import { TimeWaitTable } from './time-wait.ts'
import { createTraceScratch } from './trace.ts'
import { Field, MIN_HEADER_LENGTH, SegmentHeader } from './wire.ts'

const DEFAULT_BACKLOG = 511
const DEFAULT_TIME_WAIT_RECORDS = 65_536
/** 2 MSL of 30 s (RFC 9293 §3.4.2 says 2 minutes for one; nobody does). */
const DEFAULT_TIME_WAIT = 60_000
const DEFAULT_CONNECTIONS = 1_000_000
const DEFAULT_ORPHANS = 16_384
const DEFAULT_IN_FLIGHT = 1024
const DEFAULT_REQUEST_TIMEOUT = 30_000
const DEFAULT_FAST_OPEN_CACHE = 1024
const DEFAULT_FAST_OPEN_PAUSE = 3_600_000

/** TCP of one stack: the transport protocol below, {@link Tcp} above. */
export class TcpProtocol implements TransportProtocol, Tcp, EndpointOwner, ListenerOwner, ForwarderOwner {
  readonly number: number = TCP_PROTOCOL
  readonly name = 'tcp'
  readonly minimumPacketSize: number = MIN_HEADER_LENGTH
  readonly closed: Promise<void>
  private readonly context: TcpContext
  private readonly live = new AgeList<TcpEndpoint>()
  /** Over, with text that was not read: it is released with the stack at the latest. */
  private readonly undrained = new Set<TcpEndpoint>()
  private readonly listeners = new Set<TcpListener>()
  /** Those of one NIC come first. */
  private forwarders: readonly TcpForwarder[] = []
  private isClosing = false
  private resolveClosed: () => void = () => undefined

  constructor(host: TransportHost, options: TcpOptions) {
    checkTcpOptions(options)
    const counters = createCounters()
    this.context = {
      host, counters,
      secrets: createSecrets(host.secureRandom),
      cookies: new SynCookies(host.secureRandom),
      timeWait: new TimeWaitTable({
        host, counters,
        limit: options.maxTimeWait ?? DEFAULT_TIME_WAIT_RECORDS,
        duration: options.timeWait ?? DEFAULT_TIME_WAIT,
      }),
      fastOpen: {
        cache: new FastOpenCache(options.fastOpenCache ?? DEFAULT_FAST_OPEN_CACHE, options.fastOpenPause ?? DEFAULT_FAST_OPEN_PAUSE, options.fastOpenExperimental ?? true),
        keys: new FastOpenKeys(options.fastOpenKey ?? host.secureRandom, host.scheduler.now),
      },
      defaults: settle(null, options),
      handshake: settleHandshake(HANDSHAKE_DEFAULTS, options),
      maxConnections: options.maxConnections ?? DEFAULT_CONNECTIONS,
      maxOrphans: options.maxOrphans ?? DEFAULT_ORPHANS,
      synFin: options.synFin ?? 'no-open',
      algorithms: new Map([cubic(), reno(), ...(options.congestionControls ?? [])].map((algorithm) => [algorithm.name, algorithm])),
      incoming: new SegmentHeader(),
      outgoing: new SegmentHeader(),
      params: { protocol: TCP_PROTOCOL, ttl: 0, tos: 0, dontFragment: true, flowLabel: 0, options: null },
      sample: createAckSample(),
      rateSample: createRateSample(),
      lostSegment: createLostSegment(),
      ack: createAckEvent(),
      rings: new RingPool(),
      gaps: new GapHolders(host, counters),
      trace: createTraceScratch(),
      predicts: true,
    }
    this.assertAlgorithm(this.context.defaults.congestionControl, 'tcp()')
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve
    })
    host.statistics.register('tcp', counters)
    host.registerTransportProtocol(this)
  }

  // --- Tcp ---

  get defaults(): Required<ConnectionOptions> {
    return this.context.defaults
  }

  connect(options: ConnectOptions): Promise<Connection> {
    let connection: TcpConnection
    try {
      connection = this.begin(options)
    } catch (error) {
      return Promise.reject(error)
    }
    return connection.whenOpened(options.signal)
  }

  open(options: ConnectOptions): Connection {
    const connection = this.begin(options)
    if (options.signal !== undefined) connection.whenOpened(options.signal).catch(() => undefined)
    return connection
  }

  listen(options: ListenOptions): Listener {
    checkListenOptions(options)
    const { context } = this
    const { host } = context
    const settings = settle(context.defaults, options)
    this.assertAlgorithm(settings.congestionControl, 'listen')
    const where = { host: options.host ?? '::', port: options.port }
    if (this.isClosing) throw tcpError('ERR_STACK_CLOSED', 'listen', where)
    options.signal?.throwIfAborted()
    settings.authentication?.prepare((text) => host.parseAddress(text))
    const address = options.host === undefined ? ANY_ADDRESS : host.parseAddress(options.host)
    const nicId = options.nic === undefined ? address.zone : host.nicId(options.nic)
    if (!isUnspecified(address) && host.checkLocalAddress(nicId, address) === 0) throw tcpError('EADDRNOTAVAIL', 'listen', where)
    const reusePort = options.reusePort ?? false
    const reservation = host.ports.reserve({ protocol: TCP_PROTOCOL, address, port: options.port, nicId, reusePort, reuseAddress: reusePort })
    if (reservation === null || typeof reservation === 'string') throw tcpError(reservation ?? 'EADDRINUSE', 'listen', where)
    const backlog = options.backlog ?? DEFAULT_BACKLOG
    const handshake = settleHandshake(context.handshake, options)
    const listener = new TcpListener(context, this, { address, nicId, backlog, reusePort, handshake, fastOpen: options.fastOpen, settings })
    const failure = listener.register(reservation)
    if (failure !== null) {
      reservation.release()
      throw tcpError(failure, 'listen', where)
    }
    listener.ref()
    listener.join(this.listeners)
    this.listeners.add(listener)
    listener.closeWith(options.signal)
    return listener
  }

  forward(options: ForwardOptions, handler: ForwardHandler): Forwarder {
    checkForwardOptions(options, handler)
    const { context, forwarders } = this
    if (this.isClosing) throw tcpError('ERR_STACK_CLOSED', 'forward')
    options.signal?.throwIfAborted()
    const nicId = options.nic === undefined ? 0 : context.host.nicId(options.nic)
    if (forwarders.some((other) => other.nicId === nicId)) {
      throw tcpError('EADDRINUSE', 'forward', undefined, 'there is a forwarder already; close it first, or give each NIC one of its own')
    }
    context.defaults.authentication?.prepare((text) => context.host.parseAddress(text))
    const { maxInFlight = DEFAULT_IN_FLIGHT, timeout = DEFAULT_REQUEST_TIMEOUT } = options
    const forwarder = new TcpForwarder(context, this, { nicId, maxInFlight, timeout, handler })
    this.setForwarders(nicId === 0 ? [...forwarders, forwarder] : [forwarder, ...forwarders])
    forwarder.ref()
    forwarder.closeWith(options.signal)
    return forwarder
  }

  private setForwarders(forwarders: readonly TcpForwarder[]): void {
    this.forwarders = forwarders
    const { endpoints } = this.context.host
    if (forwarders.length === 0) endpoints.setDefaultHandler(TCP_PROTOCOL, null)
    else endpoints.setDefaultHandler(TCP_PROTOCOL, (_id, packet) => forwarders.some((forwarder) => forwarder.takes(packet)))
  }

  get fastOpenCache(): FastOpenServers {
    const { context } = this
    const { cache } = context.fastOpen
    return {
      get size() {
        return cache.size
      },
      has: (host, localHost) => {
        const remote = context.host.parseAddress(host)
        const route = context.host.findRoute(remote.zone, localHost === undefined ? null : context.host.parseAddress(localHost), remote)
        if (route === null || typeof route === 'string') return false
        return isFastOpenReady(cache, route.localAddress, remote, context.host.scheduler.now)
      },
      clear: () => {
        cache.clear()
      },
    }
  }

  connections(): readonly Connection[] {
    return this.live.toArray().map(connectionOf)
  }

  private begin(options: ConnectOptions): TcpConnection {
    checkConnectOptions(options)
    // Nothing is opened for a call that is over already.
    options.signal?.throwIfAborted()
    const where = { host: options.host, port: options.port }
    if (this.isClosing) throw tcpError('ERR_STACK_CLOSED', 'connect', where)
    this.assertAlgorithm(options.congestionControl ?? this.context.defaults.congestionControl, 'connect')
    if (this.live.size >= this.context.maxConnections) throw tcpError(this.limit(), 'connect', where)
    const endpoint = openActive(this.context, this, options)
    if (typeof endpoint === 'string') throw tcpError(endpoint, 'connect', where)
    // By the end of this turn it may be refused, and gone.
    const connection = connectionOf(endpoint)
    this.context.host.scheduler.run()
    return connection
  }

  // --- EndpointOwner ---

  added(endpoint: TcpEndpoint): void {
    this.live.add(endpoint)
    endpoint.user = new TcpConnection(endpoint)
    this.context.counters.connections++
  }

  removed(endpoint: TcpEndpoint, code: Failure): void {
    const { counters, host } = this.context
    if (!this.live.delete(endpoint)) return
    const connection = connectionOf(endpoint)
    counters.connections--
    if (code !== null && endpoint.wasEstablished) counters.resets++
    else if (code !== null) counters.failedOpens++
    if (endpoint.rcv.queue.length > 0) this.undrained.add(endpoint)
    // With text it is there to be accepted, as in kernels: what the peer said is not lost by what came after it.
    if (code !== null && endpoint.rcv.queue.length === 0) for (const listener of this.listeners) listener.forget(connection)
    if (endpoint.wasEstablished && host.events.has('connection-closed')) {
      host.events.emit('connection-closed', { protocol: 'tcp', local: connection.local, remote: connection.remote, code })
    }
    if (this.isClosing && this.live.size === 0) this.finish()
  }

  established(endpoint: TcpEndpoint): void {
    const { host } = this.context
    if (!this.live.has(endpoint) || !host.events.has('connection-opened')) return
    const connection = connectionOf(endpoint)
    host.events.emit('connection-opened', { protocol: 'tcp', local: connection.local, remote: connection.remote })
  }

  /** What came before a reset is kept for an application that did not have the chance to read it. */
  keepsText(endpoint: TcpEndpoint): boolean {
    if (!this.live.has(endpoint) || endpoint.isOrphan) return false
    if (endpoint.fastOpen?.isServer === true && !endpoint.wasEstablished) return true
    const connection = connectionOf(endpoint)
    for (const listener of this.listeners) if (listener.holds(connection)) return true
    return false
  }

  drained(endpoint: TcpEndpoint): void {
    this.undrained.delete(endpoint)
  }

  // --- ListenerOwner ---

  hasRoom(): boolean {
    if (this.live.size < this.context.maxConnections) return true
    this.context.counters.dropConnectionLimit++
    this.limit()
    return false
  }

  accept(listener: TcpListener, record: HalfOpen, packet: Packet): TcpConnection | null {
    const { context } = this
    const { localAddress, localPort, remoteAddress, remotePort } = record
    const endpoint = new TcpEndpoint(context, this, localAddress, localPort, remoteAddress, remotePort, record.nicId, listener.settings)
    if (endpoint.register(null) !== null) {
      packet.release()
      return null
    }
    context.counters.passiveOpens++
    promote(endpoint, record, packet.arrival)
    segmentArrives(endpoint, context.incoming, packet)
    if (endpoint.finished) return null
    context.host.scheduler.markDirty(endpoint)
    if (endpoint.state === State.SynReceived) {
      endpoint.abort()
      return null
    }
    return this.live.has(endpoint) ? connectionOf(endpoint) : null
  }

  acceptEarly(listener: TcpListener, record: HalfOpen, packet: Packet, fastOpen: FastOpenQueue): TcpConnection | null {
    const { context } = this
    const { localAddress, localPort, remoteAddress, remotePort } = record
    const endpoint = new TcpEndpoint(context, this, localAddress, localPort, remoteAddress, remotePort, record.nicId, listener.settings)
    if (endpoint.register(null) !== null) {
      packet.release()
      return null
    }
    context.counters.passiveOpens++
    promote(endpoint, record, packet.arrival)
    openEarly(endpoint, context.incoming, packet, fastOpen, listener.synAckRetries, record.ecn)
    return this.live.has(endpoint) ? connectionOf(endpoint) : null
  }

  closedListener(listener: TcpListener): void {
    this.listeners.delete(listener)
  }

  // --- ForwarderOwner ---

  async answer(request: Request, options: ConnectionOptions & CallOptions = {}): Promise<Connection> {
    const { context } = this
    if (this.live.size >= context.maxConnections) throw tcpError(this.limit(), 'accept', request.remote)
    this.assertAlgorithm(options.congestionControl ?? context.defaults.congestionControl, 'accept')
    const endpoint = openRequest(context, this, request, options)
    if (typeof endpoint === 'string') throw tcpError(endpoint, 'accept', request.remote)
    const connection = connectionOf(endpoint)
    context.host.scheduler.run()
    await connection.whenOpened(options.signal)
    return connection
  }

  closedForwarder(forwarder: TcpForwarder): void {
    this.setForwarders(this.forwarders.filter((other) => other !== forwarder))
  }

  // --- TransportProtocol ---

  /** An endpoint needs its tuple from the start: connections are opened through {@link Tcp}. */
  newEndpoint(): TransportEndpoint {
    throw tcpError('ERR_STACK_NOT_SUPPORTED', 'newEndpoint', undefined, 'TCP endpoints are made by connect and listen')
  }

  parsePorts(packet: Packet): boolean {
    // Also for the 8 bytes that an ICMP error quotes.
    if (packet.end - packet.start < Field.Acknowledgment) return false
    packet.sourcePort = packet.view.getUint16(packet.start)
    packet.destinationPort = packet.view.getUint16(packet.start + Field.DestinationPort)
    return true
  }

  parse(packet: Packet): boolean {
    if (packet.end - packet.start < MIN_HEADER_LENGTH) return false
    const length = (packet.view.getUint8(packet.start + Field.DataOffset) >>> 4) << 2
    return length >= MIN_HEADER_LENGTH && packet.consumeTransportHeader(length) >= 0
  }

  handleUnknownDestinationPacket(_id: TransportEndpointId, packet: Packet): UnknownDestinationDisposition {
    return answerUnknown(this.context, packet)
  }

  /** No new connections; the open ones get a FIN. `closed` resolves when all are gone. */
  close(): void {
    if (this.isClosing) return
    this.isClosing = true
    for (const listener of [...this.listeners]) void listener.close()
    for (const forwarder of this.forwarders) void forwarder.close()
    for (const endpoint of [...this.undrained]) endpoint.drain()
    if (this.live.size === 0) this.finish()
    for (const endpoint of this.live.toArray()) {
      // Who waits for it to open is told whose end it was.
      if (endpoint.state < State.Established) endpoint.abort('ERR_STACK_CLOSED')
      else void connectionOf(endpoint).close()
    }
  }

  private finish(): void {
    this.context.timeWait.clear()
    this.resolveClosed()
  }

  private limit(): ErrorCode {
    const { host, maxConnections } = this.context
    if (host.events.has('limit-reached')) host.events.emit('limit-reached', { limit: 'tcp.maxConnections', value: maxConnections })
    return 'ERR_STACK_LIMIT'
  }

  private assertAlgorithm(name: string, syscall: string): void {
    if (this.context.algorithms.has(name)) return
    throw tcpError('ERR_STACK_INVALID_OPTION', syscall, undefined, `there is no congestion control '${name}'; installed are: ${[...this.context.algorithms.keys()].join(', ')}`)
  }
}

/** Every endpoint has one from the start. */
function connectionOf(endpoint: TcpEndpoint): TcpConnection {
  return endpoint.user as TcpConnection
}
