/**
 * Echo messages as bytes (RFC 792, RFC 4443 §4), without any type of the stack.
 *
 * @example
 * ```ts
 * import { readEcho } from '@stack/icmp/wire'
 *
 * console.log(readEcho(Uint8Array.of(8, 0, 0, 0, 0, 1, 0, 2))) // identifier 1, sequence 2
 * ```
 *
 * @packageDocumentation
 */

/** Where the fields of an echo message are. */
export const ECHO_FIELD = { type: 0, code: 1, checksum: 2, identifier: 4, sequence: 6 } as const

/** Bytes before the payload. */
export const ECHO_HEADER_LENGTH = 8

/** Protocol numbers. */
export const ICMPV4_PROTOCOL = 1
export const ICMPV6_PROTOCOL = 58

/** Message types: RFC 792 and RFC 4443 §4.1, §4.2. */
export const ECHO_TYPE = { v4Request: 8, v4Reply: 0, v6Request: 128, v6Reply: 129 } as const

/** Writes an echo header with a zero checksum. */
export function writeEcho(view: DataView, offset: number, type: number, identifier: number, sequence: number): void {
  view.setUint8(offset, type)
  view.setUint8(offset + ECHO_FIELD.code, 0)
  view.setUint16(offset + ECHO_FIELD.checksum, 0)
  view.setUint16(offset + ECHO_FIELD.identifier, identifier)
  view.setUint16(offset + ECHO_FIELD.sequence, sequence)
}

/** A header as numbers, for tools and tests; null when it is too short. */
export function readEcho(bytes: Uint8Array): { readonly type: number; readonly code: number; readonly identifier: number; readonly sequence: number } | null {
  if (bytes.length < ECHO_HEADER_LENGTH) return null
  return {
    type: bytes[0]!,
    code: bytes[1]!,
    identifier: (bytes[4]! << 8) | bytes[5]!,
    sequence: (bytes[6]! << 8) | bytes[7]!,
  }
}
