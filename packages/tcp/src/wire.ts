/**
 * The wire format of TCP (RFC 9293 §3.1): field table, checked parser and writer, without stack types.
 *
 * @example
 * ```ts
 * import { Flag, SegmentHeader, parseHeader } from '@stack/tcp/wire'
 *
 * const bytes = new Uint8Array(20)
 * bytes[12] = 0x50
 * bytes[13] = Flag.Syn
 * const header = new SegmentHeader()
 * if (parseHeader(new DataView(bytes.buffer), 0, bytes.length, header)) console.log(header.flags & Flag.Syn)
 * ```
 *
 * @packageDocumentation
 */

import { MAX_SACK_BLOCKS, MIN_HEADER_LENGTH, OptionKind, Rare } from './segment-header.ts'
import type { SegmentHeader } from './segment-header.ts'
import { writeAccurateEcn } from './wire-accurate-ecn.ts'
import { rareLength, readRare, writeRare } from './wire-rare.ts'

export { LEAST_COOKIE, MAX_COOKIE, MAX_SACK_BLOCKS, MIN_HEADER_LENGTH, OptionKind, Rare, SegmentHeader } from './segment-header.ts'

/** Byte offsets of the fixed header. */
export const Field = {
  SourcePort: 0,
  DestinationPort: 2,
  Sequence: 4,
  Acknowledgment: 8,
  DataOffset: 12,
  Flags: 13,
  Window: 14,
  Checksum: 16,
  UrgentPointer: 18,
  Options: 20,
} as const

/** Control bits (RFC 9293 §3.1, RFC 3168 §6.1, RFC 9768 §3.1). */
export const Flag = { Fin: 1, Syn: 2, Rst: 4, Psh: 8, Ack: 16, Urg: 32, Ece: 64, Cwr: 128, Ae: 256 } as const

/** All of {@link Flag}. */
const FLAGS = 0x1ff

/** Largest shift of the window (RFC 7323 §2.3). */
export const MAX_WINDOW_SCALE = 14

// NOP, NOP, kind 8, length 10: how nearly everybody aligns a lone timestamp (RFC 7323 appendix A).
const ALIGNED_TIMESTAMPS = 0x0101080a

/** Bytes of an aligned timestamps option. */
export const TIMESTAMPS_LENGTH = 12

/**
 * Reads the header at `offset` of which at most `length` bytes are there.
 *
 * @returns false when it is truncated or its data offset lies
 */
export function parseHeader(view: DataView, offset: number, length: number, out: SegmentHeader): boolean {
  if (length < MIN_HEADER_LENGTH) return false
  // The data offset, three reserved bits, and the flags.
  const control = view.getUint16(offset + Field.DataOffset)
  const headerLength = (control >>> 12) << 2
  if (headerLength < MIN_HEADER_LENGTH || headerLength > length) return false
  out.sourcePort = view.getUint16(offset)
  out.destinationPort = view.getUint16(offset + Field.DestinationPort)
  out.sequence = view.getInt32(offset + Field.Sequence)
  out.acknowledgment = view.getInt32(offset + Field.Acknowledgment)
  out.flags = control & FLAGS
  out.window = view.getUint16(offset + Field.Window)
  out.urgentPointer = view.getUint16(offset + Field.UrgentPointer)
  out.headerLength = headerLength
  out.mss = 0
  out.windowScale = -1
  out.sackPermitted = false
  out.sackBlocks = 0
  out.timestamps = false
  out.rare = 0
  out.malformedOptions = false
  if (headerLength === MIN_HEADER_LENGTH) return true
  const options = offset + Field.Options
  if (headerLength === MIN_HEADER_LENGTH + TIMESTAMPS_LENGTH && view.getUint32(options) === ALIGNED_TIMESTAMPS) {
    readTimestamps(view, options + 2, out)
  } else {
    parseOptions(view, options, offset + headerLength, out)
  }
  return true
}

