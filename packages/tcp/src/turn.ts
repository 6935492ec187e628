import type { Tcb } from './tcb.ts'

/** Bytes that may be written for the next turn: small writes leave together, and what is there when the turn comes need not be waited for. */
const AHEAD = 16_384

/** Has the connection sent its share, and do others wait to send? */
export function isTurnOver({ snd, route, turnEnd }: Tcb): boolean {
  return snd.bytesSent >= turnEnd && route?.nic.isContended === true
}

/** It goes on when those before it had their turn. */
export function awaitTurn(tcb: Tcb): void {
  tcb.route!.nic.awaitTurn?.(tcb)
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
