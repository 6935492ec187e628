import type { AckEvent } from './ack-event.ts'
import { isReducedAlready } from './ecn.ts'
import { Probing, repairOf } from './repair.ts'
import type { Repair } from './repair.ts'
import { armRetransmit, sendTailProbe } from './sender.ts'
import { after, before } from './sequence.ts'
import { State } from './state.ts'
import { flightSize, Recovery } from './tcb.ts'
import type { Tcb } from './tcb.ts'
import { userTimeoutOf } from './user-timeout.ts'

// Tail loss probes (RFC 8985 §7): when the last segments of a flight are lost nothing behind them tells of it. One segment,
// sent after about two round trips, brings the ACK that does, long before the retransmission timer.

/** What a receiver may delay the ACK of a lone segment by, ms (§7.2). */
const LONGEST_ACK_DELAY = 200
/** Added to two round trips, ms: clocks are coarse. */
const SLACK = 2

/** §7.2: (re)starts the probe timer, or stops it where no probe would help. */
export function scheduleProbe(tcb: Tcb): void {
  const { snd, rtt, timers } = tcb
  const { board } = snd
  const isOpen = snd.recovery === Recovery.None && board.sackedBytes === 0 && board.lostBytes === 0 && snd.repair?.isProbing !== true
  if (!isOpen || board.length === 0 || !tcb.rcv.sackPermitted || !tcb.settings.tailLossProbe || snd.persisting || rtt.smoothed === 0 || tcb.state < State.Established) {
    timers.probe = Infinity
    return
  }
  const wait = (2 * rtt.smoothed) / 1000 + (board.length === 1 ? LONGEST_ACK_DELAY : SLACK)
  // From what left or arrived last: whatever else happens does not put it off.
  const deadline = Math.max(snd.lastSent, snd.ackedAt) + wait
  // In place of a timeout that would come earlier; not of the end of the user timeout.
  timers.probe = deadline <= timers.retransmit ? deadline : isUserTimeoutDue(tcb) ? Infinity : timers.retransmit
  timers.schedule(timers.probe)
}

/** The retransmission timer will find that the user timeout is over. */
function isUserTimeoutDue(tcb: Tcb): boolean {
  const userTimeout = userTimeoutOf(tcb)
  return userTimeout > 0 && tcb.timers.retransmit >= tcb.snd.unackedSince + userTimeout
}

/** §7.3: new data when there is some, else the last segment again. */
export function onProbeTimer(tcb: Tcb): void {
  const { snd } = tcb
  if (snd.recovery !== Recovery.None || flightSize(tcb) === 0) return
  const probe = sendTailProbe(tcb)
  if (probe === Probing.None) return
  tcb.context.counters.tailProbes++
  const repair = repairOf(snd)
  repair.probing = probe
  repair.probeEnd = snd.nxt
  armRetransmit(tcb)
}

/** §7.4: the probe that is out is answered: did it repair a loss? Then that was congestion, though nobody noticed. */
export function onProbeAck(tcb: Tcb, repair: Repair, event: AckEvent, ack: number): void {
  const { snd, cc } = tcb
  if (before(ack, repair.probeEnd)) return
  const isRepaired = repair.probing === Probing.Again && !event.isDuplicateData && after(ack, repair.probeEnd)
  const isOver = repair.probing === Probing.New || event.isDuplicateData || isRepaired || (event.acked === 0 && event.sacked === 0)
  if (isOver) repair.probing = Probing.None
  if (!isRepaired || snd.recovery !== Recovery.None) return
  if (tcb.ecn !== null && isReducedAlready(tcb.ecn)) return
  tcb.ecn?.lost()
  repair.undo = null
  cc.onLoss(flightSize(tcb) + event.acked)
}
