import type { Packet } from '@stack/buffer'
import type { TcpContext } from '../context.ts'
import type { Flow } from '../flow.ts'
import { Flag, headerLengthOf, MIN_HEADER_LENGTH, TIMESTAMPS_LENGTH } from '../wire.ts'
import type { SegmentHeader } from '../wire.ts'
import type { Authentication, SegmentAuthenticator } from './contract.ts'

/** What the data offset can say (RFC 9293 §3.1). */
const MAX_HEADER_LENGTH = 60
/** Bytes of a SACK option with one block, padded. */
const ONE_BLOCK = 12

/** Bytes of each segment's header that go to a signature. */
export function signatureLength(authenticator: SegmentAuthenticator | null): number {
  return authenticator === null ? 0 : authenticator.optionLength
}

/**
 * May timestamps be offered? Not where they and the signature leave no room for a single SACK block: without SACK a
 * connection loses more than without timestamps. Linux does the same.
 */
export function hasRoomForTimestamps(authenticator: SegmentAuthenticator | null, sack: boolean): boolean {
  return !sack || MIN_HEADER_LENGTH + TIMESTAMPS_LENGTH + ONE_BLOCK + signatureLength(authenticator) <= MAX_HEADER_LENGTH
}

/** SACK blocks that still fit into the header being written. */
export function roomForBlocks(header: SegmentHeader, authenticator: SegmentAuthenticator | null): number {
  return (MAX_HEADER_LENGTH - headerLengthOf(header) - signatureLength(authenticator) - 4) >> 3
}

/** Bytes of the signature of the segment being written. It cannot go without; options that few segments have can, and SACK blocks. */
export function makeRoom(header: SegmentHeader, authenticator: SegmentAuthenticator): number {
  const { optionLength } = authenticator
  if (headerLengthOf(header) + optionLength > MAX_HEADER_LENGTH) header.rare = 0
  if (headerLengthOf(header) + optionLength > MAX_HEADER_LENGTH) header.sackBlocks = 0
  return optionLength
}

/** Is the received segment what it says it is? Counts when not. */
export function isAuthentic(context: TcpContext, authenticator: SegmentAuthenticator, packet: Packet): boolean {
  const fault = authenticator.verify(packet)
  if (fault !== null) context.counters[fault]++
  return fault === null
}

/**
 * For a segment of a connection that nobody knows yet: finds who signs what is answered along `flow`, and verifies it. An
 * ACK tells both initial sequence numbers if it ends a handshake, as that of a SYN cookie does.
 */
export function admits(context: TcpContext, authentication: Authentication, flow: Flow, header: SegmentHeader, packet: Packet): boolean {
  const authenticator = authentication.forFlow(flow)
  if (authenticator === null) return true
  if ((header.flags & Flag.Syn) === 0) authenticator.opened((header.acknowledgment - 1) | 0, (header.sequence - 1) | 0)
  flow.authenticator = authenticator
  return isAuthentic(context, authenticator, packet)
}
