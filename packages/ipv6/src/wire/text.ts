import type { AddressWords } from './header.ts'

/**
 * Reads the text form of an IPv6 address (RFC 4291 §2.2), with an embedded dotted quad or without. No zone, no prefix
 * length, no brackets.
 *
 * @returns int32 words, or null when the text is not an address
 */
export function parseIpv6(text: string): AddressWords | null {
  const gap = text.indexOf('::')
  const head: number[] = []
  if (gap < 0) {
    if (!readGroups(text, head) || head.length !== 8) return null
    return wordsOf(head)
  }
  const tail: number[] = []
  const before = text.slice(0, gap)
  const behind = text.slice(gap + 2)
  // A dotted quad stands at the very end only.
  if (before !== '' && (before.includes('.') || !readGroups(before, head))) return null
  if (behind !== '' && !readGroups(behind, tail)) return null
  // "::" stands for at least one group.
  if (head.length + tail.length > 7) return null
  return wordsOf([...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail])
}

/**
 * The canonical text form (RFC 5952 §4): lower case, no leading zeros, the first longest run of two or more zero groups
 * as `::`, IPv4-mapped addresses with a dotted quad (§5).
 */
export function formatIpv6(x: AddressWords): string {
  if (x.a === 0 && x.b === 0 && x.c === 0xffff) {
    return `::ffff:${x.d >>> 24}.${(x.d >>> 16) & 0xff}.${(x.d >>> 8) & 0xff}.${x.d & 0xff}`
  }
  const groups = [x.a, x.b, x.c, x.d].flatMap((word) => [word >>> 16, word & 0xffff])
  let start = 0
  let longest = 0
  for (let i = 0; i < 8; i++) {
    let run = 0
    while (i + run < 8 && groups[i + run] === 0) run++
    if (run > longest) {
      start = i
      longest = run
    }
  }
  const text = (part: number[]): string => part.map((group) => group.toString(16)).join(':')
  // RFC 5952 §4.2.2: one zero group alone is not shortened.
  if (longest < 2) return text(groups)
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + longest))}`
}

function readGroups(text: string, groups: number[]): boolean {
  const parts = text.split(':')
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16))
    else if (i !== parts.length - 1 || !readDottedQuad(part, groups)) return false
  }
  return groups.length <= 8
}

function readDottedQuad(text: string, groups: number[]): boolean {
  // No leading zeros: they are octal to some readers.
  const match = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/.exec(text)
  if (match === null) return false
  const [p, q, r, s] = match.slice(1).map(Number) as [number, number, number, number]
  if (p > 255 || q > 255 || r > 255 || s > 255) return false
  groups.push((p << 8) | q, (r << 8) | s)
  return true
}

function wordsOf(groups: readonly number[]): AddressWords {
  const word = (i: number): number => (groups[i]! << 16) | groups[i + 1]!
  return { a: word(0), b: word(2), c: word(4), d: word(6) }
}
