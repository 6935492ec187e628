import type { Tcb } from './tcb.ts'

/** Largest value of the window field. */
const MAX_FIELD = 65_535

/** Smallest shift with which a window of `bytes` can be told (RFC 7323 §2.2). */
export function windowScaleFor(bytes: number): number {
  let scale = 0
  while (scale < 14 && MAX_FIELD << scale < bytes) scale++
  return scale
}

/** RCV.WND: what the peer may still send. */
export function receiveWindow(tcb: Tcb): number {
  return (tcb.rcv.edge - tcb.rcv.nxt) | 0
}

/** Room in the receive buffer, as far as the field can say. */
function freeSpace(tcb: Tcb): number {
  return Math.min(Math.max(0, tcb.settings.receiveBuffer - tcb.rcv.queue.length), MAX_FIELD << tcb.rcv.scale)
}

/** Largest window that rounding may lead to: an eighth beyond the receive buffer, which streams of full segments do not come near. */
function roundingLimit(tcb: Tcb): number {
  const { receiveBuffer } = tcb.settings
  return receiveBuffer + (receiveBuffer >>> 3) - tcb.rcv.queue.length
}

/** How far the right edge must move to be worth telling (RFC 9293 §3.8.6.2.2, MUST-39). */
function leastStep(tcb: Tcb): number {
  return Math.min(tcb.settings.receiveBuffer >>> 1, tcb.rcv.mss)
}

/**
 * The window field of the next segment; moves the right edge to what it says. The edge never moves left (SHLD-14), not
 * even by what scaling rounds away, and only in steps that do not invite tiny segments. Rounding up moves it right with
 * each ACK of a small segment, so there is an end to it: beyond that what is told is rounded down, and what was offered
 * is still taken.
 */
export function selectWindow(tcb: Tcb): number {
  const { rcv } = tcb
  const current = receiveWindow(tcb)
  const free = freeSpace(tcb)
  const offer = free - current >= leastStep(tcb) ? free : current
  let field = offer >>> rcv.scale
  if (field << rcv.scale < current && field < MAX_FIELD && (field + 1) << rcv.scale <= roundingLimit(tcb)) field++
  const window = field << rcv.scale
  if (window > current) rcv.edge = (rcv.nxt + window) | 0
  return field
}

/** Did reading free so much that the peer should hear of it? A sender that still has half of it needs no telling. */
export function isWindowUpdateDue(tcb: Tcb): boolean {
  const current = receiveWindow(tcb)
  const free = freeSpace(tcb)
  return free - current >= leastStep(tcb) && free >= 2 * current
}
