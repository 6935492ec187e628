import { viewOf } from './bytes.ts'
import type { AddressBytes } from './checksum.ts'

/** The headers that this kit knows. */
export type LayerName =
  | 'ethernet' | 'arp' | 'ipv4' | 'ipv6' | 'hopByHop' | 'destinationOptions' | 'routing' | 'fragment'
  | 'icmpv4' | 'icmpv6' | 'udp' | 'tcp'

/** What a header under construction knows of its neighbours. */
export interface BuildContext {
  /** EtherType of the layer above; undefined = none. */
  readonly etherType: number | undefined
  /** IP protocol number of the layer above; undefined = none. */
  readonly ipProtocol: number | undefined
  /** Of the IP header below, for the pseudo header; null = none. */
  readonly addresses: AddressBytes | null
}

/** One header to be built: what `ipv4()`, `tcp()` and the others return. Give them to `packet()`, outermost first. */
export interface Layer {
  readonly layer: LayerName
  /** Its EtherType, where it has one. */
  readonly etherType?: number
  /** Its IP protocol number, where it has one. */
  readonly ipProtocol?: number
  /** Those of an IP header: what a pseudo header takes. */
  readonly addresses?: AddressBytes
  /** Overrides the destination of the pseudo header: the last one of a routing header (RFC 8200 §8.1). */
  readonly finalDestination?: Uint8Array
  /** Header and body. */
  build(body: Uint8Array, context: BuildContext): Uint8Array
}

/** Which header comes next. */
export type NextLayer = { readonly etherType: number } | { readonly ipProtocol: number } | null

/** A packet while it is read. Parsers of headers move `at`, cut `end` and note what is wrong. */
export interface Cursor {
  readonly bytes: Uint8Array
  readonly view: DataView
  at: number
  end: number
  readonly problems: string[]
  /** A quotation, cut somewhere: lengths and checksums say nothing. */
  readonly isQuote: boolean
  /** The bytes up to `end` are a part of something larger: a fragment. */
  isFragment: boolean
  addresses: AddressBytes | null
}

export function cursorOf(bytes: Uint8Array, isQuote: boolean): Cursor {
  return { bytes, view: viewOf(bytes), at: 0, end: bytes.length, problems: [], isQuote, isFragment: false, addresses: null }
}

/** Are `length` bytes there? Else it is a problem of the header `name`. */
export function has(cursor: Cursor, length: number, name: string): boolean {
  const there = cursor.end - cursor.at
  if (there >= length) return true
  if (!cursor.isQuote) cursor.problems.push(`${name}: ${String(length)} bytes of header are needed, ${String(there)} are there`)
  return false
}

/** Notes a checksum that is not right. `sum` is that over the field too, 0 when right. */
export function checkSum(cursor: Cursor, name: string, field: number, sum: number): void {
  if (sum !== 0 && !cursor.isQuote) cursor.problems.push(`${name}: checksum 0x${field.toString(16).padStart(4, '0')} is wrong`)
}
