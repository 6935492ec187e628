/**
 * An address of any network protocol as four big-endian 32-bit words (int32). IPv4 addresses are held as
 * IPv4-mapped words (`0, 0, 0xffff, a.b.c.d`), so that one table serves both families and dual-stack listeners.
 * Immutable. Text forms belong to the protocols (`NetworkProtocol.parseAddress`, `formatAddress`).
 */
export interface Address {
  readonly a: number
  readonly b: number
  readonly c: number
  readonly d: number
  /** NIC id that a link-local address is meant on; 0 = no zone (RFC 4007 §6). */
  readonly zone: number
}

/** An address and the number of leading bits that name its network, counted in the family's own width (24 for an IPv4 /24). */
export interface Prefix {
  readonly address: Address
  readonly length: number
}

/** Makes an {@link Address} from four words; words are taken modulo 2³². */
export function address(a: number, b: number, c: number, d: number, zone = 0): Address {
  return { a: a | 0, b: b | 0, c: c | 0, d: d | 0, zone }
}

/** The IPv4-mapped form of a 32-bit IPv4 address (RFC 4291 §2.5.5.2). */
export function mappedAddress(word: number): Address {
  return { a: 0, b: 0, c: 0xffff, d: word | 0, zone: 0 }
}

/** The unspecified address of the wide family (`::`), which as a local address means "any address of any protocol". */
export const ANY_ADDRESS: Address = address(0, 0, 0, 0)

/** The unspecified IPv4 address in mapped form (`0.0.0.0`). */
export const ANY_MAPPED_ADDRESS: Address = mappedAddress(0)

/** True for IPv4-mapped words. */
export function isMapped(x: Address): boolean {
  return x.c === 0xffff && x.a === 0 && x.b === 0
}

/** True for `::` and `0.0.0.0`. */
export function isUnspecified(x: Address): boolean {
  return x.d === 0 && x.a === 0 && x.b === 0 && (x.c === 0 || x.c === 0xffff)
}

/** Equality of the four words; the zone is compared too when both name one. */
export function sameAddress(x: Address, y: Address): boolean {
  return (
    x.d === y.d && x.c === y.c && x.b === y.b && x.a === y.a && (x.zone === y.zone || x.zone === 0 || y.zone === 0)
  )
}

/** The width of the address's family in bits: 32 for IPv4-mapped words, else 128. */
export function addressBits(x: Address): 32 | 128 {
  return isMapped(x) ? 32 : 128
}

/** True when `x` lies in `prefix` (families must agree). */
export function prefixContains(prefix: Prefix, x: Address): boolean {
  const p = prefix.address
  if (isMapped(p)) return isMapped(x) && wordsAgree(p.d, x.d, prefix.length)
  if (isMapped(x)) return false
  const n = prefix.length
  return (
    wordsAgree(p.a, x.a, n) && wordsAgree(p.b, x.b, n - 32) && wordsAgree(p.c, x.c, n - 64) && wordsAgree(p.d, x.d, n - 96)
  )
}

/** `prefix` with the bits beyond its length cleared. */
export function networkOf(prefix: Prefix): Prefix {
  const p = prefix.address
  const n = prefix.length
  if (isMapped(p)) return { address: mappedAddress(p.d & maskWord(n)), length: n }
  return {
    address: address(p.a & maskWord(n), p.b & maskWord(n - 32), p.c & maskWord(n - 64), p.d & maskWord(n - 96), p.zone),
    length: n,
  }
}

function wordsAgree(x: number, y: number, bits: number): boolean {
  return bits <= 0 || ((x ^ y) & maskWord(bits)) === 0
}

/** The mask of one word of which `bits` leading bits count; clamped to 0…32. */
export function maskWord(bits: number): number {
  if (bits <= 0) return 0
  return bits >= 32 ? -1 : -1 << (32 - bits)
}
