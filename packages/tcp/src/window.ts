import type { Settings } from './options.ts'
import { initialReceiveBuffer, receiveBuffer } from './receive-buffer.ts'
import type { Tcb } from './tcb.ts'

/** Largest value of the window field. */
const MAX_FIELD = 65_535

/** Packet memory that text waiting to be read may hold, in receive buffers. */
const HELD_SHARE = 2

/** Window field of a SYN, which is never scaled (RFC 7323 §2.2). */
export function synWindow(settings: Settings): number {
  return Math.min(MAX_FIELD, initialReceiveBuffer(settings), settings.windowClamp)
}

/** Our shift: the one asked for, or the smallest with which the largest window can be told (RFC 7323 §2.2). */
export function windowScaleOf(settings: Settings): number {
  if (typeof settings.windowScale === 'number') return settings.windowScale
  const bytes = Math.min(settings.receiveBuffer ?? settings.maxReceiveBuffer, settings.windowClamp)
  let scale = 0
  while (MAX_FIELD << scale < bytes) scale++
  return scale
}

/** RCV.WND: what the peer may still send. */
export function receiveWindow(tcb: Tcb): number {
  return (tcb.rcv.edge - tcb.rcv.nxt) | 0
}

/**
 * RCV.WND as resets are judged by it: where the field tells the most that it can, the room that there is, up to a
 * segment more. By default a challenge ACK is all that comes of it.
 */
export function resetWindow(tcb: Tcb): number {
  const told = receiveWindow(tcb)
  const { rcv } = tcb
  if (told + rcv.mss < MAX_FIELD << rcv.scale) return told
  return Math.max(told, Math.min(rcv.buffer - rcv.queue.length, told + rcv.mss))
}

/** The largest window that can be offered. */
export function windowLimit(tcb: Tcb): number {
  return Math.min(receiveBuffer(tcb), tcb.settings.windowClamp, MAX_FIELD << tcb.rcv.scale)
}

/**
 * Room in the receive buffer, as far as the field can say and the application allows. Packet memory counts as it is held:
 * segments in slots that they fill by less than half take more of the buffer than their bytes.
 */
function freeSpace(tcb: Tcb): number {
  const { queue, scale } = tcb.rcv
  const buffer = receiveBuffer(tcb)
  return Math.min(Math.max(0, Math.min(buffer - queue.length, HELD_SHARE * buffer - queue.held)), MAX_FIELD << scale, tcb.settings.windowClamp)
}

/**
 * May rounding lead to this window? Up to an eighth beyond the receive buffer, which streams of full segments do not come
 * near; while the window falls to a buffer that has shrunk, as long as it does fall, or little waits to be read.
 */
function isRoundingSafe({ rcv }: Tcb, window: number): boolean {
  if (window <= rcv.buffer + (rcv.buffer >>> 3) - rcv.queue.length) {
    rcv.isShrinking = false
    return true
  }
  return rcv.isShrinking && ((rcv.nxt - rcv.acked) >>> rcv.scale > 0 || rcv.queue.length < MAX_FIELD)
}

/** How far the right edge must move to be worth telling (RFC 9293 §3.8.6.2.2, MUST-39). */
function leastStep(tcb: Tcb): number {
  return Math.min(tcb.rcv.buffer >>> 1, tcb.settings.windowClamp >>> 1, tcb.rcv.mss)
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
  if (field << rcv.scale < current && field < MAX_FIELD && isRoundingSafe(tcb, (field + 1) << rcv.scale)) field++
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

/** Has the peer nothing more to hope for before something is read: no window that is worth it, and no room for one? */
export function isReadAwaited(tcb: Tcb): boolean {
  const current = receiveWindow(tcb)
  const step = leastStep(tcb)
  return current < step && freeSpace(tcb) - current < step
}
