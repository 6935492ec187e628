import { signatureLength } from './authentication/seam.ts'
import { aceFlags } from './accurate-ecn.ts'
import type { AccurateEcn } from './accurate-ecn.ts'
import { Codepoint } from './ecn.ts'
import type { Ecn } from './ecn.ts'
import { before } from './sequence.ts'
import { State } from './state.ts'
import type { Tcb } from './tcb.ts'
import type { TraceReason } from './trace.ts'
import { Flag, TIMESTAMPS_LENGTH } from './wire.ts'
import type { SegmentHeader } from './wire.ts'
import { accurateEcnLength, MAX_ECN_COUNTERS } from './wire-accurate-ecn.ts'

/** Bytes that the data offset leaves to options. */
const OPTION_SPACE = 40
/** SACK blocks that an Accurate ECN option leaves (RFC 9768 §3.2.3.3). */
const LEAST_SACK_BLOCKS = 2

/** Bytes that text is shorter for, so that the option fits behind it. */
export function ecnRoom(ecn: Ecn): number {
  return ecn.accurate !== null && ecn.policy.options === 'all' && ecn.accurate.hasOptions ? accurateEcnLength(MAX_ECN_COUNTERS) : 0
}

/** Flags, option and ECN field of a segment about to leave, complete but for them. */
export function markSegment(tcb: Tcb, ecn: Ecn, header: SegmentHeader, length: number, reason: TraceReason): void {
  if (ecn.kind === 'none' || (header.flags & Flag.Rst) !== 0) return
  // RFC 3168 §6.1.4 to §6.1.6: new text only, and no probes of a window.
  const isNew = length > 0 && !before(header.sequence, tcb.snd.nxt) && reason !== 'window-probe'
  const isGeneral = ecn.accurate !== null && ecn.policy.capable === 'all'
  if (ecn.isPathGood && (isNew || isGeneral)) header.ecn = Codepoint.Ect0
  if (ecn.accurate !== null) {
    markAccurate(tcb, ecn, ecn.accurate, header, length)
    return
  }
  if (ecn.echo) header.flags |= Flag.Ece
  if (ecn.cwrDue && (isNew || (length > 0 && ecn.policy.cwr === 'first'))) {
    ecn.cwrDue = false
    header.flags |= Flag.Cwr
  }
}

/** A segment that was marked did not leave: CWR goes with another one. */
export function unmark(ecn: Ecn, header: SegmentHeader): void {
  if (ecn.accurate === null && (header.flags & Flag.Cwr) !== 0) ecn.cwrDue = true
}

function markAccurate(tcb: Tcb, ecn: Ecn, accurate: AccurateEcn, header: SegmentHeader, length: number): void {
  // A connection that waits in TIME-WAIT counts no more.
  if (tcb.state === State.TimeWait) return
  const isAnswer = accurate.answer >= 0 && length === 0 && (header.flags & Flag.Fin) === 0 && header.sackBlocks === 0
  header.flags |= aceFlags(isAnswer ? accurate.answer : accurate.ace())
  if (isAnswer) accurate.answer = -1
  if (accurate.hasOptions && !accurate.isOptionLost && ecn.policy.options !== 'none') addOption(tcb, ecn, accurate, header, length)
}

/** As many counters as fit, and if need be at the cost of SACK blocks beyond two (RFC 9768 §3.2.3.3). */
function addOption(tcb: Tcb, ecn: Ecn, accurate: AccurateEcn, header: SegmentHeader, length: number): void {
  const timestamps = header.timestamps ? TIMESTAMPS_LENGTH : 0
  // Text may be as long as a full segment; `mss` is without timestamps already.
  const room = Math.min(OPTION_SPACE - timestamps - signatureLength(tcb.authenticator), tcb.snd.mss + ecnRoom(ecn) - length)
  const least = Math.max(1, accurate.needed)
  const isPressing = accurate.needed > 0
  for (let blocks = header.sackBlocks; ; blocks--) {
    const left = room - (blocks > 0 ? 4 + 8 * blocks : 0)
    for (let counters = MAX_ECN_COUNTERS; counters >= least; counters--) {
      if (accurateEcnLength(counters) > left) continue
      header.sackBlocks = blocks
      accurate.tell(header, counters)
      return
    }
    if (!isPressing || blocks <= LEAST_SACK_BLOCKS) return
  }
}
