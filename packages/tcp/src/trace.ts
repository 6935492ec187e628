import type { TcpTraceEvent } from './api.ts'
import type { Flow } from './flow.ts'
import { pacingRate } from './pacing-rate.ts'
import { STATE_NAMES, State } from './state.ts'
import { flightSize } from './tcb.ts'
import type { Tcb } from './tcb.ts'
import type { TcpContext } from './context.ts'
import type { HalfOpen } from './syn-queue.ts'
import { Flag } from './wire.ts'
import type { SegmentHeader } from './wire.ts'

/** Why a segment leaves or a timer expires. */
export type TraceReason = TcpTraceEvent['reason']

/** Who is told. */
export type TraceHook = (event: TcpTraceEvent) => void

/** The event that all traced connections of one stack share. */
export type TraceScratch = { -readonly [K in keyof TcpTraceEvent]: TcpTraceEvent[K] }

export function createTraceScratch(): TraceScratch {
  return {
    time: 0, kind: 'send', reason: '', flags: 0, seq: 0, ack: 0, length: 0, window: 0,
    cwnd: 0, ssthresh: 0, pacingRate: 0, phase: '', srtt: 0, rto: 0, inFlight: 0, sendBuffer: 0, receiveBuffer: 0, state: 'closed', localPort: 0, remotePort: 0,
  }
}

/** A segment was handed to the network: `context.outgoing` with `length` bytes of text. */
export function traceSend(tcb: Tcb, hook: TraceHook, reason: TraceReason, length: number): void {
  const { context, rcv, snd } = tcb
  const { outgoing, trace } = context
  const { flags } = outgoing
  describe(tcb, 'send', reason)
  trace.time = context.host.scheduler.now
  describeSegment(trace, outgoing, length, (flags & Flag.Syn) !== 0 ? 0 : rcv.scale, snd.iss, rcv.irs)
  // The books are written behind the send: with this segment.
  const behind = (outgoing.sequence + length + ((flags & (Flag.Syn | Flag.Fin)) !== 0 ? 1 : 0)) | 0
  trace.inFlight = Math.max(flightSize(tcb), (behind - snd.una) | 0)
  hook(trace)
}

/** A segment came in, `state` being that before it. */
export function traceReceive(tcb: Tcb, hook: TraceHook, header: SegmentHeader, length: number, arrival: number): void {
  const { context, rcv, snd } = tcb
  const { trace } = context
  describe(tcb, 'receive', '')
  trace.time = arrival
  const irs = tcb.state === State.SynSent ? header.sequence : rcv.irs
  describeSegment(trace, header, length, (header.flags & Flag.Syn) !== 0 ? 0 : snd.scale, irs, snd.iss)
  hook(trace)
}

/** A timer expired; what it does about it follows. */
export function traceTimeout(tcb: Tcb, hook: TraceHook, reason: TraceReason): void {
  const { trace, host } = tcb.context
  describe(tcb, 'timeout', reason)
  trace.time = host.scheduler.now
  trace.flags = trace.seq = trace.ack = trace.length = trace.window = 0
  hook(trace)
}

/** A segment of a handshake that has no connection yet: `header` came, or left, at `time`. */
export function traceHalfOpen(context: TcpContext, hook: TraceHook, kind: 'send' | 'receive', record: HalfOpen, header: SegmentHeader, time: number): void {
  const { trace } = context
  const isSend = kind === 'send'
  trace.kind = kind
  trace.reason = !isSend ? '' : (header.flags & Flag.Syn) !== 0 ? 'syn' : 'ack'
  trace.time = time
  trace.phase = ''
  trace.cwnd = trace.ssthresh = trace.pacingRate = trace.srtt = trace.rto = trace.sendBuffer = trace.receiveBuffer = 0
  trace.inFlight = isSend ? 1 : 0
  trace.state = isSend ? 'syn-received' : 'listen'
  describePorts(trace, record)
  describeSegment(trace, header, 0, 0, isSend ? record.iss : record.irs, isSend ? record.irs : record.iss)
  hook(trace)
}

function describe(tcb: Tcb, kind: TcpTraceEvent['kind'], reason: TraceReason): void {
  const { rtt, cc } = tcb
  const { trace } = tcb.context
  trace.kind = kind
  trace.reason = reason
  trace.cwnd = cc.cwnd
  trace.ssthresh = cc.ssthresh
  trace.pacingRate = tcb.snd.pacer === null ? 0 : pacingRate(tcb)
  trace.phase = cc.phase ?? ''
  trace.srtt = rtt.smoothed / 1000
  trace.rto = rtt.current(tcb.settings)
  trace.inFlight = flightSize(tcb)
  trace.sendBuffer = tcb.snd.buffer
  trace.receiveBuffer = tcb.rcv.buffer
  trace.state = STATE_NAMES[tcb.state]!
  describePorts(trace, tcb)
}

function describePorts(trace: TraceScratch, flow: Flow): void {
  trace.localPort = flow.localPort
  trace.remotePort = flow.remotePort
}

function describeSegment(trace: TraceScratch, header: SegmentHeader, length: number, scale: number, seqBase: number, ackBase: number): void {
  trace.flags = header.flags
  trace.seq = (header.sequence - seqBase) >>> 0
  trace.ack = (header.flags & Flag.Ack) !== 0 ? (header.acknowledgment - ackBase) >>> 0 : 0
  trace.length = length
  trace.window = header.window << scale
}
