import type { AckEvent } from './ack-event.ts'
import { sampleRate } from './delivery-rate.ts'
import type { AckSample } from './congestion.ts'
import { isReducedAlready } from './ecn.ts'
import { reduceForMarks } from './ecn-reduction.ts'
import { isProbeLost, probeArrived } from './mtu-search.ts'
import { Prr } from './prr.ts'
import { Probing, repairOf } from './repair.ts'
import type { Repair } from './repair.ts'
import { Mark } from './scoreboard.ts'
import { after, before, later } from './sequence.ts'
import { State } from './state.ts'
import { flightSize, pipe, Recovery } from './tcb.ts'
import type { SendState, Tcb } from './tcb.ts'
import type { TraceReason } from './trace.ts'
import { Undo, tryLateUndo, tryUndo, undoRecovery } from './undo.ts'
import { Validation } from './validation.ts'

// Loss recovery. With SACK: RACK (RFC 8985) says what is lost, the scoreboard what is in flight (RFC 6675 §4), PRR how
// fast it is repaired (RFC 9937). Without: three duplicate ACKs and NewReno (RFC 5681 §3.2, RFC 6582); where those RFCs
// inflate cwnd by the segments that duplicate ACKs stand for, their bytes are taken off the pipe instead: the same
// arithmetic, and cwnd stays what it means. Limited transmit (RFC 3042) follows from both.

/** Duplicate ACKs that mean loss (RFC 5681 §3.2). */
export const DUPLICATE_THRESHOLD = 3

/** What an acknowledgment means for what is out; SND.UNA has moved. */
export function recover(tcb: Tcb, event: AckEvent): void {
  const { snd } = tcb
  const isWindowLimited = before((snd.una - event.acked) | 0, snd.limitedUntil)
  snd.rate?.counted(event)
  if (tcb.ecn !== null) {
    // The path is congested, whatever became of what was lost: no reduction is taken back.
    if (event.isMarked && snd.repair !== null) snd.repair.undo = null
    tcb.cc.onMarks?.(sampleOf(tcb, event))
  }
  const guessed = snd.repair?.dupBytes ?? 0
  if (event.isDuplicate) countDuplicate(tcb)
  else if (event.acked > 0 && snd.recovery !== Recovery.Fast) snd.repair?.forgetDuplicates()
  if (snd.recovery === Recovery.None) tryLateUndo(tcb, event)
  detectLosses(tcb, event.arrival, event)
  if (snd.recovery === Recovery.Fast) inFastRecovery(tcb, event)
  else if (snd.recovery === Recovery.Timeout) afterTimeout(tcb, event)
  else {
    if (event.acked > 0) snd.recover = later(snd.recover, (snd.una - 1) | 0)
    if (tcb.mtuSearch !== null) probeArrived(tcb, tcb.mtuSearch)
    if (isLossFound(tcb) && !isProbeLost(tcb)) enterFastRecovery(tcb, event)
    else if (tcb.ecn === null || !reduceForMarks(tcb, tcb.ecn, event)) grow(tcb, event, guessed)
  }
  sampleRate(tcb, event, isWindowLimited)
}

/** The reordering timer (RFC 8985 §6.2): what was late is lost now. */
export function onReorderTimer(tcb: Tcb): void {
  const { snd, context } = tcb
  detectLosses(tcb, context.host.scheduler.micros, null)
  if (snd.board.lostBytes === 0) return
  if (snd.recovery === Recovery.None) {
    if (!isProbeLost(tcb)) enterFastRecovery(tcb, null)
  } else if (isResendLost(tcb)) reduceAgain(tcb, 0)
  context.host.scheduler.markDirty(tcb)
}

