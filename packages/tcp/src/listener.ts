import { MemoryLevel } from '@stack/buffer'
import type { Packet } from '@stack/buffer'
import { checkHandler, installAsyncDispose, sameAddress, startCall } from '@stack/core'
import type { Address, Failure, Milliseconds, PendingCall, PortReservation, Registration, TransportEndpoint, TransportEndpointId, Wakeable } from '@stack/core'
import type { CallOptions, Connection, ConnectionListener, Endpoint, Listener, ListenerSettings, ListenOptions } from './api.ts'
import { callHandler } from './call-handler.ts'
import { admits, isAuthentic } from './authentication/seam.ts'
import type { TcpConnection } from './connection.ts'
import { TCP_PROTOCOL } from './context.ts'
import type { TcpContext } from './context.ts'
import { recordOfCookie, turnIntoCookie } from './cookie-open.ts'
import { synAgain } from './ecn-handshake.ts'
import { tcpError } from './errors.ts'
import { fastOpenLimits } from './fast-open-options.ts'
import { FastOpenQueue, mayHaveFin } from './fast-open-server.ts'
import { zoneOf } from './flow.ts'
import type { Flow } from './flow.ts'
import { checkListenerSettings, settle } from './options.ts'
import type { Handshake, Settings } from './options.ts'
import { halfOpen, sendHalfOpenAck, sendSynAck } from './passive-open.ts'
import { flowOfPacket, isUnicast, sendResetFor } from './reset.ts'
import { INITIAL_RTO } from './rto.ts'
import { receiveHeader } from './segment.ts'
import { before } from './sequence.ts'
import { COOKIE_LIFETIME } from './syn-cookie.ts'
import { SynQueue } from './syn-queue.ts'
import type { HalfOpen } from './syn-queue.ts'
import { traceHalfOpen } from './trace.ts'
import { synWindow } from './window.ts'
import { Flag } from './wire.ts'
import type { SegmentHeader } from './wire.ts'

/** Half-open connections of a listener at least, unless it says how many; else as many as its backlog. */
const LEAST_SYN_QUEUE = 128
/** Challenge ACKs that one half-open connection may cause. */
const CHALLENGE_LIMIT = 10
/** Timeouts that a handshake without text may wait for at most, as in Linux. */
const MOST_DEFERRALS = 255

/** What a listener needs of its protocol. */
export interface ListenerOwner {
  /** Room for one more connection? Counts and tells when not. */
  hasRoom(): boolean
  /** A connection for the handshake whose last ACK is in `packet`; takes the packet. Null when it came to nothing. */
  accept(listener: TcpListener, record: HalfOpen, packet: Packet): TcpConnection | null
  /** A connection that begins with the SYN in `packet` (RFC 7413); takes the packet. */
  acceptEarly(listener: TcpListener, record: HalfOpen, packet: Packet, fastOpen: FastOpenQueue): TcpConnection | null
  closedListener(listener: TcpListener): void
}

export interface ListenerOptions {
  readonly address: Address
  readonly nicId: number
  readonly backlog: number
  readonly reusePort: boolean
  readonly handshake: Handshake
  readonly fastOpen: ListenOptions['fastOpen']
  readonly settings: Settings
}

/** LISTEN: SYNs become small records, complete handshakes connections in a bounded queue (RFC 9293 §3.10.7.2). */
export class TcpListener implements Listener, TransportEndpoint, Wakeable {
  static {
    installAsyncDispose(this.prototype, (listener) => listener.close())
  }

