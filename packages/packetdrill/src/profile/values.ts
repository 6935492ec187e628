import type { EcnPolicy } from '@stack/tcp'
import type { Draft, Setting } from './profile.ts'

// Rows of the tables, in short.

/** It becomes an option of `tcp()`; `convert` gives its value, undefined = the default. */
export function tcpOption(name: string, option: string, convert: (value: string) => unknown): Setting {
  return { name, effect: 'option', apply: (value, draft) => set(draft, option, convert(value)) }
}

/** It becomes a part of the option `ecn` of `tcp()`. */
export function ecnOption(name: string, part: (value: number) => EcnPolicy): Setting {
  return { name, effect: 'option', apply: (value, draft) => set(draft, 'ecn', { ...(draft.tcp['ecn'] as EcnPolicy | undefined), ...part(numberOf(value)) }) }
}

/** An option of `tcp()` that the system looks at whenever it needs it, and not when a socket is made. */
export function liveOption(name: string, option: string, convert: (value: string) => unknown): Setting {
  return { name, effect: 'option', live: true, apply: (value, draft) => set(draft, option, convert(value)) }
}

/** What a socket option begins with. */
export function socketOption(name: string, option: string, convert: (value: string) => number): Setting {
  return {
    name,
    effect: 'option',
    apply(value, draft) {
      draft.socket[option] = convert(value)
    },
  }
}

/** An option that `tcp()` does not have yet. */
export function missing(name: string, option: string): Setting {
  return { name, effect: 'missing', option }
}

export function irrelevant(name: string, why: string): Setting {
  return { name, effect: 'irrelevant', why }
}

/** We behave as with `values`; anything else is out of reach. */
export function fixed(name: string, values: readonly string[], why: string): Setting {
  return { name, effect: 'fixed', values, why }
}

function set(draft: Draft, option: string, value: unknown): void {
  if (value !== undefined) draft.tcp[option] = value
}

/** Within what the option takes. */
export function bytes(value: number | string, least = 4096, most: number = 16 * 1024 * 1024): number {
  return Math.min(most, Math.max(least, typeof value === 'number' ? value : numberOf(value)))
}

/** Least MSS, within what the option takes. */
export function leastSegment(value: string): number {
  return Math.min(1460, Math.max(48, numberOf(value)))
}

/** Windows are scaled so that a buffer of `most` bytes could be told (RFC 7323 §2.2); unless scaling is off. */
export function setScale(draft: Draft, most: number): void {
  if (draft.tcp['windowScale'] === false) return
  let scale = 0
  while (scale < 14 && 65_535 * 2 ** scale < most) scale++
  draft.tcp['windowScale'] = scale
}

/** `a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4`, and a second one behind a comma: words, their bytes the lowest first. */
export function fastOpenKey(value: string): Uint8Array | undefined {
  const words = value.split(/[-,]/).map((word) => parseInt(word, 16))
  if (words.some(Number.isNaN)) return undefined
  return Uint8Array.from(words.flatMap((word) => [word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24]))
}

/** Decimal, hexadecimal, or `$((a*b))`. */
export function numberOf(value: string): number {
  const product = /^\$\(\(([\d*\s]+)\)\)$/.exec(value)
  return product === null ? Number(value) : product[1]!.split('*').reduce((total, factor) => total * Number(factor), 1)
}

/** `4096 131072 6291456` */
export function threeNumbers(value: string): readonly number[] {
  return (value.match(/\$\(\([^)]*\)\)|\S+/g) ?? []).map(numberOf)
}
