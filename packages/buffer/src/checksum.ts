/**
 * The Internet checksum (RFC 1071, RFC 1624): 16-bit one's-complement sums in network byte order.
 * A *sum* is folded to 16 bits and not complemented; a *checksum* is its complement.
 */

/**
 * The two operations worth a kernel. Addresses count from the start of the memory's arena. A
 * length is at most 1 MiB (the lanes of the SIMD kernel would overflow behind that).
 */
export interface ChecksumKernels {
  /** Folded sum over `length` bytes at `address`. */
  sum(address: number, length: number): number
  /**
   * Copies `length` bytes from `source` to `target`, both addresses in one arena, not overlapping.
   *
   * @returns their folded sum
   */
  copyAndSum(target: number, source: number, length: number): number
}

/** Folds a non-negative integer below 2^53 to 16 bits with end-around carry. */
export function foldSum(n: number): number {
  // 2^16 and 2^32 are both 1 modulo 2^16 - 1: the halves may be folded apart and added.
  const high = Math.floor(n / 0x1_0000_0000)
  let sum = (n & 0xffff) + ((n >>> 16) & 0xffff) + (high & 0xffff) + (high >>> 16)
  sum = (sum & 0xffff) + (sum >>> 16)
  return (sum & 0xffff) + (sum >>> 16)
}

/** Adds two folded sums. */
export function addSums(a: number, b: number): number {
  const sum = a + b
  return (sum & 0xffff) + (sum >>> 16)
}

/**
 * Swaps the bytes of a folded sum: what a sum becomes when its bytes stand at an odd offset of the
 * whole (RFC 1071 §2(B)).
 */
export function swapSum(n: number): number {
  return ((n & 0xff) << 8) | (n >>> 8)
}

/** The checksum of a folded sum: what goes into the header field. */
export function checksumOf(sum: number): number {
  return ~sum & 0xffff
}

/**
 * The checksum after one 16-bit word of the summed data changed (RFC 1624 §3, equation 3).
 *
 * @example
 * checksum = updateChecksum16(checksum, oldPort, newPort)
 */
export function updateChecksum16(checksum: number, oldWord: number, newWord: number): number {
  let sum = (~checksum & 0xffff) + (~oldWord & 0xffff) + newWord
  sum = (sum & 0xffff) + (sum >>> 16)
  sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}
