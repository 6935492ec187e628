/** The bytes of one packet, for decoders that look before they read. */
export interface Reader {
  readonly view: DataView
  /** Behind the last byte there is. */
  readonly end: number
}

export function readerOf(bytes: Uint8Array): Reader {
  return { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), end: bytes.length }
}

/** The same bytes, cut at `end`: what follows belongs to somebody else. */
export function cut(reader: Reader, end: number): Reader {
  return end >= reader.end ? reader : { view: reader.view, end }
}

/** Are `length` bytes there from `at` on? */
export function has(reader: Reader, at: number, length: number): boolean {
  return at + length <= reader.end
}

export function hex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`
}
