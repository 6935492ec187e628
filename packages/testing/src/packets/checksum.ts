/** Addresses for a pseudo header, 4 or 16 bytes each. */
export interface AddressBytes {
  readonly source: Uint8Array
  readonly destination: Uint8Array
}

/**
 * The Internet checksum (RFC 1071), the plain way: byte pairs, one after the other. Over bytes whose checksum field is
 * right it is 0. Written for this kit and not taken from the stack, so that a mistake there is not repeated here.
 *
 * @param start - a sum to begin with, such as {@link pseudoHeaderSum}'s
 */
export function internetChecksum(bytes: Uint8Array, start = 0): number {
  let sum = start + sumOf(bytes)
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000)
  return ~sum & 0xffff
}

/** Unfolded sum of the pseudo header (RFC 9293 §3.1, RFC 8200 §8.1: the fields sum up alike in both families). */
export function pseudoHeaderSum({ source, destination }: AddressBytes, protocol: number, length: number): number {
  return sumOf(source) + sumOf(destination) + protocol + (length % 0x10000) + Math.floor(length / 0x10000)
}

/** The checksum of a TCP or UDP header and data, or of an ICMPv6 message, whose checksum field is 0. */
export function transportChecksum(bytes: Uint8Array, addresses: AddressBytes, protocol: number): number {
  return internetChecksum(bytes, pseudoHeaderSum(addresses, protocol, bytes.length))
}

function sumOf(bytes: Uint8Array): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) sum += bytes[i]! * 256 + (bytes[i + 1] ?? 0)
  return sum
}
