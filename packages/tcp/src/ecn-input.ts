import type { AccurateEcn } from './accurate-ecn.ts'
import { aceOf, handshakeAce, handshakeCodepoint } from './accurate-ecn.ts'
import type { AckEvent } from './ack-event.ts'
import { Codepoint } from './ecn.ts'
import type { Ecn } from './ecn.ts'
import { judgeAnswer, noteOption, sentCodepoint } from './ecn-handshake.ts'
import { updateMss } from './segment-size.ts'
import { sendAck } from './output.ts'
import { awaitAck } from './sack-blocks.ts'
import { after, before } from './sequence.ts'
import { flightSize } from './tcb.ts'
import type { Tcb } from './tcb.ts'
import { Flag } from './wire.ts'
import type { SegmentHeader } from './wire.ts'

// --- what the network says of the segments that come ---

/** A segment with `length` bytes of text came, or `segments` of them in one packet: how, and what its flags say of the echo. */
export function ecnArrives(tcb: Tcb, ecn: Ecn, header: SegmentHeader, length: number, segments: number): void {
  const { rcv, context } = tcb
  const { flags, sequence } = header
  if (ecn.kind === 'none') return
  if ((flags & Flag.Syn) !== 0) {
    // The SYN-ACK again: the ACK says how this one came (RFC 9768 §3.2.2.1).
    if (ecn.accurate !== null) {
      ecn.accurate.answer = handshakeAce(header.ecn)
      noteOption(ecn.accurate, header)
    }
    return
  }
  // What was acknowledged last came perhaps again; what is older, or beyond the window, may be anybody's.
  if ((flags & Flag.Rst) !== 0 || before((sequence + length) | 0, rcv.acked) || after(sequence, rcv.edge)) return
  if (header.ecn !== Codepoint.NotEct) ecn.isSeen = true
  if (header.ecn === Codepoint.Ce) {
    ecn.received += segments
    context.counters.ecnMarks += segments
  }
  if (ecn.accurate !== null) accurateArrives(tcb, ecn.accurate, header, length, segments)
  else if (ecn.isExact) exactArrives(tcb, ecn, header, length)
  else classicArrives(tcb, ecn, header, length)
}

/** RFC 3168 §6.1.3: ECE from the first mark until CWR. */
function classicArrives(tcb: Tcb, ecn: Ecn, header: SegmentHeader, length: number): void {
  const isMarked = header.ecn === Codepoint.Ce
  // The peer's window may be down to this segment: that its echo is over it hears at once.
  if ((header.flags & Flag.Cwr) !== 0 && !isMarked && length > 0) tcb.rcv.ackNow = true
  if ((header.flags & Flag.Cwr) !== 0) ecn.echo = false
  if (isMarked) ecn.echo = true
}

/** RFC 8257 §3.2: ECE is how the last text came, and each change is told at once. */
function exactArrives(tcb: Tcb, ecn: Ecn, header: SegmentHeader, length: number): void {
  const { rcv } = tcb
  const isMarked = header.ecn === Codepoint.Ce
  if (length === 0 || isMarked === ecn.echo) return
  // What came before this is acknowledged as it came.
  if (rcv.acked !== rcv.nxt || awaitAck(rcv.sack)) sendAck(tcb)
  ecn.echo = isMarked
  rcv.ackNow = true
}

function accurateArrives(tcb: Tcb, accurate: AccurateEcn, header: SegmentHeader, length: number, segments: number): void {
  const { rcv } = tcb
  if (length > 0 && !after((header.sequence + length) | 0, rcv.nxt)) accurate.again(header.sequence)
  if (accurate.isFull) sendAck(tcb)
  if (accurate.received(header.ecn, length, segments)) rcv.ackNow = true
}

// --- what the peer says of the segments that we sent ---

/** An acceptable ACK; SND.UNA has moved. Puts into `event` what it says of marks. */
export function takeEcho(tcb: Tcb, ecn: Ecn, header: SegmentHeader, length: number, event: AckEvent): void {
  if (ecn.kind === 'none' || (header.flags & Flag.Syn) !== 0) return
  const { snd } = tcb
  if (ecn.accurate !== null) {
    takeAccurate(tcb, ecn, ecn.accurate, header, length, event)
    return
  }
  const isEcho = (header.flags & Flag.Ece) !== 0
  if (ecn.answered !== null) {
    // RFC 5562 §3.2: the SYN-ACK came marked: begin with one segment.
    if (isEcho && sentCodepoint(ecn.answered) !== Codepoint.NotEct) {
      tcb.cc.onLostSyn()
      ecn.cwrDue = true
    }
    ecn.answered = null
    return
  }
  if (!isEcho || (event.acked === 0 && flightSize(tcb) === 0)) return
  event.isMarked = true
  event.marked = event.delivered
  ecn.marked += Math.ceil(event.delivered / snd.mss)
}

function takeAccurate(tcb: Tcb, ecn: Ecn, accurate: AccurateEcn, header: SegmentHeader, length: number, event: AckEvent): void {
  if (noteOption(accurate, header) && ecn.policy.options === 'all') updateMss(tcb)
  const isLater = accurate.isLater(header)
  if (accurate.isFirst && takeFirst(ecn, accurate, header, length)) return
  // What is not capable cannot be marked.
  if (!ecn.isPathGood) return
  // Only what got on: an older ACK says less than what is known (RFC 9768 §3.2.2.5.2).
  if (event.acked === 0 && event.delivered === 0 && !isLater) return
  const bytes = accurate.ceBytes
  const packets = accurate.acknowledged(header, event.delivered, tcb.snd.mss)
  if (packets === 0) return
  ecn.marked += packets
  event.isMarked = true
  event.marked = Math.min(event.delivered, accurate.ceBytes > bytes ? accurate.ceBytes - bytes : packets * tcb.snd.mss)
}

/**
 * The first segment behind the peer's SYN or SYN-ACK: the last ACK of a handshake says how our SYN-ACK came, and nobody begins
 * with 0 (RFC 9768 §3.2.2.1, §3.2.2.4). True = it counts nothing.
 */
function takeFirst(ecn: Ecn, accurate: AccurateEcn, header: SegmentHeader, length: number): boolean {
  const { answered } = ecn
  ecn.answered = null
  accurate.isFirst = false
  const ace = aceOf(header.flags)
  if (ace === 0 && ecn.policy.verify) ecn.isPathGood = false
  else if (answered !== null && length === 0 && header.sackBlocks === 0) {
    judgeAnswer(ecn, accurate, handshakeCodepoint(ace), sentCodepoint(answered))
  }
  return answered !== null
}
