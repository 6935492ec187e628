import type { Settings } from './options.ts'
import type { Tcb } from './tcb.ts'

/** Largest value of the window field. */
const MAX_FIELD = 65_535

/** Window field of a SYN, which is never scaled (RFC 7323 §2.2). */
export function synWindow(settings: Settings): number {
  return Math.min(MAX_FIELD, settings.receiveBuffer, settings.windowClamp)
}

/** Our shift: the one asked for, or the smallest with which the largest window can be told (RFC 7323 §2.2). */
export function windowScaleOf(settings: Settings): number {
  if (typeof settings.windowScale === 'number') return settings.windowScale
  const bytes = Math.min(settings.receiveBuffer, settings.windowClamp)
  let scale = 0
  while (scale < 14 && MAX_FIELD << scale < bytes) scale++
  return scale
}

/** RCV.WND: what the peer may still send. */
export function receiveWindow(tcb: Tcb): number {
  return (tcb.rcv.edge - tcb.rcv.nxt) | 0
}

/**
 * RCV.WND as resets are judged by it: where the field tells the most that it can, the room that there is, up to a
 * segment more. A challenge ACK is all that comes of it.
 */
export function resetWindow(tcb: Tcb): number {
  const told = receiveWindow(tcb)
  const { rcv, settings } = tcb
  if (told + rcv.mss < MAX_FIELD << rcv.scale) return told
  return Math.max(told, Math.min(settings.receiveBuffer - rcv.queue.length, told + rcv.mss))
}

/** The largest window that can be offered. */
export function windowLimit(tcb: Tcb): number {
  return Math.min(tcb.settings.receiveBuffer, tcb.settings.windowClamp, MAX_FIELD << tcb.rcv.scale)
}

/** Room in the receive buffer, as far as the field can say and the application allows. */
function freeSpace(tcb: Tcb): number {
  const { receiveBuffer, windowClamp } = tcb.settings
  return Math.min(Math.max(0, receiveBuffer - tcb.rcv.queue.length), MAX_FIELD << tcb.rcv.scale, windowClamp)
}

/** Largest window that rounding may lead to: an eighth beyond the receive buffer, which streams of full segments do not come near. */
function roundingLimit(tcb: Tcb): number {
  const { receiveBuffer } = tcb.settings
  return receiveBuffer + (receiveBuffer >>> 3) - tcb.rcv.queue.length
}

/** How far the right edge must move to be worth telling (RFC 9293 §3.8.6.2.2, MUST-39). */
function leastStep(tcb: Tcb): number {
  return Math.min(tcb.settings.receiveBuffer >>> 1, tcb.settings.windowClamp >>> 1, tcb.rcv.mss)
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

/**
 * Did reading free so much that the peer should hear of it? A sender that still has half of it needs no telling, nor one
 * that may still send more than all that it sent so far: its next ACK is soon enough.
 */
export function isWindowUpdateDue(tcb: Tcb): boolean {
  const current = receiveWindow(tcb)
  const free = freeSpace(tcb)
  return free - current >= leastStep(tcb) && free >= 2 * current && tcb.rcv.bytes >= current
}
