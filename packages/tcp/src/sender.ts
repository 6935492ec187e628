import { Chrono, Limit } from './chrono.ts'
import { DeliveryRate } from './delivery-rate.ts'
import { emit, retryLater } from './output.ts'
import { pacingRate } from './pacing-rate.ts'
import { probeLength, probeSent } from './mtu-search.ts'
import { noteAnswer } from './quick-ack.ts'
import { Probing, repairOf } from './repair.ts'
import { Mark } from './scoreboard.ts'
import { after, before } from './sequence.ts'
import { sendsData, State } from './state.ts'
import { segmentsAtOnce } from './super-segment.ts'
import { flightSize, pipe } from './tcb.ts'
import type { Tcb } from './tcb.ts'
import type { TraceReason } from './trace.ts'
import { standsInLine } from './turn.ts'
import { noteResent } from './undo.ts'
import { keepThroughIdle } from './validation.ts'
import { userTimeoutOf } from './user-timeout.ts'
import { Flag } from './wire.ts'

/** Bytes of one connection below TCP: two of the largest super-packets. More would only wait in a queue. */
const BELOW_LIMIT = 131_072
/** The same in segments, where they do not leave in larger packets: more would leave the processor's nearest cache before they leave the stack. */
const BELOW_SEGMENTS = 32

/** ms that a segment which is not full waits for more at most. */
const CORK_LIMIT = 200

const Outcome = { Sent: 0, Nothing: 1, Window: 2, Congestion: 3, Held: 4, Local: 5, Paced: 6 } as const
type Outcome = (typeof Outcome)[keyof typeof Outcome]

/** Sends what may be sent now: lost segments first, then new data, then the FIN. */
export function sendPending(tcb: Tcb): void {
  const { snd } = tcb
  // Most who owe an ACK have nothing else to send.
  const isEmpty = snd.queue.length === 0 && !snd.finQueued
  if (isEmpty || (!sendsData(tcb.state) && tcb.fastOpen?.sendsEarly(tcb) !== true)) {
    noteLimit(tcb, Outcome.Nothing)
    return
  }
  restartAfterIdle(tcb)
  // Asked anew: what a refused segment gives back in this call is no room for the next.
  tcb.isBlocked = false
  let outcome: Outcome
  do outcome = sendOne(tcb, false)
  while (outcome === Outcome.Sent)
  if (outcome === Outcome.Congestion) snd.limitedUntil = snd.nxt
  if (outcome === Outcome.Window && flightSize(tcb) === 0) startPersisting(tcb)
  noteLimit(tcb, outcome)
}

/** What holds the connection up, for `info()`. */
function noteLimit(tcb: Tcb, outcome: Outcome): void {
  const { snd } = tcb
  let limit: Limit = Limit.Busy
  if (flightSize(tcb) === 0 && snd.queue.length === 0) limit = Limit.None
  else if (outcome === Outcome.Window) limit = Limit.ReceiveWindow
  else if (outcome === Outcome.Nothing && tcb.user?.isWaiting === true) limit = Limit.SendBuffer
  if (limit === (snd.chrono?.limit ?? Limit.None)) return
  snd.chrono ??= new Chrono()
  snd.chrono.change(limit, tcb.context.host.scheduler.now)
}

/** Sends one segment even if sender's SWS avoidance would wait (RFC 9293 §3.8.6.2.1, the override). */
export function sendOverride(tcb: Tcb): boolean {
  return sendOne(tcb, true) === Outcome.Sent
}

function sendOne(tcb: Tcb, override: boolean): Outcome {
  const { snd } = tcb
  // F-RTO sends new data first, to see whether the timeout was right (RFC 5682 §2.1 step 2b).
  const { repair } = snd
  if (repair !== null && repair.newFirst > 0) {
    const outcome = sendNew(tcb, true)
    if (outcome === Outcome.Sent || repair.newFirst === 1) return outcome
    repair.newFirst = 0
    repair.frto = false
  }
  const lost = snd.board.firstLost()
  return lost < 0 ? sendNew(tcb, override) : sendLost(tcb, lost)
}

