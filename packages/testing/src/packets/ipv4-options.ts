import { ipv4Bytes, ipv4Text } from './addresses.ts'
import { concat } from './bytes.ts'
import { readOptions } from './options.ts'

/** An option of an IPv4 header (RFC 791 §3.1, RFC 2113). `pointer` counts as on the wire, from 1 at the option's type. */
export type Ipv4Option =
  | { readonly kind: 'end' }
  | { readonly kind: 'nop' }
  | { readonly kind: 'recordRoute' | 'looseSourceRoute' | 'strictSourceRoute'; readonly pointer?: number; readonly addresses: readonly string[] }
  | { readonly kind: 'routerAlert'; readonly value: number }
  /** `length` lies about the length. */
  | { readonly kind: 'unknown'; readonly number: number; readonly data: Uint8Array; readonly length?: number }

const ROUTES = { recordRoute: 7, looseSourceRoute: 131, strictSourceRoute: 137 } as const
const ROUTER_ALERT = 148

export function buildIpv4Options(options: readonly Ipv4Option[]): Uint8Array {
  const bytes = concat(options.map(buildOne))
  return concat([bytes, new Uint8Array(-bytes.length & 3)])
}

function buildOne(option: Ipv4Option): Uint8Array {
  switch (option.kind) {
    case 'end':
      return Uint8Array.of(0)
    case 'nop':
      return Uint8Array.of(1)
    case 'routerAlert':
      return Uint8Array.of(ROUTER_ALERT, 4, option.value >> 8, option.value & 255)
    case 'unknown':
      return concat([Uint8Array.of(option.number, option.length ?? option.data.length + 2), option.data])
    default: {
      const addresses = concat(option.addresses.map(ipv4Bytes))
      return concat([Uint8Array.of(ROUTES[option.kind], 3 + addresses.length, option.pointer ?? 4), addresses])
    }
  }
}

/** Reads options up to the end or the first that lies, which is a problem. */
export function parseIpv4Options(bytes: Uint8Array, problems: string[]): Ipv4Option[] {
  return readOptions('ipv4', bytes, problems, parseOne)
}

function parseOne(number: number, data: Uint8Array): Ipv4Option {
  const route = (Object.keys(ROUTES) as (keyof typeof ROUTES)[]).find((name) => ROUTES[name] === number)
  if (route !== undefined && data.length % 4 === 1) {
    const addresses = Array.from({ length: (data.length - 1) / 4 }, (_, i) => ipv4Text(data.subarray(1 + 4 * i, 5 + 4 * i)))
    return { kind: route, pointer: data[0]!, addresses }
  }
  if (number === ROUTER_ALERT && data.length === 2) return { kind: 'routerAlert', value: data[0]! * 256 + data[1]! }
  return { kind: 'unknown', number, data }
}
