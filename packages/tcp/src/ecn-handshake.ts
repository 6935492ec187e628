import { AccurateEcn, aceFlags, aceOf, asksForAccurate, handshakeAce, handshakeCodepoint } from './accurate-ecn.ts'
import type { EcnKind, EcnPolicy } from './api.ts'
import type { TcpContext } from './context.ts'
import { Codepoint, Ecn } from './ecn.ts'
import { ecnPolicy } from './ecn-policy.ts'
import { updateMss } from './segment-size.ts'
import type { Settings } from './options.ts'
import type { Tcb } from './tcb.ts'
import { Flag, headerLengthOf, Rare } from './wire.ts'
import type { SegmentHeader } from './wire.ts'
import { accurateEcnLength, MAX_ECN_COUNTERS } from './wire-accurate-ecn.ts'

/** What the data offset can say (RFC 9293 §3.1). */
const MAX_HEADER_LENGTH = 60

/** ECN of a handshake that has no connection yet. */
export interface HalfOpenEcn {
  readonly policy: Required<EcnPolicy>
  readonly kind: EcnKind
  /** How the latest SYN came. */
  syn: number
  /** Every SYN asked for it. */
  isPathGood: boolean
  /** SYN-ACKs sent. */
  answers: number
}

// --- active open ---

/** What our SYN will ask for. */
export function offerEcn(tcb: Tcb): void {
  const policy = ecnPolicy(tcb.context, tcb.settings)
  if (policy.offer !== 'none') tcb.ecn = new Ecn(policy)
}

/** Our SYN, or the SYN-ACK of a connection. */
export function markSyn(ecn: Ecn, header: SegmentHeader, attempts: number): void {
  if ((header.flags & Flag.Ack) !== 0) {
    if (ecn.answered !== null) markSynAck(ecn.answered, header, attempts)
    return
  }
  const { offer, verify, retries } = ecn.policy
  // RFC 3168 §6.1.1.1: what gets no answer goes again without; accurate ECN is tried once more (RFC 9768 §3.1.4.1).
  const most = verify ? (offer === 'accurate' ? 1 : 0) : Infinity
  if (attempts > (retries ?? most)) return
  header.flags |= offer === 'accurate' ? Flag.Ae | Flag.Cwr | Flag.Ece : Flag.Cwr | Flag.Ece
}

/** What the SYN-ACK agrees to; a SYN that crosses ours is answered as a listener would. */
export function settleEcn(tcb: Tcb, ecn: Ecn, header: SegmentHeader): void {
  if ((header.flags & Flag.Ack) === 0) {
    const half = acceptEcn(tcb.context, tcb.settings, header)
    tcb.ecn = null
    if (half !== null) openEcn(tcb, half, header.timestampValue)
    return
  }
  const ace = aceOf(header.flags)
  const kind = answeredKind(ecn.policy.offer, ace)
  if (kind === 'none') {
    tcb.ecn = null
    return
  }
  ecn.kind = kind
  ecn.isExact = isExact(tcb)
  const isMarked = header.ecn === Codepoint.Ce
  ecn.isSeen = header.ecn !== Codepoint.NotEct
  if (isMarked) ecn.received++
  if (kind === 'classic') {
    // RFC 5562 §3: a SYN-ACK that came marked is echoed as text is.
    ecn.echo = isMarked
    return
  }
  const accurate = (ecn.accurate = new AccurateEcn())
  if (isMarked) accurate.synMarked()
  accurate.answer = handshakeAce(header.ecn)
  accurate.timestamp = header.timestampValue
  noteOption(accurate, header)
  judgeAnswer(ecn, accurate, handshakeCodepoint(ace), Codepoint.NotEct)
  updateMss(tcb)
}

/** RFC 9768 §3.1.2, table 2; RFC 3168 §6.1.1: ECE without CWR. */
function answeredKind(offer: EcnKind, ace: number): EcnKind {
  if (offer === 'classic') return (ace & 3) === 1 ? 'classic' : 'none'
  if (ace === 0b000 || ace === 0b111) return 'none'
  return ace === 0b001 ? 'classic' : 'accurate'
}

// --- passive open ---

/** What a SYN gets; null = nothing. */
export function acceptEcn(context: TcpContext, settings: Settings, header: SegmentHeader): HalfOpenEcn | null {
  if (aceOf(header.flags) === 0) return null
  const policy = ecnPolicy(context, settings)
  const kind = acceptedKind(policy.accept, header.flags)
  return kind === 'none' ? null : { policy, kind, syn: header.ecn, isPathGood: true, answers: 0 }
}

