import { after } from './sequence.ts'
import type { Tcb } from './tcb.ts'
import { Flag } from './wire.ts'
import type { SegmentHeader } from './wire.ts'

// Urgent data (RFC 9293 §3.8.5) as RFC 6093 clarifies it: the pointer is the octet behind the urgent data, and the data is
// read in line unless somebody asks for the last byte apart, as sockets do.

/** SND.UP of a sender in urgent mode. */
export interface UrgentSender {
  /** Sequence number behind the last urgent byte. */
  readonly up: number
  /** No segment carried the pointer yet. */
  isUntold: boolean
}

/** RCV.UP while urgent data is ahead of the reader. */
export interface UrgentReceiver {
  /** Sequence number behind the last urgent byte. */
  readonly up: number
  /** The byte was read apart. */
  isTaken: boolean
}

/** Largest value of the field. */
const MAX_POINTER = 0xffff

/** What is written so far is urgent. Nothing written, nothing urgent. */
export function markUrgent({ snd }: Tcb): void {
  if (after(snd.queue.end, snd.nxt)) snd.urgent = { up: snd.queue.end, isUntold: true }
}

/**
 * The flag and the pointer of a segment at `sequence`. What lies further ahead than the field can say is announced as far
 * as it goes: the pointer advances with each segment (MUST-31).
 */
export function writeUrgent(urgent: UrgentSender, header: SegmentHeader, sequence: number): void {
  const ahead = (urgent.up - sequence) | 0
  if (ahead <= 0) return
  header.flags |= Flag.Urg
  header.urgentPointer = Math.min(ahead, MAX_POINTER)
  urgent.isUntold = false
}

/** RFC 9293 §3.10.7.4, sixth step: the user hears of a pointer that is ahead of what was read, and of each advance (MUST-32). */
export function urgentArrives(tcb: Tcb, header: SegmentHeader): void {
  const { rcv } = tcb
  const up = (header.sequence + header.urgentPointer) | 0
  if (rcv.discard || !after(up, readSequence(tcb)) || (rcv.urgent !== null && !after(up, rcv.urgent.up))) return
  rcv.urgent = { up, isTaken: false }
  tcb.user?.onUrgent()
}

/** Sequence number of the byte that is read next. */
function readSequence({ rcv }: Tcb): number {
  return (rcv.nxt - (rcv.finished ? 1 : 0) - rcv.queue.length) | 0
}

/** Bytes from the next one read to the end of the urgent data, come or not (MUST-33); 0 = none, or they were thrown away. */
export function urgentLength(tcb: Tcb): number {
  const { rcv } = tcb
  if (rcv.urgent === null) return 0
  const length = Math.max(0, (rcv.urgent.up - readSequence(tcb)) | 0)
  return rcv.finished ? Math.min(length, rcv.queue.length) : length
}

/** Bytes of the receive queue that a stream of its own reads: all but the byte that is apart. */
export function readableLength(tcb: Tcb): number {
  const { rcv, settings } = tcb
  const { length } = rcv.queue
  if (rcv.urgent === null || settings.urgentInline) return length
  const urgent = urgentLength(tcb)
  return urgent > 0 && urgent <= length ? length - 1 : length
}

/** How far one read may go: up to a byte that is apart. One that stands first is stepped over: what comes behind it is wanted. */
export function readLimit(tcb: Tcb): number {
  const { rcv, settings } = tcb
  if (rcv.urgent === null || settings.urgentInline) return Infinity
  const ahead = urgentLength(tcb) - 1
  if (ahead > 0) return ahead
  rcv.queue.skip(1)
  rcv.urgent = null
  return Infinity
}

/** As much of `into` as a read may fill. */
export function upToMark(tcb: Tcb, into: Uint8Array): Uint8Array {
  const limit = readLimit(tcb)
  return limit < into.length ? into.subarray(0, limit) : into
}

/** Something was read: the end of urgent mode, when it was the last of it. */
export function passUrgent(tcb: Tcb): void {
  if (urgentLength(tcb) <= 0) tcb.rcv.urgent = null
}

/** The last urgent byte, once, when it is apart and there. */
export function takeUrgentByte(tcb: Tcb): number | undefined {
  const { rcv, settings } = tcb
  const length = urgentLength(tcb)
  if (rcv.urgent === null || settings.urgentInline || rcv.urgent.isTaken || length === 0 || length > rcv.queue.length) return undefined
  rcv.urgent.isTaken = true
  const bytes = new Uint8Array(length)
  rcv.queue.peek(bytes)
  return bytes.at(-1)
}