  declare readonly [Symbol.asyncDispose]: () => Promise<void>
  readonly uniqueId: number
  settings: Settings
  readonly nicId: number
  readonly closed: Promise<void>
  waking = false
  private readonly context: TcpContext
  private readonly owner: ListenerOwner
  private readonly options: ListenerOptions
  private readonly synQueue: SynQueue
  private readonly synLimit: number
  /** Timeouts of a SYN-ACK until a handshake without text is complete; 0 = at once. */
  private readonly deferrals: number
  private lastCookie: Milliseconds = -Infinity
  /** Those that share its port, itself included. One array for all of them. */
  private group: TcpListener[] = [this]
  private fastOpen: FastOpenQueue | null = null
  private readonly queue: TcpConnection[] = []
  private readonly acceptors: PendingCall<Connection | null>[] = []
  private handler: ConnectionListener | null = null
  private registration: Registration | null = null
  private reservation: PortReservation | null = null
  private referenced = false
  private isClosed = false
  private resolveClosed: () => void = () => undefined
  private leaveSignal: () => void = () => undefined

  constructor(context: TcpContext, owner: ListenerOwner, options: ListenerOptions) {
    this.context = context
    this.owner = owner
    this.options = options
    this.settings = options.settings
    this.nicId = options.nicId
    this.uniqueId = context.host.nextEndpointId()
    const { synAckRetries, synBacklog, deferAccept } = options.handshake
    this.synLimit = synBacklog ?? Math.max(LEAST_SYN_QUEUE, options.backlog)
    const longest = this.settings.maximumRto
    this.deferrals = timeoutsWithin(deferAccept, longest)
    this.synQueue = new SynQueue(
      context.host.timers,
      context.host.secureRandom,
      context.counters,
      { retries: synAckRetries, deferrals: this.deferrals, longest },
      (record) => sendSynAck(context, record, this.settings),
    )
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve
    })
    this.configure({ fastOpen: options.fastOpen ?? false })
  }

  /** Called once, by the protocol. Holds `reservation` from then on when it went well. */
  register(reservation: PortReservation): Failure {
    const { address, nicId, reusePort } = this.options
    const id = { localAddress: address, localPort: reservation.port, remoteAddress: null, remotePort: 0 }
    const answer = this.context.host.endpoints.register(TCP_PROTOCOL, id, this, { nicId, reusePort })
    if (answer === null || typeof answer === 'string') return answer ?? 'EADDRINUSE'
    this.registration = answer
    this.reservation = reservation
    return null
  }

  /** Closes when `signal` aborts; takes itself off a signal that lives longer. */
  closeWith(signal: AbortSignal | undefined): void {
    if (signal === undefined) return
    const close = (): void => void this.close()
    signal.addEventListener('abort', close)
    this.leaveSignal = () => {
      signal.removeEventListener('abort', close)
    }
  }

  // --- from below ---

  handlePacket(_id: TransportEndpointId, packet: Packet): void {
    const { context } = this
    context.counters.segmentsReceived++
    if (receiveHeader(context, packet) === 'ok' && this.takes(context.incoming, packet)) return
    packet.release()
  }

  /** ICMP errors say nothing about a listener. */
  handleError(): void {}

  abort(): void {
    void this.close()
  }

  /** True when the packet found a new owner. */
  private takes(header: SegmentHeader, packet: Packet): boolean {
    const { context } = this
    if (!isUnicast(context, packet)) {
      context.counters.dropNotUnicast++
      return false
    }
    const zone = this.nicId !== 0 ? this.nicId : zoneOf(packet.sourceA, packet.nicId)
    const record = this.synQueue.find(packet, zone)
    if (record !== null) return this.goesOn(record, header, packet)
    // Members of a group come and go, and flows move between them: whoever holds the handshake goes on with it.
    for (const member of this.group) {
      const held = member === this ? null : member.synQueue.find(packet, zone)
      if (held !== null) return member.goesOn(held, header, packet)
    }
    const verdict = context.timeWait.handle(context, header, packet, true)
    return verdict !== 'handled' && this.arrivesInListen(header, packet, verdict === 'reuse' ? context.timeWait.reuseIss : null)
  }

  private goesOn(record: HalfOpen, header: SegmentHeader, packet: Packet): boolean {
    const { authenticator } = record
    if (authenticator !== null && !isAuthentic(this.context, authenticator, packet)) return false
    return this.arrivesInSynReceived(record, header, packet)
  }

  /** Joins the group of a listener with the same port, address and NIC, if there is one. */
  join(listeners: Iterable<TcpListener>): void {
    const { address, nicId, reusePort } = this.options
    if (!reusePort) return
    for (const { options, reservation, group } of listeners) {
      if (!options.reusePort || nicId !== options.nicId || !sameAddress(address, options.address) || this.reservation?.port !== reservation?.port) continue
      this.group = group
      group.push(this)
      return
    }
  }

  // --- LISTEN (§3.10.7.2) ---

  private arrivesInListen(header: SegmentHeader, packet: Packet, iss: number | null): boolean {
    const { counters } = this.context
    const { flags } = header
    const { authentication } = this.settings
    const flow = this.flow(packet)
    if (authentication !== null && !admits(this.context, authentication, flow, header, packet)) return false
    // First, whatever else it has: a reset completes nothing.
    if ((flags & Flag.Rst) !== 0) {
      counters.dropBadReset++
      return false
    }
    if ((flags & Flag.Ack) !== 0) return this.arrivesUnasked(flow, header, packet)
    // ECN-setup SYNs carry ECE and CWR and are as good as any (RFC 3168 §6.1.1).
    if ((flags & Flag.Syn) === 0 || !this.takesFin(header)) {
      counters.dropBadFlags++
      return false
    }
    // As Linux does: a full accept queue takes no SYN.
    if (this.isFull) counters.listenOverflow++
    else if (this.owner.hasRoom()) return this.open(flow, header, packet, iss)
    return false
  }

  /** A FIN with the SYN: Fast Open may have it; else it is ignored or nobody's, as `synFin` says. */
  private takesFin(header: SegmentHeader): boolean {
    if ((header.flags & Flag.Fin) === 0 || (this.fastOpen !== null && mayHaveFin(header))) return true
    if (this.context.synFin !== 'take') return false
    header.flags &= ~Flag.Fin
    return true
  }

  /** An ACK without a handshake: it may bring back a cookie, or be followed by text that does (RFC 4987 §3.6). */
  private arrivesUnasked(flow: Flow, header: SegmentHeader, packet: Packet): boolean {
    const { context } = this
    const { now } = context.host.scheduler
    const isExpected = this.group.some((member) => member.awaitsCookies(now))
    if (!isExpected || (header.flags & Flag.Syn) !== 0) {
      context.counters.dropBadAck++
    } else {
      const record = recordOfCookie(context, flow, header, this.settings)
      if (record !== null) {
        if (!this.complete(record, header, packet)) return false
        context.counters.cookiesAccepted++
        return true
      }
      context.counters.cookiesRejected++
    }
    sendResetFor(context, flow, header, packet.length)
    return false
  }

  /** Otherwise a cookie cannot be one of this listener: there is nothing to guess at. */
  private awaitsCookies(now: Milliseconds): boolean {
    return now - this.lastCookie <= COOKIE_LIFETIME
  }

  private wantsCookie(isQueueFull: boolean): boolean {
    const { synCookies } = this.options.handshake
    return synCookies === 'always' || (synCookies === 'auto' && (isQueueFull || this.context.host.memory.level >= MemoryLevel.High))
  }

  private open(flow: Flow, header: SegmentHeader, packet: Packet, iss: number | null): boolean {
    const { context, settings, fastOpen } = this
    const record = halfOpen(context, flow, header, settings, iss)
    if (record === null) return false
    if (fastOpen?.admits(header, record, packet.length) === true) {
      this.enqueue(this.owner.acceptEarly(this, record, packet, fastOpen))
      return true
    }
    if (settings.trace !== null) traceHalfOpen(context, settings.trace, 'receive', record, header, packet.arrival)
    const { now } = context.host.scheduler
    const isQueueFull = this.synQueue.size >= this.synLimit
    if (isQueueFull) context.counters.synQueueFull++
    // Who comes back from TIME-WAIT is there for sure, and its ISS is given (RFC 6191).
    if (iss === null && this.wantsCookie(isQueueFull)) {
      turnIntoCookie(context, record)
      this.lastCookie = now
    } else {
      // RFC 4987 §3.4: who has not answered for the longest gives way, so that a flood does not shut everybody else out.
      if (isQueueFull) this.synQueue.removeOldest()
      this.synQueue.add(record, now)
    }
    sendSynAck(context, record, settings, fastOpen)
    return false
  }

  // --- SYN-RECEIVED of a passive open (§3.10.7.4) ---

  private arrivesInSynReceived(record: HalfOpen, header: SegmentHeader, packet: Packet): boolean {
    const { context, settings } = this
    const { flags } = header
    const next = (record.irs + 1) | 0
    const offset = (header.sequence - next) | 0
    const window = synWindow(settings)
    if ((flags & Flag.Rst) !== 0) {
      // RFC 5961 §3.2; RFC 9293: a passive open goes back to LISTEN.
      const isInWindow = offset > 0 && offset < window
      if (offset === 0 || (isInWindow && settings.insecureReset)) this.synQueue.remove(record)
      else if (isInWindow) this.challenge(record)
      else context.counters.dropBadReset++
      return false
    }
    if ((flags & Flag.Syn) !== 0 && (flags & Flag.Ack) === 0 && header.sequence === record.irs) {
      // Our SYN-ACK was lost.
      if (record.ecn !== null) synAgain(record.ecn, header)
      sendSynAck(context, record, settings)
      return false
    }
    const isOld = record.timestamps && header.timestamps && before(header.timestampValue, record.tsRecent)
    if (isOld || offset < 0 || offset >= window) {
      if (isOld) context.counters.dropOldTimestamp++
      else context.counters.dropUnacceptable++
      this.challenge(record)
      return false
    }
    if ((flags & Flag.Syn) !== 0) {
      this.challenge(record)
      return false
    }
    if ((flags & Flag.Ack) === 0) {
      context.counters.dropNoAck++
      return false
    }
    if (header.acknowledgment !== ((record.iss + 1) | 0)) {
      context.counters.dropBadAck++
      sendResetFor(context, record, header, packet.length)
      return false
    }
    // As Linux does: a handshake without text stays half-open, and the listener is not told, until its time is over.
    if (record.retries < this.deferrals && packet.length === 0 && (flags & Flag.Fin) === 0) {
      record.acked = true
      context.counters.acceptsDeferred++
      return false
    }
    return this.complete(record, header, packet)
  }

  private complete(record: HalfOpen, header: SegmentHeader, packet: Packet): boolean {
    const { context, owner, options } = this
    // As Linux does: the ACK is dropped, the SYN-ACK will go out again, and by then there may be room.
    if (this.isFull) {
      context.counters.listenOverflow++
      if (options.handshake.abortOnOverflow) {
        this.synQueue.remove(record)
        sendResetFor(context, record, header, packet.length)
      }
      return false
    }
    if (!owner.hasRoom()) return false
    this.synQueue.remove(record)
    this.enqueue(owner.accept(this, record, packet))
    return true
  }

  private enqueue(connection: TcpConnection | null): void {
    if (connection === null) return
    this.queue.push(connection)
    this.context.host.scheduler.wake(this)
  }

  private challenge(record: HalfOpen): void {
    if (record.challenges >= CHALLENGE_LIMIT) return
    record.challenges++
    sendHalfOpenAck(this.context, record, this.settings)
  }

  private flow(packet: Packet): Flow {
    const flow = flowOfPacket(packet)
    return this.nicId === 0 ? flow : { ...flow, nicId: this.nicId }
  }

  private get isFull(): boolean {
    return this.queue.length >= this.options.backlog
  }

  // --- Listener ---

  get local(): Endpoint {
    return { host: this.context.host.formatAddress(this.options.address), port: this.reservation?.port ?? 0 }
  }

  accept(options?: CallOptions): Promise<Connection | null> {
    if (this.handler !== null) {
      return Promise.reject(tcpError('ERR_STACK_BUSY', 'accept', this.local, 'a handler takes the connections; call setHandler(null) first'))
    }
    let mine: PendingCall<Connection | null>
    return startCall(
      (call) => {
        mine = call
        const ready = this.acceptors.length === 0 ? this.tryAccept() : undefined
        if (ready !== undefined) call.resolve(ready)
        else if (this.isClosed) call.resolve(null)
        else this.acceptors.push(call)
      },
      options?.signal,
      () => {
        const at = this.acceptors.indexOf(mine)
        if (at >= 0) this.acceptors.splice(at, 1)
      },
    )
  }

  tryAccept(): Connection | undefined {
    return this.queue.shift()
  }

  get pending(): number {
    return this.queue.length
  }

  setHandler(handler: ConnectionListener | null): void {
    if (handler !== null) checkHandler('setHandler', handler, 'function')
    this.handler = handler
    if (this.queue.length > 0) this.context.host.scheduler.wake(this)
  }

  close(): Promise<void> {
    if (this.isClosed) return this.closed
    this.isClosed = true
    this.leaveSignal()
    this.unref()
    this.registration?.remove()
    this.reservation?.release()
    this.synQueue.clear()
    this.group.splice(this.group.indexOf(this), 1)
    for (const connection of this.queue.splice(0)) connection.abort()
    this.owner.closedListener(this)
    this.context.host.scheduler.wake(this)
    this.resolveClosed()
    return this.closed
  }

  ref(): this {
    if (!this.referenced && !this.isClosed) {
      this.referenced = true
      this.context.host.ref()
    }
    return this
  }

  unref(): this {
    if (this.referenced) {
      this.referenced = false
      this.context.host.unref()
    }
    return this
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Connection> {
    for (;;) {
      const connection = await this.accept()
      if (connection === null) return
      yield connection
    }
  }

  configure(options: ListenerSettings): void {
    checkListenerSettings(options)
    const { maximumSegmentSize } = options
    if (maximumSegmentSize !== undefined) this.settings = settle(this.settings, { maximumSegmentSize })
    if (options.fastOpen === undefined) return
    const limits = fastOpenLimits(options.fastOpen, this.context.host.scheduler.now)
    if (this.fastOpen !== null) this.fastOpen.configure(limits)
    else if (limits.queue > 0) this.fastOpen = new FastOpenQueue(this.context, limits)
  }

  /** Retransmissions of a SYN-ACK. */
  get synAckRetries(): number {
    return this.options.handshake.synAckRetries
  }

  /** Does it wait for `accept`? */
  holds(connection: TcpConnection): boolean {
    return this.queue.includes(connection)
  }

  /** A connection ended before anybody accepted it. */
  forget(connection: TcpConnection): void {
    const at = this.queue.indexOf(connection)
    if (at >= 0) this.queue.splice(at, 1)
  }

  get settlesOnly(): boolean {
    return this.handler === null
  }

  /** User code, last in a turn. */
  wake(): void {
    while (this.acceptors.length > 0 && this.queue.length > 0) this.acceptors.shift()!.resolve(this.queue.shift()!)
    while (this.handler !== null && this.queue.length > 0) {
      callHandler(this.context.host, this.handler, this.queue.shift()!)
    }
    if (this.isClosed) for (const call of this.acceptors.splice(0)) call.resolve(null)
  }
}

/** How many timeouts of a SYN-ACK it takes for `duration` ms to pass: 1 s is one, 3 s are two. */
function timeoutsWithin(duration: Milliseconds, longest: Milliseconds): number {
  let timeouts = duration > 0 ? 1 : 0
  for (let passed = INITIAL_RTO, wait = INITIAL_RTO; passed < duration && timeouts < MOST_DEFERRALS; passed += wait) {
    wait = Math.min(2 * wait, longest)
    timeouts++
  }
  return timeouts
}
