import type { ConnectionInfo } from './api.ts'
import { STATE_NAMES } from './state.ts'
import { flightSize } from './tcb.ts'
import type { Tcb } from './tcb.ts'
import { receiveWindow } from './window.ts'

/** The figures of a connection, in ms and bytes. */
export function connectionInfo(tcb: Tcb): ConnectionInfo {
  const { snd, rcv, rtt, cc } = tcb
  return {
    state: STATE_NAMES[tcb.state]!,
    smoothedRtt: rtt.smoothed / 1000,
    rttVariance: rtt.variance / 1000,
    rto: rtt.current,
    cwnd: cc.cwnd,
    ssthresh: cc.ssthresh,
    sendMss: snd.mss,
    receiveMss: rcv.mss,
    sendWindow: snd.wnd,
    receiveWindow: receiveWindow(tcb),
    bytesSent: snd.bytesSent,
    bytesReceived: rcv.bytes,
    bytesAcked: snd.bytesAcked,
    bytesInFlight: flightSize(tcb),
    segmentsSent: snd.segments,
    segmentsReceived: rcv.segments,
    retransmits: snd.retransmits,
    timeouts: snd.timeouts,
    options: { timestamps: rcv.timestamps, windowScale: rcv.scaling, sack: false },
  }
}
