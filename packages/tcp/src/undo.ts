import type { AckEvent } from './ack-event.ts'
import { repairOf } from './repair.ts'
import { after, before } from './sequence.ts'
import { Recovery, timestampNow } from './tcb.ts'
import type { Tcb } from './tcb.ts'

/**
 * What tells afterwards that nothing was lost: the echo of the original (Eifel, RFC 3522), or the peer's word that it got
 * every retransmission twice (RFC 3708). One for each recovery, and kept until the next: what the peer says of a
 * retransmission comes after the ACK of what was sent before it, which ends the recovery.
 */
export class Undo {
  /** SND.UNA when it began. */
  readonly una: number
  /** SND.NXT then: the retransmissions lie before it. */
  readonly end: number
  /** The first retransmission: its sequence number and timestamp. */
  private first = 0
  private stamp = 0
  private hasStamp = false
  /** Bytes sent again of which the peer has not said that it had them. */
  private unconfirmed = 0

  constructor(una: number, end: number) {
    this.una = una
    this.end = end
  }

  resent(sequence: number, bytes: number, stamp: number): void {
    this.unconfirmed += bytes
    if (this.hasStamp) return
    this.hasStamp = true
    this.first = sequence
    this.stamp = stamp
  }

  /** The peer got `bytes` of what was sent again twice. */
  confirmed(bytes: number): void {
    this.unconfirmed -= bytes
  }

  /** Every retransmission was for nothing (RFC 3708 §2). */
  get isAllConfirmed(): boolean {
    return this.hasStamp && this.unconfirmed <= 0
  }

  /**
   * The ACK that first covers the first retransmission answers something from before it (RFC 3522 §3.2, step 5). ACKs of
   * less tell of other segments, those that an earlier recovery sent again among them.
   */
  isAnsweredBefore(event: AckEvent, una: number): boolean {
    return event.hasEcho && this.hasStamp && before(event.echo, this.stamp) && after(una, this.first) && !after((una - event.acked) | 0, this.first)
  }
}

/** `[start, end)` came twice, says the peer. */
export function onDuplicateData(tcb: Tcb, start: number, end: number): void {
  const { snd } = tcb
  tcb.context.counters.duplicateReports++
  // What was there before recovery began was no retransmission of it, nor what came later.
  const undo = snd.repair?.undo ?? null
  if (undo === null || before(start, undo.una) || after(end, undo.end)) return
  undo.confirmed((end - start) | 0)
}

/** A segment of `bytes` leaves again. */
export function noteResent(tcb: Tcb, sequence: number, bytes: number): void {
  if (tcb.snd.recovery !== Recovery.None) tcb.snd.repair?.undo?.resent(sequence, bytes, timestampNow(tcb))
}

/** Takes the reduction of the congestion window back when it was without cause (RFC 4015, RFC 3708). True when it did. */
export function tryUndo(tcb: Tcb, event: AckEvent): boolean {
  const undo = tcb.snd.repair?.undo ?? null
  if (undo === null || !(undo.isAllConfirmed || (event.acked > 0 && undo.isAnsweredBefore(event, tcb.snd.una)))) return false
  undoRecovery(tcb)
  return true
}

/** The same when recovery is over: only what the peer says of retransmissions counts. */
export function tryLateUndo(tcb: Tcb, event: AckEvent): void {
  if (event.isDuplicateData && tcb.snd.repair?.undo?.isAllConfirmed === true) undoRecovery(tcb)
}

/** Nothing was lost: what is marked so is in flight, and the window is as before. What left again meanwhile may be lost all the same. */
export function undoRecovery(tcb: Tcb): void {
  const { snd, context } = tcb
  context.counters.undone++
  const repair = repairOf(snd)
  repair.undo = null
  repair.prr = null
  repair.frto = false
  repair.newFirst = 0
  repair.isForced = false
  snd.recovery = Recovery.None
  snd.board.forgetLosses()
  snd.rack?.rewind(snd.una)
  tcb.cc.onUndo()
}
