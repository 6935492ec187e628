import { ipv6Bytes, ipv6Text } from './addresses.ts'
import { concat, viewOf } from './bytes.ts'
import { nextHeaderOf } from './ipv6.ts'
import { has, type Cursor, type Layer, type NextLayer } from './layer.ts'

/** An option of a hop-by-hop or destination options header (RFC 8200 §4.2). */
export type Ipv6Option =
  | { readonly kind: 'pad1' }
  /** `length` = all of its bytes, 2 or more. */
  | { readonly kind: 'padN'; readonly length: number }
  /** RFC 2711. */
  | { readonly kind: 'routerAlert'; readonly value: number }
  /** RFC 2675. */
  | { readonly kind: 'jumbo'; readonly length: number }
  /** `length` lies about the length of the data. The two high bits of `number` say what who does not know it does. */
  | { readonly kind: 'unknown'; readonly number: number; readonly data: Uint8Array; readonly length?: number }

/** A hop-by-hop or destination options header (RFC 8200 §4.3, §4.6). */
export interface Ipv6OptionsHeader {
  readonly layer: 'hopByHop' | 'destinationOptions'
  readonly nextHeader: number
  /** Bytes of the whole header, a multiple of 8. */
  readonly headerLength: number
  /** Padding included. */
  readonly options: readonly Ipv6Option[]
}

/** A routing header (RFC 8200 §4.4). */
export interface RoutingHeader {
  readonly layer: 'routing'
  readonly nextHeader: number
  readonly headerLength: number
  readonly type: number
  readonly segmentsLeft: number
  /** What follows the first four bytes, as addresses behind 4 reserved bytes (types 0, 2, 4); empty for other lengths. */
  readonly addresses: readonly string[]
}

/** A fragment header (RFC 8200 §4.5). */
export interface FragmentHeader {
  readonly layer: 'fragment'
  readonly nextHeader: number
  /** Bytes, a multiple of 8. */
  readonly offset: number
  readonly more: boolean
  readonly identification: number
  /** The reserved byte. */
  readonly reserved: number
}

/** What the builders of extension headers take. */
export type Ipv6OptionsFields = Partial<Omit<Ipv6OptionsHeader, 'layer'>>
/** What {@link routing} takes; `data` replaces reserved bytes and addresses. */
export type RoutingFields = Partial<Omit<RoutingHeader, 'layer'>> & { readonly data?: Uint8Array }
/** What {@link fragment} takes. */
export type FragmentFields = Partial<Omit<FragmentHeader, 'layer'>>

/** A hop-by-hop options header; options are padded with PadN to a multiple of 8 bytes. */
export function hopByHop(fields: Ipv6OptionsFields = {}): Layer {
  return optionsHeader('hopByHop', 0, fields)
}

/** A destination options header; options are padded with PadN to a multiple of 8 bytes. */
export function destinationOptions(fields: Ipv6OptionsFields = {}): Layer {
  return optionsHeader('destinationOptions', 60, fields)
}

/** A routing header, by default of type 0 without addresses. With segments left, checksums behind it are made for the last address. */
export function routing(fields: RoutingFields = {}): Layer {
  const addresses = (fields.addresses ?? []).map(ipv6Bytes)
  const { segmentsLeft = addresses.length, type = 0 } = fields
  const final = segmentsLeft === 0 ? undefined : finalOf(type, addresses)
  return {
    layer: 'routing',
    ipProtocol: 43,
    ...(final === undefined ? {} : { finalDestination: final }),
    build(body, context) {
      const data = fields.data ?? concat([new Uint8Array(4), ...addresses])
      const bytes = concat([Uint8Array.of(nextHeaderOf(fields.nextHeader, context.ipProtocol, body), 0, type, segmentsLeft), data, body])
      bytes[1] = (fields.headerLength ?? data.length + 4) / 8 - 1
      return bytes
    },
  }
}

/** A fragment header; by default the first and last fragment at once (an atomic fragment, RFC 6946). */
export function fragment(fields: FragmentFields = {}): Layer {
  return {
    layer: 'fragment',
    ipProtocol: 44,
    build(body, context) {
      const bytes = new Uint8Array(8)
      const view = viewOf(bytes)
      bytes[0] = nextHeaderOf(fields.nextHeader, context.ipProtocol, body)
      bytes[1] = fields.reserved ?? 0
      view.setUint16(2, (fields.offset ?? 0) | (fields.more === true ? 1 : 0))
      view.setUint32(4, fields.identification ?? 1)
      return concat([bytes, body])
    },
  }
}

