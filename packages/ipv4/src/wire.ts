/**
 * The wire format of IPv4 and ICMPv4: field tables, checked parsers and writers, without stack types.
 *
 * @example
 * ```ts
 * import { formatIpv4Address, ipv4Header, parseIpv4Header } from '@stack/ipv4/wire'
 *
 * const bytes = Uint8Array.of(0x45, 0, 0, 20, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2)
 * const header = ipv4Header()
 * if (parseIpv4Header(new DataView(bytes.buffer), 0, bytes.length, header) === null) {
 *   console.log(formatIpv4Address(header.source)) // '10.0.0.1'
 * }
 * ```
 *
 * @packageDocumentation
 */
export { formatIpv4Address, parseIpv4Address } from './wire/address.ts'
export { HEADER_FIELD, ipv4Header, IPV4_MAX_HEADER, IPV4_MAX_LENGTH, IPV4_MIN_HEADER, parseIpv4Header, writeIpv4Header, type Ipv4Fault, type Ipv4Header } from './wire/header.ts'
export { copyFragmentOptions, copyReplyOptions, inspectOptions, optionsFound, OptionType, stampOptions, type OptionsFound } from './wire/options.ts'
export { ICMP_FIELD, ICMP_HEADER, IcmpType, isIcmpError, UnreachableCode } from './wire/icmp.ts'
