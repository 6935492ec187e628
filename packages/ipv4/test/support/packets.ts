import { formatIpv4Address, ipv4Header, parseIpv4Address, parseIpv4Header, writeIpv4Header } from '../../src/wire.ts'

/** Bytes from numbers, text and other bytes. */
export function bytesOf(...parts: readonly (number | string | Uint8Array | readonly number[])[]): Uint8Array {
  const encoder = new TextEncoder()
  return Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...(typeof part === 'string' ? encoder.encode(part) : part)])))
}


/** RFC 1071 by the book. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

export interface HeaderFields {
  readonly ttl?: number
  readonly tos?: number
  readonly id?: number
  readonly df?: boolean
  readonly mf?: boolean
  readonly offset?: number
  readonly options?: readonly number[]
  /** Lies about the length. */
  readonly length?: number
}

/** A datagram. */
export function ip(source: string, destination: string, protocol: number, payload: Uint8Array, fields: HeaderFields = {}): Uint8Array {
  const options = fields.options ?? []
  const headerLength = 20 + options.length
  const bytes = bytesOf(new Uint8Array(20), options, payload)
  const view = new DataView(bytes.buffer)
  writeIpv4Header(view, 0, {
    headerLength,
    tos: fields.tos ?? 0,
    totalLength: fields.length ?? bytes.length,
    id: fields.id ?? 0,
    dontFragment: fields.df ?? false,
    moreFragments: fields.mf ?? false,
    fragmentOffset: fields.offset ?? 0,
    ttl: fields.ttl ?? 64,
    protocol,
    checksum: 0,
    source: parseIpv4Address(source)!,
    destination: parseIpv4Address(destination)!,
  })
  view.setUint16(10, checksum(bytes.subarray(0, headerLength)))
  return bytes
}

/** A UDP-like segment, which is what the probe transport speaks: ports, length, no checksum. */
export function segment(from: number, to: number, data: string | Uint8Array): Uint8Array {
  const body = bytesOf(data)
  return bytesOf(from >> 8, from & 255, to >> 8, to & 255, (body.length + 8) >> 8, (body.length + 8) & 255, 0, 0, body)
}

export function udp(source: string, destination: string, to: number, data: string | Uint8Array, fields?: HeaderFields): Uint8Array {
  return ip(source, destination, 17, segment(1000, to, data), fields)
}

/** An ICMP message with its checksum. */
export function message(type: number, code: number, word: number, body: Uint8Array): Uint8Array {
  const bytes = bytesOf(type, code, 0, 0, word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255, body)
  const sum = checksum(bytes)
  bytes[2] = sum >> 8
  bytes[3] = sum & 255
  return bytes
}

export function icmp(source: string, destination: string, type: number, code: number, word: number, body: Uint8Array, fields?: HeaderFields): Uint8Array {
  return ip(source, destination, 1, message(type, code, word, body), fields)
}

/** An echo request, identifier 7, sequence number 1. */
export function ping(source: string, destination: string, data: string | Uint8Array, fields?: HeaderFields): Uint8Array {
  return icmp(source, destination, 8, 0, 0x00070001, bytesOf(data), fields)
}

const ICMP_NAMES: Record<number, string> = { 0: 'echo reply', 3: 'unreachable', 8: 'echo', 11: 'time exceeded', 12: 'parameter problem' }

/** One line of a trace. Wrong checksums and lengths are shown. */
export function show(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const header = ipv4Header()
  const fault = parseIpv4Header(view, 0, bytes.length, header)
  if (fault !== null && bytes.length < 20) return `?${fault}`
  const words = [`${formatIpv4Address(header.source)} > ${formatIpv4Address(header.destination)}`]
  if (fault !== null) words.push(`(${fault})`)
  else if (header.totalLength !== bytes.length) words.push(`(length ${header.totalLength} of ${bytes.length})`)
  if (checksum(bytes.subarray(0, header.headerLength)) !== 0) words.push('BADSUM')
  if (header.ttl !== 64) words.push(`ttl ${header.ttl}`)
  if (header.tos !== 0) words.push(`tos ${header.tos}`)
  if (header.dontFragment) words.push('DF')
  if (header.headerLength > 20) words.push(`options [${[...bytes.subarray(20, header.headerLength)].join(' ')}]`)
  const body = bytes.subarray(header.headerLength)
  if (header.moreFragments || header.fragmentOffset > 0) words.push(`frag ${header.fragmentOffset}+${body.length}${header.moreFragments ? '+' : ''}`)
  else if (header.protocol === 1) words.push(showIcmp(body))
  else if (header.protocol === 17) words.push(showSegment(body))
  else words.push(`protocol ${header.protocol}, ${body.length} bytes`)
  return words.join(' ')
}

function showSegment(body: Uint8Array): string {
  return `udp ${(body[0]! << 8) | body[1]!} > ${(body[2]! << 8) | body[3]!} ${text(body.subarray(8))}`
}

function showIcmp(body: Uint8Array): string {
  const type = body[0]!
  const name = ICMP_NAMES[type] ?? `icmp ${type}`
  const bad = checksum(body) === 0 ? '' : ' BADSUM'
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  if (type === 0 || type === 8) return `${name} ${view.getUint16(4)}/${view.getUint16(6)} ${text(body.subarray(8))}${bad}`
  const word = view.getUint32(4)
  const about = type === 3 && body[1] === 4 ? ` mtu ${word}` : type === 12 ? ` pointer ${word >>> 24}` : ''
  const quoted = body.subarray(8)
  return `${name} ${body[1]!}${about}${bad} [${formatIpv4Address(view.getInt32(20))} > ${formatIpv4Address(view.getInt32(24))}, ${quoted.length} bytes]`
}

function text(bytes: Uint8Array): string {
  return bytes.length > 32 ? `${bytes.length} bytes` : `"${new TextDecoder().decode(bytes)}"`
}