function optionsHeader(layer: 'hopByHop' | 'destinationOptions', ipProtocol: number, fields: Ipv6OptionsFields): Layer {
  return {
    layer,
    ipProtocol,
    build(body, context) {
      const options = concat((fields.options ?? []).map(buildOption))
      const missing = -(options.length + 2) & 7
      const padding = missing === 0 ? [] : missing === 1 ? [0] : [1, missing - 2, ...new Array<number>(missing - 2).fill(0)]
      const header = concat([Uint8Array.of(nextHeaderOf(fields.nextHeader, context.ipProtocol, body), 0), options, Uint8Array.from(padding)])
      header[1] = (fields.headerLength ?? header.length) / 8 - 1
      return concat([header, body])
    },
  }
}

function buildOption(option: Ipv6Option): Uint8Array {
  switch (option.kind) {
    case 'pad1':
      return Uint8Array.of(0)
    case 'padN':
      return concat([Uint8Array.of(1, option.length - 2), new Uint8Array(option.length - 2)])
    case 'routerAlert':
      return Uint8Array.of(5, 2, option.value >> 8, option.value & 255)
    case 'jumbo': {
      const bytes = Uint8Array.of(0xc2, 4, 0, 0, 0, 0)
      viewOf(bytes).setUint32(2, option.length)
      return bytes
    }
    case 'unknown':
      return concat([Uint8Array.of(option.number, option.length ?? option.data.length), option.data])
  }
}

/** The last address on the way: types 0 and 2 list them in order, type 4 backwards (RFC 8754 §2). */
function finalOf(type: number, addresses: readonly Uint8Array[]): Uint8Array | undefined {
  return type === 4 ? addresses[0] : addresses.at(-1)
}

/** Moves the cursor over an extension header that counts its length in 8 bytes; -1 = it is cut. */
function headerEnd(cursor: Cursor, name: string): number {
  if (!has(cursor, 8, name)) return -1
  const length = (cursor.bytes[cursor.at + 1]! + 1) * 8
  return has(cursor, length, name) ? cursor.at + length : -1
}

export function parseOptionsHeader(layer: 'hopByHop' | 'destinationOptions', cursor: Cursor): [Ipv6OptionsHeader | null, NextLayer] {
  const end = headerEnd(cursor, layer)
  if (end < 0) return [null, null]
  const { bytes, at, problems } = cursor
  const options: Ipv6Option[] = []
  for (let i = at + 2; i < end; ) {
    const number = bytes[i]!
    const length = number === 0 ? -1 : (bytes[i + 1] ?? 255)
    if (i + 2 + length > end) {
      problems.push(`${layer}: option ${String(number)} has the length ${String(length)}`)
      break
    }
    options.push(parseOption(number, bytes.slice(i + 2, i + 2 + Math.max(length, 0))))
    i += 2 + length
  }
  const nextHeader = bytes[at]!
  cursor.at = end
  return [{ layer, nextHeader, headerLength: end - at, options }, { ipProtocol: nextHeader }]
}

function parseOption(number: number, data: Uint8Array): Ipv6Option {
  if (number === 0) return { kind: 'pad1' }
  if (number === 1) return { kind: 'padN', length: data.length + 2 }
  if (number === 5 && data.length === 2) return { kind: 'routerAlert', value: data[0]! * 256 + data[1]! }
  if (number === 0xc2 && data.length === 4) return { kind: 'jumbo', length: viewOf(data).getUint32(0) }
  return { kind: 'unknown', number, data }
}

export function parseRouting(cursor: Cursor): [RoutingHeader | null, NextLayer] {
  const end = headerEnd(cursor, 'routing')
  if (end < 0) return [null, null]
  const { bytes, at } = cursor
  const count = (end - at - 8) % 16 === 0 ? (end - at - 8) / 16 : 0
  const raw = Array.from({ length: count }, (_, i) => bytes.subarray(at + 8 + 16 * i, at + 24 + 16 * i))
  const type = bytes[at + 2]!
  const segmentsLeft = bytes[at + 3]!
  const final = finalOf(type, raw)
  if (segmentsLeft > 0 && final !== undefined && cursor.addresses !== null) cursor.addresses = { source: cursor.addresses.source, destination: final }
  cursor.at = end
  const nextHeader = bytes[at]!
  return [{ layer: 'routing', nextHeader, headerLength: end - at, type, segmentsLeft, addresses: raw.map(ipv6Text) }, { ipProtocol: nextHeader }]
}

export function parseFragment(cursor: Cursor): [FragmentHeader | null, NextLayer] {
  if (!has(cursor, 8, 'fragment')) return [null, null]
  const { bytes, view, at } = cursor
  const word = view.getUint16(at + 2)
  const nextHeader = bytes[at]!
  const header: FragmentHeader = {
    layer: 'fragment', nextHeader,
    offset: word & 0xfff8,
    more: (word & 1) !== 0,
    identification: view.getUint32(at + 4),
    reserved: bytes[at + 1]!,
  }
  cursor.at += 8
  cursor.isFragment = header.more || header.offset > 0
  return [header, header.offset > 0 ? null : { ipProtocol: nextHeader }]
}
