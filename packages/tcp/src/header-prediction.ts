import { before } from './sequence.ts'
import { State } from './state.ts'
import { flightSize, Probing, Recovery } from './tcb.ts'
import type { Tcb } from './tcb.ts'
import { receiveWindow } from './window.ts'
import { Flag } from './wire.ts'
import type { SegmentHeader } from './wire.ts'

/**
 * Header prediction (V. Jacobson, "4BSD header prediction", 1990): is this what an open connection expects that misses nothing and repairs
 * nothing? The next text, or the acknowledgment of something new, or both, inside the window, with nothing else but a
 * timestamp that is not old. Every check of SEGMENT ARRIVES (RFC 9293 §3.10.7.4) then passes, and what is left of it is to
 * take the acknowledgment and the text. Whoever gives segments a new meaning says here which of them are not plain.
 */
export function isPlain(tcb: Tcb, header: SegmentHeader, length: number): boolean {
  const { snd, rcv } = tcb
  // A connection with ECN looks at marks; PSH asks for nothing (RFC 9293 §3.9.1.2).
  if (tcb.state !== State.Established || tcb.ecn !== null || (header.flags & ~Flag.Psh) !== Flag.Ack) return false
  if (header.sequence !== rcv.nxt || length > receiveWindow(tcb) || header.sackBlocks > 0 || header.rare !== 0) return false
  // A lone ACK of nothing new may be a duplicate, or a probe.
  const acked = (header.acknowledgment - snd.una) | 0
  if (acked < 0 || acked > flightSize(tcb) || (acked === 0 && length === 0)) return false
  // PAWS (RFC 7323 §5.3).
  if (header.timestamps && before(header.timestampValue, rcv.tsRecent)) return false
  if (snd.recovery !== Recovery.None || snd.probing !== Probing.None || snd.persisting || snd.board.sackedBytes > 0) return false
  // A gap, a FIN beyond one, late segments, or nobody who reads.
  return rcv.outOfOrder === null && rcv.latecomers === null && !rcv.finSeen && !tcb.isOrphan
}
