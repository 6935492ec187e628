/**
 * Reads a dotted quad: exactly four decimal numbers of 0–255 without leading zeros. The short and octal forms of
 * inet_aton are refused, because programs disagree about them (RFC 6943 §3.1.1).
 *
 * @returns the address as int32, or null
 */
export function parseIpv4Address(text: string): number | null {
  if (text.length < 7 || text.length > 15) return null
  let word = 0
  let parts = 0
  let digits = 0
  let value = 0
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 0x2e
    if (code === 0x2e) {
      if (digits === 0 || ++parts > 4) return null
      word = (word << 8) | value
      digits = value = 0
      continue
    }
    if (code < 0x30 || code > 0x39) return null
    if (digits > 0 && value === 0) return null
    value = value * 10 + code - 0x30
    digits++
    if (value > 255) return null
  }
  return parts === 4 ? word | 0 : null
}

/** The dotted quad of an address. */
export function formatIpv4Address(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 0xff}.${(word >>> 8) & 0xff}.${word & 0xff}`
}
