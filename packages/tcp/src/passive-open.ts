import type { Packet } from '@stack/buffer'
import type { Milliseconds } from '@stack/core'
import { hasRoomForTimestamps } from './authentication/seam.ts'
import type { TcpContext } from './context.ts'
import { acceptEcn, markSynAck, openEcn } from './ecn-handshake.ts'
import { FastOpenChild } from './fast-open-server.ts'
import type { FastOpenQueue } from './fast-open-server.ts'
import { currentRoute, defaultMss } from './flow.ts'
import type { Flow } from './flow.ts'
import { announcedMss, initializeReceiver, initializeSender, negotiate } from './handshake.ts'
import type { Settings } from './options.ts'
import { sendSyn } from './output.ts'
import { noteText } from './quick-ack.ts'
import { receiveFin, receiveText } from './receiver.ts'
import { beginSegment, sendSegment } from './segment.ts'
import { armRetransmit } from './sender.ts'
import { State } from './state.ts'
import { setState } from './tcb.ts'
import type { Tcb } from './tcb.ts'
import { timestampWith } from './syn-cookie.ts'
import type { HalfOpen } from './syn-queue.ts'
import { traceHalfOpen, traceReceive } from './trace.ts'
import { offerUserTimeout } from './user-timeout.ts'
import { synWindow, windowScaleOf } from './window.ts'
import { Flag, Rare } from './wire.ts'
import type { SegmentHeader } from './wire.ts'

/** The record of a SYN (RFC 9293 §3.10.7.2, third step). `iss` 0 = chosen by RFC 6528. Null when no route leads back. */
export function halfOpen(context: TcpContext, flow: Flow, header: SegmentHeader, settings: Settings, iss: number | null): HalfOpen | null {
  const route = currentRoute(context, flow)
  if (typeof route === 'string') {
    context.counters.noRoute++
    return null
  }
  const { scheduler } = context.host
  const { localPort, remotePort, authenticator } = flow
  // Of the route, which connections to one host share.
  const { localAddress, remoteAddress } = route
  const sackPermitted = header.sackPermitted && settings.sack
  const initial = iss ?? context.secrets.initialSequence(localAddress, localPort, remoteAddress, remotePort, scheduler.now)
  authenticator?.opened(initial, header.sequence)
  return {
    localAddress, localPort, remoteAddress, remotePort,
    nicId: flow.nicId,
    addressSum: flow.addressSum,
    anySource: flow.anySource,
    route, authenticator,
    ttl: settings.ttl,
    tos: settings.tos,
    irs: header.sequence,
    iss: initial,
    mss: announcedMss(route, remoteAddress, settings),
    peerMss: header.mss !== 0 ? header.mss : defaultMss(remoteAddress),
    peerScale: settings.windowScale === false ? -1 : header.windowScale,
    timestamps: header.timestamps && settings.timestamps && hasRoomForTimestamps(authenticator, sackPermitted),
    sackPermitted,
    userTimeout: (header.rare & Rare.UserTimeout) === 0 ? 0 : header.userTimeout,
    tsRecent: header.timestampValue,
    tsOffset: header.timestamps ? context.secrets.timestampOffset(localAddress, localPort, remoteAddress, remotePort) : 0,
    ecn: acceptEcn(context, settings, header),
    sentAt: scheduler.micros,
    retries: 0,
    deadline: 0,
    challenges: 0,
    acked: false,
    cookieBits: -1,
  }
}

/** SYN-ACK of a half-open connection; `fastOpen` has a cookie for who asked. */
export function sendSynAck(context: TcpContext, record: HalfOpen, settings: Settings, fastOpen: FastOpenQueue | null = null): void {
  const out = begin(context, record, Flag.Syn | Flag.Ack, record.iss)
  out.window = synWindow(settings)
  out.mss = record.mss
  out.sackPermitted = record.sackPermitted
  if (record.peerScale >= 0) out.windowScale = windowScaleOf(settings)
  if (record.ecn !== null) markSynAck(record.ecn, out, record.retries)
  offerUserTimeout(settings, out)
  fastOpen?.offer(out)
  if (sendSegment(context, record) === 'ENOBUFS') context.counters.localDrops++
  else if (settings.trace !== null) traceHalfOpen(context, settings.trace, 'send', record, out, context.host.scheduler.now)
}