/** RACK, when there is something that may be lost: something behind it arrived, or it was sent again. */
function detectLosses(tcb: Tcb, now: number, event: AckEvent | null): void {
  const { snd, rtt, timers, context } = tcb
  const { board, rack } = snd
  if (rack === null) return
  if (board.sackedBytes === 0 && board.outBytes === 0 && event?.isRetransmitted !== true) {
    timers.reorder = Infinity
    return
  }
  const before = board.lostBytes
  const wait = rack.detect(board, snd.una, now, snd.recovery !== Recovery.None, rtt.minimum, rtt.smoothed)
  const lost = board.lostBytes - before
  if (lost > 0) repairOf(snd).lostBy = snd.recovery === Recovery.Timeout ? 'timeout-retransmit' : 'fast-retransmit'
  if (event !== null) event.lost += lost
  timers.reorder = wait === 0 ? Infinity : context.host.scheduler.now + wait / 1000 + 0.001
  timers.schedule(timers.reorder)
}

// --- without SACK ---

/** An ACK that acknowledges nothing new while data is out (RFC 5681 §2): a segment has left the network. */
function countDuplicate(tcb: Tcb): void {
  const { snd } = tcb
  const repair = repairOf(snd)
  repair.dupAcks++
  repair.dupBytes = Math.min(repair.dupBytes + snd.mss, duplicateLimit(tcb))
}

/** No more has left the network than was in it when recovery began, lest ACKs made up by the peer empty the pipe (RFC 5681 §5). */
function duplicateLimit(tcb: Tcb): number {
  const { snd } = tcb
  const until = snd.recovery === Recovery.None ? snd.nxt : snd.recover
  return Math.max(0, ((until - snd.una) | 0) - snd.mss)
}

/** RFC 6582 §3.2 step 2: three duplicates, not of those that an earlier recovery caused. */
function isLossFound(tcb: Tcb): boolean {
  const { snd } = tcb
  return snd.board.lostBytes > 0 || (snd.repair !== null && snd.repair.dupAcks === DUPLICATE_THRESHOLD && after(snd.una, snd.recover))
}

function loseFirst({ board }: SendState, repair: Repair): void {
  repair.lostBy = 'fast-retransmit'
  board.markLost(0)
  repair.isForced = true
}

// --- fast recovery ---

function enterFastRecovery(tcb: Tcb, event: AckEvent | null): void {
  const { snd, cc, context } = tcb
  const { board } = snd
  const repair = repairOf(snd)
  const flight = flightSize(tcb)
  context.counters.fastRetransmits++
  snd.recovery = Recovery.Fast
  snd.recover = snd.nxt
  repair.probing = Probing.None
  if (tcb.ecn !== null && isReducedAlready(tcb.ecn)) repair.undo = null
  else {
    repair.undo = new Undo(snd.una, snd.nxt)
    // What limited transmit sent beyond cwnd does not count (RFC 5681 §3.2 step 2).
    cc.onLoss(Math.min(snd.validation?.onLoss(tcb, flight) ?? flight, cc.cwnd))
  }
  tcb.ecn?.lost()
  if (!tcb.rcv.sackPermitted) {
    loseFirst(snd, repair)
    return
  }
  repair.isForced = true
  // RFC 9937 §6.2: what had been sacked before will not be delivered any more.
  // A control that follows the rate needs none.
  if (cc.onDelivered !== undefined) return
  repair.prr = new Prr(snd.order, flight - board.sackedBytes + (event === null ? 0 : event.sacked + event.acked))
  if (event !== null) reduce(tcb, event)
  // A timer found it, and nothing arrived just now: one segment leaves.
  else cc.cwnd = repair.prr.window(0, pipe(tcb), cc.ssthresh, snd.mss, false)
}

/** Was something lost that left again since cwnd was last reduced? */
function isResendLost({ snd }: Tcb): boolean {
  const prr = snd.repair?.prr ?? null
  const lost = snd.rack?.lostResend ?? null
  return prr !== null && lost !== null && after(lost, prr.since)
}

/** RFC 5681 §4.3: the loss of a retransmission is a second sign of congestion. `gone` bytes left the network just now. */
function reduceAgain(tcb: Tcb, gone: number): void {
  const { snd, cc } = tcb
  repairOf(snd).prr = new Prr(snd.order, pipe(tcb) + gone)
  cc.onLoss(Math.min(flightSize(tcb), cc.cwnd, cc.ssthresh))
}

