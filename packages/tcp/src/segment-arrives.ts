import { GsoType } from '@stack/buffer'
import type { Packet } from '@stack/buffer'
import { segmentCount } from '@stack/core'
import { takeAck, takeOldAck } from './acknowledge.ts'
import { sendAck, sendReset, sendSyn } from './output.ts'
import { enterFinWait2 } from './close.ts'
import { settleEcn } from './ecn-handshake.ts'
import { ecnArrives } from './ecn-input.ts'
import { isPlain } from './header-prediction.ts'
import { isTimestampGood, rememberTimestamp } from './paws.ts'
import { noteText } from './quick-ack.ts'
import { finishStream, keepText, receiveFin, receiveText, takeKept, tellDuplicate } from './receiver.ts'
import { sendResetFor } from './reset.ts'
import { after, before } from './sequence.ts'
import { State, takesData } from './state.ts'
import { isFinAcked, setState, timestampNow } from './tcb.ts'
import type { Tcb } from './tcb.ts'
import { establish, negotiate } from './handshake.ts'
import { traceReceive } from './trace.ts'
import { urgentArrives } from './urgent.ts'
import { userTimeoutArrives } from './user-timeout.ts'
import { receiveWindow, resetWindow } from './window.ts'
import { Flag, Rare } from './wire.ts'
import type { SegmentHeader } from './wire.ts'

/** Challenge ACKs per connection: 10 in 5 seconds (RFC 5961 §7). */
const CHALLENGE_LIMIT = 10
const CHALLENGE_WINDOW = 5000

/**
 * SEGMENT ARRIVES (RFC 9293 §3.10.7) for the states that have a connection; LISTEN is the listener's, CLOSED is
 * `reset.ts`, TIME-WAIT is `time-wait.ts`. The header is parsed, verified and consumed; takes ownership of the packet.
 */
export function segmentArrives(tcb: Tcb, header: SegmentHeader, packet: Packet): void {
  const { trace } = tcb.settings
  if (trace !== null) traceReceive(tcb, trace, header, packet.length, packet.arrival)
  const segments = packet.gsoType === GsoType.None ? 1 : segmentCount(packet)
  tcb.rcv.segments += segments
  tcb.context.counters.segmentsReceived += segments - 1
  tcb.rcv.lastHeard = Math.floor(packet.arrival)
  tcb.rcv.keepAliveProbes = 0
  if (packet.length > 0) noteText(tcb, packet.arrival, segments)
  if (tcb.state === State.SynSent) {
    arrivesInSynSent(tcb, header, packet)
    return
  }
  if (tcb.ecn !== null) ecnArrives(tcb, tcb.ecn, header, packet.length, segments)
  if (tcb.context.predicts && isPlain(tcb, header, packet.length)) {
    plainArrives(tcb, header, packet)
    return
  }
  // Sequence numbers of the segment: text and FIN (a SYN is dealt with before they matter).
  const length = packet.length + ((header.flags & Flag.Fin) !== 0 ? 1 : 0)
  // The SYN-ACK that crosses ours in a simultaneous open repeats the SYN we have (§3.5, figure 8).
  const isKnownSyn = tcb.state === State.SynReceived && (header.flags & Flag.Syn) !== 0 && header.sequence === tcb.rcv.irs
  if (isKnownSyn) {
    if ((header.flags & Flag.Ack) === 0) {
      // The peer's SYN again: our SYN-ACK was lost.
      sendSyn(tcb)
      packet.release()
      return
    }
    header.sequence = tcb.rcv.nxt
  }
  const isGood =
    checkTimestamp(tcb, header, packet) &&
    checkSequence(tcb, header, packet, length) &&
    checkReset(tcb, header) &&
    (isKnownSyn || checkSyn(tcb, header)) &&
    checkAck(tcb, header, length, packet)
  if (isGood && (header.rare & Rare.UserTimeout) !== 0) userTimeoutArrives(tcb, header)
  if (isGood) takeText(tcb, header, header.sequence, packet)
  else packet.release()
}

/** What SEGMENT ARRIVES does with a plain segment: nearly all of them are. */
function plainArrives(tcb: Tcb, header: SegmentHeader, packet: Packet): void {
  rememberTimestamp(tcb, header, packet)
  takeAck(tcb, header, packet.length, packet.arrivalMicros)
  if (packet.length > 0) receiveText(tcb, header.sequence, packet)
  else packet.release()
}

// --- SYN-SENT (§3.10.7.3) ---

