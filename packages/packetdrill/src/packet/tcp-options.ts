import type { OptionSpec } from '../language/ast.ts'
import { viewOf } from './bytes.ts'

const KIND = { end: 0, nop: 1, mss: 2, windowScale: 3, sackPermitted: 4, sack: 5, timestamps: 8, md5: 19, fastOpen: 34, accurateEcn0: 172, accurateEcn1: 174, experimental: 254 } as const

/** RFC 7413 in its experimental form: kind 254 with this magic number (RFC 6994). */
const FAST_OPEN_MAGIC = 0xf989

/** Most bytes that the data offset leaves to options. */
export const MAX_OPTIONS = 40

/** The bytes of an option list as written, padded with zeros (end of list) to a multiple of 4. */
export function encodeOptions(options: readonly OptionSpec[]): Uint8Array {
  const bytes = options.flatMap(encode)
  while (bytes.length % 4 !== 0) bytes.push(KIND.end)
  return Uint8Array.from(bytes)
}

function encode(option: OptionSpec): number[] {
  switch (option.kind) {
    case 'nop': return [KIND.nop]
    case 'eol': return [KIND.end]
    case 'sackOK': return [KIND.sackPermitted, 2]
    case 'mss': return [KIND.mss, 4, ...uint16(option.value)]
    case 'wscale': return [KIND.windowScale, 3, option.value & 0xff]
    case 'sack': return withLength(KIND.sack, option.blocks.flatMap(({ start, end }) => [...uint32(start), ...uint32(end)]))
    case 'timestamp': return withLength(KIND.timestamps, [...uint32(option.value ?? 0), ...uint32(option.echo ?? 0)])
    case 'fastOpen': return withLength(KIND.fastOpen, [...(option.cookie ?? [])])
    case 'fastOpenExperimental': return withLength(KIND.experimental, [...uint16(FAST_OPEN_MAGIC), ...(option.cookie ?? [])])
    case 'md5': return withLength(KIND.md5, [...(option.digest ?? new Uint8Array(16))])
    case 'accurateEcn': return withLength(option.counters[0]?.name === 'e1b' ? KIND.accurateEcn1 : KIND.accurateEcn0, option.counters.flatMap(({ value }) => uint24(value)))
    case 'other': return withLength(option.number, [...option.bytes])
  }
}

function withLength(kind: number, body: readonly number[]): number[] {
  return [kind, body.length + 2, ...body]
}

function uint16(value: number): number[] {
  return [(value >>> 8) & 0xff, value & 0xff]
}

function uint24(value: number): number[] {
  return [(value >>> 16) & 0xff, ...uint16(value)]
}

function uint32(value: number): number[] {
  return [(value >>> 24) & 0xff, ...uint24(value)]
}

/** The shift that an option list offers; null = none. */
export function scaleOf(options: readonly OptionSpec[] | null): number | null {
  const found = options?.find((option) => option.kind === 'wscale')
  return found?.kind === 'wscale' ? found.value : null
}

/** The options in the order of the wire, `nop` and `eol` included. What has a length that lies ends the list as bytes of kind `other`. */
export function parseOptions(bytes: Uint8Array): OptionSpec[] {
  const options: OptionSpec[] = []
  for (let at = 0; at < bytes.length;) {
    const kind = bytes[at]!
    if (kind === KIND.end || kind === KIND.nop) {
      options.push({ kind: kind === KIND.end ? 'eol' : 'nop' })
      at++
      continue
    }
    const length = bytes[at + 1] ?? 0
    if (length < 2 || at + length > bytes.length) {
      options.push({ kind: 'other', number: kind, bytes: bytes.slice(at + 1) })
      break
    }
    options.push(decode(kind, bytes.slice(at + 2, at + length)))
    at += length
  }
  return options
}

function decode(kind: number, body: Uint8Array): OptionSpec {
  const view = viewOf(body)
  const { length } = body
  if (kind === KIND.mss && length === 2) return { kind: 'mss', value: view.getUint16(0) }
  if (kind === KIND.windowScale && length === 1) return { kind: 'wscale', value: view.getUint8(0) }
  if (kind === KIND.sackPermitted && length === 0) return { kind: 'sackOK' }
  if (kind === KIND.timestamps && length === 8) return { kind: 'timestamp', value: view.getUint32(0), echo: view.getUint32(4) }
  if (kind === KIND.sack && length % 8 === 0) {
    const blocks = Array.from({ length: length / 8 }, (_, index) => ({ start: view.getUint32(index * 8), end: view.getUint32(index * 8 + 4) }))
    return { kind: 'sack', blocks }
  }
  if (kind === KIND.fastOpen) return { kind: 'fastOpen', cookie: body, symbol: null }
  if (kind === KIND.experimental && length >= 2 && view.getUint16(0) === FAST_OPEN_MAGIC) return { kind: 'fastOpenExperimental', cookie: body.slice(2), symbol: null }
  if (kind === KIND.md5) return { kind: 'md5', digest: body, valid: null }
  if ((kind === KIND.accurateEcn0 || kind === KIND.accurateEcn1) && length % 3 === 0 && length <= 9) {
    const names = kind === KIND.accurateEcn0 ? (['e0b', 'ceb', 'e1b'] as const) : (['e1b', 'ceb', 'e0b'] as const)
    const counters = Array.from({ length: length / 3 }, (_, index) => ({ name: names[index]!, value: (view.getUint16(index * 3) << 8) | view.getUint8(index * 3 + 2) }))
    return { kind: 'accurateEcn', counters }
  }
  return { kind: 'other', number: kind, bytes: body }
}
