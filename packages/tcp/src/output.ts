import type { Failure } from '@stack/core'
import { roomForBlocks } from './authentication/seam.ts'
import { markSyn } from './ecn-handshake.ts'
import { markSegment, unmark } from './ecn-output.ts'
import { countQuickAck, isQuick } from './quick-ack.ts'
import { awaitAck } from './sack-blocks.ts'
import { beginSegment, sendSegment } from './segment.ts'
import { State } from './state.ts'
import { timestampNow } from './tcb.ts'
import type { Tcb } from './tcb.ts'
import { traceSend } from './trace.ts'
import type { TraceReason } from './trace.ts'
import { writeUrgent } from './urgent.ts'
import { offerUserTimeout, writeUserTimeout } from './user-timeout.ts'
import { selectWindow, synWindow } from './window.ts'
import { Flag, MAX_SACK_BLOCKS } from './wire.ts'
import type { SegmentHeader } from './wire.ts'

/** Most bytes of a SACK option with its padding. */
const SACK_LENGTH = 36
/** ms until something that the stack itself refused is tried again. */
const LOCAL_RETRY = 10

/**
 * Sends one segment: `flags` at `sequence` with `length` bytes of the send queue. Whatever carries an ACK settles what
 * was owed.
 *
 * @param count - segments that the text will be cut into
 */
export function emit(tcb: Tcb, flags: number, sequence: number, reason: TraceReason, length = 0, count = 1): Failure {
  const { context, rcv, snd } = tcb
  const isAck = (flags & Flag.Ack) !== 0
  const header = beginSegment(context, tcb, flags, sequence, isAck ? rcv.nxt : 0)
  header.window = selectWindow(tcb)
  if (rcv.timestamps) {
    header.timestamps = true
    header.timestampValue = timestampNow(tcb)
    header.timestampEcho = rcv.tsRecent
  }
  if (snd.urgent !== null && (flags & Flag.Rst) === 0) writeUrgent(snd.urgent, header, sequence)
  // RFC 2018 §4: with every ACK, as far as there is room; a full segment leaves none.
  if (isAck && rcv.sack?.isDue === true && length + SACK_LENGTH <= snd.mss) rcv.sack.write(header, Math.min(MAX_SACK_BLOCKS, roomForBlocks(header, tcb.authenticator)))
  if (tcb.ecn !== null) markSegment(tcb, tcb.ecn, header, length, reason)
  if (tcb.userTimeout !== null && (flags & Flag.Rst) === 0) writeUserTimeout(tcb, header, length)
  const failure = sendFrom(tcb, sequence, length, count)
  // A string compared with what may be null is a call into the engine.
  if (failure !== null && failure === 'ENOBUFS') {
    context.counters.localDrops++
    if (tcb.ecn !== null) unmark(tcb.ecn, header)
    return failure
  }
  snd.segments += count
  if (length > 0) snd.dataSegments += count
  const { trace } = tcb.settings
  if (trace !== null) traceSend(tcb, trace, reason, length)
  if (isAck) {
    rcv.acked = rcv.nxt
    rcv.ackNow = false
    tcb.timers.delayedAck = Infinity
  }
  return failure
}

/** A bare ACK, now. */
export function sendAck(tcb: Tcb): void {
  const { snd, rcv } = tcb
  rcv.ackNow = true
  // Behind a probe SND.NXT lies beyond the window: a peer that took nothing of it would drop the ACK.
  if (emit(tcb, Flag.Ack, snd.persisting ? snd.una : snd.nxt, 'ack') === 'ENOBUFS') retryLater(tcb)
}

/** SYN or SYN-ACK of an open of our own, with every option we offer (RFC 9293 §3.7.1, RFC 7323). */
export function sendSyn(tcb: Tcb): void {
  const { context, rcv, snd, settings } = tcb
  const isSynSent = tcb.state === State.SynSent
  const header = beginSegment(context, tcb, isSynSent ? Flag.Syn : Flag.Syn | Flag.Ack, snd.iss, isSynSent ? 0 : rcv.nxt)
  header.window = synWindow(settings)
  header.mss = rcv.mss
  if (!isSynSent || snd.attempts <= (settings.synOptionRetries ?? Infinity)) offerOptions(tcb, header)
  if (tcb.ecn !== null) markSyn(tcb.ecn, header, snd.attempts)
  offerUserTimeout(settings, header)
  const length = tcb.fastOpen === null ? 0 : tcb.fastOpen.writeSyn(tcb, header)
  const failure = sendFrom(tcb, (snd.iss + 1) | 0, length)
  if (failure === 'ENOBUFS') context.counters.localDrops++
  else {
    // What an ICMP error said of the last one is still the best there is to say.
    tcb.softError = failure ?? tcb.softError
    snd.segments++
    tcb.fastOpen?.synSent(tcb, length)
    if (settings.trace !== null) traceSend(tcb, settings.trace, 'syn', length)
  }
}