function acceptedKind(accept: EcnKind, flags: number): EcnKind {
  if (accept === 'none') return 'none'
  if (accept === 'accurate' && asksForAccurate(flags)) return 'accurate'
  const setup = Flag.Ece | Flag.Cwr
  return (flags & setup) === setup ? 'classic' : 'none'
}

/**
 * What a SYN got that nobody remembers: the ACK of a peer with Accurate ECN says how our SYN-ACK came, and is never without
 * flags (RFC 9768 §5.1).
 */
export function ecnOfCookie(context: TcpContext, settings: Settings, header: SegmentHeader): HalfOpenEcn | null {
  const policy = ecnPolicy(context, settings)
  if (policy.accept === 'none') return null
  const kind = policy.accept === 'accurate' && aceOf(header.flags) !== 0 ? 'accurate' : 'classic'
  return { policy, kind, syn: Codepoint.NotEct, isPathGood: true, answers: 1 }
}

/** The same SYN again: the path may have taken its flags (RFC 9768 §3.1.5). */
export function synAgain(ecn: HalfOpenEcn, header: SegmentHeader): void {
  ecn.syn = header.ecn
  if (ecn.kind === 'accurate' && aceOf(header.flags) === 0) ecn.isPathGood = false
}

/** Our SYN-ACK. */
export function markSynAck(ecn: HalfOpenEcn, header: SegmentHeader, retries: number): void {
  const { policy, kind } = ecn
  const isFirst = ecn.answers === 0
  ecn.answers++
  // RFC 5562 §3: once; a repeated one must get through.
  if (isFirst && policy.capable === 'syn-ack') header.ecn = Codepoint.Ect0
  if (kind === 'classic') {
    header.flags |= Flag.Ece
    return
  }
  // RFC 9768 §3.1.4.2: first without the option, then without the flags.
  if (policy.verify && retries > 1) return
  header.flags |= aceFlags(handshakeAce(ecn.syn))
  // Other options of a SYN-ACK agree to something; this one can wait.
  const isRoom = headerLengthOf(header) + accurateEcnLength(MAX_ECN_COUNTERS) <= MAX_HEADER_LENGTH
  if (!isFirst || !isRoom || policy.options === 'none') return
  new AccurateEcn().tell(header, MAX_ECN_COUNTERS)
}

/** As what our SYN-ACK left, as far as it is the only one. */
export function sentCodepoint({ policy, answers }: HalfOpenEcn): number {
  return policy.capable === 'syn-ack' && answers === 1 ? Codepoint.Ect0 : Codepoint.NotEct
}

/** The connection of a half-open one. */
export function openEcn(tcb: Tcb, half: HalfOpenEcn, timestamp: number): void {
  const ecn = (tcb.ecn = new Ecn(half.policy))
  ecn.kind = half.kind
  ecn.answered = half
  ecn.isPathGood = half.isPathGood
  ecn.isExact = isExact(tcb)
  ecn.isSeen = half.syn !== Codepoint.NotEct
  if (half.kind === 'classic') return
  const accurate = (ecn.accurate = new AccurateEcn())
  accurate.timestamp = timestamp
  if (half.syn === Codepoint.Ce) accurate.synMarked()
}

function isExact(tcb: Tcb): boolean {
  return tcb.context.algorithms.get(tcb.settings.congestionControl)!.needsEcn === true
}

// --- what both ends do ---

/** The peer has the option, so that ours gets through (RFC 9768 §3.2.3.2). */
export function noteOption(accurate: AccurateEcn, header: SegmentHeader): boolean {
  if (accurate.hasOptions || (header.rare & Rare.AccurateEcn) === 0) return false
  accurate.hasOptions = true
  return true
}

/**
 * How our SYN or SYN-ACK, sent as `sent`, came by the peer's word; -1 = it does not say. What was rewritten on the way
 * tells that ECN does not get through (RFC 9768 §3.2.2.3).
 */
export function judgeAnswer(ecn: Ecn, accurate: AccurateEcn, came: number, sent: number): void {
  const isValid = came < 0 || came === sent || (sent !== Codepoint.NotEct && came === Codepoint.Ce)
  if (!isValid && ecn.policy.verify) {
    ecn.isPathGood = false
    return
  }
  if (came !== Codepoint.Ce) return
  accurate.toldSynMarked()
  ecn.marked++
}
