import type { Packet } from '@stack/buffer'
import type { Address, ErrorCode, Failure, Milliseconds, PortReservation, Registration, TransportEndpoint, TransportEndpointId, TransportError } from '@stack/core'
import { isAuthentic } from './authentication/seam.ts'
import { abortConnection } from './close.ts'
import type { TcpContext } from './context.ts'
import { handleControlError } from './control-error.ts'
import { checkAppLimited } from './delivery-rate.ts'
import { dropGap } from './gap-holders.ts'
import { refreshMss } from './segment-size.ts'
import { awaitsAnswer, awaitsCaller, flushAck, sendAck, sendReset } from './output.ts'
import { NO_LOW_WATER } from './options.ts'
import type { Settings } from './options.ts'
import { onReorderTimer } from './recovery.ts'
import { onKeepAliveTimer, onRetransmitTimer } from './retransmit.ts'
import { mergedArrive } from './merged.ts'
import { receiveHeader } from './segment.ts'
import { segmentArrives } from './segment-arrives.ts'
import { belowLimit, onCorkTimer, sendPending } from './sender.ts'
import { isAwaitedStep, State } from './state.ts'
import { Tcb } from './tcb.ts'
import { ConnectionTimers } from './timers.ts'
import type { TimerActions } from './timers.ts'
import { onProbeTimer, scheduleProbe } from './tlp.ts'
import { traceTimeout } from './trace.ts'

/** ms that text waits to be read behind an error. */
const UNREAD_LIFETIME = 60_000

/** Who keeps the books of endpoints. */
export interface EndpointOwner {
  added(endpoint: TcpEndpoint): void
  established(endpoint: TcpEndpoint): void
  /** May the text of an endpoint that ends with an error still be read? */
  keepsText(endpoint: TcpEndpoint): boolean
  /** What a finished endpoint had left was read or thrown away. */
  drained(endpoint: TcpEndpoint): void
  removed(endpoint: TcpEndpoint, code: Failure): void
}

/** A connection as the demultiplexer, the scheduler and its timers see it. */
export class TcpEndpoint extends Tcb implements TransportEndpoint, TimerActions {
  readonly uniqueId: number
  readonly timers: ConnectionTimers
  /** Neighbours in the list of its owner. */
  older: TcpEndpoint | null = null
  newer: TcpEndpoint | null = null
  private readonly owner: EndpointOwner
  private registration: Registration | null = null
  private reservation: PortReservation | null = null
  private isFinished = false
  // Made when somebody asks.
  private closing: { readonly promise: Promise<void>; readonly resolve: () => void } | null = null

  constructor(context: TcpContext, owner: EndpointOwner, local: Address, localPort: number, remote: Address, remotePort: number, nicId: number, settings: Settings) {
    super(context, local, localPort, remote, remotePort, nicId, settings)
    this.owner = owner
    this.uniqueId = context.host.nextEndpointId()
    this.timers = new ConnectionTimers(context.host.timers, this)
  }

  /** Takes its place with the demultiplexer; holds `reservation` until the end. */
  register(reservation: PortReservation | null): Failure {
    const answer = this.context.host.endpoints.register(6, this, this, { nicId: this.nicId })
    if (answer === null || typeof answer === 'string') return answer ?? 'EADDRINUSE'
    this.registration = answer
    this.reservation = reservation
    this.context.host.ref()
    this.owner.added(this)
    return null
  }

  // --- from below ---

  /** Signatures are of single segments, and a trace tells of each. */
  get takesChains(): boolean {
    return this.authenticator === null && this.settings.trace === null
  }

  handlePacket(_id: TransportEndpointId, packet: Packet): void {
    const { context } = this
    context.counters.segmentsReceived++
    if (receiveHeader(context, packet) !== 'ok') {
      packet.release()
      return
    }
    if (this.isFinished) {
      context.counters.dropClosed++
      packet.release()
      return
    }
    if (this.authenticator !== null && !isAuthentic(context, this.authenticator, packet)) {
      packet.release()
      return
    }
    const before = this.state
    if (packet.chain === null) segmentArrives(this, context.incoming, packet)
    else mergedArrive(this, context.incoming, packet)
    if (this.finished) return
    const { scheduler } = context.host
    const isMilestone = isAwaitedStep(before, this.state)
    if (awaitsAnswer(this, isMilestone)) scheduler.markPatient(this)
    else if (isMilestone && awaitsCaller(this)) scheduler.markLate(this)
    else scheduler.markDirty(this)
  }