/** An answer offers only what the SYN offered (RFC 7323 §2.2, §3.2). */
function offerOptions(tcb: Tcb, header: SegmentHeader): void {
  const { rcv } = tcb
  if (rcv.scaling) header.windowScale = rcv.scale
  header.sackPermitted = rcv.sackPermitted
  if (!rcv.timestamps) return
  header.timestamps = true
  header.timestampValue = timestampNow(tcb)
  header.timestampEcho = tcb.state === State.SynSent ? 0 : rcv.tsRecent
}

/** Sends `context.outgoing` with `length` bytes of the send queue from `sequence` on. */
function sendFrom(tcb: Tcb, sequence: number, length: number, count = 1): Failure {
  if (length === 0) return sendSegment(tcb.context, tcb)
  const { queue } = tcb.snd
  queue.locate(sequence)
  tcb.below += length
  return sendSegment(tcb.context, tcb, queue.chunk, queue.offset, length, tcb, tcb.below === length, count)
}

/** Reset of a connection in a synchronized state (RFC 9293 §3.5.2): with SND.NXT, so that the peer accepts it. */
export function sendReset(tcb: Tcb): void {
  emit(tcb, Flag.Rst | Flag.Ack, tcb.snd.nxt, 'reset')
}

/** ACKs that the batch owes: now, or with the timer (RFC 9293 §3.8.6.3). Data segments have settled it if there were any. */
export function flushAck(tcb: Tcb): void {
  const { rcv, timers } = tcb
  if (tcb.state < State.Established) return
  const owed = (rcv.nxt - rcv.acked) | 0
  if (isAckDue(tcb, owed)) {
    countQuickAck(rcv, owed)
    sendAck(tcb)
    return
  }
  if (owed > 0 && timers.delayedAck === Infinity) {
    timers.delayedAck = tcb.context.host.scheduler.now + tcb.settings.delayedAck
    timers.schedule(timers.delayedAck)
  }
}

/** May an ACK of `owed` bytes not wait for the timer? */
function isAckDue(tcb: Tcb, owed: number): boolean {
  const { rcv, snd, settings } = tcb
  // MUST-58, SHLD-19: at least every second full-sized segment. Urgent text that may not leave is announced (§3.8.5).
  return rcv.ackNow || awaitAck(rcv.sack) || snd.urgent?.isUntold === true || owed >= 2 * rcv.largest || (owed > 0 && (settings.delayedAck === 0 || isQuick(tcb, owed)))
}

/**
 * Is there nothing to send but an ACK that may wait, and is a handler about to hear of what it is for? Then the answer, if
 * there is one, takes it along, and there is one flush instead of two.
 *
 * @param isMilestone - see {@link isAwaitedStep}: then any ACK may
 */
export function awaitsAnswer(tcb: Tcb, isMilestone: boolean): boolean {
  const { rcv, user } = tcb
  return isSilent(tcb) && user?.isAboutToHear === true && (isMilestone || !isAckDue(tcb, (rcv.nxt - rcv.acked) | 0))
}

/**
 * The connection has just opened, or the peer has ended it: is there nothing to send but the ACK of that, and is a promise about
 * to settle? Who awaits it often has an answer, the first text or the other FIN, and both leave together (RFC 9293 §3.10.7.3: "data
 * or controls that were queued for transmission may be included").
 */
export function awaitsCaller(tcb: Tcb): boolean {
  return isSilent(tcb) && (tcb.state === State.Established || tcb.user?.isAwaited === true)
}

function isSilent({ snd }: Tcb): boolean {
  return snd.queue.length === 0 && !snd.finQueued
}

/** The stack itself had no room: try again when bytes come back from below, or soon. */
export function retryLater(tcb: Tcb): void {
  const { timers } = tcb
  const nic = tcb.route?.nic
  if (nic?.isFull === true && nic.awaitRoom !== undefined) {
    nic.awaitRoom(tcb)
    return
  }
  if (timers.retry !== Infinity) return
  timers.retry = tcb.context.host.scheduler.now + LOCAL_RETRY
  timers.schedule(timers.retry)
}
