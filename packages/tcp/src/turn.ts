import { INITIAL_BUFFER } from './options.ts'
import type { Tcb } from './tcb.ts'

/** Bytes that may be written for the next turn: small writes leave together, and what is there when the turn comes need not be waited for. */
const AHEAD = 16_384

/** ms after which who has sent nothing is no part of the crowd, and begins anew. */
const SILENCE = 10
/** In place of {@link Tcb.turnEnd}: it stands in line, and is not silent. */
const IN_LINE = 0

/** Has the connection sent its share, and do others wait to send? Then it stands in line, and goes on when those before it had their turn. */
export function standsInLine(tcb: Tcb): boolean {
  const { snd, route, turnEnd } = tcb
  if (snd.bytesSent < turnEnd || route?.nic.isContended !== true) return false
  if (turnEnd !== IN_LINE && tcb.context.host.scheduler.now - snd.lastSent >= SILENCE) {
    tcb.takeTurn(INITIAL_BUFFER)
    return false
  }
  tcb.turnEnd = IN_LINE
  route.nic.awaitTurn?.(tcb)
  return true
}

/**
 * Bytes that may be written now: while others wait no more than the rest of the turn, and a little for the next one. Text that waits
 * for long leaves the processor's cache, and a thousand full send buffers are most of the packet memory.
 */
export function turnRoom({ snd, route, turnEnd }: Tcb): number {
  if (route?.nic.isContended !== true) return Infinity
  const unsent = (snd.queue.end - snd.nxt) | 0
  return Math.max(0, turnEnd - snd.bytesSent) + AHEAD - unsent
}
