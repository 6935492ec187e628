import { PacketFlag } from '@stack/buffer'
import type { Packet } from '@stack/buffer'
import { installAsyncDispose } from '@stack/core'
import type { ErrorCode, Milliseconds, Timer, Wakeable } from '@stack/core'
import type { CallOptions, Connection, ConnectionOptions, Forwarder, ForwardHandler } from './api.ts'
import { admits, isAuthentic } from './authentication/seam.ts'
import { callHandler } from './call-handler.ts'
import type { TcpContext } from './context.ts'
import { zoneOf } from './flow.ts'
import { Request } from './forwarder-request.ts'
import type { RequestKeeper } from './forwarder-request.ts'
import { isUnicast, sendResetFor } from './reset.ts'
import { receiveHeader } from './segment.ts'
import { TupleIndex } from './tuple-index.ts'
import { Field, Flag } from './wire.ts'
import type { SegmentHeader } from './wire.ts'

/** What a forwarder needs of its protocol. */
export interface ForwarderOwner {
  /** Sends the SYN-ACK; settles with the handshake. */
  answer(request: Request, options: (ConnectionOptions & CallOptions) | undefined): Promise<Connection>
  closedForwarder(forwarder: TcpForwarder): void
}

export interface ForwarderSettings {
  /** 0 = all. */
  readonly nicId: number
  readonly maxInFlight: number
  readonly timeout: Milliseconds
  readonly handler: ForwardHandler
}

/** Control bits that say what a segment is about. */
const PURPOSE = Flag.Syn | Flag.Ack | Flag.Rst | Flag.Fin

/** SYNs that no listener wants, until the application has decided about them. There is no SYN-ACK before it has. */
export class TcpForwarder implements Forwarder, RequestKeeper, Wakeable {
  static {
    installAsyncDispose(this.prototype, (forwarder) => forwarder.close())
  }

  declare readonly [Symbol.asyncDispose]: () => Promise<void>
  readonly closed: Promise<void>
  readonly nicId: number
  waking = false
  private readonly context: TcpContext
  private readonly owner: ForwarderOwner
  private readonly settings: ForwarderSettings
  private readonly index: TupleIndex
  /** By the slots of the index. */
  private readonly slots: (Request | null)[] = []
  /** In order of age, which is that of deadlines. */
  private readonly requests = new Set<Request>()
  private readonly untold: Request[] = []
  private readonly timer: Timer
  private referenced = false
  private isClosed = false
  private resolveClosed: () => void = () => undefined
  private leaveSignal: () => void = () => undefined

  constructor(context: TcpContext, owner: ForwarderOwner, settings: ForwarderSettings) {
    this.context = context
    this.owner = owner
    this.settings = settings
    this.nicId = settings.nicId
    this.index = new TupleIndex(context.host.secureRandom)
    this.timer = context.host.timers.create((now) => this.expire(now))
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve
    })
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

  /** A segment for which nobody is registered. True = it was for us, and is gone. */
  takes(packet: Packet): boolean {
    // What this stack sends to itself is answered as ever, or a proxy could call itself for ever.
    if ((packet.flags & PacketFlag.Looped) !== 0 || (this.nicId !== 0 && this.nicId !== packet.nicId)) return false
    const request = this.find(packet)
    if (request === null && (packet.view.getUint8(packet.start + Field.Flags) & PURPOSE) !== Flag.Syn) return false
    const { context } = this
    context.counters.segmentsReceived++
    if (receiveHeader(context, packet) === 'ok') {
      if (!isUnicast(context, packet)) context.counters.dropNotUnicast++
      else if (request === null) this.begin(context.incoming, packet)
      else this.arrives(request, context.incoming, packet)
    }
    packet.release()
    return true
  }

  private begin(header: SegmentHeader, packet: Packet): void {
    const { context, settings } = this
    const { counters, host } = context
    const verdict = context.timeWait.handle(context, header, packet, true)
    if (verdict === 'handled') return
    if (this.requests.size >= settings.maxInFlight) {
      counters.forwardOverflow++
      if (host.events.has('limit-reached')) host.events.emit('limit-reached', { limit: 'tcp.forward.maxInFlight', value: settings.maxInFlight })
      return
    }
    const { now } = host.scheduler
    const request = new Request(this, context, packet, header, verdict === 'reuse' ? context.timeWait.reuseIss : null, now + settings.timeout)
    const { authentication } = context.defaults
    if (authentication !== null && !admits(context, authentication, request.flow, header, packet)) return
    counters.forwardRequests++
    this.keyOf(request)
    this.slots[this.index.add()] = request
    this.requests.add(request)
    this.untold.push(request)
    if (!this.timer.armed) this.timer.arm(request.deadline)
    host.scheduler.wake(this)
  }

  /** What else comes before the request is answered. */
  private arrives(request: Request, header: SegmentHeader, packet: Packet): void {
    const { context } = this
    const { authenticator } = request.flow
    if (authenticator !== null && !isAuthentic(context, authenticator, packet)) return
    const purpose = header.flags & PURPOSE
    if (purpose === Flag.Syn) {
      // Again; or the peer has begun anew, and only what it says now counts.
      if (header.sequence !== request.header.sequence) request.learn(packet, header)
    } else if ((purpose & Flag.Rst) !== 0) {
      if (header.sequence === ((request.header.sequence + 1) | 0)) this.end(request, 'ECONNRESET')
      else context.counters.dropBadReset++
    } else if ((purpose & Flag.Ack) !== 0) {
      // Nothing was sent yet that it could acknowledge.
      context.counters.dropBadAck++
      sendResetFor(context, request.flow, header, packet.length)
    } else context.counters.dropNoAck++
  }

  private expire(now: Milliseconds): void {
    for (const request of this.requests) {
      if (request.deadline > now) {
        this.timer.arm(request.deadline)
        return
      }
      this.context.counters.forwardExpired++
      this.end(request, 'ETIMEDOUT')
    }
  }

  // --- the table ---

  private find(packet: Packet): Request | null {
    if (this.requests.size === 0) return null
    this.index.keyOfPacket(packet, zoneOf(packet.sourceA, packet.nicId))
    const slot = this.index.find()
    return slot < 0 ? null : this.slots[slot]!
  }

  private keyOf({ flow }: Request): void {
    this.index.keyOfTuple(flow.localAddress, flow.localPort, flow.remoteAddress, flow.remotePort, flow.nicId)
  }

  /** The request is decided, or void; `code` says why. */
  end(request: Request, code: ErrorCode | null): void {
    if (!this.requests.delete(request)) return
    this.keyOf(request)
    const slot = this.index.find()
    this.index.remove(slot)
    this.slots[slot] = null
    request.end(code)
    if (this.requests.size === 0) this.timer.cancel()
  }

  accept(request: Request, options: (ConnectionOptions & CallOptions) | undefined): Promise<Connection> {
    this.end(request, null)
    return this.owner.answer(request, options)
  }

  // --- Forwarder ---

  get pending(): number {
    return this.requests.size
  }

  close(): Promise<void> {
    if (this.isClosed) return this.closed
    this.isClosed = true
    this.leaveSignal()
    this.unref()
    this.owner.closedForwarder(this)
    for (const request of [...this.requests]) this.end(request, 'ERR_STACK_CLOSED')
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

  /** User code, last in a turn. */
  wake(): void {
    for (const request of this.untold.splice(0)) {
      if (request.pending) callHandler(this.context.host, this.settings.handler, request)
    }
  }
}
