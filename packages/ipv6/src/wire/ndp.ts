import { Icmpv6Type, writeIcmpv6Header } from './icmpv6.ts'
import type { AddressWords } from './header.ts'
import { writeAddress } from './header.ts'

/** Neighbour Discovery messages (RFC 4861 §4). `o` is the offset of the ICMPv6 message in `view`. */

/** Bytes of a Neighbour Solicitation or Advertisement without options. */
export const NEIGHBOR_MESSAGE_LENGTH = 24
/** Bytes of a link-layer address option for 6-byte addresses. */
export const LINK_ADDRESS_OPTION_LENGTH = 8
/** Bytes of a nonce option with a 6-byte nonce. */
export const NONCE_OPTION_LENGTH = 8

/** Option types of Neighbour Discovery. */
export const NdpOption = {
  SourceLinkAddress: 1,
  TargetLinkAddress: 2,
  PrefixInformation: 3,
  RedirectedHeader: 4,
  Mtu: 5,
  /** RFC 3971 §5.3.2, as used by RFC 7527. */
  Nonce: 14,
} as const

/** Flags of a Neighbour Advertisement, in its fifth byte. */
export const AdvertisementFlag = { Router: 0x80, Solicited: 0x40, Override: 0x20 } as const

/** Offset of the target address from the message. */
export const NEIGHBOR_TARGET_OFFSET = 8

/**
 * Walks the options from `o` to `end`.
 *
 * @returns false when one has length zero or runs past the end: then the whole message is invalid (RFC 4861 §6.1, §7.1)
 */
export function checkNdpOptions(view: DataView, o: number, end: number): boolean {
  while (o < end) {
    if (end - o < 2) return false
    const length = view.getUint8(o + 1) * 8
    if (length === 0 || o + length > end) return false
    o += length
  }
  return true
}

/** Offset of the first option of `type` among options that {@link checkNdpOptions} found sound; -1 = none. */
export function findNdpOption(view: DataView, o: number, end: number, type: number): number {
  while (o < end) {
    if (view.getUint8(o) === type) return o
    o += view.getUint8(o + 1) * 8
  }
  return -1
}

/** Bytes of the option at `o`, type and length included. */
export function ndpOptionLength(view: DataView, o: number): number {
  return view.getUint8(o + 1) * 8
}

/** Writes a Neighbour Solicitation without options; returns the offset behind it. */
export function writeNeighborSolicitation(view: DataView, o: number, target: AddressWords): number {
  return writeAddress(view, writeIcmpv6Header(view, o, Icmpv6Type.NeighborSolicitation, 0, 0), target)
}

/** Writes a Neighbour Advertisement without options; returns the offset behind it. `flags` of {@link AdvertisementFlag}. */
export function writeNeighborAdvertisement(view: DataView, o: number, flags: number, target: AddressWords): number {
  return writeAddress(view, writeIcmpv6Header(view, o, Icmpv6Type.NeighborAdvertisement, 0, (flags << 24) >>> 0), target)
}

/** Writes a link-layer address option for a 6-byte address; returns the offset behind it. */
export function writeLinkAddressOption(view: DataView, o: number, type: number, linkAddress: Uint8Array): number {
  view.setUint8(o, type)
  view.setUint8(o + 1, 1)
  for (let i = 0; i < 6; i++) view.setUint8(o + 2 + i, linkAddress[i]!)
  return o + LINK_ADDRESS_OPTION_LENGTH
}

/** Reads the 6-byte address of a link-layer address option; null when the option has another size. */
export function readLinkAddressOption(view: DataView, o: number): Uint8Array | null {
  if (view.getUint8(o + 1) !== 1) return null
  const linkAddress = new Uint8Array(6)
  for (let i = 0; i < 6; i++) linkAddress[i] = view.getUint8(o + 2 + i)
  return linkAddress
}

/** Writes a nonce option of 6 bytes (RFC 7527 §4.2); returns the offset behind it. */
export function writeNonceOption(view: DataView, o: number, high: number, low: number): number {
  view.setUint8(o, NdpOption.Nonce)
  view.setUint8(o + 1, 1)
  view.setUint16(o + 2, high)
  view.setUint32(o + 4, low)
  return o + NONCE_OPTION_LENGTH
}
