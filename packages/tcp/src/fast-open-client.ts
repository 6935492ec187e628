import type { Failure } from '@stack/core'
import type { ConnectOptions, FastOpenInfo } from './api.ts'
import { signatureLength } from './authentication/seam.ts'
import { serverKey } from './fast-open-cache.ts'
import type { FastOpenCache, ServerMemory } from './fast-open-cache.ts'
import { isTooLong } from './fast-open.ts'
import type { FastOpen } from './fast-open.ts'
import { currentRoute, defaultMss, networkHeaderLength } from './flow.ts'
import { LEAST_MSS } from './options.ts'
import { sendSyn } from './output.ts'
import { expectAnswers } from './quick-ack.ts'
import { Rack } from './rack.ts'
import { resendAll } from './recovery.ts'
import { repairOf } from './repair.ts'
import { armRetransmit, beginFlight, noteSent } from './sender.ts'
import { after } from './sequence.ts'
import { State } from './state.ts'
import type { Tcb } from './tcb.ts'
import { Flag, headerLengthOf, MIN_HEADER_LENGTH, Rare } from './wire.ts'
import type { SegmentHeader } from './wire.ts'

/** Room that is left to options, those of middleboxes too, so that SYNs with text pass (RFC 7413 §7.1). */
const OPTION_SPACE = 40
/** Timeouts in a row that make a black hole. */
const HOLE = 3

/** What the SYN does. `Plain`: nothing. `Bare`: text without a cookie, by agreement (§7.3). */
type Mode = 'plain' | 'request' | 'text' | 'bare'

/** The client of RFC 7413 §4.2: text in the SYN where a cookie is there, a request for one where there is none. */
export class FastOpenClient implements FastOpen {
  readonly retries = null
  readonly isServer = false
  isWaiting = false
  private readonly cache: FastOpenCache
  private readonly key: string
  private readonly mode: Mode
  private readonly memory: ServerMemory | null
  /** The form of the request. */
  private readonly isExperimental: boolean
  private room = 0
  /** The SYN left with the option, or with text. */
  private isSent = false
  private hasText = false
  private text = 0
  private acked = 0
  private isOver = false
  /** Why the SYN left again, without text. */
  private resent: 'timeout' | 'too-big' | null = null
  private fallback: FastOpenInfo['fallback'] = null

  constructor(tcb: Tcb, cache: FastOpenCache, wanted: NonNullable<ConnectOptions['fastOpen']>) {
    const { now } = tcb.context.host.scheduler
    this.cache = cache
    this.key = serverKey(tcb.localAddress, tcb.remoteAddress)
    this.memory = cache.find(this.key, now)
    this.mode = this.choose(now, typeof wanted !== 'object' || wanted.requireCookie !== false)
    this.isExperimental = this.memory?.asksExperimental ?? false
    if (this.mode === 'text' || this.mode === 'bare') {
      this.room = this.roomIn(tcb)
      this.isWaiting = true
    }
  }

  private choose(now: number, requiresCookie: boolean): Mode {
    const { memory, cache } = this
    if (cache.isPaused(now)) {
      this.fallback = 'paused'
      return 'plain'
    }
    const hasCookie = memory !== null && memory.length > 0
    if (hasCookie || !requiresCookie) {
      if (memory?.takesText(now) !== false) return requiresCookie ? 'text' : 'bare'
    } else {
      this.fallback = 'no-cookie'
      if (memory?.takesRequests(now) !== false) return 'request'
    }
    this.fallback = 'paused'
    return 'plain'
  }

  /** §4.1.3, §4.2.2: what the server's MSS, the path and the caller leave. */
  private roomIn(tcb: Tcb): number {
    const route = currentRoute(tcb.context, tcb)
    const path = typeof route === 'string' ? tcb.rcv.mss : route.mtu - networkHeaderLength(tcb.remoteAddress) - MIN_HEADER_LENGTH
    const server = this.memory === null || this.memory.mss === 0 ? path : this.memory.mss
    return Math.max(0, Math.min(server, path, tcb.settings.maximumSegmentSize) - OPTION_SPACE)
  }

  /** The first text is there: the SYN takes it along. More that is promised is waited for, as long as there is room. */
  sendsEarly(tcb: Tcb): boolean {
    const { snd } = tcb
    if (this.isWaiting && snd.queue.length > 0 && (!snd.more || snd.queue.length >= this.room)) this.launch(tcb)
    return false
  }

  /** The SYN leaves, with what there is. */
  launch(tcb: Tcb): void {
    const { snd, context } = tcb
    this.isWaiting = false
    snd.timedAt = context.host.scheduler.micros
    snd.unackedSince = Math.floor(context.host.scheduler.now)
    sendSyn(tcb)
    armRetransmit(tcb)
  }

  writeSyn(tcb: Tcb, header: SegmentHeader): number {
    const { snd, state } = tcb
    // §4.2.2: a retransmission has neither the option nor text; nor has the SYN-ACK of a simultaneous open.
    if (this.mode === 'plain' || state !== State.SynSent) return 0
    if (this.isSent) {
      this.resent ??= 'timeout'
      return 0
    }
    if (this.mode !== 'bare') this.writeOption(header)
    if (isTooLong(headerLengthOf(header) + signatureLength(tcb.authenticator))) {
      header.rare &= ~Rare.FastOpen
      this.fallback = 'refused'
      return 0
    }
    if (this.mode === 'request') return 0
    const text = Math.min(snd.queue.length, this.room)
    return snd.records === null ? text : Math.min(text, snd.records.room(snd.queue.start))
  }

