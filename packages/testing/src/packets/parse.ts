import { parseArp, type ArpHeader } from './arp.ts'
import { parseEthernet, type EthernetHeader } from './ethernet.ts'
import { parseIcmpv4, type Icmpv4Header } from './icmpv4.ts'
import { parseIcmpv6, type Icmpv6Header } from './icmpv6.ts'
import { parseIpv4, type Ipv4Header } from './ipv4.ts'
import { parseFragment, parseOptionsHeader, parseRouting, type FragmentHeader, type Ipv6OptionsHeader, type RoutingHeader } from './ipv6-extensions.ts'
import { parseIpv6, type Ipv6Header } from './ipv6.ts'
import { cursorOf, type Cursor, type LayerName, type NextLayer } from './layer.ts'
import { parseTcp, type TcpHeader } from './tcp.ts'
import { parseUdp, type UdpHeader } from './udp.ts'

/** Any header that was read; told apart by `layer`. */
export type Header =
  | EthernetHeader | ArpHeader | Ipv4Header | Ipv6Header | Ipv6OptionsHeader | RoutingHeader | FragmentHeader
  | Icmpv4Header | Icmpv6Header | UdpHeader | TcpHeader

/** The header type of a layer name. */
export type HeaderOf<N extends LayerName> = Extract<Header, { readonly layer: N }> & { readonly layer: N }

/** A packet taken apart. */
export interface ParsedPacket {
  readonly bytes: Uint8Array
  /** Outermost first. */
  readonly layers: readonly Header[]
  /** What follows the last header that is known, as far as the lengths say. A view of `bytes`. */
  readonly payload: Uint8Array
  /** What lies behind the end that the lengths tell: padding of a frame, or bytes that should not be. A view of `bytes`. */
  readonly trailing: Uint8Array
  /** What is wrong with lengths and checksums, as sentences; empty for a sound packet. */
  readonly problems: readonly string[]
  // The first header of each kind, or null.
  readonly ethernet: EthernetHeader | null
  readonly arp: ArpHeader | null
  readonly ipv4: Ipv4Header | null
  readonly ipv6: Ipv6Header | null
  readonly fragment: FragmentHeader | null
  readonly icmpv4: Icmpv4Header | null
  readonly icmpv6: Icmpv6Header | null
  readonly udp: UdpHeader | null
  readonly tcp: TcpHeader | null
}

/** Options of {@link parsePacket}. */
export interface ParseOptions {
  /** The first header. Default `'ip'`: IPv4 or IPv6, as the version nibble says. */
  readonly first?: 'ip' | 'ethernet' | 'ipv4' | 'ipv6' | 'arp'
  /** The packet is quoted in an error and cut somewhere: lengths and checksums are not looked at. Default false. */
  readonly isQuote?: boolean
}

/** Headers that one packet may nest: bytes that claim more are not taken at their word. */
const MOST_LAYERS = 32
const SMALLEST_FRAME = 60

/**
 * Takes a packet apart into its headers. Never throws: what does not fit is told in `problems`, and what is behind it is payload.
 *
 * @example
 * ```ts
 * import { ipv4, packet, parsePacket, tcp } from '@stack/testing'
 *
 * const parsed = parsePacket(packet(ipv4(), tcp({ flags: 'S', mss: 1460 })))
 * console.log(parsed.tcp?.flags, parsed.tcp?.mss, parsed.problems) // S 1460 []
 * ```
 */
export function parsePacket(bytes: Uint8Array, options: ParseOptions = {}): ParsedPacket {
  const cursor = cursorOf(bytes, options.isQuote ?? false)
  const layers: Header[] = []
  let next = firstLayer(bytes, options.first ?? 'ip')
  if (next === null) cursor.problems.push('ip: neither IPv4 nor IPv6')
  while (next !== null && layers.length < MOST_LAYERS) {
    const [header, following]: readonly [Header | null, NextLayer] = next === 'ethernet' ? parseEthernet(cursor) : parseNext(next, cursor)
    if (header === null) break
    layers.push(header)
    next = following
  }
  const trailing = bytes.subarray(cursor.end)
  const isPadding = layers[0]?.layer === 'ethernet' && bytes.length <= SMALLEST_FRAME
  if (trailing.length > 0 && !isPadding && !cursor.isQuote) cursor.problems.push(`${String(trailing.length)} bytes behind the end`)
  const find = <N extends LayerName>(name: N): HeaderOf<N> | null => layers.find((header): header is HeaderOf<N> => header.layer === name) ?? null
  return {
    bytes, layers, trailing,
    payload: bytes.subarray(cursor.at, cursor.end),
    problems: cursor.problems,
    ethernet: find('ethernet'), arp: find('arp'), ipv4: find('ipv4'), ipv6: find('ipv6'), fragment: find('fragment'),
    icmpv4: find('icmpv4'), icmpv6: find('icmpv6'), udp: find('udp'), tcp: find('tcp'),
  }
}

function firstLayer(bytes: Uint8Array, first: NonNullable<ParseOptions['first']>): NextLayer | 'ethernet' {
  switch (first) {
    case 'ethernet':
      return first
    case 'ipv4':
      return { etherType: 0x0800 }
    case 'ipv6':
      return { etherType: 0x86dd }
    case 'arp':
      return { etherType: 0x0806 }
    case 'ip': {
      const version = (bytes[0] ?? 0) >> 4
      return version === 4 ? { etherType: 0x0800 } : version === 6 ? { etherType: 0x86dd } : null
    }
  }
}

function parseNext(next: Exclude<NextLayer, null>, cursor: Cursor): [Header | null, NextLayer] {
  if ('etherType' in next) {
    if (next.etherType === 0x0800) return parseIpv4(cursor)
    if (next.etherType === 0x86dd) return parseIpv6(cursor)
    return next.etherType === 0x0806 ? parseArp(cursor) : [null, null]
  }
  switch (next.ipProtocol) {
    case 0:
      return parseOptionsHeader('hopByHop', cursor)
    case 1:
      return parseIcmpv4(cursor)
    case 4:
      return parseIpv4(cursor)
    case 6:
      return parseTcp(cursor)
    case 17:
      return parseUdp(cursor)
    case 41:
      return parseIpv6(cursor)
    case 43:
      return parseRouting(cursor)
    case 44:
      return parseFragment(cursor)
    case 58:
      return parseIcmpv6(cursor)
    case 60:
      return parseOptionsHeader('destinationOptions', cursor)
    default:
      return [null, null]
  }
}
