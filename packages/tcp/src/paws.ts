import type { Packet } from '@stack/buffer'
import { after, before } from './sequence.ts'
import type { Tcb } from './tcb.ts'
import { Flag } from './wire.ts'
import type { SegmentHeader } from './wire.ts'

/** Age at which a remembered timestamp says nothing any more, ms: 24 days (RFC 7323 §5.5). */
const TIMESTAMP_LIFETIME = 24 * 86_400_000

/**
 * A retransmission has filled a gap, and its timestamp is newer than those of segments that left before it and may be late:
 * up to the right edge of then everything may have been under way. They are no old duplicates.
 */
export interface Latecomers {
  /** TS.Recent before it. */
  stamp: number
  /** Right edge then: what lies beyond was sent later. */
  until: number
}

/** PAWS (RFC 7323 §5.3). Segments without the option are taken, as everybody does. */
export function isTimestampGood(tcb: Tcb, header: SegmentHeader, packet: Packet): boolean {
  const { rcv } = tcb
  // A reset is not subject to it.
  if (!rcv.timestamps || !header.timestamps || (header.flags & Flag.Rst) !== 0) return true
  if (!before(header.timestampValue, rcv.tsRecent)) return true
  if (packet.arrival - rcv.tsRecentAt > TIMESTAMP_LIFETIME) {
    rcv.tsRecent = header.timestampValue
    return true
  }
  return isLatecomer(rcv.latecomers, header)
}

function isLatecomer(latecomers: Latecomers | null, { sequence, timestampValue }: SegmentHeader): boolean {
  return latecomers !== null && before(sequence, latecomers.until) && !before(timestampValue, latecomers.stamp)
}

/** RFC 7323 §4.3: the timestamp of the segment that covers what was acknowledged last. */
export function rememberTimestamp(tcb: Tcb, header: SegmentHeader, packet: Packet): void {
  const { rcv } = tcb
  if (!rcv.timestamps || !header.timestamps || after(header.sequence, rcv.acked) || before(header.timestampValue, rcv.tsRecent)) return
  if (rcv.outOfOrder !== null || rcv.latecomers !== null) noteLatecomers(tcb)
  rcv.tsRecent = header.timestampValue
  rcv.tsRecentAt = Math.floor(packet.arrival)
}

/** Begins again only behind what an earlier one covered: never is a timestamp good for longer than a window. */
function noteLatecomers(tcb: Tcb): void {
  const { rcv } = tcb
  if (rcv.latecomers !== null && before(rcv.nxt, rcv.latecomers.until)) return
  rcv.latecomers = rcv.outOfOrder === null ? null : { stamp: rcv.tsRecent, until: rcv.edge }
}