function sendNew(tcb: Tcb, override: boolean): Outcome {
  const { snd } = tcb
  const sequence = snd.nxt
  const queued = Math.max(0, (snd.queue.end - sequence) | 0)
  const text = snd.records === null ? queued : Math.min(queued, snd.records.room(sequence))
  const isFinDue = snd.finQueued && !after(sequence, snd.queue.end)
  if (text === 0 && !isFinDue) return Outcome.Nothing
  const room = (snd.una + snd.wnd - sequence) | 0
  const probe = tcb.mtuSearch === null ? 0 : probeLength(tcb, tcb.mtuSearch, text, room)
  if (probe > 0) return sendProbe(tcb, sequence, probe)
  const length = Math.min(text, snd.mss, Math.max(0, room))
  const isFin = isFinDue && length === queued && room > length
  if (length === 0 && !isFin) return Outcome.Window
  if (length < snd.mss && !isFin && snd.board.isCrowded) return Outcome.Held
  // The end of a record that others follow is not held back: nothing will ever fill it up.
  const isEnough = length === snd.mss || isFin || (length === text && text < queued)
  if (!override && !isEnough && !isWorthSending(tcb, length, text, room)) return length === text ? Outcome.Held : Outcome.Window
  if (standsInLine(tcb)) return Outcome.Local
  const refusal = refuses(tcb, length, false)
  if (refusal !== null) return refusal
  if (length === snd.mss && text >= 2 * length) return sendFull(tcb, sequence, text, queued, room)
  snd.repair?.newLeaves()
  return transmit(tcb, sequence, length, isFin, length > 0 ? 'new' : 'fin')
}

/** A full segment may leave, and others with it as far as the same limits allow. */
function sendFull(tcb: Tcb, sequence: number, text: number, queued: number, room: number): Outcome {
  const { snd } = tcb
  const count = segmentsAtOnce(tcb, Math.min(text, room, tcb.cc.cwnd - pipe(tcb), belowLimit(tcb) - tcb.below))
  const length = count * snd.mss
  const isFin = snd.finQueued && length === queued && room > length
  snd.repair?.newLeaves()
  return transmit(tcb, sequence, length, isFin, 'new', count)
}

/** A probe of the path's MTU: it waits for its turn as any segment does. */
function sendProbe(tcb: Tcb, sequence: number, length: number): Outcome {
  const outcome = refuses(tcb, length, false) ?? transmit(tcb, sequence, length, false, 'mtu-probe')
  if (outcome === Outcome.Sent) probeSent(tcb, tcb.mtuSearch!, sequence, length)
  return outcome
}

/** A tail loss probe (RFC 8985 §7.3): one segment whatever cwnd says, new if there is one. */
export function sendTailProbe(tcb: Tcb): Probing {
  const { snd } = tcb
  const { board } = snd
  const text = Math.max(0, (snd.queue.end - snd.nxt) | 0)
  const room = (snd.una + snd.wnd - snd.nxt) | 0
  const fresh = Math.min(text, snd.mss, room, snd.records?.room(snd.nxt) ?? text)
  if (fresh > 0) return transmit(tcb, snd.nxt, fresh, false, 'tail-probe') === Outcome.Sent ? Probing.New : Probing.None
  const last = board.length - 1
  const end = board.end(last)
  const behind = textEnd(tcb, end)
  const held = (behind - board.start(last)) | 0
  const length = Math.min(held, snd.mss)
  const sequence = (behind - length) | 0
  if (length < held) splitRecord(tcb, last, sequence)
  return transmit(tcb, sequence, length, end !== behind, 'tail-probe') === Outcome.Sent ? Probing.Again : Probing.None
}

/** What is held lost from record `first` on: as much of what lies together as a segment takes, in the pieces of now. */
function sendLost(tcb: Tcb, first: number): Outcome {
  const { snd } = tcb
  const { board } = snd
  const repair = repairOf(snd)
  const sequence = board.start(first)
  let last = first
  while (last + 1 < board.length && (board.marks(last + 1) & (Mark.Lost | Mark.Out)) === Mark.Lost && ((board.end(last + 1) - sequence) | 0) <= snd.mss) last++
  // Behind the last of what was sent it may run on into new data; not the text of a SYN, which has a size of its own.
  const runsOn = last === board.length - 1 && repair.lostBy !== 'fast-open-retransmit'
  const end = runsOn ? (snd.finQueued ? (snd.queue.end + 1) | 0 : snd.queue.end) : board.end(last)
  const behind = textEnd(tcb, end)
  const held = (behind - sequence) | 0
  const text = snd.records === null ? held : Math.min(held, snd.records.room(sequence))
  const room = (snd.una + snd.wnd - sequence) | 0
  const length = Math.min(text, snd.mss, Math.max(0, room))
  const isFin = end !== behind && length === held && room > length
  if ((length === 0 && !isFin) || (length < Math.min(held, snd.mss) && board.isCrowded)) return Outcome.Window
  const refusal = refuses(tcb, length, repair.isForced)
  return refusal ?? transmit(tcb, sequence, length, isFin, repair.lostBy)
}

/** Where the text of what ends at `end` ends: a FIN behind it is none. */
function textEnd({ snd }: Tcb, end: number): number {
  return after(end, snd.queue.end) ? snd.queue.end : end
}

