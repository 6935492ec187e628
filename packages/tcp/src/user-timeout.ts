import type { Milliseconds } from '@stack/core'
import type { Settings } from './options.ts'
import type { Tcb } from './tcb.ts'
import { headerLengthOf, Rare } from './wire.ts'
import type { SegmentHeader } from './wire.ts'

// The user timeout option (RFC 5482): each side tells how long it lets what it sent go unacknowledged, and takes the other's
// word within limits. It is advice, and may get lost.

/** What a connection keeps of it. */
export interface UserTimeout {
  /** REMOTE_UTO, ms; 0 = the peer said nothing. */
  remote: Milliseconds
  /** Segments that still carry ours. */
  left: number
}

/** Segments with room that carry a value, so that the loss of one matters little (§3.1). */
const REPEATS = 3
/** ADV_UTO of an application that says nothing, ms: the five minutes of RFC 793. */
const DEFAULT_ADVERTISED = 300_000
/** L_LIMIT (§3.1: at least 100 s) and U_LIMIT, ms. */
const LEAST = 100_000
const MOST = 3_600_000
/** Bytes of the option. */
const LENGTH = 4
/** Largest header (RFC 9293 §3.1). */
const MAX_HEADER = 60

/** The user timeout in force, ms; 0 = as many retransmissions as there may be. */
export function userTimeoutOf(tcb: Tcb): Milliseconds {
  const { settings, userTimeout } = tcb
  if (userTimeout === null || userTimeout.remote === 0) return settings.userTimeout
  const options = limitsOf(settings)
  if (!options?.adopt) return settings.userTimeout
  return Math.min(options.most, Math.max(options.advertise, userTimeout.remote, options.least))
}

/** What the settings say of the option; null = it is off. */
function limitsOf(settings: Settings): { readonly advertise: Milliseconds; readonly adopt: boolean; readonly least: Milliseconds; readonly most: Milliseconds } | null {
  const { userTimeoutOption, userTimeout } = settings
  if (userTimeoutOption === false) return null
  const own = userTimeout > 0 ? userTimeout : DEFAULT_ADVERTISED
  // CHANGEABLE: what the application asked for stays (§3).
  const { advertise = own, adopt = userTimeout === 0, least = LEAST, most = MOST } = userTimeoutOption === true ? {} : userTimeoutOption
  return { advertise, adopt, least, most }
}

/** In a SYN or SYN-ACK, last of the options: whatever needs its room goes first. */
export function offerUserTimeout(settings: Settings, header: SegmentHeader): void {
  const limits = limitsOf(settings)
  if (limits !== null) put(header, limits.advertise)
}

function put(header: SegmentHeader, advertise: Milliseconds): boolean {
  if (headerLengthOf(header) + LENGTH > MAX_HEADER) return false
  header.rare |= Rare.UserTimeout
  header.userTimeout = Math.max(1, Math.ceil(advertise / 1000))
  return true
}

/** The connection is open, or what it says changed: the next segments tell. SYNs may have been those of a cookie, which keeps nothing. */
export function announceUserTimeout(tcb: Tcb): void {
  if (limitsOf(tcb.settings) === null) return
  tcb.userTimeout ??= { remote: 0, left: 0 }
  tcb.userTimeout.left = REPEATS
}

/** Of a segment with `length` bytes of text that has room for it. */
export function writeUserTimeout(tcb: Tcb, header: SegmentHeader, length: number): void {
  const { userTimeout, settings, snd } = tcb
  if (userTimeout === null || userTimeout.left === 0 || header.sackBlocks > 0 || header.rare !== 0 || length + LENGTH > snd.mss) return
  const limits = limitsOf(settings)
  if (limits !== null && put(header, limits.advertise)) userTimeout.left--
}

/** The peer's word. */
export function userTimeoutArrives(tcb: Tcb, header: SegmentHeader): void {
  if (limitsOf(tcb.settings) === null || header.userTimeout === 0) return
  tcb.userTimeout ??= { remote: 0, left: 0 }
  tcb.userTimeout.remote = header.userTimeout * 1000
}
