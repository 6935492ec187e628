/**
 * The UDP header as bytes (RFC 768), without any type of the stack.
 *
 * @example
 * ```ts
 * import { readUdpHeader, writeUdpHeader } from '@stack/udp/wire'
 *
 * const bytes = new Uint8Array(8)
 * writeUdpHeader(new DataView(bytes.buffer), 0, 53, 4096, 8)
 * console.log(readUdpHeader(bytes))
 * ```
 *
 * @packageDocumentation
 */

/** Where the fields are, bytes from the start of the header. */
export const UDP_FIELD = { sourcePort: 0, destinationPort: 2, length: 4, checksum: 6 } as const

/** Bytes of a UDP header. */
export const UDP_HEADER_LENGTH = 8

/** The protocol number of UDP. */
export const UDP_PROTOCOL = 17

/** Writes a header with a zero checksum field at `offset`; returns the offset behind it. */
export function writeUdpHeader(view: DataView, offset: number, sourcePort: number, destinationPort: number, length: number): number {
  view.setUint16(offset, sourcePort)
  view.setUint16(offset + UDP_FIELD.destinationPort, destinationPort)
  view.setUint16(offset + UDP_FIELD.length, length)
  view.setUint16(offset + UDP_FIELD.checksum, 0)
  return offset + UDP_HEADER_LENGTH
}

/** A header as numbers, for tools and tests; null when fewer than 8 bytes are there or the length field is below 8. */
export function readUdpHeader(
  bytes: Uint8Array,
): { readonly sourcePort: number; readonly destinationPort: number; readonly length: number; readonly checksum: number } | null {
  if (bytes.length < UDP_HEADER_LENGTH) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = view.getUint16(UDP_FIELD.length)
  if (length < UDP_HEADER_LENGTH) return null
  return { sourcePort: view.getUint16(0), destinationPort: view.getUint16(UDP_FIELD.destinationPort), length, checksum: view.getUint16(UDP_FIELD.checksum) }
}
