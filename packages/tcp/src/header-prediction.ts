import { before } from './sequence.ts'
import { State } from './state.ts'
import { flightSize } from './tcb.ts'
import type { Tcb } from './tcb.ts'
import { receiveWindow } from './window.ts'
import { Flag } from './wire.ts'
import type { SegmentHeader } from './wire.ts'

/**
 * Header prediction (V. Jacobson, "4BSD TCP header prediction", 1990): is it what an open connection expects? Then every check of
 * SEGMENT ARRIVES (RFC 9293 §3.10.7.4) passes, no FIN and nothing urgent is in it or was before it, and what is left is to
 * take the acknowledgment and the text. Loss, gaps, SACK and marks are the business of those who take them, here as there.
 * Whoever adds a check, or gives segments a new meaning, says here which of them are not plain.
 */
export function isPlain(tcb: Tcb, header: SegmentHeader, length: number): boolean {
  const { snd, rcv } = tcb
  // PSH asks for nothing (RFC 9293 §3.9.1.2).
  if (tcb.state !== State.Established || (header.flags & ~Flag.Psh) !== Flag.Ack || header.rare !== 0) return false
  if (header.sequence !== rcv.nxt || length > receiveWindow(tcb)) return false
  const acked = (header.acknowledgment - snd.una) | 0
  if (acked < 0 || acked > flightSize(tcb)) return false
  // PAWS (RFC 7323 §5.3).
  if (header.timestamps && before(header.timestampValue, rcv.tsRecent)) return false
  return !rcv.finSeen && !tcb.isOrphan
}
