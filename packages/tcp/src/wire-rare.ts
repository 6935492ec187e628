import { OptionKind, Rare } from './segment-header.ts'
import type { SegmentHeader } from './segment-header.ts'
import { accurateEcnLength, readAccurateEcn } from './wire-accurate-ecn.ts'
import { fastOpenLength, readFastOpen, writeFastOpen } from './wire-fast-open.ts'

/** Bytes of the options in `header.rare`, padding included. */
export function rareLength(header: SegmentHeader): number {
  let length = (header.rare & Rare.UserTimeout) === 0 ? 0 : 4
  if ((header.rare & Rare.FastOpen) !== 0) length += fastOpenLength(header)
  if ((header.rare & Rare.AccurateEcn) !== 0) length += accurateEcnLength(header.ecnCounters)
  return length
}

/** The option of `size` bytes at `at`, if it is one of those that few segments have. Anything else is skipped (RFC 9293 MUST-6). */
export function readRare(view: DataView, at: number, kind: number, size: number, out: SegmentHeader): void {
  if (kind === OptionKind.UserTimeout && size === 4) {
    const field = view.getUint16(at + 2)
    out.userTimeout = (field & 0x7fff) * ((field & MINUTES) === 0 ? 1 : 60)
    out.rare |= Rare.UserTimeout
  } else if (kind === OptionKind.AccurateEcn0 || kind === OptionKind.AccurateEcn1) readAccurateEcn(view, at, kind, size, out)
  else if (kind === OptionKind.FastOpen || kind === OptionKind.Experimental) readFastOpen(view, at, kind, size, out)
}

/** Those that come last. Returns the bytes written, a multiple of 4. */
export function writeRare(view: DataView, at: number, header: SegmentHeader): number {
  let end = at
  if ((header.rare & Rare.UserTimeout) !== 0) end += writeUserTimeout(view, end, header)
  if ((header.rare & Rare.FastOpen) !== 0) end += writeFastOpen(view, end, header)
  return end - at
}

function writeUserTimeout(view: DataView, at: number, header: SegmentHeader): number {
  const { userTimeout } = header
  // Seconds as far as the field goes, then minutes.
  const field = userTimeout <= 0x7fff ? userTimeout : MINUTES | Math.min(Math.ceil(userTimeout / 60), 0x7fff)
  view.setUint32(at, 0x1c040000 | field)
  return 4
}

/** Granularity bit of RFC 5482 §2. */
const MINUTES = 0x8000
