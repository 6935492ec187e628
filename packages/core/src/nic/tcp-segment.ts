import { ChecksumState, GsoType, type Packet } from '@stack/buffer'

/** Bytes of what is merged, in one piece and with its network header, at most. */
export const MAX_LENGTH = 65_535

const IPV4 = 0x0800
const IPV6 = 0x86dd
const UDP = 17
const TCP = 6
/** Where the addresses of each version begin; the TCP header follows them. */
const IPV4_ADDRESSES = 12
const IPV6_ADDRESSES = 8
const IPV4_HEADER = 20
const IPV6_HEADER = 40
const TCP_HEADER = 20
/** NOP, NOP, kind 8, length 10: timestamps as everybody aligns them (RFC 7323 appendix A). */
const ALIGNED_TIMESTAMPS = 0x0101080a
const TIMESTAMPS_LENGTH = 12
/** Data offset, reserved bits and flags, without the push bit: ACK alone, without options and with timestamps. */
const PLAIN = 0x5010
const WITH_TIMESTAMPS = 0x8010
const PSH = 8

/** What a packet means to the segments that wait to be merged. */
export const Kind = {
  /** Nothing to them. */
  Other: 0,
  /** It may be about any flow: a fragment, a packet with options or extension headers, an ICMP error. */
  Barrier: 1,
  /** A TCP segment that stays as it is. */
  Lone: 2,
  /** Text that may be merged. */
  Text: 3,
} as const
export type Kind = (typeof Kind)[keyof typeof Kind]

/** Where things are in a received packet; slot offsets. */
export interface Segment {
  isV4: boolean
  /** The TCP header. */
  transport: number
  /** Both, as they stand on the wire. */
  ports: number
  // The rest of `Kind.Text` only.
  sequence: number
  /** Bytes of the TCP header. */
  headerLength: number
  /** Bytes of text. */
  length: number
  isPushed: boolean
}

export function newSegment(): Segment {
  return { isV4: false, transport: 0, ports: 0, sequence: 0, headerLength: 0, length: 0, isPushed: false }
}

/** Looks at a packet that begins with its network header. */
export function readSegment(packet: Packet, out: Segment): Kind {
  const { view, start: at, end, networkProtocol } = packet
  const isV4 = networkProtocol === IPV4
  if (!isV4 && networkProtocol !== IPV6) return Kind.Other
  const transport = at + (isV4 ? IPV4_HEADER : IPV6_HEADER)
  const bytes = end - transport
  if (bytes < 0) return Kind.Barrier
  const protocol = view.getUint8(at + (isV4 ? 9 : 6))
  if (protocol !== TCP) return protocol === UDP ? Kind.Other : Kind.Barrier
  if (isV4 && (view.getUint8(at) !== 0x45 || (view.getUint16(at + 6) & 0xbfff) !== 0)) return Kind.Barrier
  if (bytes < TCP_HEADER) return Kind.Barrier
  out.isV4 = isV4
  out.transport = transport
  out.ports = view.getInt32(transport)
  const isExact = isV4 ? view.getUint16(at + 2) === end - at : view.getUint8(at) >>> 4 === 6 && view.getUint16(at + 4) === bytes
  if (!isExact || packet.payload !== null || packet.gsoType !== GsoType.None) return Kind.Lone
  const control = view.getUint16(transport + 12)
  let headerLength = TCP_HEADER
  if ((control & ~PSH) === WITH_TIMESTAMPS) {
    headerLength += TIMESTAMPS_LENGTH
    if (bytes <= headerLength || view.getUint32(transport + TCP_HEADER) !== ALIGNED_TIMESTAMPS) return Kind.Lone
  } else if ((control & ~PSH) !== PLAIN || bytes === headerLength) return Kind.Lone
  // What was never summed could not be cut again as it came.
  if (packet.checksumState === ChecksumState.Partial || view.getUint16(transport + 18) !== 0) return Kind.Lone
  out.sequence = view.getInt32(transport + 4)
  out.headerLength = headerLength
  out.length = bytes - headerLength
  if (end - at + out.length > MAX_LENGTH) return Kind.Lone
  out.isPushed = (control & PSH) !== 0
  return Kind.Text
}

/** Are its checksums right? What the link has verified is. */
export function isIntact(packet: Packet, isV4: boolean, transport: number): boolean {
  const at = packet.start
  if (isV4 && packet.sum(at, transport) !== 0xffff) return false
  if (packet.checksumState === ChecksumState.Verified) return true
  // The addresses of the pseudo-header come right before the TCP header, so one pass takes both.
  const sum = packet.sum(at + (isV4 ? IPV4_ADDRESSES : IPV6_ADDRESSES), packet.end) + TCP + packet.end - transport
  return (sum & 0xffff) + (sum >>> 16) === 0xffff
}
