import type { ErrorCode, Milliseconds } from '@stack/core'
import { sendReset } from './output.ts'
import { State } from './state.ts'
import { isFinSent, setState } from './tcb.ts'
import type { Tcb } from './tcb.ts'

/** No more will be written: a FIN follows what is queued (RFC 9293 §3.10.4). */
export function closeSending(tcb: Tcb): void {
  if (tcb.snd.finQueued) return
  if (tcb.state === State.Established) setState(tcb, State.FinWait1)
  else if (tcb.state === State.CloseWait) setState(tcb, State.LastAck)
  // What was written ahead goes first, then the FIN (FreeBSD's way; RFC 9293 §3.10.4 has no half-close in SYN-SENT). In
  // SYN-RECEIVED too: our SYN is not acknowledged, and only the handshake sends it again.
  else if (tcb.state !== State.SynSent && tcb.state !== State.SynReceived) return
  tcb.snd.finQueued = true
  tcb.context.host.scheduler.markDirty(tcb)
}

/** No more will be read: what is queued is forgotten, what comes is acknowledged and thrown away. */
export function closeReceiving(tcb: Tcb): void {
  tcb.rcv.discard = true
  if (tcb.rcv.queue.length === 0) return
  tcb.rcv.queue.clear()
  // The room is the peer's again.
  tcb.rcv.ackNow = true
  tcb.context.host.scheduler.markDirty(tcb)
}

/**
 * The application is done with the connection (RFC 9293 §3.10.4). Unread text means that the peer's data is lost, and a
 * reset says so (RFC 2525 §2.17, RFC 9293 §3.6.1).
 *
 * @param isWritten - nothing waits for the send buffer; else {@link closeSending} is called when it is in
 */
export function closeConnection(tcb: Tcb, isWritten: boolean): void {
  const { counters, maxOrphans } = tcb.context
  tcb.isOrphan = true
  counters.orphans++
  const isUnread = tcb.rcv.queue.length > 0 && tcb.state !== State.TimeWait
  // One that has its application already is closed in order (RFC 7413 §4.2.2); any other handshake is given up.
  const isOpening = tcb.state < State.Established && tcb.fastOpen?.sendsEarly(tcb) !== true
  if (isOpening || isUnread || tcb.settings.lingerTimeout === 0) {
    abortConnection(tcb)
    return
  }
  if (counters.orphans > maxOrphans) {
    counters.orphansReset++
    abortConnection(tcb)
    return
  }
  if (isWritten) closeSending(tcb)
  const { finWait2Timeout, lingerTimeout } = tcb.settings
  waitAtMost(tcb, tcb.state === State.FinWait2 ? (finWait2Timeout ?? lingerTimeout) : lingerTimeout)
}

/** Our FIN is acknowledged: nobody waits for the peer's longer than the application said. */
export function enterFinWait2(tcb: Tcb): void {
  setState(tcb, State.FinWait2)
  const { finWait2Timeout } = tcb.settings
  if (tcb.isOrphan && finWait2Timeout !== null) waitAtMost(tcb, finWait2Timeout)
}

function waitAtMost(tcb: Tcb, duration: Milliseconds): void {
  tcb.timers.deadline = tcb.context.host.scheduler.now + duration
  tcb.timers.schedule(tcb.timers.deadline)
}

/** ABORT (RFC 9293 §3.10.5). CLOSING and LAST-ACK need no reset once our FIN is out; ours begin when it is queued. */
export function abortConnection(tcb: Tcb, code: ErrorCode = 'ECONNABORTED'): void {
  const needsReset = tcb.state >= State.Closing ? !isFinSent(tcb) : tcb.state >= State.SynReceived
  if (needsReset) sendReset(tcb)
  tcb.finish(code)
}