/** Why `length` bytes may not leave now; null = they may. */
function refuses(tcb: Tcb, length: number, isForced: boolean): Outcome | null {
  const inPipe = pipe(tcb)
  if (inPipe > 0 && inPipe + length > tcb.cc.cwnd && !isForced) return Outcome.Congestion
  if (tcb.snd.pacer !== null && !isForced && !isDue(tcb)) return Outcome.Paced
  if (tcb.route?.nic.isFull === true) {
    retryLater(tcb)
    return Outcome.Local
  }
  if (tcb.below > 0 && tcb.below + length > belowLimit(tcb)) {
    tcb.isBlocked = true
    return Outcome.Local
  }
  return null
}

/** Bytes of a connection that may be below TCP. */
export function belowLimit({ snd, route }: Tcb): number {
  const { hardwareGso, softwareGso } = route?.endpoint.capabilities ?? {}
  return hardwareGso === true || softwareGso === true ? BELOW_LIMIT : Math.min(BELOW_LIMIT, BELOW_SEGMENTS * snd.mss)
}

/** Is it time for the next segment? Else a timer says when it is. */
function isDue(tcb: Tcb): boolean {
  const { snd, timers, context } = tcb
  const rate = pacingRate(tcb)
  const pacer = snd.pacer!
  if (rate === 0 || pacer.isOpen(context.host.scheduler.now, rate, snd.mss)) return true
  if (timers.pace === pacer.next) return false
  timers.pace = pacer.next
  timers.schedule(pacer.next)
  return false
}

/** Less than a full segment: Nagle, the cork, and the sender's side of SWS avoidance (RFC 9293 §3.7.4, §3.8.6.2.1). */
function isWorthSending(tcb: Tcb, length: number, text: number, room: number): boolean {
  // A SYN-ACK that is out holds no text back (RFC 7413).
  const isIdle = tcb.snd.board.length === 0
  const isUrgent = tcb.snd.urgent !== null
  if (length === text) {
    if ((tcb.snd.more || tcb.settings.cork) && !isUrgent) {
      holdBack(tcb)
      return false
    }
    return isIdle || isUrgent || tcb.settings.noDelay || !isHeldByNagle(tcb)
  }
  // Held back by the window: at least half of the largest that was ever offered (Fs = 1/2).
  return room >= tcb.snd.maxWindow >>> 1 && (isIdle || tcb.settings.noDelay)
}

/** Nagle's algorithm (RFC 9293 §3.7.4) as Minshall changed it: one small segment may be out, and only it holds back the next. */
function isHeldByNagle({ snd, settings }: Tcb): boolean {
  return settings.nagle === 'classic' || after(snd.smallEnd, snd.una)
}

/**
 * One segment of text, or a FIN, or both; and the books of what is out. What lies before SND.NXT was sent before.
 *
 * @param count - full segments of new text that it will be cut into
 */
export function transmit(tcb: Tcb, sequence: number, length: number, isFin: boolean, reason: TraceReason, count = 1): Outcome {
  const { snd, context } = tcb
  const { host } = context
  const end = (sequence + length) | 0
  // A SYN-ACK that is out is no text (RFC 7413).
  const wasIdle = snd.board.length === 0
  if (wasIdle) beginFlight(tcb)
  let flags: number = Flag.Ack
  // RFC 9293 §3.9.1.2, SHLD-28: the last segment of what was written.
  if (length > 0 && end === snd.queue.end && !snd.more) flags |= Flag.Psh
  if (isFin) flags |= Flag.Fin
  const failure = emit(tcb, flags, sequence, reason, length, count)
  // A hook has ended the connection: there are no books any more.
  if (tcb.state === State.Closed) return Outcome.Nothing
  if (failure !== null) {
    if (failure === 'ENOBUFS') {
      tcb.isBlocked = tcb.below > 0
      if (!tcb.isBlocked) retryLater(tcb)
      return Outcome.Local
    }
    // Anything else is as good as lost on the way: the timer sends it again.
    tcb.softError = failure
  }
  const { now } = host.scheduler
  const behind = isFin ? (end + 1) | 0 : end
  const { nxt } = snd
  if (sequence !== nxt) noteRetransmission(tcb, sequence, before(behind, nxt) ? behind : nxt, reason)
  // The books are of segments, each as if it had been sent alone.
  for (let i = 1; i < count; i++) {
    if (snd.pacer !== null) notePaced(tcb, now, snd.mss)
    noteSent(tcb, (snd.nxt + snd.mss) | 0)
  }
  if (snd.pacer !== null) notePaced(tcb, now, length - (count - 1) * snd.mss)
  if (after(behind, nxt)) {
    noteSent(tcb, behind)
    if (length < snd.mss) snd.smallEnd = end
  }
  snd.repair?.prr?.sent((behind - sequence) | 0)
  snd.lastSent = Math.floor(now)
  if (wasIdle) snd.unackedSince = snd.lastSent
  if (reason === 'new') noteAnswer(tcb, now)
  tcb.timers.cork = Infinity
  snd.persisting = false
  if (tcb.timers.retransmit === Infinity) armRetransmit(tcb)
  return Outcome.Sent
}

