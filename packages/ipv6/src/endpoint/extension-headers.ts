import type { Packet } from '@stack/buffer'
import { IPV6_HEADER_LENGTH, Ipv6Field, NextHeader, extensionLength } from '../wire/header.ts'

/**
 * Copies the extension headers that a sender gives (`NetworkHeaderParams.options`) behind the fixed header. The first is
 * a hop-by-hop options header; the Next Header field of the last is filled in here.
 *
 * @returns false when their lengths do not add up
 */
export function writeExtensionHeaders(packet: Packet, o: number, headers: Uint8Array, protocol: number): boolean {
  for (let i = 0; i < headers.length; i++) packet.bytes[o + i] = headers[i]!
  const end = o + headers.length
  let at = o
  let last = o
  while (at < end) {
    if (end - at < 8) return false
    last = at
    at += extensionLength(packet.view, at)
  }
  if (at !== end) return false
  packet.view.setUint8(last, protocol)
  return true
}

/** Where the part of a header ends that every fragment carries (RFC 8200 §4.5): behind the last hop-by-hop or routing header. */
export interface UnfragmentablePart {
  /** Slot offset behind it. */
  end: number
  /** Slot offset of the Next Header field that names what follows. */
  field: number
}

/** Finds the unfragmentable part of the header at `o`, which is `length` bytes long with its extension headers. */
export function findUnfragmentablePart(view: DataView, o: number, length: number, part: UnfragmentablePart): void {
  part.end = o + IPV6_HEADER_LENGTH
  part.field = o + Ipv6Field.NextHeader
  let next = view.getUint8(part.field)
  for (let at = part.end; at < o + length; ) {
    const size = extensionLength(view, at)
    if (next === NextHeader.HopByHop || next === NextHeader.Routing) {
      part.end = at + size
      part.field = at
    }
    next = view.getUint8(at)
    at += size
  }
}
