import type { Address } from './address.ts'

/**
 * Sum of an address's 16-bit words, not folded (at most 8 × 0xffff). The mapped prefix of an IPv4 address adds 0xffff, which is zero
 * in one's-complement arithmetic: one function serves RFC 768, RFC 9293 and RFC 8200 §8.1.
 */
export function addressSum(x: Address): number {
  return wordsSum(x.a, x.b, x.c, x.d)
}

/** {@link addressSum} of four words, as a packet holds them. */
export function wordsSum(a: number, b: number, c: number, d: number): number {
  return (a >>> 16) + (a & 0xffff) + (b >>> 16) + (b & 0xffff) + (c >>> 16) + (c & 0xffff) + (d >>> 16) + (d & 0xffff)
}

/**
 * The folded sum of a pseudo-header: what a transport leaves in the checksum field of a packet whose checksum state is
 * partial, and what a receiver adds to the sum of the segment (the total must be 0xffff).
 *
 * @param addresses - sum of {@link addressSum} of source and destination
 * @param length - bytes of the transport packet
 */
export function pseudoHeaderSum(addresses: number, protocol: number, length: number): number {
  const sum = addresses + protocol + (length >>> 16) + (length & 0xffff)
  const folded = (sum & 0xffff) + (sum >>> 16)
  return (folded & 0xffff) + (folded >>> 16)
}
