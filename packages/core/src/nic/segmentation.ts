import { ChecksumState, checksumOf, copyMetadata, foldSum, GsoType, updateChecksum16, type Packet, type PacketList, type PacketPool } from '@stack/buffer'

/** Own bit of `packet.flags`: the headers of a super-packet are those of its next full segment. */
const TEMPLATE = 1 << 29

const TCP = 6
const UDP = 17
const TCP_HEADER = 20
const UDP_HEADER = 8
const SEQUENCE = 4
const UDP_LENGTH = 4
const DATA_OFFSET = 12
const TCP_FLAGS = 13
const TCP_CHECKSUM = 16
const UDP_CHECKSUM = 6
const FIN = 0x01
const SYN = 0x02
const RST = 0x04
const PSH = 0x08
const CWR = 0x80

const IPV4_HEADER = 20
const IPV4_LENGTH = 2
const IPV4_ID = 4
const IPV4_FRAGMENT = 6
const IPV4_PROTOCOL = 9
const IPV4_CHECKSUM = 10
const IPV4_ADDRESSES = 12
const DONT_FRAGMENT = 0x40
/** More fragments, and the offset. */
const IS_FRAGMENT = 0x3fff
const IPV6_HEADER = 40
const IPV6_LENGTH = 4
const IPV6_NEXT_HEADER = 6
const IPV6_ADDRESSES = 8

/** Where the network header begins: a link header may stand before it. */
function networkStart(packet: Packet): number {
  return packet.networkHeader >= 0 ? packet.networkHeader : packet.start
}

/**
 * Bytes of the network and transport headers of a super-packet; -1 = its fields do not fit its bytes, and it cannot be cut. Its
 * text is contiguous, or a range of chunks.
 */
export function superHeaderLength(packet: Packet): number {
  const { bytes, gsoType, gsoL3HeaderLength: l3 } = packet
  const start = networkStart(packet)
  const contiguous = packet.end - start
  if (gsoType === GsoType.None || packet.gsoMss < 1 || l3 < IPV4_HEADER || contiguous < l3 + UDP_HEADER) return -1
  const isUdp = gsoType === GsoType.Udp
  if (!isHeaderFit(packet, start, isUdp)) return -1
  let headers = l3 + UDP_HEADER
  if (!isUdp) {
    if (contiguous < l3 + TCP_HEADER || (bytes[start + l3 + TCP_FLAGS]! & (SYN | RST)) !== 0) return -1
    const l4 = (bytes[start + l3 + DATA_OFFSET]! >> 4) << 2
    if (l4 < TCP_HEADER) return -1
    headers = l3 + l4
  }
  return contiguous < headers || (contiguous > headers && packet.payload !== null) ? -1 : headers
}

/** Bytes behind `headers` bytes of headers. */
export function superTextLength(packet: Packet, headers: number): number {
  return packet.end - networkStart(packet) + packet.payloadLength - headers
}

function isHeaderFit(packet: Packet, start: number, isUdp: boolean): boolean {
  const { bytes, gsoType, gsoL3HeaderLength: l3 } = packet
  const protocol = isUdp ? UDP : TCP
  switch (bytes[start]! >> 4) {
    case 4:
      return (isUdp || gsoType === GsoType.TcpV4) && (bytes[start]! & 15) << 2 === l3 && bytes[start + IPV4_PROTOCOL] === protocol
        && (packet.view.getUint16(start + IPV4_FRAGMENT) & IS_FRAGMENT) === 0
    case 6:
      // What extension headers say is between whoever wrote them and whoever reads them.
      return (isUdp || gsoType === GsoType.TcpV6) && l3 >= IPV6_HEADER && (l3 & 7) === 0 && (l3 > IPV6_HEADER || bytes[start + IPV6_NEXT_HEADER] === protocol)
    default:
      return false
  }
}

/**
 * How many packets a packet is on the wire: those that a super-packet will be cut into, else 1. For queueing disciplines whose
 * limit is in packets.
 */
export function segmentCount(packet: Packet): number {
  return packet.gsoType === GsoType.None ? 1 : superSegmentCount(packet)
}

