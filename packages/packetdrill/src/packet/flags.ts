/** Bits of the TCP header behind the data offset, by the letter of the script. */
const BITS: Readonly<Record<string, number>> = { F: 1, S: 2, R: 4, P: 8, '.': 16, U: 32, E: 64, W: 128, A: 256 }

/** The order in which flags are shown. */
const ORDER = ['S', 'F', 'R', 'P', 'E', 'W', 'A', 'U', '.']

export const FIN = 1
export const SYN = 2
export const RST = 4
export const PSH = 8
export const ACK = 16

/** The reserved bits: what has no letter. */
const RESERVED = 0xe00

/** Letters, and the ACE field of Accurate ECN where one is given (RFC 9768: AE, CWR and ECE as a number), as bits. */
export function flagBits(letters: string, ace: number | null): number {
  let bits = ace === null ? 0 : ((ace & 4) << 6) | ((ace & 3) << 6)
  for (const letter of letters) bits |= BITS[letter] ?? 0
  return bits
}

/** Bits as letters; a reserved bit that is set shows as `r`. */
export function flagLetters(bits: number): string {
  const letters = ORDER.filter((letter) => (bits & BITS[letter]!) !== 0).join('')
  return (bits & RESERVED) === 0 ? letters : `r${letters}`
}
