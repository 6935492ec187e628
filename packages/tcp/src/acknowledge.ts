import { beginAck } from './ack-event.ts'
import type { AckEvent } from './ack-event.ts'
import { beginSample } from './delivery-rate.ts'
import { takeEcho } from './ecn-input.ts'
import { recover, resendAll } from './recovery.ts'
import { repairOf } from './repair.ts'
import { recordArrived, takeSacks } from './sack-arrives.ts'
import { Mark } from './scoreboard.ts'
import { armRetransmit } from './sender.ts'
import { State } from './state.ts'
import { after, before } from './sequence.ts'
import { flightSize, Recovery, timestampNow } from './tcb.ts'
import type { Tcb } from './tcb.ts'
import { onProbeAck } from './tlp.ts'
import { Flag } from './wire.ts'
import type { SegmentHeader } from './wire.ts'

/** ms between hints of reachability to the neighbour table. */
const CONFIRM_INTERVAL = 1000

/**
 * SND.UNA ≤ SEG.ACK ≤ SND.NXT: takes the acknowledgment and the window (RFC 9293 §3.10.7.4, fifth step).
 *
 * @param length - sequence numbers that the segment occupies
 */
export function takeAck(tcb: Tcb, header: SegmentHeader, length: number, arrivalMicros: number): void {
  const { snd } = tcb
  const ack = header.acknowledgment
  // The window of a SYN is never scaled (RFC 7323 §2.2).
  const window = (header.flags & Flag.Syn) !== 0 ? header.window : header.window << snd.scale
  tcb.softError = null
  if (isWindowAll(tcb, header, length)) {
    updateWindow(tcb, header, window)
    return
  }
  if (after(ack, snd.una) || snd.persisting) snd.attempts = 0
  const event = tcb.context.ack
  beginAck(event, arrivalMicros, header.timestampEcho, header.timestamps && tcb.rcv.timestamps)
  if (tcb.state >= State.Established) beginSample(tcb)
  snd.rack?.begin()
  if (header.sackBlocks > 0 && tcb.rcv.sackPermitted) takeSacks(tcb, header, event)
  if (after(ack, snd.una)) advance(tcb, header, ack, event)
  // RFC 5681 §2: nothing new, no text, and the window as before. With SACK the blocks tell more.
  else event.isDuplicate = flightSize(tcb) > 0 && length === 0 && window === snd.wnd && !snd.persisting && !tcb.rcv.sackPermitted
  if (snd.repair?.isProbing === true) onProbeAck(tcb, snd.repair, event, ack)
  if (tcb.ecn !== null) takeEcho(tcb, tcb.ecn, header, length, event)
  if (event.delivered > 0 || event.acked > 0 || event.isDuplicate || event.isDuplicateData || event.isMarked) recover(tcb, event)
  updateWindow(tcb, header, window)
}

/** Text that acknowledges what was acknowledged before: nearly all segments of a stream. */
function isWindowAll(tcb: Tcb, header: SegmentHeader, length: number): boolean {
  const { snd } = tcb
  return length > 0 && header.acknowledgment === snd.una && header.sackBlocks === 0 && !snd.persisting && snd.repair?.isProbing !== true && tcb.ecn === null
}

/**
 * SEG.ACK < SND.UNA: an ACK that was overtaken. It acknowledges nothing; what its SACK blocks say holds all the same (RFC 2018 §4:
 * what is reported stays there).
 */
export function takeOldAck(tcb: Tcb, header: SegmentHeader, arrivalMicros: number): void {
  const { snd } = tcb
  if (header.sackBlocks === 0 || !tcb.rcv.sackPermitted || flightSize(tcb) === 0) return
  const event = tcb.context.ack
  beginAck(event, arrivalMicros, header.timestampEcho, header.timestamps && tcb.rcv.timestamps)
  beginSample(tcb)
  snd.rack?.begin()
  takeSacks(tcb, header, event)
  if (event.delivered > 0 || event.isDuplicateData) recover(tcb, event)
}

