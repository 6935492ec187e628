import { MemoryLevel } from '@stack/buffer'
import type { WriteOptions } from './api.ts'
import { checkAppLimited } from './delivery-rate.ts'
import { RecordMarks } from './record-marks.ts'
import { sendBuffer } from './send-buffer.ts'
import type { Tcb } from './tcb.ts'
import { turnRoom } from './turn.ts'
import { markUrgent } from './urgent.ts'

/** Bytes in the send buffer of each connection while packet memory is critical: one small chunk. */
const CRITICAL_SHARE = 2048

/** Bytes that the send buffer takes now, if there is memory. */
export function writeRoom(tcb: Tcb): number {
  const { snd, settings } = tcb
  if (((snd.queue.end - snd.nxt) | 0) >= settings.notSentLowWater) return 0
  return Math.max(0, Math.min(sendBuffer(tcb) - snd.queue.length, turnRoom(tcb)))
}

/** Copies `bytes[from, to)`, for which there is room, into the send buffer. Returns what found memory. */
export function writeText(tcb: Tcb, bytes: Uint8Array, from: number, to: number): number {
  checkAppLimited(tcb)
  const { memory } = tcb.context.host
  const { queue } = tcb.snd
  // The last of the memory is for packets that carry what is written; a connection that has nothing there gets a little.
  const end = memory.level === MemoryLevel.Critical ? Math.min(to, from + Math.max(0, CRITICAL_SHARE - queue.length)) : to
  const taken = queue.append(memory, bytes, from, end)
  // Noted now: the next ACK may free just what the next write takes, and nobody would ever see that memory is short.
  if (memory.level >= MemoryLevel.High) sendBuffer(tcb)
  return taken
}

/** All of a write is in the send buffer: what its options say of its end. */
export function markWritten(tcb: Tcb, options: WriteOptions | undefined): void {
  const { snd } = tcb
  snd.more = options?.more === true
  if (options?.urgent === true) markUrgent(tcb)
  if (options?.endOfRecord === true) (snd.records ??= new RecordMarks()).add(snd.queue.end)
}
