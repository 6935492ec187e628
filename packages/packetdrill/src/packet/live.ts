import type { OptionSpec } from '../language/ast.ts'
import { finish, pseudoHeaderSum, sum, viewOf } from './bytes.ts'
import { parseOptions } from './tcp-options.ts'

/** A packet of the wire, read from its bytes. Addresses are bytes: 4 for IPv4, 16 for IPv6. */
export interface LivePacket {
  readonly bytes: Uint8Array
  readonly version: 4 | 6
  readonly source: Uint8Array
  readonly destination: Uint8Array
  readonly tos: number
  readonly ttl: number
  /** 0 for IPv4. */
  readonly flowLabel: number
  /** Of IPv4; 0 for IPv6. */
  readonly id: number
  readonly protocol: number
  /** What follows the network header. */
  readonly body: LiveTcp | LiveUdp | LiveIcmp | LiveOther
  /** What is wrong with it in a sentence: a checksum, a length; null = nothing. */
  readonly fault: string | null
}

export interface LiveTcp {
  readonly kind: 'tcp'
  readonly sourcePort: number
  readonly destinationPort: number
  /** uint32. */
  readonly sequence: number
  readonly acknowledgment: number
  /** Twelve bits: the flags, AE (0x100) and what is reserved. */
  readonly flags: number
  readonly window: number
  readonly urgent: number
  readonly options: readonly OptionSpec[]
  readonly length: number
}

interface LiveUdp {
  readonly kind: 'udp'
  readonly sourcePort: number
  readonly destinationPort: number
  /** Bytes of payload. */
  readonly length: number
}

export interface LiveIcmp {
  readonly kind: 'icmp'
  readonly type: number
  readonly code: number
  /** The four bytes behind the checksum. */
  readonly rest: number
  /** What stands behind the eight bytes of header: the packet that an error is about, or the data of an echo. */
  readonly payload: Uint8Array
}

interface LiveOther {
  readonly kind: 'other'
  readonly length: number
}

export const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const

/** Reads a network packet; null when its network header cannot be read. */
export function parsePacket(bytes: Uint8Array): LivePacket | null {
  const version = (bytes[0] ?? 0) >> 4
  if (version === 4) return parseIpv4(bytes)
  return version === 6 ? parseIpv6(bytes) : null
}

function parseIpv4(bytes: Uint8Array): LivePacket | null {
  if (bytes.length < 20) return null
  const view = viewOf(bytes)
  const headerLength = (view.getUint8(0) & 15) * 4
  const total = view.getUint16(2)
  if (headerLength < 20 || total < headerLength || total > bytes.length) return null
  const source = bytes.subarray(12, 16)
  const destination = bytes.subarray(16, 20)
  const protocol = view.getUint8(9)
  const isFragment = (view.getUint16(6) & 0x3fff) !== 0
  const { body, fault } = parseBody(bytes.subarray(headerLength, total), isFragment ? -1 : protocol, source, destination)
  return {
    bytes, version: 4, source, destination, tos: view.getUint8(1), ttl: view.getUint8(8), flowLabel: 0, id: view.getUint16(4), protocol, body,
    fault: finish(sum(bytes, 0, headerLength, 0)) === 0 ? fault : 'The checksum of the IPv4 header is wrong.',
  }
}

function parseIpv6(bytes: Uint8Array): LivePacket | null {
  if (bytes.length < 40) return null
  const view = viewOf(bytes)
  const end = 40 + view.getUint16(4)
  if (end > bytes.length) return null
  const source = bytes.subarray(8, 24)
  const destination = bytes.subarray(24, 40)
  const word = view.getUint32(0)
  const protocol = view.getUint8(6)
  const { body, fault } = parseBody(bytes.subarray(40, end), protocol, source, destination)
  return {
    bytes, version: 6, source, destination, tos: (word >>> 20) & 0xff, ttl: view.getUint8(7), flowLabel: word & 0xfffff, id: 0, protocol, body, fault,
  }
}

interface Body {
  readonly body: LivePacket['body']
  readonly fault: string | null
}

