import type { ReceiveState, Tcb } from './tcb.ts'

// When an ACK does not wait (RFC 9293 §3.8.6.3 allows delay, it does not ask for it). A peer in slow start, or one that just
// lost something, has few segments out and may wait for each ACK; one that gets answers has the ACK from them.

/** The application answers: ACKs ride on what it says, until something is lost. */
const INTERACTIVE = -1

/** The connection is young, or the peer begins anew: its next segments are acknowledged at once. */
export function startQuickAcks({ rcv, settings }: Tcb): void {
  rcv.quickAcks = settings.quickAcks
}

/** Text comes in at `arrival`, ms, in `segments` segments; after a pause of more than a timeout the peer slow-starts (RFC 5681 §4.1). */
export function noteText(tcb: Tcb, arrival: number, segments: number): void {
  const { rcv, rtt, settings } = tcb
  if (rcv.dataSegments > 0 && rcv.quickAcks !== INTERACTIVE && arrival - rcv.lastText > rtt.current(settings)) startQuickAcks(tcb)
  rcv.dataSegments += segments
  rcv.lastText = Math.floor(arrival)
}

/** New text leaves at `now`, ms: soon after the peer's it is an answer. */
export function noteAnswer({ rcv, settings }: Tcb, now: number): void {
  if (rcv.dataSegments > 0 && rcv.quickAcks !== INTERACTIVE && now - rcv.lastText < settings.delayedAck) rcv.quickAcks = INTERACTIVE
}

/** The rest of a request follows the handshake: what comes back is its answer. */
export function expectAnswers({ rcv }: Tcb): void {
  rcv.quickAcks = INTERACTIVE
}

/** Do `owed` bytes get their ACK at once? Less than a segment may be a request: its answer is not far. */
export function isQuick({ rcv, settings }: Tcb, owed: number): boolean {
  return rcv.quickAcks > 0 && (settings.quickAckSmall || owed >= rcv.largest)
}

/** `owed` bytes were acknowledged. */
export function countQuickAck(rcv: ReceiveState, owed: number): void {
  if (rcv.quickAcks > 0) rcv.quickAcks = Math.max(0, rcv.quickAcks - Math.ceil(owed / rcv.largest))
}
