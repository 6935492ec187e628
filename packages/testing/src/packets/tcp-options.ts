import { concat, viewOf } from './bytes.ts'
import { readOptions } from './options.ts'

/** The counters of an AccECN option, 24 bits each (RFC 9768 §3.2.3), in the order of the option; missing ones are not sent. */
export type AccEcnCounters = readonly number[]

/** An option of a TCP header. Numbers are uint32 or smaller, as on the wire. */
export type TcpOption =
  | { readonly kind: 'end' }
  | { readonly kind: 'nop' }
  | { readonly kind: 'mss'; readonly value: number }
  | { readonly kind: 'windowScale'; readonly shift: number }
  | { readonly kind: 'sackPermitted' }
  /** Left and right edges, right exclusive (RFC 2018 §3). */
  | { readonly kind: 'sack'; readonly blocks: readonly (readonly [left: number, right: number])[] }
  | { readonly kind: 'timestamps'; readonly value: number; readonly echo: number }
  /** RFC 7413 §4.1.1; without cookie it asks for one. */
  | { readonly kind: 'fastOpen'; readonly cookie: Uint8Array }
  /** The same in the experimental option 254 (RFC 6994, magic 0xf989). */
  | { readonly kind: 'fastOpenExperimental'; readonly cookie: Uint8Array }
  | { readonly kind: 'userTimeout'; readonly granularity: 'seconds' | 'minutes'; readonly value: number }
  /** RFC 2385, 16 bytes. */
  | { readonly kind: 'md5'; readonly digest: Uint8Array }
  /** Order 0: EE0B, ECEB, EE1B. Order 1: EE1B, ECEB, EE0B. */
  | { readonly kind: 'accEcn0' | 'accEcn1'; readonly counters: AccEcnCounters }
  /** Any other; `length` lies about the length. */
  | { readonly kind: 'unknown'; readonly number: number; readonly data: Uint8Array; readonly length?: number }

const NUMBER = { mss: 2, windowScale: 3, sackPermitted: 4, sack: 5, timestamps: 8, md5: 19, userTimeout: 28, fastOpen: 34, accEcn0: 172, accEcn1: 174, experimental: 254 } as const
const FAST_OPEN_MAGIC = 0xf989

/** The options one after the other, filled up with zeros (end of list) to a multiple of 4. */
export function buildTcpOptions(options: readonly TcpOption[]): Uint8Array {
  const bytes = concat(options.map(buildOne))
  return concat([bytes, new Uint8Array(-bytes.length & 3)])
}

function buildOne(option: TcpOption): Uint8Array {
  switch (option.kind) {
    case 'end':
      return Uint8Array.of(0)
    case 'nop':
      return Uint8Array.of(1)
    case 'mss':
      return withHeader(NUMBER.mss, words16(option.value))
    case 'windowScale':
      return withHeader(NUMBER.windowScale, Uint8Array.of(option.shift))
    case 'sackPermitted':
      return withHeader(NUMBER.sackPermitted, new Uint8Array(0))
    case 'sack':
      return withHeader(NUMBER.sack, words32(option.blocks.flat()))
    case 'timestamps':
      return withHeader(NUMBER.timestamps, words32([option.value, option.echo]))
    case 'fastOpen':
      return withHeader(NUMBER.fastOpen, option.cookie)
    case 'fastOpenExperimental':
      return withHeader(NUMBER.experimental, concat([words16(FAST_OPEN_MAGIC), option.cookie]))
    case 'userTimeout':
      return withHeader(NUMBER.userTimeout, words16((option.granularity === 'minutes' ? 0x8000 : 0) | option.value))
    case 'md5':
      return withHeader(NUMBER.md5, option.digest)
    case 'accEcn0':
    case 'accEcn1':
      return withHeader(NUMBER[option.kind], Uint8Array.from(option.counters.flatMap((n) => [(n >> 16) & 255, (n >> 8) & 255, n & 255])))
    case 'unknown':
      return withHeader(option.number, option.data, option.length)
  }
}

function withHeader(number: number, data: Uint8Array, length: number = data.length + 2): Uint8Array {
  return concat([Uint8Array.of(number, length), data])
}

function words16(value: number): Uint8Array {
  return Uint8Array.of((value >> 8) & 255, value & 255)
}

function words32(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length)
  const view = viewOf(bytes)
  values.forEach((value, i) => {
    view.setUint32(4 * i, value)
  })
  return bytes
}

/** Reads options, padding left out, up to the first that lies, which is a problem. */
export function parseTcpOptions(bytes: Uint8Array, problems: string[]): TcpOption[] {
  return readOptions('tcp', bytes, problems, parseOne)
}

function parseOne(number: number, data: Uint8Array): TcpOption {
  const view = viewOf(data)
  const size = data.length
  if (number === NUMBER.mss && size === 2) return { kind: 'mss', value: view.getUint16(0) }
  if (number === NUMBER.windowScale && size === 1) return { kind: 'windowScale', shift: data[0]! }
  if (number === NUMBER.sackPermitted && size === 0) return { kind: 'sackPermitted' }
  if (number === NUMBER.sack && size > 0 && size % 8 === 0) {
    return { kind: 'sack', blocks: Array.from({ length: size / 8 }, (_, i) => [view.getUint32(8 * i), view.getUint32(8 * i + 4)] as const) }
  }
  if (number === NUMBER.timestamps && size === 8) return { kind: 'timestamps', value: view.getUint32(0), echo: view.getUint32(4) }
  if (number === NUMBER.md5 && size === 16) return { kind: 'md5', digest: data }
  if (number === NUMBER.userTimeout && size === 2) {
    const word = view.getUint16(0)
    return { kind: 'userTimeout', granularity: word >= 0x8000 ? 'minutes' : 'seconds', value: word & 0x7fff }
  }
  if (number === NUMBER.fastOpen) return { kind: 'fastOpen', cookie: data }
  if (number === NUMBER.experimental && size >= 2 && view.getUint16(0) === FAST_OPEN_MAGIC) return { kind: 'fastOpenExperimental', cookie: data.slice(2) }
  if ((number === NUMBER.accEcn0 || number === NUMBER.accEcn1) && size % 3 === 0 && size <= 9) {
    const counters = Array.from({ length: size / 3 }, (_, i) => data[3 * i]! * 0x10000 + data[3 * i + 1]! * 0x100 + data[3 * i + 2]!)
    return { kind: number === NUMBER.accEcn0 ? 'accEcn0' : 'accEcn1', counters }
  }
  return { kind: 'unknown', number, data }
}