function parseBody(bytes: Uint8Array, protocol: number, source: Uint8Array, destination: Uint8Array): Body {
  const other: LiveOther = { kind: 'other', length: bytes.length }
  if (protocol === PROTOCOL.tcp) {
    const body = parseTcp(bytes)
    return { body: body ?? other, fault: body === null ? 'The TCP header is cut short.' : checksumFault('TCP', bytes, protocol, source, destination) }
  }
  if (protocol === PROTOCOL.udp) {
    const body = parseUdp(bytes)
    if (body === null) return { body: other, fault: 'The UDP header is cut short or its length is wrong.' }
    // RFC 768: zero says that there is no checksum.
    const hasChecksum = viewOf(bytes).getUint16(6) !== 0
    return { body, fault: hasChecksum || source.length === 16 ? checksumFault('UDP', bytes, protocol, source, destination) : null }
  }
  if (protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6) {
    const body = parseIcmp(bytes)
    if (body === null) return { body: other, fault: 'The ICMP header is cut short.' }
    const start = protocol === PROTOCOL.icmp ? 0 : pseudoHeaderSum(source, destination, protocol, bytes.length)
    return { body, fault: finish(sum(bytes, 0, bytes.length, start)) === 0 ? null : 'The checksum of the ICMP message is wrong.' }
  }
  return { body: other, fault: null }
}

function checksumFault(name: string, bytes: Uint8Array, protocol: number, source: Uint8Array, destination: Uint8Array): string | null {
  const total = sum(bytes, 0, bytes.length, pseudoHeaderSum(source, destination, protocol, bytes.length))
  return finish(total) === 0 ? null : `The ${name} checksum is wrong.`
}

function parseTcp(bytes: Uint8Array): LiveTcp | null {
  if (bytes.length < 20) return null
  const view = viewOf(bytes)
  const headerLength = (view.getUint8(12) >> 4) * 4
  if (headerLength < 20 || headerLength > bytes.length) return null
  return {
    kind: 'tcp', sourcePort: view.getUint16(0), destinationPort: view.getUint16(2), sequence: view.getUint32(4), acknowledgment: view.getUint32(8),
    flags: view.getUint16(12) & 0xfff, window: view.getUint16(14), urgent: view.getUint16(18), options: parseOptions(bytes.subarray(20, headerLength)),
    length: bytes.length - headerLength,
  }
}

function parseUdp(bytes: Uint8Array): LiveUdp | null {
  if (bytes.length < 8) return null
  const view = viewOf(bytes)
  if (view.getUint16(4) !== bytes.length) return null
  return { kind: 'udp', sourcePort: view.getUint16(0), destinationPort: view.getUint16(2), length: bytes.length - 8 }
}

function parseIcmp(bytes: Uint8Array): LiveIcmp | null {
  if (bytes.length < 8) return null
  const view = viewOf(bytes)
  return { kind: 'icmp', type: view.getUint8(0), code: view.getUint8(1), rest: view.getUint32(4), payload: bytes.subarray(8) }
}

/** What an ICMP error quotes: which packet it is about. Quotes are cut, so only the start is read. */
export interface Quote {
  readonly source: Uint8Array
  readonly destination: Uint8Array
  readonly protocol: number
  readonly sourcePort: number
  readonly destinationPort: number
  /** Of TCP; uint32. */
  readonly sequence: number
}

/** Reads the packet that an ICMP error quotes; null when less than network header and eight bytes are there. */
export function parseQuote(bytes: Uint8Array): Quote | null {
  const version = (bytes[0] ?? 0) >> 4
  const header = version === 4 ? ((bytes[0] ?? 0) & 15) * 4 : 40
  if ((version !== 4 && version !== 6) || bytes.length < header + 8) return null
  const view = viewOf(bytes)
  return {
    source: version === 4 ? bytes.subarray(12, 16) : bytes.subarray(8, 24),
    destination: version === 4 ? bytes.subarray(16, 20) : bytes.subarray(24, 40),
    protocol: view.getUint8(version === 4 ? 9 : 6),
    sourcePort: view.getUint16(header),
    destinationPort: view.getUint16(header + 2),
    sequence: view.getUint32(header + 4),
  }
}