/** PRR: cwnd for what arrived just now. */
function reduce(tcb: Tcb, event: AckEvent): void {
  const { snd, cc } = tcb
  if (isResendLost(tcb)) reduceAgain(tcb, event.delivered + event.lost)
  const prr = snd.repair?.prr ?? null
  if (prr === null || event.delivered === 0) return
  cc.cwnd = prr.window(event.delivered, pipe(tcb), cc.ssthresh, snd.mss, event.acked > 0 && event.lost === 0)
}

function inFastRecovery(tcb: Tcb, event: AckEvent): void {
  const { snd, cc } = tcb
  const repair = repairOf(snd)
  if (tryUndo(tcb, event)) {
    grow(tcb, event)
    return
  }
  if (!before(snd.una, snd.recover)) {
    const isPaced = repair.prr !== null
    endRecovery(snd, repair)
    snd.validation?.onRecovered(tcb)
    // RFC 9937 §6.2; RFC 6582 §3.2 step 3.
    if (isPaced) cc.cwnd = cc.ssthresh
    else cc.onRecovered(flightSize(tcb))
    return
  }
  if (repair.prr !== null) {
    reduce(tcb, event)
    return
  }
  if (event.acked === 0 || tcb.rcv.sackPermitted) return
  // A partial ACK: the next hole (RFC 6582 §3.2 step 3).
  repair.dupBytes = Math.min(Math.max(0, repair.dupBytes - Math.max(0, event.acked - snd.mss)), duplicateLimit(tcb))
  loseFirst(snd, repair)
}

function endRecovery(snd: SendState, repair: Repair): void {
  snd.recovery = Recovery.None
  repair.startOver(false)
  repair.prr = null
  repair.frto = false
  snd.rack?.recovered()
}

// --- timeouts ---

/** The retransmission timer expired: what is out is held lost (RFC 5681 §3.1, RFC 6582 §4), but what left just now (RFC 8985 §6.3). */
export function onTimeout(tcb: Tcb): void {
  const { snd, rtt, context } = tcb
  const { board, rack } = snd
  const repair = repairOf(snd)
  const isFirst = snd.recovery !== Recovery.Timeout || !before(snd.una, snd.recover)
  // RFC 5681 §3.1: ssthresh is set once for the same data.
  if (snd.attempts === 0) {
    if (snd.recovery !== Recovery.Timeout) repair.undo = new Undo(snd.una, snd.nxt)
    tcb.cc.onTimeout(flightSize(tcb))
  }
  tcb.ecn?.lost()
  // The peer threw away what it had said it has (RFC 2018 §8).
  if (board.length > 0 && (board.marks(0) & Mark.Sacked) !== 0) {
    context.counters.reneged++
    board.forgetSacks()
    rack?.rewind(snd.una)
  }
  snd.recovery = Recovery.Timeout
  snd.recover = snd.nxt
  tcb.mtuSearch?.abandon(context.host.scheduler.now + rtt.current(tcb.settings))
  repair.startOver(true)
  repair.prr = null
  // RFC 5682 §2.1: not when the same data timed out before.
  repair.frto = isFirst
  repair.lostBy = 'timeout-retransmit'
  const now = context.host.scheduler.micros
  for (let i = 0; i < board.length; i++) {
    if ((board.marks(i) & Mark.Sacked) !== 0) continue
    if (i === 0 || rack === null || rack.isOverdue(board, i, now, rtt.minimum, rtt.smoothed)) board.markLost(i)
  }
}

function afterTimeout(tcb: Tcb, event: AckEvent): void {
  const { snd } = tcb
  const repair = repairOf(snd)
  repair.newFirst = 0
  if (tryUndo(tcb, event) || (repair.frto && isTimeoutSpurious(tcb, repair, event))) {
    grow(tcb, event)
    return
  }
  if (!before(snd.una, snd.recover)) endRecovery(snd, repair)
  grow(tcb, event)
}