/** Nothing is in flight, and something is about to be. */
export function beginFlight(tcb: Tcb): void {
  const { snd, cc, context } = tcb
  const { scheduler } = context.host
  const rate = (snd.rate ??= new DeliveryRate())
  if (cc.onRestart !== undefined && rate.isAppLimited) cc.onRestart(scheduler.now)
  rate.restart(scheduler.micros)
}

/** The books of a segment that left for the first time: everything from SND.NXT to `behind`. */
export function noteSent(tcb: Tcb, behind: number): void {
  const { snd, context } = tcb
  const bytes = (behind - snd.nxt) | 0
  const { micros } = context.host.scheduler
  snd.board.push(snd.nxt, behind, micros, nextOrder(tcb))
  if (snd.rate!.isDue(snd.board, micros)) snd.rate!.sent(snd.board, snd.board.length - 1, (pipe(tcb) + bytes) | 0)
  context.counters.bytesSent += bytes
  snd.bytesSent += bytes
  snd.nxt = behind
}

function notePaced(tcb: Tcb, now: number, bytes: number): void {
  const rate = pacingRate(tcb)
  if (rate > 0) tcb.snd.pacer!.sent(now, bytes, rate)
}

/** The place among everything sent, int32. */
function nextOrder({ snd }: Tcb): number {
  snd.order = (snd.order + 1) | 0
  return snd.order
}

/** `[sequence, behind)` left again. */
function noteRetransmission(tcb: Tcb, sequence: number, behind: number, reason: TraceReason): void {
  const { snd, context } = tcb
  const { board } = snd
  const now = context.host.scheduler.micros
  const repair = repairOf(snd)
  snd.retransmits++
  repair.bytesRetransmitted += Math.min((behind - sequence) | 0, (snd.queue.end - sequence) | 0)
  context.counters.retransmits++
  let i = board.find(sequence)
  if (reason === 'window-probe') {
    board.markAgain(i)
    return
  }
  repair.isForced = false
  noteResent(tcb, sequence, (behind - sequence) | 0)
  const order = nextOrder(tcb)
  snd.rack?.resent(sequence, behind, order)
  for (; i < board.length && before(board.start(i), behind); i++) {
    if (after(board.end(i), behind)) splitRecord(tcb, i, behind)
    if (board.hasStamps && pipe(tcb) === 0) snd.rate?.restart(now)
    board.markSentAgain(i, now, order)
    if (board.hasStamps) snd.rate?.sent(board, i, pipe(tcb))
  }
}

/** Makes `sequence` a border: a block that held a part of the record may hold one of its halves. */
function splitRecord({ snd }: Tcb, i: number, sequence: number): void {
  snd.board.split(i, sequence)
  snd.rack?.told.forget()
}

/** More is promised: it comes, or goes without, in a while. */
function holdBack(tcb: Tcb): void {
  if (tcb.timers.cork !== Infinity) return
  tcb.timers.cork = tcb.context.host.scheduler.now + CORK_LIMIT
  tcb.timers.schedule(tcb.timers.cork)
}

/** What was held back has waited long enough. */
export function onCorkTimer(tcb: Tcb): void {
  if (sendsData(tcb.state) && !tcb.snd.persisting) sendOverride(tcb)
}

/** RFC 6298 §5.1, and no later than the user timeout. */
export function armRetransmit(tcb: Tcb): void {
  const { now } = tcb.context.host.scheduler
  let deadline = now + tcb.rtt.current(tcb.settings)
  const userTimeout = userTimeoutOf(tcb)
  if (userTimeout > 0 && !tcb.snd.persisting) deadline = Math.min(deadline, Math.max(now, tcb.snd.unackedSince + userTimeout))
  tcb.timers.retransmit = deadline
  tcb.timers.schedule(deadline)
}

/** The window is closed, or too small to be worth it, and nothing is out that would bring an ACK (RFC 9293 §3.8.6.1). */
function startPersisting(tcb: Tcb): void {
  const { snd } = tcb
  if (snd.persisting && tcb.timers.retransmit !== Infinity) return
  snd.persisting = true
  armRetransmit(tcb)
}

/** After an idle RTO the ACK clock is gone: slow start again (RFC 5681 §4.1), or not (RFC 7661). */
function restartAfterIdle(tcb: Tcb): void {
  const { snd } = tcb
  if (snd.nxt !== snd.una || snd.queue.length === 0 || snd.lastSent === 0) return
  if (tcb.context.host.scheduler.now - snd.lastSent <= tcb.rtt.current(tcb.settings)) return
  if (tcb.settings.slowStartAfterIdle) tcb.cc.onIdle()
  else if (tcb.cc.onDelivered === undefined) keepThroughIdle(tcb)
}
