import { emit, retryLater } from './output.ts'
import { lostBytes, pipe } from './recovery.ts'
import { after } from './sequence.ts'
import { sendsData } from './state.ts'
import { flightSize } from './tcb.ts'
import type { Tcb } from './tcb.ts'
import type { TraceReason } from './trace.ts'
import { Flag } from './wire.ts'

/** Bytes of one connection below TCP: two of the largest super-packets. More would only wait in a queue. */
export const BELOW_LIMIT = 131_072

/** ms that a segment which is not full waits for more at most. */
const CORK_LIMIT = 200

const Outcome = { Sent: 0, Nothing: 1, Window: 2, Congestion: 3, Held: 4, Local: 5 } as const
type Outcome = (typeof Outcome)[keyof typeof Outcome]

/** Sends what may be sent now: lost segments first, then new data, then the FIN. */
export function sendPending(tcb: Tcb): void {
  if (!sendsData(tcb.state)) return
  restartAfterIdle(tcb)
  let outcome: Outcome
  do outcome = sendOne(tcb, false)
  while (outcome === Outcome.Sent)
  if (outcome === Outcome.Congestion) tcb.snd.limitedUntil = tcb.snd.nxt
  if (outcome === Outcome.Window && flightSize(tcb) === 0) startPersisting(tcb)
}

/** Sends one segment even if sender's SWS avoidance would wait (RFC 9293 §3.8.6.2.1, the override). */
export function sendOverride(tcb: Tcb): boolean {
  return sendOne(tcb, true) === Outcome.Sent
}

function sendOne(tcb: Tcb, override: boolean): Outcome {
  const { snd } = tcb
  const isRetransmission = lostBytes(tcb) > 0
  const sequence = isRetransmission ? snd.rtxNext : snd.nxt
  const queued = Math.max(0, (snd.queue.end - sequence) | 0)
  const text = snd.records === null ? queued : Math.min(queued, snd.records.room(sequence))
  const isFinDue = snd.finQueued && !after(sequence, snd.queue.end)
  if (text === 0 && !isFinDue) return Outcome.Nothing
  const room = (snd.una + snd.wnd - sequence) | 0
  let length = Math.min(text, snd.mss, Math.max(0, room))
  // A retransmission may run on into new data when nothing that was sent lies between.
  if (isRetransmission && snd.lostUntil !== snd.nxt) length = Math.min(length, lostBytes(tcb))
  const isFin = isFinDue && length === queued && room > length
  if (length === 0 && !isFin) return Outcome.Window
  // The end of a record that others follow is not held back: nothing will ever fill it up.
  const isEnough = length === snd.mss || isFin || (length === text && text < queued)
  if (!isRetransmission && !override && !isEnough && !isWorthSending(tcb, length, text, room)) {
    return length === text ? Outcome.Held : Outcome.Window
  }
  const inPipe = pipe(tcb)
  if (inPipe > 0 && inPipe + length > tcb.cc.cwnd && !(isRetransmission && snd.rtxForced)) return Outcome.Congestion
  if (tcb.below > 0 && tcb.below + length > BELOW_LIMIT) {
    tcb.isBlocked = true
    return Outcome.Local
  }
  return transmit(tcb, sequence, length, isFin, isRetransmission ? snd.lostBy : length > 0 ? 'new' : 'fin')
}

/** Less than a full segment: Nagle, the cork, and the sender's side of SWS avoidance (RFC 9293 §3.7.4, §3.8.6.2.1). */
function isWorthSending(tcb: Tcb, length: number, text: number, room: number): boolean {
  const isIdle = flightSize(tcb) === 0
  if (length === text) {
    if (tcb.snd.more || tcb.settings.cork) {
      holdBack(tcb)
      return false
    }
    return isIdle || tcb.settings.noDelay
  }
  // Held back by the window: at least half of the largest that was ever offered (Fs = 1/2).
  return room >= tcb.snd.maxWindow >>> 1 && (isIdle || tcb.settings.noDelay)
}

/** One segment of text, or a FIN, or both; and the books of what is out. Anything but `new` and `fin` was sent before. */
export function transmit(tcb: Tcb, sequence: number, length: number, isFin: boolean, reason: TraceReason): Outcome {
  const { snd, context } = tcb
  const { counters, host } = context
  const end = (sequence + length) | 0
  let flags: number = Flag.Ack
  // RFC 9293 §3.9.1.2, SHLD-28: the last segment of what was written.
  if (length > 0 && end === snd.queue.end && !snd.more) flags |= Flag.Psh
  if (isFin) flags |= Flag.Fin
  const failure = emit(tcb, flags, sequence, reason, length)
  if (failure === 'ENOBUFS') {
    tcb.isBlocked = tcb.below > 0
    if (!tcb.isBlocked) retryLater(tcb)
    return Outcome.Local
  }
  // Anything else is as good as lost on the way: the timer sends it again.
  if (failure !== null) tcb.softError = failure
  const { now } = host.scheduler
  const wasIdle = flightSize(tcb) === 0
  const behind = isFin ? (end + 1) | 0 : end
  if (reason !== 'new' && reason !== 'fin') {
    snd.rtxNext = behind
    snd.rtxForced = false
    // Karn's algorithm (RFC 6298 §3).
    snd.timing = false
    snd.retransmits++
    snd.bytesRetransmitted += length
    counters.retransmits++
  } else if (!snd.timing) {
    snd.timing = true
    snd.timedSequence = behind
    snd.timedAt = host.scheduler.micros
  }
  if (after(behind, snd.nxt)) {
    counters.bytesSent += (behind - snd.nxt) | 0
    snd.bytesSent += (behind - snd.nxt) | 0
    snd.nxt = behind
  }
  if (wasIdle) snd.unackedSince = now
  snd.lastSent = now
  tcb.timers.cork = Infinity
  snd.persisting = false
  if (tcb.timers.retransmit === Infinity) armRetransmit(tcb)
  return Outcome.Sent
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
  let deadline = now + tcb.rtt.current
  const { userTimeout } = tcb.settings
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

/** RFC 5681 §4.1: after an idle RTO the ACK clock is gone. */
function restartAfterIdle(tcb: Tcb): void {
  const { snd } = tcb
  if (snd.nxt !== snd.una || snd.queue.length === 0 || snd.lastSent === 0) return
  if (tcb.context.host.scheduler.now - snd.lastSent > tcb.rtt.current) tcb.cc.onIdle()
}
