import type { Milliseconds, Route } from '@stack/core'
import { hasRoomForTimestamps } from './authentication/seam.ts'
import { LEAST_MSS } from './options.ts'
import type { Settings } from './options.ts'
import { defaultMss, networkHeaderLength } from './flow.ts'
import { startMtuSearch } from './mtu-search.ts'
import { initialReceiveBuffer } from './receive-buffer.ts'
import { startQuickAcks } from './quick-ack.ts'
import { startKeepAlive } from './retransmit.ts'
import { RTO_AFTER_LOST_SYN } from './rto.ts'
import { optionBytes, updateMss } from './segment-size.ts'
import { State } from './state.ts'
import { armRetransmit } from './sender.ts'
import { flightSize, setState } from './tcb.ts'
import type { Tcb } from './tcb.ts'
import { announceUserTimeout, userTimeoutArrives } from './user-timeout.ts'
import { synWindow, windowScaleOf } from './window.ts'
import { MIN_HEADER_LENGTH, Rare } from './wire.ts'
import type { SegmentHeader } from './wire.ts'

/** What a full segment of the peer is until larger ones were seen. */
const LEAST_FULL_SEGMENT = 536

/** Our sequence numbers begin at `iss`. */
export function initializeSender(tcb: Tcb, iss: number): void {
  const { snd } = tcb
  snd.iss = snd.una = snd.recover = snd.limitedUntil = snd.wl2 = snd.smallEnd = iss
  snd.nxt = (iss + 1) | 0
  snd.queue.start = snd.nxt
}

/** What our SYN will offer. */
export function initializeReceiver(tcb: Tcb, mss: number): void {
  const { rcv, settings } = tcb
  rcv.mss = mss
  rcv.buffer = initialReceiveBuffer(settings)
  rcv.scale = windowScaleOf(settings)
  rcv.scaling = settings.windowScale !== false
  rcv.timestamps = settings.timestamps && hasRoomForTimestamps(tcb.authenticator, settings.sack)
  rcv.sackPermitted = settings.sack
}

/** MSS to announce: what the interface takes, without options (RFC 6691 §2), or less by choice or for the route. */
export function announcedMss({ nic, mss }: Route, remote: Tcb['remoteAddress'], settings: Settings): number {
  return Math.max(LEAST_MSS, Math.min(nic.mtu - networkHeaderLength(remote) - MIN_HEADER_LENGTH, settings.maximumSegmentSize, mss === 0 ? Infinity : mss, 65_535))
}

/** The peer's SYN: its sequence number and what its options agree to. */
export function negotiate(tcb: Tcb, header: SegmentHeader, arrival: Milliseconds): void {
  const { rcv, snd, settings } = tcb
  rcv.irs = header.sequence
  rcv.nxt = rcv.acked = (header.sequence + 1) | 0
  rcv.edge = (rcv.nxt + synWindow(settings)) | 0
  rcv.scaling = rcv.scaling && header.windowScale >= 0
  snd.scale = rcv.scaling ? header.windowScale : 0
  if (!rcv.scaling) rcv.scale = 0
  rcv.timestamps = rcv.timestamps && header.timestamps
  rcv.tsRecent = header.timestampValue
  rcv.tsRecentAt = Math.floor(arrival)
  rcv.sackPermitted = rcv.sackPermitted && header.sackPermitted
  tcb.authenticator?.opened(snd.iss, rcv.irs)
  if ((header.rare & Rare.UserTimeout) !== 0) userTimeoutArrives(tcb, header)
  rcv.largest = Math.min(rcv.mss - optionBytes(tcb), LEAST_FULL_SEGMENT)
  snd.wl1 = header.sequence
  snd.peerMss = header.mss !== 0 ? header.mss : defaultMss(tcb.remoteAddress)
  updateMss(tcb)
  tcb.congestion = null
}

/** Our SYN is acknowledged and the peer's is in. */
export function establish(tcb: Tcb): void {
  const { snd, rtt } = tcb
  setState(tcb, State.Established)
  tcb.timers.deadline = Infinity
  tcb.timers.retransmit = Infinity
  // Text that left before the handshake was over (RFC 7413).
  if (flightSize(tcb) > 0) armRetransmit(tcb)
  rtt.backoff = 0
  if (snd.retransmits > 0) {
    // RFC 6298 §5.7, RFC 5681 §3.1: a path that lost the SYN gets a careful start.
    if (rtt.smoothed === 0) rtt.timeout = RTO_AFTER_LOST_SYN
    tcb.cc.onLostSyn()
  }
  snd.retransmits = 0
  startQuickAcks(tcb)
  startMtuSearch(tcb)
  announceUserTimeout(tcb)
  startKeepAlive(tcb)
  // What was closed while it opened, by either side: a SYN may have had a FIN with it.
  if (tcb.rcv.finished) setState(tcb, State.CloseWait)
  if (snd.finQueued) setState(tcb, tcb.rcv.finished ? State.LastAck : State.FinWait1)
  tcb.opened()
}