function superSegmentCount(packet: Packet): number {
  const headers = superHeaderLength(packet)
  return headers < 0 ? 1 : Math.max(1, Math.ceil(superTextLength(packet, headers) / packet.gsoMss))
}

/**
 * Bytes with network header of the longest packet that a packet, whose network header is known, is on the wire. For network
 * protocols: what the MTU of a route is compared with.
 */
export function segmentLength(packet: Packet): number {
  const start = networkStart(packet)
  const length = packet.end - start + packet.payloadLength
  const headers = superHeaderLength(packet)
  return headers < 0 ? length : Math.min(length, headers + packet.gsoMss)
}

/** How segments are made. */
export interface SegmentOptions {
  readonly pool: PacketPool
  /** Bytes for the link header. */
  headroom: number
  /** The text may stay a range of chunks. */
  isScattered: boolean
}

/**
 * Takes the first segment off a super-packet, with a checksum that is partial: what the sender would have sent by itself. The
 * super-packet, which has no link header, is then the rest, and may go back into a queue; without text nothing is left, and the
 * caller releases it.
 *
 * @param headers - by {@link superHeaderLength}
 * @returns null when there is no packet memory; nothing is done then
 */
export function takeSegment(rest: Packet, headers: number, options: SegmentOptions): Packet | null {
  const { pool, headroom } = options
  const text = Math.min(rest.length - headers, rest.gsoMss)
  const hasRange = rest.payload !== null
  // The text lies where it does in a segment that was sent alone: whoever keeps a view of it in each slot can go on using it.
  const segment = pool.allocate(hasRange ? Math.max(headroom, rest.start) : headroom, headers + (hasRange && options.isScattered ? 0 : text))
  if (segment === null) return null
  const isLast = text === rest.length - headers
  if ((rest.flags & TEMPLATE) === 0 || text < rest.gsoMss) writeLengths(rest, headers, text)
  copyMetadata(rest, segment)
  segment.flags &= ~TEMPLATE
  copyHeaders(rest, segment, headers)
  if (!isLast && rest.gsoType !== GsoType.Udp) {
    const flags = segment.networkHeader + rest.gsoL3HeaderLength + TCP_FLAGS
    segment.bytes[flags] = segment.bytes[flags]! & ~(FIN | PSH)
  }
  if (hasRange) {
    segment.attachPayload(rest.payload!, rest.payloadOffset, text)
    dropText(rest, text)
  } else {
    copyText(rest, rest.start + headers, segment, text)
    moveHeaders(rest, headers, text)
  }
  if (!isLast) advance(rest, text)
  shareCredit(rest, segment, text, isLast)
  return segment
}

/**
 * Cuts a super-packet whose first byte is that of its network header, all at once: for network protocols that have to fragment
 * what comes of it. Takes ownership.
 *
 * @param into - gets the segments in order, with partial checksums
 * @returns how many were lost, because there was no packet memory for them
 */
export function cutSegments(packet: Packet, options: SegmentOptions, into: PacketList): number {
  const headers = superHeaderLength(packet)
  let lost = headers < 0 ? 1 : 0
  while (lost === 0 && superTextLength(packet, headers) > 0) {
    const segment = takeSegment(packet, headers, options)
    if (segment === null) lost = segmentCount(packet)
    else into.push(segment)
  }
  packet.release()
  return lost
}

/** Lengths of a segment with `text` bytes, and what is summed of them. */
function writeLengths(packet: Packet, headers: number, text: number): void {
  const { view, start, gsoL3HeaderLength: l3 } = packet
  const l4 = start + l3
  const isV4 = packet.bytes[start]! >> 4 === 4
  const isUdp = packet.gsoType === GsoType.Udp
  const length = headers - l3 + text
  if (isV4) {
    view.setUint16(start + IPV4_LENGTH, l3 + length)
    view.setUint16(start + IPV4_CHECKSUM, 0)
    view.setUint16(start + IPV4_CHECKSUM, checksumOf(packet.sum(start, l4)))
  } else view.setUint16(start + IPV6_LENGTH, l3 - IPV6_HEADER + length)
  if (isUdp) view.setUint16(l4 + UDP_LENGTH, length)
  const addresses = isV4 ? packet.sum(start + IPV4_ADDRESSES, start + IPV4_HEADER) : packet.sum(start + IPV6_ADDRESSES, start + IPV6_HEADER)
  view.setUint16(l4 + (isUdp ? UDP_CHECKSUM : TCP_CHECKSUM), foldSum(addresses + length + (isUdp ? UDP : TCP)))
  packet.flags |= TEMPLATE
}

