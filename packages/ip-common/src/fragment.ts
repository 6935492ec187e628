import { copyMetadata, PacketFlag } from '@stack/buffer'
import type { Packet, PacketPool } from '@stack/buffer'

/** How {@link cutFragments} is to cut. Keep one and change it; it is read during the call only. */
export interface FragmentCut {
  /** Largest fragment, bytes with network header. */
  mtu: number
  /** Headroom for what comes before the network header, bytes. */
  headroom: number
  /** Network header of the first fragment, bytes (every IPv4 option). */
  firstHeaderLength: number
  /** Network header of the others, bytes (copied IPv4 options; an IPv6 fragment header is part of it). */
  headerLength: number
}

/**
 * Cuts the bytes of `packet` from slot offset `from` on into fragments: every one but the last carries a multiple of 8
 * bytes (RFC 791 §3.2, RFC 8200 §4.5). They are linked through `next` in order, have room for their headers and carry
 * no header yet: the caller walks the list, adds up `length` for the offset, pushes and fills each header.
 *
 * The checksum must be finished before. `packet` must be contiguous and stays the caller's.
 *
 * @returns the first fragment; null when the MTU leaves no 8 bytes for data or the pool refuses (nothing is kept then)
 */
export function cutFragments(pool: PacketPool, packet: Packet, from: number, cut: FragmentCut): Packet | null {
  let first: Packet | null = null
  let last: Packet | null = null
  for (let at = from; at < packet.end; ) {
    const headerLength = first === null ? cut.firstHeaderLength : cut.headerLength
    const room = (cut.mtu - headerLength) & ~7
    if (room < 8) return releaseList(first)
    // The last fragment may use the room that alignment would waste.
    const left = packet.end - at
    const length = left <= cut.mtu - headerLength ? left : room
    const fragment = pool.allocate(cut.headroom + headerLength, length)
    if (fragment === null) return releaseList(first)
    copyMetadata(packet, fragment)
    fragment.flags |= PacketFlag.Fragmented
    fragment.append(packet.bytes, at, at + length)
    if (last === null) first = fragment
    else last.next = fragment
    last = fragment
    at += length
  }
  return first
}

function releaseList(first: Packet | null): null {
  for (let fragment = first; fragment !== null; ) {
    const next: Packet | null = fragment.next
    fragment.next = null
    fragment.release()
    fragment = next
  }
  return null
}
