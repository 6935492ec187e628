/**
 * The wire format of IPv6, ICMPv6 and Neighbour Discovery: field readers, checked parsers and writers over a DataView,
 * and the text form of addresses. Pure: no stack types.
 *
 * @example
 * ```ts
 * import { formatIpv6, parseIpv6, writeIpv6Header } from '@stack/ipv6/wire'
 *
 * const view = new DataView(new ArrayBuffer(40))
 * writeIpv6Header(view, 0, 0, 0, 0, 59, 64)
 * console.log(formatIpv6(parseIpv6('2001:DB8:0:0:0:0:0:1')!)) // 2001:db8::1
 * ```
 *
 * @packageDocumentation
 */
export * from './wire/chain.ts'
export * from './wire/header.ts'
export * from './wire/icmpv6.ts'
export * from './wire/ndp.ts'
export * from './wire/options.ts'
export * from './wire/text.ts'