/** A bare ACK from a half-open connection (RFC 5961). */
export function sendHalfOpenAck(context: TcpContext, record: HalfOpen, settings: Settings): void {
  const out = begin(context, record, Flag.Ack, (record.iss + 1) | 0)
  out.window = synWindow(settings) >>> (record.peerScale >= 0 ? windowScaleOf(settings) : 0)
  context.counters.challengeAcks++
  sendSegment(context, record)
  if (settings.trace !== null) traceHalfOpen(context, settings.trace, 'send', record, out, context.host.scheduler.now)
}

function begin(context: TcpContext, record: HalfOpen, flags: number, sequence: number): SegmentHeader {
  const out = beginSegment(context, record, flags, sequence, (record.irs + 1) | 0)
  if (record.timestamps) {
    out.timestamps = true
    const clock = Math.floor(context.host.scheduler.now)
    out.timestampValue = ((record.cookieBits < 0 ? clock : timestampWith(clock, record.cookieBits)) + record.tsOffset) | 0
    out.timestampEcho = record.tsRecent
  }
  return out
}

/** Makes `tcb` what it would be had it gone through SYN-RECEIVED itself, at `arrival`; an ACK then establishes it. */
export function promote(tcb: Tcb, record: HalfOpen, arrival: Milliseconds): void {
  const { snd, rcv } = tcb
  tcb.route = record.route
  tcb.authenticator = record.authenticator
  tcb.anySource = record.anySource
  initializeReceiver(tcb, record.mss)
  rcv.timestamps = record.timestamps
  initializeSender(tcb, record.iss)
  negotiate(tcb, synOf(tcb, record), arrival)
  rcv.tsOffset = record.tsOffset
  if (record.ecn !== null) openEcn(tcb, record.ecn, record.tsRecent)
  setState(tcb, State.SynReceived)
  // Karn's rule; and a peer that was to wait for its application, or whose SYN-ACK nobody remembers, tells no time.
  snd.timing = record.retries === 0 && !record.acked && record.cookieBits < 0
  snd.timedSequence = snd.nxt
  snd.timedAt = record.sentAt
  snd.retransmits = record.retries
}

/**
 * What {@link promote} made has its text already (RFC 7413 §4.2.2): it is read before the handshake is over, and the SYN-ACK
 * acknowledges it. Takes the packet.
 */
export function openEarly(tcb: Tcb, header: SegmentHeader, packet: Packet, queue: FastOpenQueue, retries: number, ecn: HalfOpen['ecn']): void {
  const { snd, rcv, context } = tcb
  const { trace } = tcb.settings
  const start = rcv.nxt
  const hasFin = (header.flags & Flag.Fin) !== 0
  const { length } = packet
  if (trace !== null) traceReceive(tcb, trace, header, length, packet.arrival)
  rcv.segments++
  rcv.lastHeard = Math.floor(packet.arrival)
  // The window of a SYN is never scaled (RFC 7323 §2.2), and lies behind our SYN, which is not acknowledged.
  snd.maxWindow = header.window
  snd.wnd = header.window + 1
  context.counters.fastOpenTaken++
  if (length === 0) packet.release()
  else {
    noteText(tcb, packet.arrival, 1)
    receiveText(tcb, start, packet)
  }
  const taken = (rcv.nxt - start) | 0
  if (hasFin && taken === length) receiveFin(tcb, rcv.nxt)
  tcb.fastOpen = new FastOpenChild(queue, retries, taken, ecn)
  sendSyn(tcb)
  armRetransmit(tcb)
}

/** The SYN again, as far as it was kept. Written over the outgoing scratch header: the incoming one is in use. */
function synOf(tcb: Tcb, record: HalfOpen): SegmentHeader {
  const header = beginSegment(tcb.context, record, Flag.Syn, record.irs, 0)
  header.mss = record.peerMss
  header.windowScale = record.peerScale
  header.timestamps = record.timestamps
  header.sackPermitted = record.sackPermitted
  header.timestampValue = record.tsRecent
  if (record.userTimeout > 0) {
    header.rare = Rare.UserTimeout
    header.userTimeout = record.userTimeout
  }
  return header
}
