import type { AckEvent } from './ack-event.ts'
import type { Ecn } from './ecn.ts'
import { Prr } from './prr.ts'
import { repairOf } from './repair.ts'
import { after } from './sequence.ts'
import { flightSize, pipe } from './tcb.ts'
import type { Tcb } from './tcb.ts'

/**
 * Marks instead of losses (RFC 3168 §6.1.2): once in a round trip congestion control says where cwnd has to go, and it gets
 * there as segments arrive (RFC 9937), without a pause. Called when no loss is being repaired; true = cwnd does not grow now.
 */
export function reduceForMarks(tcb: Tcb, ecn: Ecn, event: AckEvent): boolean {
  // Beyond what was out: the ACK then answers a segment that had CWR, or came after it.
  if (ecn.isReducing && after(tcb.snd.una, ecn.reducedUntil)) endReduction(tcb, ecn)
  if (!ecn.isReducing && event.isMarked) begin(tcb, ecn, event)
  if (!ecn.isReducing) return false
  const { snd, cc } = tcb
  const prr = snd.repair?.prr ?? null
  if (prr !== null && event.delivered > 0) {
    cc.cwnd = prr.window(event.delivered, pipe(tcb), cc.ssthresh, snd.mss, event.acked > 0)
  }
  return true
}

function begin(tcb: Tcb, ecn: Ecn, event: AckEvent): void {
  const { snd, cc, context } = tcb
  const before = cc.cwnd
  if (cc.onCongestion !== undefined) cc.onCongestion()
  else cc.onLoss(Math.min(flightSize(tcb) + event.acked, before))
  context.counters.ecnReductions++
  ecn.reductions++
  ecn.isReducing = true
  ecn.reducedUntil = snd.nxt
  ecn.cwrDue = true
  repairOf(snd).prr = cc.ssthresh < before ? new Prr(snd.order, pipe(tcb) + event.delivered) : null
}

function endReduction({ snd, cc }: Tcb, ecn: Ecn): void {
  ecn.isReducing = false
  const repair = repairOf(snd)
  if (repair.prr !== null) cc.cwnd = cc.ssthresh
  repair.prr = null
}
