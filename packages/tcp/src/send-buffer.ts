import { MemoryLevel } from '@stack/buffer'
import { INITIAL_BUFFER } from './options.ts'
import type { Tcb } from './tcb.ts'

/** While loss is repaired a window may wait for the hole to be filled, and 0.7 of another are sent behind it (RFC 9438 §4.6): two are enough. */
const WINDOWS = 2
/** What may wait while memory is short, bytes. */
const FLOOR = 16_384
/** Part of the packet memory that one buffer may promise. */
const LARGEST_SHARE = 4

/** How large the send buffer may become by itself, or is by choice. */
function sendBufferLimit(tcb: Tcb): number {
  const { sendBuffer, maxSendBuffer } = tcb.settings
  return sendBuffer ?? Math.min(maxSendBuffer, Math.max(INITIAL_BUFFER, Math.floor(tcb.context.host.memory.quota / LARGEST_SHARE)))
}

/**
 * Bytes that may wait to be acknowledged. It follows cwnd, which grows only while the application fills it (RFC 7661), as far
 * as the peer's window lets it be used, and never falls with it: what recovery has to keep is from before. Short memory makes it small until there is more again.
 */
export function sendBuffer(tcb: Tcb): number {
  const { snd, settings, cc } = tcb
  const { level } = tcb.context.host.memory
  if (level >= MemoryLevel.High) snd.buffer = Math.min(snd.buffer, FLOOR)
  else if (level === MemoryLevel.Low) {
    const limit = sendBufferLimit(tcb)
    snd.buffer = settings.sendBuffer === null ? Math.min(limit, Math.max(snd.buffer, INITIAL_BUFFER, WINDOWS * Math.min(cc.cwnd, snd.maxWindow))) : limit
  }
  return snd.buffer
}