function arrivesInSynSent(tcb: Tcb, header: SegmentHeader, packet: Packet): void {
  const { snd, context } = tcb
  const { flags } = header
  const isAck = (flags & Flag.Ack) !== 0
  // First, the ACK bit.
  if (isAck && (!after(header.acknowledgment, snd.iss) || after(header.acknowledgment, snd.nxt))) {
    context.counters.dropBadAck++
    if ((flags & Flag.Rst) === 0) sendResetFor(context, tcb, header, packet.length)
    packet.release()
    return
  }
  // Second, the RST bit: believed only with a good ACK.
  if ((flags & Flag.Rst) !== 0) {
    if (isAck) resetBy(tcb, 'ECONNREFUSED')
    else context.counters.dropBadReset++
    packet.release()
    return
  }
  // Fourth, the SYN bit.
  if ((flags & Flag.Syn) === 0) {
    context.counters.dropBadFlags++
    packet.release()
    return
  }
  if (isAck && !isEchoOurs(tcb, header)) {
    context.counters.dropOldTimestamp++
    sendResetFor(context, tcb, header, packet.length)
    packet.release()
    return
  }
  negotiate(tcb, header, packet.arrival)
  if (tcb.ecn !== null) settleEcn(tcb, tcb.ecn, header)
  if (!isAck) {
    // A simultaneous open (§3.5, MUST-10).
    setState(tcb, State.SynReceived)
    snd.wnd = header.window
    sendSyn(tcb)
    keepText(tcb, packet)
    return
  }
  takeAck(tcb, header, 1, packet.arrivalMicros)
  establish(tcb)
  tcb.fastOpen?.completed(tcb, header)
  tcb.rcv.ackNow = true
  takeText(tcb, header, (header.sequence + 1) | 0, packet)
}

/** A SYN-ACK that echoes what none of our SYNs said answers another connection (RFC 7323 §5.1). */
function isEchoOurs(tcb: Tcb, header: SegmentHeader): boolean {
  const { snd, rcv } = tcb
  if (!header.timestamps || !rcv.timestamps || header.timestampEcho === 0) return true
  const first = (snd.unackedSince + rcv.tsOffset) | 0
  return !before(header.timestampEcho, first) && !after(header.timestampEcho, timestampNow(tcb))
}

// --- other states (§3.10.7.4) ---

/** PAWS comes before the sequence number (RFC 7323 §5.3). */
function checkTimestamp(tcb: Tcb, header: SegmentHeader, packet: Packet): boolean {
  if (isTimestampGood(tcb, header, packet)) return true
  tcb.context.counters.dropOldTimestamp++
  answerUnacceptable(tcb, packet.length)
  return false
}

/** First, the sequence number: the four cases of §3.4, table 6. */
function checkSequence(tcb: Tcb, header: SegmentHeader, packet: Packet, length: number): boolean {
  const { rcv, context } = tcb
  const { sequence, flags } = header
  const offset = (sequence - rcv.nxt) | 0
  const window = receiveWindow(tcb)
  const span = length + ((flags & Flag.Syn) !== 0 ? 1 : 0)
  const isAcceptable =
    // An empty segment may also stand right at the edge: a peer that filled a window, and lost it, acknowledges from there.
    span === 0 ? offset >= 0 && offset <= window : window > 0 && offset < window && offset + span > 0
  if (isAcceptable) return true
  // With a closed window the ACK, RST and FIN of the next expected segment still count (MUST-66); its text does not.
  if (window === 0 && offset === 0 && (flags & Flag.Syn) === 0) {
    if (packet.length > 0) {
      context.counters.dropWindow++
      packet.trimEnd(0)
      header.flags &= ~Flag.Fin
      rcv.ackNow = true
    }
    return true
  }
  context.counters.dropUnacceptable++
  if (packet.length > 0 && before(sequence, rcv.nxt)) tellDuplicate(tcb, sequence, (sequence + packet.length) | 0)
  const isInResetWindow = offset > 0 && offset < resetWindow(tcb)
  if ((flags & Flag.Rst) !== 0) {
    if (isInResetWindow) resetInWindow(tcb)
    return false
  }
  // RFC 5961 §4.2: wherever it lies, a SYN gets a challenge ACK, within their limit.
  if ((flags & Flag.Syn) === 0) answerUnacceptable(tcb, length)
  else if (isInResetWindow) synInWindow(tcb)
  else challenge(tcb)
  return false
}

/** Second, the RST bit: believed when it is the next in order. */
function checkReset(tcb: Tcb, header: SegmentHeader): boolean {
  if ((header.flags & Flag.Rst) === 0) return true
  if (header.sequence === tcb.rcv.nxt) believeReset(tcb)
  else {
    tcb.context.counters.dropBadReset++
    resetInWindow(tcb)
  }
  return false
}

/** Elsewhere in the window a reset is asked about (RFC 5961 §3.2), unless RFC 793 is to hold. */
function resetInWindow(tcb: Tcb): void {
  if (tcb.settings.insecureReset) believeReset(tcb)
  else challenge(tcb)
}

function believeReset(tcb: Tcb): void {
  // A connection whose both sides had closed is simply over.
  const isClosing = tcb.state === State.Closing || tcb.state === State.LastAck
  const isOpening = tcb.state === State.SynReceived && tcb.fastOpen?.isServer !== true
  resetBy(tcb, isClosing ? null : isOpening ? 'ECONNREFUSED' : 'ECONNRESET')
}

/** Fourth, the SYN bit. */
function checkSyn(tcb: Tcb, header: SegmentHeader): boolean {
  if ((header.flags & Flag.Syn) === 0) return true
  synInWindow(tcb)
  return false
}