  private writeOption(header: SegmentHeader): void {
    header.rare |= Rare.FastOpen
    header.fastOpenLength = 0
    header.fastOpenExperimental = this.isExperimental
    if (this.mode !== 'text') return
    const { cookie, length, isExperimental } = this.memory!
    header.fastOpenLength = length
    header.fastOpenExperimental = isExperimental
    for (let i = 0; i < length; i++) header.fastOpenCookie[i] = cookie[i]!
  }

  synSent(tcb: Tcb, length: number): void {
    if (this.isSent) return
    this.isSent = true
    if (length === 0) return
    const { snd, context } = tcb
    const { counters, host } = context
    this.hasText = true
    this.text = length
    counters.fastOpenSent++
    snd.dataSegments++
    snd.lastSent = Math.floor(host.scheduler.now)
    // The SYN itself takes no part of cwnd.
    repairOf(snd).dupBytes = 1
    beginFlight(tcb)
    noteSent(tcb, (snd.queue.start + length) | 0)
  }

  /** §4.2.2: what of the text the SYN-ACK does not acknowledge leaves again at once, and is no loss. */
  completed(tcb: Tcb, header: SegmentHeader): void {
    const { snd, context } = tcb
    const { now } = context.host.scheduler
    this.isOver = true
    this.acked = Math.min(this.text, Math.max(0, (snd.una - snd.iss - 1) | 0))
    if (this.isSent && (header.flags & Flag.Syn) !== 0) this.remember(tcb, header, now)
    if (!this.hasText) return
    if (after(snd.queue.end, snd.nxt)) expectAnswers(tcb)
    if (this.acked === this.text) {
      context.counters.fastOpenAccepted++
      this.cache.succeeded()
      return
    }
    context.counters.fastOpenRefused++
    this.fallback = this.resent ?? 'refused'
    // What leaves again may be lost again: RACK has to know of it from the start.
    if (tcb.rcv.sackPermitted) snd.rack ??= new Rack(snd.una)
    resendAll(tcb, 'fast-open-retransmit')
    context.host.scheduler.markDirty(tcb)
  }

  /** §4.1.3: cookie and MSS of the SYN-ACK, and failures (§4.1.3.1). */
  private remember(tcb: Tcb, header: SegmentHeader, now: number): void {
    const { mode, acked, resent } = this
    if (mode === 'plain') return
    const memory = this.cache.obtain(this.key, now)
    memory.mss = header.mss !== 0 ? header.mss : defaultMss(tcb.remoteAddress)
    // A cookie that nobody asked for is not taken.
    const hasCookie = mode !== 'bare' && (header.rare & Rare.FastOpen) !== 0 && header.fastOpenLength > 0
    if (hasCookie) memory.keepCookie(header)
    else if (acked > 0) memory.answered()
    else if (this.hasText && resent !== 'too-big') memory.failed(now)
    else if (mode === 'request' && resent !== null) memory.lostRequest(now)
    else if (mode === 'request') this.cache.refused(memory, this.isExperimental, now)
  }

  timedOut(tcb: Tcb, attempts: number): void {
    // §7.1: the handshake gets no answer, or nothing does that follows text which went with the SYN.
    const isLost = this.isOver ? this.hasText && tcb.snd.bytesAcked <= this.acked : this.isSent && this.mode !== 'plain'
    if (attempts === HOLE && isLost) this.cache.foundHole(tcb.context.host.scheduler.now)
  }

  /** The SYN again, without text, as what the path takes (RFC 1191 §6.5); the text follows it. */
  tooBig(tcb: Tcb, mtu: number): void {
    if (!this.hasText || tcb.state !== State.SynSent) return
    const { context, remoteAddress, localAddress, rcv } = tcb
    const mss = Math.max(LEAST_MSS, mtu - networkHeaderLength(remoteAddress) - MIN_HEADER_LENGTH)
    if (mss >= rcv.mss) return
    context.host.updatePathMtu(localAddress, remoteAddress, mtu)
    rcv.mss = mss
    this.resent ??= 'too-big'
    sendSyn(tcb)
    armRetransmit(tcb)
  }

  ended(tcb: Tcb, code: Failure): void {
    // The peer's reset is an answer, and our own end is none of its doing.
    const isSilent = code !== null && code !== 'ECONNREFUSED' && code !== 'ECONNABORTED' && code !== 'ERR_STACK_CLOSED'
    if (this.isOver || !this.isSent || !isSilent) return
    const { now } = tcb.context.host.scheduler
    this.isOver = true
    this.fallback = 'timeout'
    if (this.hasText) this.cache.obtain(this.key, now).failed(now)
    else if (this.mode === 'request') this.cache.obtain(this.key, now).lostRequest(now)
    if (code === 'ETIMEDOUT' && tcb.snd.attempts < HOLE && this.mode !== 'plain') this.cache.foundHole(now)
  }

  info(): FastOpenInfo {
    const { fallback, room, text, acked, isWaiting, isOver } = this
    const state = isWaiting ? 'waiting' : fallback !== null ? 'fallback' : isOver ? 'done' : 'opening'
    return { state, fallback, room, synBytes: text, synBytesAcked: acked }
  }
}
