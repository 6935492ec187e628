import type { Failure, Milliseconds } from '@stack/core'
import type { FastOpenInfo } from './api.ts'
import type { TcpContext } from './context.ts'
import { markSynAck } from './ecn-handshake.ts'
import type { HalfOpenEcn } from './ecn-handshake.ts'
import { isTooLong } from './fast-open.ts'
import type { FastOpen } from './fast-open.ts'
import { COOKIE_LENGTH } from './fast-open-keys.ts'
import type { FastOpenKeys } from './fast-open-keys.ts'
import type { Flow } from './flow.ts'
import { repairOf } from './repair.ts'
import { later } from './sequence.ts'
import { State } from './state.ts'
import type { Tcb } from './tcb.ts'
import { synWindow } from './window.ts'
import { Flag, headerLengthOf, Rare } from './wire.ts'
import type { SegmentHeader } from './wire.ts'

/** How long a request that was reset still counts, ms: resets of spoofed clients must not make room (RFC 7413 §5.1). */
const RESET_LIFETIME = 60_000

/** What a listener says of Fast Open, decided. */
export interface FastOpenLimits {
  readonly queue: number
  readonly requireCookie: boolean
  /** Null = those of the stack. */
  readonly keys: FastOpenKeys | null
}

/** The server side of one listener (RFC 7413 §4.2.2): who may bring text with the SYN, and how many at a time (§5.1). */
export class FastOpenQueue {
  private readonly context: TcpContext
  private limits: FastOpenLimits
  private pending = 0
  /** When those that were reset stop counting, in order. */
  private readonly resets: Milliseconds[] = []
  // The cookie that the SYN-ACK brings; `isOffered` until it is written.
  private readonly cookie = new Uint8Array(COOKIE_LENGTH)
  private isOffered = false
  private isExperimental = false

  constructor(context: TcpContext, limits: FastOpenLimits) {
    this.context = context
    this.limits = limits
  }

  configure(limits: FastOpenLimits): void {
    this.limits = limits
  }

  /** Is this SYN of a client that is known, and may its connection begin now? Else the handshake is an ordinary one. */
  admits(header: SegmentHeader, flow: Flow, length: number): boolean {
    const { counters, host } = this.context
    const { now } = host.scheduler
    const hasOption = (header.rare & Rare.FastOpen) !== 0
    const isBare = !this.limits.requireCookie && (length > 0 || (hasOption && header.fastOpenLength > 0))
    this.isOffered = false
    if (!hasOption && !isBare) return false
    if (!this.hasRoom(now)) {
      counters.fastOpenOverflow++
      return false
    }
    if (isBare) return true
    const { remoteAddress, localAddress } = flow
    const keys = this.limits.keys ?? this.context.fastOpen.keys
    this.isExperimental = header.fastOpenExperimental
    const isRequest = header.fastOpenLength === 0
    const verdict = isRequest ? 'bad' : keys.check(header.fastOpenCookie, header.fastOpenLength, remoteAddress, localAddress, now)
    if (isRequest) counters.fastOpenRequests++
    else if (verdict === 'bad') counters.fastOpenBadCookie++
    if (verdict === 'current') return true
    // §4.1.2, §4.2.2: who has none, an old one or a wrong one gets a good one.
    keys.write(this.cookie, remoteAddress, localAddress, now)
    this.isOffered = true
    return verdict === 'previous'
  }

  /** Adds the cookie that {@link admits} found to be due to the SYN-ACK, once. */
  offer(header: SegmentHeader): void {
    if (!this.isOffered) return
    this.isOffered = false
    header.rare |= Rare.FastOpen
    header.fastOpenLength = COOKIE_LENGTH
    header.fastOpenExperimental = this.isExperimental
    for (let i = 0; i < COOKIE_LENGTH; i++) header.fastOpenCookie[i] = this.cookie[i]!
    if (isTooLong(headerLengthOf(header))) header.rare &= ~Rare.FastOpen
  }

  private hasRoom(now: Milliseconds): boolean {
    const { resets } = this
    while (resets.length > 0 && resets[0]! <= now) resets.shift()
    return this.pending + resets.length < this.limits.queue
  }

  began(): void {
    this.pending++
  }

  finished(wasReset: boolean, now: Milliseconds): void {
    this.pending--
    if (wasReset) this.resets.push(now + RESET_LIFETIME)
  }
}

/** A connection in SYN-RECEIVED whose text the application may read, and answer (§4.2.2). */
export class FastOpenChild implements FastOpen {
  readonly isWaiting = false
  readonly isServer = true
  readonly retries: number
  private readonly queue: FastOpenQueue
  private readonly text: number
  private readonly ecn: HalfOpenEcn | null
  private isPending = true
  private isFirst = true

  /**
   * @param text - bytes that came with the SYN, and were taken
   * @param ecn - what the SYN-ACK agrees to
   */
  constructor(queue: FastOpenQueue, retries: number, text: number, ecn: HalfOpenEcn | null) {
    this.queue = queue
    this.ecn = ecn
    this.retries = retries
    this.text = text
    queue.began()
  }

  sendsEarly(tcb: Tcb): boolean {
    return tcb.state === State.SynReceived
  }

  launch(): void {
    // Nothing waits.
  }

  /** The SYN-ACK acknowledges the text, and has a new cookie for who came with an old one. */
  writeSyn(tcb: Tcb, header: SegmentHeader): number {
    const { rcv, settings } = tcb
    if (this.ecn !== null) markSynAck(this.ecn, header, tcb.snd.attempts)
    if (this.isFirst) this.queue.offer(header)
    rcv.edge = later(rcv.edge, (rcv.nxt + synWindow(settings)) | 0)
    rcv.acked = rcv.nxt
    rcv.ackNow = false
    return 0
  }

  synSent(tcb: Tcb): void {
    this.isFirst = false
    // The SYN-ACK takes no part of cwnd.
    repairOf(tcb.snd).dupBytes = 1
  }

  completed(tcb: Tcb): void {
    this.settle(tcb, false)
  }

  timedOut(): void {
    // The SYN-ACK is sent again; text follows when the handshake is over.
  }

  tooBig(): void {
    // A SYN-ACK has no text.
  }

  ended(tcb: Tcb, code: Failure): void {
    this.settle(tcb, code === 'ECONNRESET')
  }

  private settle(tcb: Tcb, wasReset: boolean): void {
    if (!this.isPending) return
    this.isPending = false
    this.queue.finished(wasReset, tcb.context.host.scheduler.now)
  }

  info(): FastOpenInfo {
    const { text } = this
    return { state: 'done', fallback: null, room: 0, synBytes: text, synBytesAcked: text }
  }
}

/** A SYN with a FIN is one only where Fast Open may take both. */
export function mayHaveFin(header: SegmentHeader): boolean {
  return (header.flags & Flag.Fin) !== 0 && (header.rare & Rare.FastOpen) !== 0
}
