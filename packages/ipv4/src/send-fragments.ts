import { ChecksumState, checksumOf, PacketList } from '@stack/buffer'
import type { Packet } from '@stack/buffer'
import { cutFragments } from '@stack/ip-common'
import { cutSegments } from '@stack/core'
import type { Failure, Route } from '@stack/core'
import { IPV4_PROTOCOL } from './numbers.ts'
import type { Ipv4Endpoint } from './endpoint.ts'
import { HEADER_FIELD, IPV4_MIN_HEADER } from './wire/header.ts'
import { copyFragmentOptions } from './wire/options.ts'

const MORE_FRAGMENTS = 0x2000

/** Cuts a datagram whose header is written, which may be a fragment itself (RFC 791 §3.2). Takes the packet. */
export function sendFragments(endpoint: Ipv4Endpoint, route: Route, given: Packet): Failure {
  const { context, statistics: counters } = endpoint
  const pool = context.host.memory
  // The checksum is over the whole datagram: nobody can finish it behind the cut.
  const isFinished = given.checksumState !== ChecksumState.Partial || given.finishChecksum()
  const packet = isFinished && given.payload !== null ? pool.flatten(given) : given
  if (!isFinished || packet === null) {
    counters.dropNoMemory++
    given.release()
    return 'ENOBUFS'
  }
  const at = packet.networkHeader
  const headerLength = packet.networkHeaderLength
  const optionsLength = copyFragmentOptions(packet.view, at + IPV4_MIN_HEADER, at + headerLength, context.optionBytes)
  const cut = context.cut
  cut.mtu = route.mtu
  cut.headroom = route.nic.linkHeaderLength
  cut.firstHeaderLength = headerLength
  cut.headerLength = IPV4_MIN_HEADER + optionsLength
  const first = cutFragments(pool, packet, at + headerLength, cut)
  if (first === null) {
    counters.dropNoMemory++
    packet.release()
    return 'ENOBUFS'
  }
  const flagsOffset = packet.view.getUint16(at + HEADER_FIELD.flagsOffset)
  let offset = flagsOffset & 0x1fff
  let failure: Failure = null
  for (let fragment: Packet | null = first; fragment !== null; ) {
    const next: Packet | null = fragment.next
    fragment.next = null
    const words = fragment.length >> 3
    const isFirst = fragment === first
    pushHeader(packet, fragment, isFirst ? headerLength : cut.headerLength, isFirst ? packet.bytes : context.optionBytes, isFirst ? at + IPV4_MIN_HEADER : 0)
    const view = fragment.view
    const start = fragment.start
    view.setUint16(start + HEADER_FIELD.flagsOffset, offset | (next !== null ? MORE_FRAGMENTS : flagsOffset & MORE_FRAGMENTS))
    view.setUint16(start + HEADER_FIELD.checksum, checksumOf(fragment.sum(start, start + fragment.networkHeaderLength)))
    offset += words
    counters.fragmentsSent++
    counters.sent++
    failure = route.nic.writePacket(route, IPV4_PROTOCOL, fragment) ?? failure
    fragment = next
  }
  packet.release()
  return failure
}

/** A super-packet whose segments are too large for the way, and may be fragmented: forwarded ones. Takes the packet. */
export function sendSegments(endpoint: Ipv4Endpoint, route: Route, packet: Packet): Failure {
  const { context, statistics: counters } = endpoint
  const segments = new PacketList()
  const lost = cutSegments(packet, { pool: context.host.memory, headroom: route.nic.linkHeaderLength, isScattered: false }, segments)
  counters.dropNoMemory += lost
  let failure: Failure = lost > 0 ? 'ENOBUFS' : null
  for (let segment = segments.shift(); segment !== null; segment = segments.shift()) {
    // The last one may fit.
    if (segment.length > route.mtu) failure = sendFragments(endpoint, route, segment) ?? failure
    else {
      counters.sent++
      failure = route.nic.writePacket(route, IPV4_PROTOCOL, segment) ?? failure
    }
  }
  return failure
}

/** Pushes a copy of the fixed header, `options[from…]` behind it, its length fields right and its checksum zero. */
function pushHeader(packet: Packet, fragment: Packet, length: number, options: Uint8Array, from: number): void {
  const at = packet.networkHeader
  const start = fragment.pushNetworkHeader(length)
  for (let i = 0; i < IPV4_MIN_HEADER; i += 4) fragment.view.setInt32(start + i, packet.view.getInt32(at + i))
  for (let i = IPV4_MIN_HEADER; i < length; i++) fragment.bytes[start + i] = options[from + i - IPV4_MIN_HEADER]!
  fragment.view.setUint8(start, 0x40 | (length >> 2))
  fragment.view.setUint16(start + HEADER_FIELD.totalLength, fragment.length)
  fragment.view.setUint16(start + HEADER_FIELD.checksum, 0)
}
