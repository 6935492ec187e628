/** Bytes as tests write them: an array, a list of numbers, or text, which becomes UTF-8. For hexadecimal see {@link hex}. */
export type Bytes = Uint8Array | readonly number[] | string

/** The bytes of `source`; an array is returned as it is. */
export function toBytes(source: Bytes): Uint8Array {
  if (typeof source === 'string') return new TextEncoder().encode(source)
  return source instanceof Uint8Array ? source : Uint8Array.from(source)
}

/**
 * Bytes from hexadecimal text; blanks, colons and line ends are ignored.
 *
 * @throws Error when something else is in it, or half a byte
 *
 * @example
 * ```ts
 * import { hex } from '@stack/testing'
 *
 * console.log(hex('45 00 00 14').length) // 4
 * ```
 */
export function hex(text: string): Uint8Array {
  const digits = text.replace(/[\s:]/g, '')
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new Error(`hex: '${text}' is not a whole number of hexadecimal bytes.`)
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16))
}

/** Hexadecimal text without blanks. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** One array of all `parts`. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/**
 * Bytes that tell where they are: byte `i` of a stream is `i · 7` modulo 256. For data whose order is looked at.
 *
 * @param from - position of the first byte in the stream
 */
export function pattern(length: number, from = 0): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (from + i) * 7
  return bytes
}

/** Are these the bytes of {@link pattern} from `from` on? Faster than comparing arrays. */
export function isPattern(bytes: Uint8Array, from: number): boolean {
  return bytes.every((byte, i) => byte === (((from + i) * 7) & 0xff))
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
