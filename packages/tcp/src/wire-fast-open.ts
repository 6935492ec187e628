import { LEAST_COOKIE, MAX_COOKIE, OptionKind, Rare } from './segment-header.ts'
import type { SegmentHeader } from './segment-header.ts'

/** Fast Open before it had a kind of its own: the experiment of RFC 6994 that kind 254 stands for. */
const EXPERIMENT = 0xf989
const NOP = 0x01

/** Bytes of the Fast Open option, padding included. */
export function fastOpenLength(header: SegmentHeader): number {
  return (headLength(header.fastOpenExperimental) + header.fastOpenLength + 3) & ~3
}

/** The option of `size` bytes at `at`, of kind 34 or 254. An invalid length is none (RFC 7413 §4.1.1). */
export function readFastOpen(view: DataView, at: number, kind: number, size: number, out: SegmentHeader): void {
  const isExperimental = kind === OptionKind.Experimental
  if (isExperimental && (size < 4 || view.getUint16(at + 2) !== EXPERIMENT)) return
  const head = headLength(isExperimental)
  const length = size - head
  if (length !== 0 && (length < LEAST_COOKIE || length > MAX_COOKIE || (length & 1) !== 0)) return
  for (let i = 0; i < length; i++) out.fastOpenCookie[i] = view.getUint8(at + head + i)
  out.fastOpenLength = length
  out.fastOpenExperimental = isExperimental
  out.rare |= Rare.FastOpen
}

/** Returns the bytes written, a multiple of 4. */
export function writeFastOpen(view: DataView, at: number, header: SegmentHeader): number {
  const { fastOpenExperimental, fastOpenLength: length, fastOpenCookie } = header
  const head = headLength(fastOpenExperimental)
  view.setUint8(at, fastOpenExperimental ? OptionKind.Experimental : OptionKind.FastOpen)
  view.setUint8(at + 1, head + length)
  if (fastOpenExperimental) view.setUint16(at + 2, EXPERIMENT)
  let end = at + head
  for (let i = 0; i < length; i++) view.setUint8(end++, fastOpenCookie[i]!)
  while (((end - at) & 3) !== 0) view.setUint8(end++, NOP)
  return end - at
}

function headLength(isExperimental: boolean): number {
  return isExperimental ? 4 : 2
}
