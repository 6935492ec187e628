// RFC 791 §3.1

/** Offsets of the fields. */
export const HEADER_FIELD = {
  versionLength: 0,
  tos: 1,
  totalLength: 2,
  id: 4,
  flagsOffset: 6,
  ttl: 8,
  protocol: 9,
  checksum: 10,
  source: 12,
  destination: 16,
  options: 20,
} as const

/** Header without options, bytes. */
export const IPV4_MIN_HEADER = 20
/** Header with as many options as fit, bytes. */
export const IPV4_MAX_HEADER = 60
/** Largest datagram, bytes with header. */
export const IPV4_MAX_LENGTH = 65535

const DONT_FRAGMENT = 0x4000
const MORE_FRAGMENTS = 0x2000
const OFFSET_MASK = 0x1fff

/** What a header says. Made once and filled by {@link parseIpv4Header}. */
export interface Ipv4Header {
  /** Bytes with options. */
  headerLength: number
  tos: number
  /** Bytes with header. */
  totalLength: number
  id: number
  dontFragment: boolean
  moreFragments: boolean
  /** Bytes. */
  fragmentOffset: number
  ttl: number
  protocol: number
  checksum: number
  /** int32 */
  source: number
  /** int32 */
  destination: number
}

export function ipv4Header(): Ipv4Header {
  return {
    headerLength: IPV4_MIN_HEADER,
    tos: 0,
    totalLength: IPV4_MIN_HEADER,
    id: 0,
    dontFragment: false,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: 0,
    protocol: 0,
    checksum: 0,
    source: 0,
    destination: 0,
  }
}

/** Why bytes are not an IPv4 header: fewer than it needs, another version, a header length below 20 or lengths that contradict each other. */
export type Ipv4Fault = 'truncated' | 'version' | 'headerLength' | 'totalLength'

/**
 * Reads the header at `at`, of which `available` bytes are there with the data behind it. The checksum is not verified.
 *
 * @returns null, or what is wrong. A datagram cut short (`totalLength` above `available`) is `truncated`, but `into` is
 * filled then, for headers quoted in ICMP errors.
 */
export function parseIpv4Header(view: DataView, at: number, available: number, into: Ipv4Header): Ipv4Fault | null {
  if (available < IPV4_MIN_HEADER) return 'truncated'
  const versionLength = view.getUint8(at)
  if (versionLength >> 4 !== 4) return 'version'
  const headerLength = (versionLength & 0xf) << 2
  if (headerLength < IPV4_MIN_HEADER || headerLength > available) return 'headerLength'
  const totalLength = view.getUint16(at + HEADER_FIELD.totalLength)
  if (totalLength < headerLength) return 'totalLength'
  const flagsOffset = view.getUint16(at + HEADER_FIELD.flagsOffset)
  into.headerLength = headerLength
  into.tos = view.getUint8(at + HEADER_FIELD.tos)
  into.totalLength = totalLength
  into.id = view.getUint16(at + HEADER_FIELD.id)
  into.dontFragment = (flagsOffset & DONT_FRAGMENT) !== 0
  into.moreFragments = (flagsOffset & MORE_FRAGMENTS) !== 0
  into.fragmentOffset = (flagsOffset & OFFSET_MASK) << 3
  into.ttl = view.getUint8(at + HEADER_FIELD.ttl)
  into.protocol = view.getUint8(at + HEADER_FIELD.protocol)
  into.checksum = view.getUint16(at + HEADER_FIELD.checksum)
  into.source = view.getInt32(at + HEADER_FIELD.source)
  into.destination = view.getInt32(at + HEADER_FIELD.destination)
  return totalLength > available ? 'truncated' : null
}

/**
 * Writes the fixed 20 bytes from `header`, its checksum field as given: pass 0, add the options, then sum.
 *
 * @returns the offset behind them, where options go
 */
export function writeIpv4Header(view: DataView, at: number, header: Ipv4Header): number {
  view.setUint8(at, 0x40 | (header.headerLength >> 2))
  view.setUint8(at + HEADER_FIELD.tos, header.tos)
  view.setUint16(at + HEADER_FIELD.totalLength, header.totalLength)
  view.setUint16(at + HEADER_FIELD.id, header.id)
  const flags = (header.dontFragment ? DONT_FRAGMENT : 0) | (header.moreFragments ? MORE_FRAGMENTS : 0)
  view.setUint16(at + HEADER_FIELD.flagsOffset, flags | (header.fragmentOffset >> 3))
  view.setUint8(at + HEADER_FIELD.ttl, header.ttl)
  view.setUint8(at + HEADER_FIELD.protocol, header.protocol)
  view.setUint16(at + HEADER_FIELD.checksum, header.checksum)
  view.setInt32(at + HEADER_FIELD.source, header.source)
  view.setInt32(at + HEADER_FIELD.destination, header.destination)
  return at + IPV4_MIN_HEADER
}
