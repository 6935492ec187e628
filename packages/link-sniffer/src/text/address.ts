import type { Reader } from './reader.ts'

// The address must be there: callers have looked.

/** `10.0.0.1` */
export function ipv4Text({ view }: Reader, at: number): string {
  return `${view.getUint8(at)}.${view.getUint8(at + 1)}.${view.getUint8(at + 2)}.${view.getUint8(at + 3)}`
}

/** `2001:db8::1`, by RFC 5952 §4: the longest run of zeros, the first of equal ones, and never a single one is shortened. */
export function ipv6Text({ view }: Reader, at: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(at + 2 * i))
  let longest = { from: 0, length: 0 }
  for (let from = 0; from < 8; from++) {
    let length = 0
    while (from + length < 8 && groups[from + length] === 0) length++
    if (length > longest.length) longest = { from, length }
  }
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':')
  if (longest.length < 2) return text(groups)
  return `${text(groups.slice(0, longest.from))}::${text(groups.slice(longest.from + longest.length))}`
}

/** `02:00:00:00:00:01` */
export function linkText({ view }: Reader, at: number): string {
  return Array.from({ length: 6 }, (_, i) => view.getUint8(at + i).toString(16).padStart(2, '0')).join(':')
}
