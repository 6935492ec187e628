import type { TcpContext } from './context.ts'
import { ecnOfCookie } from './ecn-handshake.ts'
import type { Flow } from './flow.ts'
import type { Settings } from './options.ts'
import { halfOpen } from './passive-open.ts'
import { ecnOfBits, NO_TIMESTAMPS, sackOfBits, scaleOfBits, timestampBits, TIMESTAMP_MASK } from './syn-cookie.ts'
import type { HalfOpen } from './syn-queue.ts'
import type { SegmentHeader } from './wire.ts'

/** Makes `record` what its SYN-ACK alone can say: it need not be kept then (RFC 4987 §3.6). */
export function turnIntoCookie(context: TcpContext, record: HalfOpen): void {
  // Without timestamps there is no room for these, so they are not offered.
  if (!record.timestamps) {
    record.peerScale = -1
    record.sackPermitted = false
    record.ecn = null
  }
  record.cookieBits = record.timestamps ? timestampBits(record.peerScale, record.sackPermitted, record.ecn !== null) : NO_TIMESTAMPS
  record.iss = context.cookies.make(record, record.irs, record.peerMss, record.cookieBits, context.host.scheduler.now)
  record.authenticator?.opened(record.iss, record.irs)
  context.counters.cookiesSent++
}

/**
 * The record that the SYN would have left, from the ACK in `header`, or its first text. Null when the acknowledgment number
 * is no cookie of ours, or an old one.
 */
export function recordOfCookie(context: TcpContext, flow: Flow, header: SegmentHeader, settings: Settings): HalfOpen | null {
  const irs = (header.sequence - 1) | 0
  const iss = (header.acknowledgment - 1) | 0
  const { scheduler } = context.host
  const hasTimestamps = header.timestamps && settings.timestamps
  const offset = hasTimestamps ? context.secrets.timestampOffset(flow.localAddress, flow.localPort, flow.remoteAddress, flow.remotePort) : 0
  const bits = hasTimestamps ? (header.timestampEcho - offset) & TIMESTAMP_MASK : NO_TIMESTAMPS
  const peerMss = context.cookies.check(iss, flow, irs, bits, scheduler.now)
  if (peerMss === 0) return null
  const record = halfOpen(context, flow, header, settings, iss)
  if (record === null) return null
  record.irs = irs
  record.authenticator?.opened(iss, irs)
  record.peerMss = peerMss
  record.peerScale = scaleOfBits(bits)
  record.sackPermitted = sackOfBits(bits)
  record.cookieBits = bits
  record.ecn = ecnOfBits(bits) ? ecnOfCookie(context, settings, header) : null
  return record
}
