import { OptionKind, Rare } from './segment-header.ts'
import type { SegmentHeader } from './segment-header.ts'

// The Accurate ECN option (RFC 9768 §3.2.3): up to three counters of 24 bits. Kind 172 begins with ECT(0), 174 with ECT(1);
// counters are left out from the end.

/** Counters of the option. */
export const MAX_ECN_COUNTERS = 3

/** Bytes of an option with that many counters, padding included. */
export function accurateEcnLength(counters: number): number {
  return (2 + 3 * counters + 3) & ~3
}

/** The option of `size` bytes at `at`: 2, 5, 8 or 11, or longer with what we do not know. */
export function readAccurateEcn(view: DataView, at: number, kind: number, size: number, out: SegmentHeader): void {
  const counters = Math.min(Math.floor((size - 2) / 3), MAX_ECN_COUNTERS)
  out.rare |= Rare.AccurateEcn
  out.ecnCounters = counters
  const isFirst = kind === OptionKind.AccurateEcn1
  const first = counters > 0 ? read24(view, at + 2) : -1
  const third = counters > 2 ? read24(view, at + 8) : -1
  out.ceBytes = counters > 1 ? read24(view, at + 5) : -1
  out.ect0Bytes = isFirst ? third : first
  out.ect1Bytes = isFirst ? first : third
}

/** Writes the option in the order that tells of ECT(1) first, padded with NOPs; returns the bytes. */
export function writeAccurateEcn(view: DataView, at: number, header: SegmentHeader): number {
  const { ecnCounters } = header
  view.setUint8(at, OptionKind.AccurateEcn1)
  view.setUint8(at + 1, 2 + 3 * ecnCounters)
  if (ecnCounters > 0) write24(view, at + 2, header.ect1Bytes)
  if (ecnCounters > 1) write24(view, at + 5, header.ceBytes)
  if (ecnCounters > 2) write24(view, at + 8, header.ect0Bytes)
  const length = accurateEcnLength(ecnCounters)
  for (let i = 2 + 3 * ecnCounters; i < length; i++) view.setUint8(at + i, OptionKind.Nop)
  return length
}

function read24(view: DataView, at: number): number {
  return (view.getUint16(at) << 8) | view.getUint8(at + 2)
}

function write24(view: DataView, at: number, value: number): void {
  view.setUint16(at, value >>> 8)
  view.setUint8(at + 2, value)
}