  handleError(_id: TransportEndpointId, error: TransportError, packet: Packet): void {
    if (!this.isFinished) handleControlError(this, error, packet)
  }

  /** PacketCredit: bytes left the stack. */
  returned(bytes: number): void {
    this.below -= bytes
    if (!this.isBlocked || this.isFinished || this.below > belowLimit(this) / 2) return
    this.isBlocked = false
    this.context.host.scheduler.markDirty(this)
  }

  // --- from the scheduler ---

  /** End of the batch: data, then what ACKs are still owed. */
  flushOutput(): void {
    if (this.isFinished) return
    refreshMss(this)
    this.user?.refill()
    sendPending(this)
    scheduleProbe(this)
    if (this.settings.notSentLowWater !== NO_LOW_WATER) this.takeMore()
    flushAck(this)
  }

  /** What was sent made room below the low-water mark. */
  private takeMore(): void {
    const { snd } = this
    for (let sent = -1; sent !== snd.bytesSent; ) {
      sent = snd.bytesSent
      this.user?.onWritable()
      this.user?.refill()
      sendPending(this)
    }
  }

  onRetransmitTimer(now: Milliseconds): void {
    refreshMss(this)
    checkAppLimited(this)
    onRetransmitTimer(this, now)
  }

  onStall(): void {
    this.snd.timing = false
    this.snd.board.markStalled()
  }

  onReorderTimer(): void {
    checkAppLimited(this)
    onReorderTimer(this)
  }

  onProbeTimer(): void {
    refreshMss(this)
    checkAppLimited(this)
    onProbeTimer(this)
  }

  onDelayedAckTimer(): void {
    if (this.rcv.nxt === this.rcv.acked) return
    const { trace } = this.settings
    if (trace !== null) traceTimeout(this, trace, 'ack')
    sendAck(this)
  }

  onKeepAliveTimer(now: Milliseconds): void {
    onKeepAliveTimer(this, now)
  }

  /** The peer did not finish in time: nobody waits for it any more. As long as it takes what we have, it is given more. */
  onDeadlineTimer(): void {
    if (this.isFinished) {
      this.drain()
      return
    }
    const { snd, timers, settings } = this
    const patience = snd.ackedAt + settings.lingerTimeout
    if (this.isOrphan && snd.queue.length > 0 && patience > this.context.host.scheduler.now) {
      timers.deadline = patience
      timers.schedule(patience)
      return
    }
    if (this.state >= State.Established) sendReset(this)
    this.finish('ETIMEDOUT')
  }

  onCorkTimer(): void {
    onCorkTimer(this)
  }

  onPaceTimer(): void {
    this.context.host.scheduler.markDirty(this)
  }

  onRetryTimer(): void {
    this.isBlocked = false
    this.context.host.scheduler.markDirty(this)
  }

  opened(): void {
    this.wasEstablished = true
    this.owner.established(this)
    this.user?.onEstablished()
  }

  // --- the end ---

  finish(code: Failure): void {
    if (this.isFinished) return
    this.isFinished = true
    if (this.state !== State.TimeWait) this.state = State.Closed
    this.timers.cancel()
    this.registration?.remove()
    this.reservation?.release()
    this.snd.queue.clear()
    this.snd.board.clear()
    dropGap(this)
    if (this.isOrphan) this.context.counters.orphans--
    // What came in order before an orderly end may still be read.
    if (this.isOrphan || (code !== null && !this.keepText())) this.rcv.queue.clear()
    this.fastOpen?.ended(this, code)
    this.owner.removed(this, code)
    if (this.registration !== null) this.context.host.unref()
    this.user?.onClosed(code)
    this.closing?.resolve()
  }

  /** After an error, where the application did not have the chance to read: for a while. */
  private keepText(): boolean {
    if (this.rcv.queue.length === 0 || !this.owner.keepsText(this)) return false
    this.timers.keep(this.context.host.scheduler.now + UNREAD_LIFETIME)
    return true
  }

  abort(code?: ErrorCode): void {
    if (!this.isFinished) abortConnection(this, code)
    this.drain()
  }

  /** Nobody will read what is left. */
  drain(): void {
    this.rcv.queue.clear()
    if (!this.isFinished) return
    this.timers.cancel()
    this.owner.drained(this)
  }

  get finished(): boolean {
    return this.isFinished
  }

  get closed(): Promise<void> {
    if (this.closing === null) {
      let resolve = (): void => undefined
      const promise = new Promise<void>((settle) => {
        resolve = settle
      })
      this.closing = { promise, resolve }
      if (this.isFinished || this.registration === null) resolve()
    }
    return this.closing.promise
  }
}
