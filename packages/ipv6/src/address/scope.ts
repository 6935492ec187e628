import { address } from '@stack/core'
import type { Address } from '@stack/core'
import type { AddressWords } from '../wire/header.ts'

/** `ff02::1`, every node of a link (RFC 4291 §2.7.1). */
export const ALL_NODES: Address = address(0xff020000, 0, 0, 1)

/** Scope values (RFC 4007, RFC 6724 §3.1); larger is wider. */
const Scope = { InterfaceLocal: 1, LinkLocal: 2, SiteLocal: 5, Global: 14 } as const

/** ff00::/8, by the first word. */
export function isMulticastWord(a: number): boolean {
  return a >>> 24 === 0xff
}

/** fe80::/10, by the first word. */
export function isLinkLocalWord(a: number): boolean {
  return a >>> 22 === 0xfe80 >>> 6
}

/** `::1`. */
export function isLoopbackAddress(x: AddressWords): boolean {
  return x.d === 1 && x.a === 0 && x.b === 0 && x.c === 0
}

/** `::` alone; `0.0.0.0` in mapped form is IPv4's. */
export function isAnyAddress(x: AddressWords): boolean {
  return x.d === 0 && x.a === 0 && x.b === 0 && x.c === 0
}

/** Unicast or multicast link-local: means something on one link only. */
export function needsZone(a: number): boolean {
  return isLinkLocalWord(a) || (isMulticastWord(a) && ((a >>> 16) & 0xf) <= Scope.LinkLocal)
}

/** The scope of an address (RFC 6724 §3.1). Loopback counts as link-local. */
export function scopeOf(x: AddressWords): number {
  if (isMulticastWord(x.a)) return (x.a >>> 16) & 0xf
  if (isLinkLocalWord(x.a) || isLoopbackAddress(x)) return Scope.LinkLocal
  // fec0::/10, deprecated but still narrower than global.
  return x.a >>> 22 === 0xfec0 >>> 6 ? Scope.SiteLocal : Scope.Global
}

/** ff02::1:ffXX:XXXX of a unicast address (RFC 4291 §2.7.1). */
export function solicitedNodeAddress(x: AddressWords): Address {
  return address(0xff020000, 0, 1, 0xff000000 | (x.d & 0xffffff))
}

/** The multicast link address of a group: 33:33 and the last four bytes (RFC 2464 §7). */
export function multicastLinkAddress(group: AddressWords): Uint8Array {
  const d = group.d
  return Uint8Array.of(0x33, 0x33, d >>> 24, d >>> 16, d >>> 8, d)
}

/** Leading bits that two addresses share, 0–128. */
export function commonPrefixLength(x: AddressWords, y: AddressWords): number {
  if (x.a !== y.a) return Math.clz32(x.a ^ y.a)
  if (x.b !== y.b) return 32 + Math.clz32(x.b ^ y.b)
  if (x.c !== y.c) return 64 + Math.clz32(x.c ^ y.c)
  return 96 + Math.clz32(x.d ^ y.d)
}
