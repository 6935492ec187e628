import { after, before, later } from './sequence.ts'
import { flightSize, Recovery } from './tcb.ts'
import type { Tcb } from './tcb.ts'
import type { TraceReason } from './trace.ts'

// Loss recovery without SACK: fast retransmit and NewReno (RFC 5681 §3.2, RFC 6582), limited transmit (RFC 3042) and
// go-back-N after a timeout. Where the RFCs inflate cwnd by the segments that duplicate ACKs stand for, those bytes are
// taken off the pipe instead: the same arithmetic, and cwnd stays what it means.

/** Duplicate ACKs that mean loss (RFC 5681 §3.2). */
export const DUPLICATE_THRESHOLD = 3

/** Bytes held lost that have not been sent again. */
export function lostBytes(tcb: Tcb): number {
  return Math.max(0, (tcb.snd.lostUntil - tcb.snd.rtxNext) | 0)
}

/** Bytes believed to be in the network. */
export function pipe(tcb: Tcb): number {
  return Math.max(0, flightSize(tcb) - lostBytes(tcb) - tcb.snd.dupBytes)
}

/** `[from, until)` is to be sent again, because of `reason`. */
export function markLost(tcb: Tcb, from: number, until: number, reason: TraceReason): void {
  tcb.snd.lostBy = reason
  tcb.snd.rtxNext = from
  tcb.snd.lostUntil = until
}

/** An ACK that acknowledges nothing new while data is out (RFC 5681 §2). */
export function onDuplicateAck(tcb: Tcb): void {
  const { snd } = tcb
  snd.dupAcks++
  snd.dupBytes = Math.min(snd.dupBytes + snd.mss, duplicateLimit(tcb))
  // RFC 6582 §3.2 step 1: not for duplicates that an earlier recovery caused.
  if (snd.recovery !== Recovery.None || snd.dupAcks !== DUPLICATE_THRESHOLD || !after(snd.una, snd.recover)) return
  tcb.cc.onLoss(flightSize(tcb))
  tcb.context.counters.fastRetransmits++
  snd.recovery = Recovery.Fast
  snd.recover = snd.nxt
  retransmitFirst(tcb)
}

/** SND.UNA moved by `acked` bytes. */
export function onNewAck(tcb: Tcb, acked: number, rtt: number): void {
  const { snd } = tcb
  if (snd.recovery === Recovery.Fast) {
    if (before(snd.una, snd.recover)) {
      // A partial ACK: the next hole (RFC 6582 §3.2 step 3).
      snd.dupBytes = Math.min(Math.max(0, snd.dupBytes - Math.max(0, acked - snd.mss)), duplicateLimit(tcb))
      retransmitFirst(tcb)
      return
    }
    endRecovery(tcb)
    tcb.cc.onRecovered(flightSize(tcb))
    return
  }
  snd.dupAcks = 0
  snd.dupBytes = 0
  // Marks that nothing uses follow SND.UNA, lest they come to lie ahead of it after 2 GiB.
  snd.rtxNext = later(snd.rtxNext, snd.una)
  snd.lostUntil = later(snd.lostUntil, snd.una)
  if (snd.recovery === Recovery.None) snd.recover = later(snd.recover, (snd.una - 1) | 0)
  if (snd.recovery === Recovery.Timeout && !before(snd.una, snd.recover)) endRecovery(tcb)
  const { sample } = tcb.context
  sample.acked = acked
  sample.flight = flightSize(tcb) + acked
  sample.rtt = rtt
  sample.now = tcb.context.host.scheduler.now
  sample.limited = before((snd.una - acked) | 0, snd.limitedUntil)
  snd.limitedUntil = later(snd.limitedUntil, snd.una)
  tcb.cc.onAck(sample)
}

/** The retransmission timer expired: everything out is held lost (RFC 5681 §3.1, RFC 6582 §4). */
export function onTimeout(tcb: Tcb): void {
  const { snd } = tcb
  // RFC 5681 §3.1: ssthresh is set once for the same data.
  if (snd.attempts === 0) tcb.cc.onTimeout(flightSize(tcb))
  snd.recovery = Recovery.Timeout
  snd.recover = snd.nxt
  snd.dupAcks = 0
  snd.dupBytes = 0
  snd.rtxForced = true
  markLost(tcb, snd.una, snd.nxt, 'timeout-retransmit')
}

/** No more has left the network than was in it when recovery began, lest ACKs made up by the peer empty the pipe (RFC 5681 §5). */
function duplicateLimit(tcb: Tcb): number {
  const { snd } = tcb
  const until = snd.recovery === Recovery.None ? snd.nxt : snd.recover
  return Math.max(0, ((until - snd.una) | 0) - snd.mss)
}

function retransmitFirst(tcb: Tcb): void {
  const { snd } = tcb
  const length = Math.min(snd.mss, flightSize(tcb))
  markLost(tcb, snd.una, (snd.una + length) | 0, 'fast-retransmit')
  snd.rtxForced = true
}

function endRecovery(tcb: Tcb): void {
  const { snd } = tcb
  snd.recovery = Recovery.None
  snd.dupAcks = 0
  snd.dupBytes = 0
  snd.rtxForced = false
  markLost(tcb, snd.una, snd.una, '')
}
