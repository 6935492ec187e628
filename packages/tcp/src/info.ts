import { headersOf } from './segment-size.ts'
import type { ConnectionInfo } from './api.ts'
import { Limit } from './chrono.ts'
import { pacingRate } from './pacing-rate.ts'
import { DUPLICATE_THRESHOLD } from './recovery.ts'
import { STATE_NAMES } from './state.ts'
import { flightSize, Recovery } from './tcb.ts'
import type { Tcb } from './tcb.ts'
import { receiveBuffer } from './receive-buffer.ts'
import { sendBuffer } from './send-buffer.ts'
import { userTimeoutOf } from './user-timeout.ts'
import { receiveWindow, windowLimit } from './window.ts'

/** More than any reordering that is worth a number. */
const MOST_REORDERING = 300

const NO_ECN: ConnectionInfo['ecn'] = {
  kind: 'none', isCapable: false, isSeen: false, received: 0, reductions: 0, marked: 0, markedBytes: 0, ect0Bytes: 0, ect1Bytes: 0,
}

/** The figures of a connection, in ms and bytes. */
export function connectionInfo(tcb: Tcb): ConnectionInfo {
  const { snd, rcv, rtt, cc, settings } = tcb
  const { now } = tcb.context.host.scheduler
  const { persisting } = snd
  return {
    state: STATE_NAMES[tcb.state]!,
    smoothedRtt: rtt.smoothed / 1000,
    rttVariance: rtt.variance / 1000,
    minimumRtt: rtt.minimum / 1000,
    rto: rtt.current(tcb.settings),
    backoff: rtt.backoff,
    userTimeout: userTimeoutOf(tcb),
    ackTimeout: settings.delayedAck,
    sinceSent: since(now, snd.lastSent),
    sinceReceived: since(now, rcv.lastText),
    sinceHeard: since(now, rcv.lastHeard),
    congestionControl: settings.congestionControl,
    congestionState: congestionState(tcb),
    cwnd: cc.cwnd,
    ssthresh: cc.ssthresh,
    reordering: Math.min(Math.max(DUPLICATE_THRESHOLD, Math.ceil((snd.rack?.reach ?? 0) / snd.mss)), MOST_REORDERING),
    reorderings: snd.rack?.reorderings ?? 0,
    deliveryRate: snd.rate?.rate ?? 0,
    deliveryRateAppLimited: snd.rate?.isRateLimited ?? false,
    pacingRate: snd.pacer === null ? 0 : pacingRate(tcb),
    busyTime: snd.chrono?.total(Limit.Busy, now) ?? 0,
    receiveWindowLimitedTime: snd.chrono?.total(Limit.ReceiveWindow, now) ?? 0,
    sendBufferLimitedTime: snd.chrono?.total(Limit.SendBuffer, now) ?? 0,
    bytesInFlight: flightSize(tcb),
    segmentsInFlight: snd.board.length,
    bytesLost: snd.board.lostBytes,
    bytesRetransmitting: snd.board.outBytes,
    bytesSacked: snd.board.sackedBytes,
    bytesNotSent: Math.max(0, (snd.queue.end - snd.nxt) | 0),
    unansweredTimeouts: persisting ? 0 : snd.attempts,
    unansweredProbes: (persisting ? snd.attempts : 0) + rcv.keepAliveProbes,
    sendMss: snd.mss,
    receiveMss: rcv.mss,
    largestReceived: rcv.largest,
    pathMtu: tcb.mtuSearch?.low ?? tcb.route?.mtu ?? snd.mss + headersOf(tcb),
    sendWindow: snd.wnd,
    receiveWindow: receiveWindow(tcb),
    receiveWindowLimit: windowLimit(tcb),
    sendBuffer: sendBuffer(tcb),
    receiveBuffer: receiveBuffer(tcb),
    receiverRtt: rcv.tuner?.rtt ?? 0,
    readPerRtt: rcv.tuner?.taken ?? 0,
    bytesSent: snd.bytesSent,
    bytesReceived: rcv.bytes,
    bytesAcked: snd.bytesAcked,
    bytesRetransmitted: snd.repair?.bytesRetransmitted ?? 0,
    segmentsSent: snd.segments,
    segmentsReceived: rcv.segments,
    dataSegmentsSent: snd.dataSegments,
    dataSegmentsReceived: rcv.dataSegments,
    retransmits: snd.retransmits,
    timeouts: snd.repair?.timeouts ?? 0,
    ecn: ecnInfo(tcb),
    fastOpen: tcb.fastOpen?.info() ?? null,
    options: { timestamps: rcv.timestamps, windowScale: rcv.scaling, sack: rcv.sackPermitted, sendScale: snd.scale, receiveScale: rcv.scale },
  }
}

function ecnInfo({ ecn }: Tcb): ConnectionInfo['ecn'] {
  if (ecn === null) return NO_ECN
  const { kind, isCapable, isSeen, received, reductions, marked, accurate } = ecn
  const { ceBytes: markedBytes = 0, ect0Bytes = 0, ect1Bytes = 0 } = accurate ?? {}
  return { kind, isCapable, isSeen, received, reductions, marked, markedBytes, ect0Bytes, ect1Bytes }
}

function since(now: number, then: number): number {
  return then === 0 ? Infinity : now - then
}

function congestionState({ snd, ecn }: Tcb): ConnectionInfo['congestionState'] {
  if (snd.recovery === Recovery.Timeout) return 'loss'
  if (snd.recovery === Recovery.Fast) return 'recovery'
  if (ecn?.isReducing === true) return 'cwr'
  return (snd.repair?.dupAcks ?? 0) > 0 || snd.board.sackedBytes > 0 ? 'disorder' : 'open'
}