function advance(tcb: Tcb, header: SegmentHeader, ack: number, event: AckEvent): void {
  const { snd, timers, user } = tcb
  const { scheduler } = tcb.context.host
  const acked = (ack - snd.una) | 0
  const text = Math.min((ack - snd.queue.start) | 0, snd.queue.length)
  snd.una = ack
  if (text > 0) {
    snd.queue.consume(text)
    snd.bytesAcked += text
    if (snd.records?.consume(snd.queue.start) === true) snd.records = null
    // More was promised for what would leave at once; now the ACK clock says when something leaves.
    snd.more = false
    if (snd.urgent !== null && !before(ack, snd.urgent.up)) snd.urgent = null
  }
  takeRecords(tcb, ack, event)
  event.acked = acked
  event.rtt = measureRtt(tcb, header, ack, event)
  if (event.rtt > 0) tcb.rtt.sample(event.rtt, tcb.settings)
  snd.unackedSince = snd.ackedAt = Math.floor(scheduler.now)
  // RFC 6298 §5.2, §5.3.
  if (flightSize(tcb) === 0) timers.retransmit = Infinity
  else armRetransmit(tcb)
  if (scheduler.now - tcb.confirmedAt >= CONFIRM_INTERVAL && tcb.route !== null) {
    // Forward progress (RFC 4861 §7.3.1).
    tcb.confirmedAt = Math.floor(scheduler.now)
    tcb.context.host.confirmReachable(tcb.route)
  }
  if (text > 0) user?.onWritable()
}

/** Everything before `ack` is off the scoreboard. */
function takeRecords(tcb: Tcb, ack: number, event: AckEvent): void {
  const { board, recovery } = tcb.snd
  if (recovery === Recovery.None && board.sackedBytes === 0 && board.length > 1 && board.marks(0) === 0 && !after(board.end(1), ack)) {
    // Nothing was lost, nothing came out of order: the oldest tells the round trip, the newest the rest.
    const from = board.start(0)
    event.rtt = Math.max(1, (event.arrival - board.sent(0)) | 0)
    board.shiftPlain(ack)
    event.delivered += (board.start(0) - from) | 0
  }
  board.shiftSacked(ack)
  while (board.length > 0 && !after(board.end(0), ack)) {
    if ((board.marks(0) & Mark.Sacked) === 0) recordArrived(tcb, 0, event, true)
    board.shift()
    board.shiftSacked(ack)
  }
  if (board.length === 0 || !before(board.start(0), ack)) return
  event.delivered += (ack - board.start(0)) | 0
  board.trim(ack)
}

/**
 * µs; 0 = no sample. The oldest segment acknowledged that was sent once (RFC 6298 §3), else the timestamp (RFC 7323 §4.1), which retransmissions do
 * not blur, unless it was the ACK that got lost: then the one that answers the next retransmission echoes a timestamp from
 * before it, the "round trip" contains the whole timeout, and each such ACK would double it.
 */
function measureRtt(tcb: Tcb, header: SegmentHeader, ack: number, event: AckEvent): number {
  const { snd } = tcb
  if (snd.timing) {
    if (before(ack, snd.timedSequence)) return 0
    snd.timing = false
    return Math.max(1, (event.arrival - snd.timedAt) | 0)
  }
  // What waited at the peer for a retransmission says nothing of the path.
  if (!event.isRetransmitted && (event.rtt > 0 || event.sackRtt > 0)) return event.rtt > 0 ? event.rtt : event.sackRtt
  if (!header.timestamps || !tcb.rcv.timestamps || snd.recovery === Recovery.None) return 0
  if (snd.recovery === Recovery.Timeout && before(header.timestampEcho, repairOf(snd).timeoutStamp)) return 0
  const elapsed = (timestampNow(tcb) - header.timestampEcho) | 0
  return elapsed < 0 || elapsed > 600_000 ? 0 : Math.max(1, elapsed * 1000)
}

/**
 * RFC 9293 §3.10.7.4: only from segments that are not older than the last one that changed it. An ACK of something new is
 * not, whatever its sequence number (a retransmission has an old one): else SND.UNA would carry the old window along with
 * it, beyond the edge.
 */
function updateWindow(tcb: Tcb, header: SegmentHeader, window: number): void {
  const { snd } = tcb
  if (!after(header.acknowledgment, snd.wl2) && after(snd.wl1, header.sequence)) return
  const isOpening = window > snd.wnd
  snd.wnd = window
  snd.wl1 = header.sequence
  snd.wl2 = header.acknowledgment
  if (window > snd.maxWindow) snd.maxWindow = window
  if (!snd.persisting || window === 0 || !isOpening) return
  // The window is open again: what was probed with was dropped, or is acknowledged by now.
  snd.persisting = false
  tcb.rtt.backoff = 0
  tcb.timers.retransmit = Infinity
  if (flightSize(tcb) > 0) resendAll(tcb, 'timeout-retransmit')
}