/** F-RTO (RFC 5682 §2.1, §3.1). */
function isTimeoutSpurious(tcb: Tcb, repair: Repair, event: AckEvent): boolean {
  const { snd } = tcb
  if (after(snd.nxt, snd.recover)) {
    // Step 3b: something that was sent once, before the timeout, arrives now. Without SACK an ACK of the retransmission
    // may cover what had arrived before it.
    if (event.isOriginal && (tcb.rcv.sackPermitted || !event.isRetransmitted) && repair.undo !== null) {
      undoRecovery(tcb)
      return true
    }
    // Step 3a: new data was sent, and something is missing all the same.
    if (event.sacked > 0 || event.isDuplicate) repair.frto = false
    return false
  }
  // Step 2a: without SACK a duplicate says that something came behind a gap.
  if (event.isDuplicate) repair.frto = false
  // Step 2: this ACK may answer the retransmission, and tell of what had come before an outage: it proves nothing.
  if (event.acked === 0 || !before(snd.una, snd.recover)) return false
  // Step 2b: new data, to see what its ACKs say.
  const hasNew = after(snd.queue.end, snd.nxt) && after((snd.una + snd.wnd) | 0, snd.nxt)
  if (hasNew) repair.newFirst = 2
  else repair.frto = false
  return false
}

// --- marks for other reasons ---

/** Everything out, of at least `bytes`, is to leave again, and that says nothing of congestion. */
export function resendAll(tcb: Tcb, reason: TraceReason, bytes = 0): void {
  const { snd } = tcb
  const { board } = snd
  const repair = repairOf(snd)
  repair.lostBy = reason
  repair.startOver(true)
  for (let i = 0; i < board.length; i++) {
    if ((board.marks(i) & Mark.Sacked) === 0 && ((board.end(i) - board.start(i)) | 0) >= bytes) board.markDue(i)
  }
}

/**
 * Congestion control hears of what arrived just now. What SACK, or duplicate ACKs that `guessed` bytes, told of before made room
 * then already: counted again when the gap is filled it would be a burst. Where segments overtake each other (RFC 8985 §6.2 step 3)
 * it counts when it is told, where a gap may be loss not at all, as Linux does.
 */
function grow(tcb: Tcb, event: AckEvent, guessed = 0): void {
  const { snd } = tcb
  const told = snd.rack?.isReordering === true ? event.delivered : event.delivered - event.sacked
  // RFC 5681 §3.1: the acknowledgment of a SYN grows nothing; nor is congestion control made for it.
  if ((told === 0 && event.acked === 0) || tcb.state < State.Established) return
  const { cc } = tcb
  const sample = sampleOf(tcb, event)
  sample.acked = Math.max(told - guessed, event.acked > 0 ? Math.min(event.acked, snd.mss) : 0)
  snd.limitedUntil = later(snd.limitedUntil, snd.una)
  if (sample.limited) snd.validation?.used()
  // A control that follows the rate has a bandwidth for what it was not used for.
  else if (cc.onDelivered === undefined) {
    const validation = (snd.validation ??= new Validation())
    validation.onAck(tcb, sample)
    // In slow start half of it is enough: the other half would have doubled it anyway (RFC 7661 §4.3).
    sample.limited = cc.cwnd < cc.ssthresh && validation.isHalfUsed(cc.cwnd)
  }
  cc.onAck(sample)
}

function sampleOf(tcb: Tcb, event: AckEvent): AckSample {
  const { snd, rtt, context } = tcb
  const { sample } = context
  sample.acked = event.acked
  sample.delivered = event.delivered
  sample.flight = flightSize(tcb) + event.acked
  sample.una = snd.una
  sample.nxt = snd.nxt
  sample.rtt = event.rtt
  sample.smoothedRtt = rtt.smoothed
  sample.minimumRtt = rtt.minimum
  sample.now = context.host.scheduler.now
  sample.limited = before((snd.una - event.acked) | 0, snd.limitedUntil)
  sample.marked = event.marked
  return sample
}
