import type { Failure } from '@stack/core'
import type { FastOpenInfo } from './api.ts'
import type { Tcb } from './tcb.ts'
import type { SegmentHeader } from './wire.ts'

/** Options of a header at most, and the header itself. */
const LONGEST_HEADER = 60

/**
 * What Fast Open (RFC 7413) adds to one connection: `FastOpenClient` to an active open that asked for it, `FastOpenChild`
 * to one that a listener took with the SYN. Connections without it have none.
 */
export interface FastOpen {
  /** The SYN waits for the first text. */
  readonly isWaiting: boolean
  /** Retransmissions of the SYN-ACK; null = it is no SYN-ACK. */
  readonly retries: number | null
  /** Is this the SYN-ACK of a connection that the application has already? */
  readonly isServer: boolean
  /** May text, or a FIN, leave in a state in which nothing does? */
  sendsEarly(tcb: Tcb): boolean
  /** It waits no longer. */
  launch(tcb: Tcb): void
  /** A SYN or SYN-ACK is written: adds the option, says how many bytes of the send queue go along. */
  writeSyn(tcb: Tcb, header: SegmentHeader): number
  /** It left, with `length` bytes. */
  synSent(tcb: Tcb, length: number): void
  /** The handshake is over with this segment. */
  completed(tcb: Tcb, header: SegmentHeader): void
  /** The retransmission timer expired, for the `attempts`th time in a row. */
  timedOut(tcb: Tcb, attempts: number): void
  /** A router says that what left is too big for the path. */
  tooBig(tcb: Tcb, mtu: number): void
  /** The connection is over. */
  ended(tcb: Tcb, code: Failure): void
  info(): FastOpenInfo
}

/** Is there no room for the option? */
export function isTooLong(headerLength: number): boolean {
  return headerLength > LONGEST_HEADER
}