/** A SYN is never believed in a synchronized state (RFC 5961 §4.2); RFC 793 took it for an error, and reset the connection. */
function synInWindow(tcb: Tcb): void {
  if (!tcb.settings.insecureSyn) {
    challenge(tcb)
    return
  }
  sendReset(tcb)
  tcb.finish('ECONNRESET')
}

/** Fifth, the ACK field. The timestamp counts only then: a segment that acknowledges what was never sent is not the peer's. */
function checkAck(tcb: Tcb, header: SegmentHeader, length: number, packet: Packet): boolean {
  const { snd, context } = tcb
  const ack = header.acknowledgment
  if ((header.flags & Flag.Ack) === 0) {
    context.counters.dropNoAck++
    return false
  }
  if (tcb.state === State.SynReceived) {
    if (!after(ack, snd.una) || after(ack, snd.nxt)) {
      context.counters.dropBadAck++
      sendResetFor(context, tcb, header, 0)
      return false
    }
    rememberTimestamp(tcb, header, packet)
    takeAck(tcb, header, length, packet.arrivalMicros)
    establish(tcb)
    takeKept(tcb)
    if (tcb.fastOpen === null) return true
    tcb.fastOpen.completed(tcb, header)
    return advanceClosing(tcb)
  }
  // RFC 5961 §5.2 bounds how old an ACK may be; what was never sent is answered and dropped.
  if (after(ack, snd.nxt) || before(ack, (snd.una - snd.maxWindow) | 0)) {
    context.counters.dropBadAck++
    challenge(tcb)
    return false
  }
  rememberTimestamp(tcb, header, packet)
  if (before(ack, snd.una)) {
    takeOldAck(tcb, header, packet.arrivalMicros)
    return true
  }
  takeAck(tcb, header, length, packet.arrivalMicros)
  return advanceClosing(tcb)
}

/** What the acknowledgment of our FIN means to each state; false when the connection is over. */
function advanceClosing(tcb: Tcb): boolean {
  if (tcb.state < State.FinWait1 || !isFinAcked(tcb)) return true
  if (tcb.state === State.FinWait1) {
    enterFinWait2(tcb)
    return true
  }
  if (tcb.state === State.Closing) {
    setState(tcb, State.TimeWait)
    enterTimeWait(tcb)
    return false
  }
  if (tcb.state === State.LastAck) {
    tcb.finish(null)
    return false
  }
  return true
}

/** Sixth, the urgent pointer; seventh, the text; eighth, the FIN. Takes ownership of the packet. */
function takeText(tcb: Tcb, header: SegmentHeader, sequence: number, packet: Packet): void {
  const length = packet.length
  const hasFin = (header.flags & Flag.Fin) !== 0
  const finSequence = (sequence + length) | 0
  if (!takesData(tcb.state)) {
    packet.release()
    // A FIN or text again: our ACK of it was lost.
    if (length > 0 || hasFin) tcb.rcv.ackNow = true
    return
  }
  if ((header.flags & Flag.Urg) !== 0) urgentArrives(tcb, header)
  if (length === 0) packet.release()
  else if (tcb.isOrphan && after(finSequence, tcb.rcv.nxt)) {
    // RFC 9293 §3.6.1: text after CLOSE means that the peer must learn that nobody reads it.
    packet.release()
    tcb.context.counters.dataAfterClose++
    // With SEG.ACK, which is what the peer expects even if our FIN is still on its way (RFC 5961 §3.2).
    sendResetFor(tcb.context, tcb, header, length)
    tcb.finish('ECONNABORTED')
    return
  } else if (hasFin && finSequence === tcb.rcv.nxt) {
    // Nothing new but the end: one ACK says it, and D-SACK is of no use to who has no more to send.
    packet.release()
    tcb.context.counters.duplicateBytes += length
  } else receiveText(tcb, sequence, packet)
  if (hasFin) receiveFin(tcb, finSequence)
  else finishStream(tcb)
  if (tcb.state === State.TimeWait) enterTimeWait(tcb)
}

/** The last ACK leaves at once, and a record stays behind. */
function enterTimeWait(tcb: Tcb): void {
  if (tcb.rcv.ackNow) sendAck(tcb)
  tcb.context.timeWait.add(tcb)
  tcb.finish(null)
}

function resetBy(tcb: Tcb, code: 'ECONNREFUSED' | 'ECONNRESET' | null): void {
  tcb.context.counters.resetsReceived++
  tcb.finish(code)
}

/** Out of the window: an ACK says what is expected. Empty ones are answered with the brake on, or two hosts could go on for ever. */
function answerUnacceptable(tcb: Tcb, length: number): void {
  if (length > 0) sendAck(tcb)
  else challenge(tcb)
}

/** A challenge ACK (RFC 5961), within its limit. */
function challenge(tcb: Tcb): void {
  const { rcv, context } = tcb
  const { now } = context.host.scheduler
  if (now - rcv.challengeWindow >= CHALLENGE_WINDOW) {
    rcv.challengeWindow = now
    rcv.challenges = 0
  }
  if (rcv.challenges >= CHALLENGE_LIMIT) return
  rcv.challenges++
  context.counters.challengeAcks++
  sendAck(tcb)
}
