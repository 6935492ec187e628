import { sameBytes, toHex } from './bytes.ts'

/** Says of a value whether it will do; `text` says what would. Make one with {@link satisfying} or use those that are here. */
export interface Matcher<T> {
  readonly text: string
  matches(value: T): boolean
}

/** A value that has to be equal, or a matcher that has to agree. */
export type Expected<T> = T | Matcher<T>

/** Any test, with the words for the message. */
export function satisfying<T>(text: string, matches: (value: T) => boolean): Matcher<T> {
  return { text, matches }
}

/** A number from `low` to `high`, both included. */
export function between(low: number, high: number): Matcher<number> {
  return satisfying(`from ${String(low)} to ${String(high)}`, (value) => value >= low && value <= high)
}

export function atLeast(low: number): Matcher<number> {
  return satisfying(`at least ${String(low)}`, (value) => value >= low)
}

export function atMost(high: number): Matcher<number> {
  return satisfying(`at most ${String(high)}`, (value) => value <= high)
}

/** One of the values. */
export function anyOf<T>(...values: readonly T[]): Matcher<T> {
  return satisfying(`one of ${values.map(show).join(', ')}`, (value) => values.some((one) => isEqual(one, value)))
}

/** Anything but this. */
export function not<T>(value: T): Matcher<T> {
  return satisfying(`not ${show(value)}`, (got) => !isEqual(value, got))
}

export function isMatcher(value: unknown): value is Matcher<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Matcher<unknown>>).matches === 'function'
}

/** Does `got` do for `expected`? */
export function meets(expected: unknown, got: unknown): boolean {
  return isMatcher(expected) ? expected.matches(got) : isEqual(expected, got)
}

/** Equality by value: bytes, lists and plain objects within each other. */
function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (a instanceof Uint8Array || b instanceof Uint8Array) return a instanceof Uint8Array && b instanceof Uint8Array && sameBytes(a, b)
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  const keys = Object.keys(a)
  return (
    Array.isArray(a) === Array.isArray(b) &&
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isEqual((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
  )
}

/** A value as a message shows it. */
export function show(value: unknown): string {
  if (isMatcher(value)) return value.text
  if (typeof value === 'string') return `'${value}'`
  if (value instanceof Uint8Array) return `${String(value.length)} bytes ${toHex(value.subarray(0, 32))}${value.length > 32 ? '…' : ''}`
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`
  if (typeof value === 'object' && value !== null) return `{ ${Object.entries(value).map(([key, one]) => `${key}: ${show(one)}`).join(', ')} }`
  return String(value)
}
