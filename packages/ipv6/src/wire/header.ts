/**
 * The fixed IPv6 header (RFC 8200 §3), the fragment header (§4.5), and what extension headers share.
 * Accessors trust their offset: call a `check…` first. The address `o` is the offset of the header in `view`.
 */

/** EtherType of IPv6 (RFC 2464 §3). */
export const IPV6_ETHERTYPE = 0x86dd
/** Bytes of the fixed header. */
export const IPV6_HEADER_LENGTH = 40
/** Every link carries packets of this many bytes (RFC 8200 §5). */
export const IPV6_MINIMUM_MTU = 1280
/** The largest payload length without a jumbogram. */
export const IPV6_MAXIMUM_PAYLOAD = 65535
/** Bytes of a fragment header. */
export const FRAGMENT_HEADER_LENGTH = 8

/** Offsets of the fields of the fixed header. */
export const Ipv6Field = { PayloadLength: 4, NextHeader: 6, HopLimit: 7, Source: 8, Destination: 24 } as const

/** Next Header values that this package knows (IANA protocol numbers). */
export const NextHeader = {
  HopByHop: 0,
  Routing: 43,
  Fragment: 44,
  Icmpv6: 58,
  None: 59,
  Destination: 60,
} as const

/** What {@link checkIpv6Header} found. */
export const HeaderCheck = { Ok: 0, Truncated: 1, Version: 2, PayloadLength: 3 } as const
/** One of the values of {@link HeaderCheck}. */
export type HeaderCheck = (typeof HeaderCheck)[keyof typeof HeaderCheck]

/**
 * Checks that `length` bytes at `o` hold a fixed header whose payload is all there.
 *
 * @param contiguous - bytes that can be read through `view`; at most `length`
 * @param length - bytes of the whole packet
 */
export function checkIpv6Header(view: DataView, o: number, contiguous: number, length: number): HeaderCheck {
  if (contiguous < IPV6_HEADER_LENGTH) return HeaderCheck.Truncated
  if (view.getUint8(o) >>> 4 !== 6) return HeaderCheck.Version
  return payloadLength(view, o) > length - IPV6_HEADER_LENGTH ? HeaderCheck.PayloadLength : HeaderCheck.Ok
}

/** Traffic class: DSCP and ECN. */
export function trafficClass(view: DataView, o: number): number {
  return (view.getUint16(o) >>> 4) & 0xff
}

/** Flow label, 20 bits (RFC 6437). */
export function flowLabel(view: DataView, o: number): number {
  return view.getUint32(o) & 0xfffff
}

/** Bytes behind the fixed header, extension headers included. */
export function payloadLength(view: DataView, o: number): number {
  return view.getUint16(o + Ipv6Field.PayloadLength)
}

/** Type of the first header behind the fixed one. */
export function nextHeader(view: DataView, o: number): number {
  return view.getUint8(o + Ipv6Field.NextHeader)
}

/** Hop limit. */
export function hopLimit(view: DataView, o: number): number {
  return view.getUint8(o + Ipv6Field.HopLimit)
}

/** Four address words. */
export interface AddressWords {
  readonly a: number
  readonly b: number
  readonly c: number
  readonly d: number
}

/** Reads the address at `o`, as int32 words. */
export function readAddress(view: DataView, o: number): AddressWords {
  return { a: view.getInt32(o), b: view.getInt32(o + 4), c: view.getInt32(o + 8), d: view.getInt32(o + 12) }
}

/** Writes an address; returns the offset behind it. */
export function writeAddress(view: DataView, o: number, x: AddressWords): number {
  view.setInt32(o, x.a)
  view.setInt32(o + 4, x.b)
  view.setInt32(o + 8, x.c)
  view.setInt32(o + 12, x.d)
  return o + 16
}

/**
 * Writes everything of a fixed header but its addresses; returns the offset of the source address.
 *
 * @param length - payload length in bytes, 0–65,535
 */
export function writeIpv6Header(
  view: DataView,
  o: number,
  tclass: number,
  label: number,
  length: number,
  next: number,
  hops: number,
): number {
  view.setUint32(o, ((6 << 28) | ((tclass & 0xff) << 20) | (label & 0xfffff)) >>> 0)
  view.setUint16(o + Ipv6Field.PayloadLength, length)
  view.setUint8(o + Ipv6Field.NextHeader, next)
  view.setUint8(o + Ipv6Field.HopLimit, hops)
  return o + Ipv6Field.Source
}

/** Length of the hop-by-hop, routing or destination options header at `o` (RFC 8200 §4.3: units of 8 bytes, the first not counted). */
export function extensionLength(view: DataView, o: number): number {
  return (view.getUint8(o + 1) + 1) * 8
}

/** Fragment offset in bytes, a multiple of 8. */
export function fragmentOffset(view: DataView, o: number): number {
  return view.getUint16(o + 2) & 0xfff8
}

/** M flag: more fragments follow. */
export function moreFragments(view: DataView, o: number): boolean {
  return (view.getUint8(o + 3) & 1) !== 0
}

/** Identification of the fragmented packet, uint32. */
export function fragmentIdentification(view: DataView, o: number): number {
  return view.getUint32(o + 4)
}

/** Writes a fragment header; returns the offset behind it. `offset` in bytes, a multiple of 8. */
export function writeFragmentHeader(
  view: DataView,
  o: number,
  next: number,
  offset: number,
  more: boolean,
  identification: number,
): number {
  view.setUint8(o, next)
  view.setUint8(o + 1, 0)
  view.setUint16(o + 2, offset | (more ? 1 : 0))
  view.setUint32(o + 4, identification)
  return o + FRAGMENT_HEADER_LENGTH
}