function parseOptions(view: DataView, from: number, end: number, out: SegmentHeader): void {
  let at = from
  while (at < end) {
    const kind = view.getUint8(at)
    if (kind === OptionKind.End) return
    if (kind === OptionKind.Nop) {
      at++
      continue
    }
    const size = at + 1 < end ? view.getUint8(at + 1) : 0
    if (size < 2 || at + size > end) {
      out.malformedOptions = true
      return
    }
    if (kind === OptionKind.Mss && size === 4) out.mss = view.getUint16(at + 2)
    else if (kind === OptionKind.WindowScale && size === 3) out.windowScale = Math.min(view.getUint8(at + 2), MAX_WINDOW_SCALE)
    else if (kind === OptionKind.SackPermitted && size === 2) out.sackPermitted = true
    else if (kind === OptionKind.Timestamps && size === 10) readTimestamps(view, at, out)
    else if (kind === OptionKind.Sack && size >= 10 && (size & 7) === 2) readSack(view, at, size >>> 3, out)
    else readRare(view, at, kind, size, out)
    at += size
  }
}

function readSack(view: DataView, at: number, blocks: number, out: SegmentHeader): void {
  out.sackBlocks = Math.min(blocks, MAX_SACK_BLOCKS)
  for (let i = 0; i < 2 * out.sackBlocks; i++) out.sackEdges[i] = view.getInt32(at + 2 + 4 * i)
}

function readTimestamps(view: DataView, at: number, out: SegmentHeader): void {
  out.timestamps = true
  out.timestampValue = view.getInt32(at + 2)
  out.timestampEcho = view.getInt32(at + 6)
}

/** Bytes that {@link writeHeader} will write for `header`. */
export function headerLengthOf(header: SegmentHeader): number {
  let length = MIN_HEADER_LENGTH
  if (header.mss !== 0) length += 4
  if (header.timestamps) length += TIMESTAMPS_LENGTH
  else if (header.sackPermitted) length += 4
  if (header.windowScale >= 0) length += 4
  if (header.sackBlocks > 0) length += 4 + 8 * header.sackBlocks
  if (header.rare !== 0) length += rareLength(header)
  return length
}

/**
 * Writes `header` at `offset`, options in the order MSS, SACK permitted with timestamps, Accurate ECN, SACK permitted,
 * window scale, SACK, then the rare ones; the checksum field is zero.
 *
 * @returns the bytes written, a multiple of 4
 */
export function writeHeader(view: DataView, offset: number, header: SegmentHeader): number {
  view.setUint16(offset, header.sourcePort)
  view.setUint16(offset + Field.DestinationPort, header.destinationPort)
  view.setInt32(offset + Field.Sequence, header.sequence)
  view.setInt32(offset + Field.Acknowledgment, header.acknowledgment)
  view.setUint8(offset + Field.Flags, header.flags)
  view.setUint16(offset + Field.Window, header.window)
  // Checksum and urgent pointer in one.
  view.setUint32(offset + Field.Checksum, header.urgentPointer)
  let at = offset + Field.Options
  if (header.mss !== 0) {
    view.setUint32(at, 0x02040000 | header.mss)
    at += 4
  }
  if (header.timestamps) {
    // SACK permitted takes the place of the two NOPs.
    view.setUint32(at, header.sackPermitted ? 0x0402080a : ALIGNED_TIMESTAMPS)
    view.setInt32(at + 4, header.timestampValue)
    view.setInt32(at + 8, header.timestampEcho)
    at += TIMESTAMPS_LENGTH
  }
  if ((header.rare & Rare.AccurateEcn) !== 0) at += writeAccurateEcn(view, at, header)
  if (header.sackPermitted && !header.timestamps) {
    view.setUint32(at, 0x01010402)
    at += 4
  }
  if (header.windowScale >= 0) {
    view.setUint32(at, 0x01030300 | header.windowScale)
    at += 4
  }
  if (header.sackBlocks > 0) {
    view.setUint32(at, 0x01010502 + 8 * header.sackBlocks)
    at += 4
    for (let i = 0; i < 2 * header.sackBlocks; i++, at += 4) view.setInt32(at, header.sackEdges[i]!)
  }
  if (header.rare !== 0) at += writeRare(view, at, header)
  view.setUint8(offset + Field.DataOffset, ((at - offset) << 2) | (header.flags >>> 8))
  return at - offset
}
