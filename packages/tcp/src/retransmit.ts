import type { Milliseconds } from '@stack/core'
import { emit, sendReset, sendSyn } from './output.ts'
import { doubtMtu } from './mtu-search.ts'
import { KEEP_ALIVE_DEFAULTS } from './options.ts'
import { onTimeout } from './recovery.ts'
import { repairOf } from './repair.ts'
import { armRetransmit, sendOverride, sendPending, transmit } from './sender.ts'
import { State } from './state.ts'
import { flightSize, timestampNow } from './tcb.ts'
import type { Tcb } from './tcb.ts'
import { traceTimeout } from './trace.ts'
import type { TraceReason } from './trace.ts'
import { userTimeoutOf } from './user-timeout.ts'
import { Flag } from './wire.ts'

/** Retransmissions of data before giving up, without a user timeout: over 15 minutes with the least RTO (RFC 9293 §3.8.3 R2, SHLD-11). */
const DATA_RETRIES = 15

/** Retransmissions after which IP is told that nothing arrives (RFC 9293 §3.8.3 R1, SHLD-10). */
const DOUBT_RETRIES = 3

/** The retransmission timer expired: SYN, data or the probe of a closed window. */
export function onRetransmitTimer(tcb: Tcb, now: Milliseconds): void {
  if (tcb.state < State.Established) retransmitSyn(tcb)
  else if (tcb.snd.persisting || (tcb.snd.wnd === 0 && flightSize(tcb) > 0)) probeWindow(tcb, now)
  else if (flightSize(tcb) > 0) retransmitData(tcb, now)
}

function retransmitSyn(tcb: Tcb): void {
  const { snd, fastOpen } = tcb
  if (fastOpen?.isWaiting === true) {
    // Nothing was written: the SYN waits no longer.
    fastOpen.launch(tcb)
    return
  }
  if (snd.attempts >= (fastOpen?.retries ?? tcb.settings.synRetries)) {
    giveUp(tcb)
    return
  }
  snd.attempts++
  fastOpen?.timedOut(tcb, snd.attempts)
  doubtRoute(tcb)
  traceTimer(tcb, 'syn')
  snd.timing = false
  snd.retransmits++
  tcb.context.counters.retransmits++
  if (snd.attempts > tcb.settings.synLinearRetries) tcb.rtt.backOff(tcb.settings)
  sendSyn(tcb)
  armRetransmit(tcb)
}

function retransmitData(tcb: Tcb, now: Milliseconds): void {
  const { snd } = tcb
  const limit = userTimeoutOf(tcb)
  if (limit > 0 ? now - snd.unackedSince >= limit : snd.attempts >= DATA_RETRIES) {
    giveUp(tcb)
    return
  }
  traceTimer(tcb, 'timeout-retransmit')
  const repair = repairOf(snd)
  tcb.context.counters.timeouts++
  repair.timeouts++
  onTimeout(tcb)
  snd.attempts++
  tcb.fastOpen?.timedOut(tcb, snd.attempts)
  doubtRoute(tcb)
  if (snd.attempts >= DOUBT_RETRIES) doubtMtu(tcb)
  repair.timeoutStamp = timestampNow(tcb)
  tcb.rtt.backOff(tcb.settings)
  sendPending(tcb)
  armRetransmit(tcb)
}

/** Negative advice to IP: is the next hop there at all (RFC 9293 §3.8.3, MUST-20)? */
function doubtRoute(tcb: Tcb): void {
  if (tcb.snd.attempts >= DOUBT_RETRIES && tcb.route !== null) tcb.context.host.doubtReachable(tcb.route)
}

/** One byte, or the FIN, beyond the window, or no text before it, makes the peer say what its window is (RFC 9293 §3.8.6.1). */
function probeWindow(tcb: Tcb, now: Milliseconds): void {
  const { snd, rcv } = tcb
  const limit = userTimeoutOf(tcb)
  // MUST-37: never give up while the peer answers; `attempts` counts those that it did not.
  if (limit > 0 ? snd.attempts > 0 && now - Math.max(rcv.lastHeard, snd.unackedSince) >= limit : snd.attempts >= DATA_RETRIES) {
    giveUp(tcb)
    return
  }
  if (snd.attempts === 0 && flightSize(tcb) === 0) snd.unackedSince = Math.floor(now)
  traceTimer(tcb, 'window-probe')
  tcb.context.counters.zeroWindowProbes++
  // A window that is open and small: what fits (the override of SWS avoidance).
  const isSent = snd.wnd > 0 && flightSize(tcb) === 0 && sendOverride(tcb)
  if (!isSent) {
    const hasText = snd.queue.length > 0
    // An old sequence number without text is answered, too, and leaves nothing to be sent again.
    if (tcb.settings.windowProbe === 'empty' && flightSize(tcb) === 0) emit(tcb, Flag.Ack, (snd.una - 1) | 0, 'window-probe')
    else transmit(tcb, snd.una, hasText ? 1 : 0, !hasText, 'window-probe')
    snd.persisting = true
  }
  snd.attempts++
  tcb.rtt.backOff(tcb.settings)
  armRetransmit(tcb)
}

/** No traffic for long: is the peer there (RFC 9293 §3.8.4)? */
export function onKeepAliveTimer(tcb: Tcb, now: Milliseconds): void {
  const { rcv, snd, settings } = tcb
  if (settings.keepAlive === false) return
  const { idle = KEEP_ALIVE_DEFAULTS.idle, interval = KEEP_ALIVE_DEFAULTS.interval, count = KEEP_ALIVE_DEFAULTS.count } = settings.keepAlive
  const quietSince = Math.max(rcv.lastHeard, snd.lastSent)
  // As a deadline: a difference may round to less, and the timer then be due for ever.
  const isQuiet = now >= quietSince + idle
  if (flightSize(tcb) > 0 || !isQuiet) {
    armKeepAlive(tcb, (isQuiet ? now : quietSince) + idle)
    return
  }
  if (rcv.keepAliveProbes >= count) {
    giveUp(tcb)
    return
  }
  traceTimer(tcb, 'keep-alive')
  rcv.keepAliveProbes++
  tcb.context.counters.keepAliveProbes++
  // An old sequence number without text: any TCP answers with an ACK.
  emit(tcb, Flag.Ack, (snd.nxt - 1) | 0, 'keep-alive')
  armKeepAlive(tcb, now + interval)
}

/** Starts (or restarts) the keep-alive timer as the settings say. */
export function startKeepAlive(tcb: Tcb): void {
  const { keepAlive } = tcb.settings
  tcb.timers.keepAlive = Infinity
  tcb.rcv.keepAliveProbes = 0
  if (keepAlive === false || tcb.state < State.Established) return
  armKeepAlive(tcb, tcb.context.host.scheduler.now + (keepAlive.idle ?? KEEP_ALIVE_DEFAULTS.idle))
}

function armKeepAlive(tcb: Tcb, deadline: Milliseconds): void {
  tcb.timers.keepAlive = deadline
  tcb.timers.schedule(deadline)
}

function traceTimer(tcb: Tcb, reason: TraceReason): void {
  const { trace } = tcb.settings
  if (trace !== null) traceTimeout(tcb, trace, reason)
}

/** The peer does not answer: RFC 9293 §3.8.3 (R2). What went wrong on the way says more than "timed out". */
function giveUp(tcb: Tcb): void {
  if (tcb.state >= State.Established) sendReset(tcb)
  tcb.finish(tcb.softError ?? 'ETIMEDOUT')
}