/** By the kernel where it can: a view takes 40 instructions for each word. */
function copyHeaders(rest: Packet, segment: Packet, headers: number): void {
  const { start, gsoL3HeaderLength: l3 } = rest
  const at = segment.start
  if (rest.memory === segment.memory) {
    segment.memory.kernels.copyAndSum(segment.base + at, rest.base + start, headers)
    segment.end = at + headers
  } else segment.append(rest.bytes, start, start + headers)
  segment.networkHeader = at
  segment.networkHeaderLength = l3
  segment.transportHeader = at + l3
  segment.transportHeaderLength = headers - l3
  segment.checksumState = ChecksumState.Partial
  segment.checksumStart = at + l3
  segment.checksumOffset = rest.gsoType === GsoType.Udp ? UDP_CHECKSUM : TCP_CHECKSUM
}

/** The range of the rest begins behind the text that was taken. */
function dropText(rest: Packet, text: number): void {
  const offset = rest.payloadOffset + text
  const length = rest.payloadLength - text
  if (length > 0 && offset < rest.payload!.length) {
    rest.payloadOffset = offset
    rest.payloadLength = length
  } else rest.attachPayload(rest.payload!, offset, length)
}

/** Contiguous bytes: of a super-packet that came in by another link. */
function copyText(rest: Packet, from: number, segment: Packet, length: number): void {
  if (rest.memory === segment.memory) {
    rest.memory.bytes.copyWithin(segment.base + segment.end, rest.base + from, rest.base + from + length)
    segment.end += length
  } else segment.append(rest.bytes, from, from + length)
}

/** The headers of the rest stand before its text: over that of the segment which was taken. */
function moveHeaders(rest: Packet, headers: number, text: number): void {
  const { start } = rest
  rest.bytes.copyWithin(start + text, start, start + headers)
  rest.start += text
  if (rest.networkHeader >= 0) rest.networkHeader += text
  if (rest.transportHeader >= 0) rest.transportHeader += text
  rest.checksumStart += text
}

/** The headers of the segment behind the one that was taken. */
function advance(rest: Packet, text: number): void {
  const { view, bytes, start } = rest
  // RFC 6864 §4.1: what may not be fragmented needs no id, and keeps the one it has; others have one each.
  if (bytes[start]! >> 4 === 4 && (bytes[start + IPV4_FRAGMENT]! & DONT_FRAGMENT) === 0) {
    const id = view.getUint16(start + IPV4_ID)
    const next = (id + 1) & 0xffff
    view.setUint16(start + IPV4_ID, next)
    view.setUint16(start + IPV4_CHECKSUM, updateChecksum16(view.getUint16(start + IPV4_CHECKSUM), id, next))
  }
  if (rest.gsoType === GsoType.Udp) return
  const tcp = start + rest.gsoL3HeaderLength
  view.setInt32(tcp + SEQUENCE, view.getInt32(tcp + SEQUENCE) + text)
  // RFC 3168 §6.1.2: CWR is said once.
  bytes[tcp + TCP_FLAGS] = bytes[tcp + TCP_FLAGS]! & ~CWR
}

/** Each segment returns what it stands for. */
function shareCredit(rest: Packet, segment: Packet, text: number, isLast: boolean): void {
  const { credit } = rest
  if (credit === null) return
  if (rest.creditBytes < 0) rest.creditBytes = rest.length + text
  segment.credit = credit
  segment.creditBytes = isLast ? rest.creditBytes : Math.min(text, rest.creditBytes)
  rest.creditBytes -= segment.creditBytes
  if (isLast) rest.credit = null
}
