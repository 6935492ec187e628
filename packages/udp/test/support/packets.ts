import { ipv4, ipv6 } from './addresses.ts'

/** Bytes from numbers, text and other bytes. */
export function bytesOf(...parts: readonly (number | string | Uint8Array | readonly number[])[]): Uint8Array {
  const encoder = new TextEncoder()
  return Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...(typeof part === 'string' ? encoder.encode(part) : part)])))
}

/** RFC 1071 by the book: 0 over what has a right checksum in it. */
export function checksum(...parts: readonly Uint8Array[]): number {
  let sum = 0
  for (const part of parts) for (let i = 0; i < part.length; i += 2) sum += (part[i]! << 8) | (part[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

/** The addresses' part of the pseudo-header, and its end: RFC 768, RFC 8200 §8.1. */
export function pseudoHeader(source: string, destination: string, protocol: number, length: number): Uint8Array {
  return bytesOf(addressBytes(source), addressBytes(destination), [0, protocol, length >>> 8, length & 255])
}

function addressBytes(text: string): Uint8Array {
  return text.includes(':') ? ipv6(text) : ipv4(text)
}

/** An IP packet of the addresses' family. */
export function ip(source: string, destination: string, protocol: number, payload: Uint8Array, ttl = 64): Uint8Array {
  const addresses = bytesOf(addressBytes(source), addressBytes(destination))
  if (source.includes(':')) return bytesOf([0x60, 0, 0, 0, payload.length >> 8, payload.length & 255, protocol, ttl], addresses, payload)
  const total = 20 + payload.length
  const header = bytesOf([0x45, 0, total >> 8, total & 255, 0, 1, 0, 0, ttl, protocol, 0, 0], addresses)
  new DataView(header.buffer).setUint16(10, checksum(header))
  return bytesOf(header, payload)
}

interface DatagramOptions {
  /** Overrides what is right. */
  readonly length?: number
  readonly checksum?: number
}

/** A UDP datagram in its IP packet. */
export function datagram(
  from: readonly [host: string, port: number], to: readonly [host: string, port: number], data: string | Uint8Array, options: DatagramOptions = {},
): Uint8Array {
  const body = typeof data === 'string' ? bytesOf(data) : data
  const length = 8 + body.length
  const udp = bytesOf([from[1] >> 8, from[1] & 255, to[1] >> 8, to[1] & 255, length >> 8, length & 255, 0, 0], body)
  const view = new DataView(udp.buffer)
  view.setUint16(6, options.checksum ?? (checksum(pseudoHeader(from[0], to[0], 17, length), udp) || 0xffff))
  if (options.length !== undefined) view.setUint16(4, options.length)
  return ip(from[0], to[0], 17, udp)
}

/** An ICMP error about `about`, the first 28 (or 48) bytes of it and more. */
export function icmpError(from: string, to: string, type: number, code: number, about: Uint8Array): Uint8Array {
  const message = bytesOf([type, code, 0, 0, 0, 0, 0, 0], about)
  const isV6 = from.includes(':')
  const sum = isV6 ? checksum(pseudoHeader(from, to, 58, message.length), message) : checksum(message)
  new DataView(message.buffer).setUint16(2, sum)
  return ip(from, to, isV6 ? 58 : 1, message)
}

/** One line about a packet: what a trace would show. */
export function show(packet: Uint8Array): string {
  const isV6 = packet[0]! >> 4 === 6
  const protocol = isV6 ? packet[6]! : packet[9]!
  const body = packet.subarray(isV6 ? 40 : (packet[0]! & 15) * 4)
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  if (protocol === 17) return `udp ${view.getUint16(0)} > ${view.getUint16(2)} ${new TextDecoder().decode(body.subarray(8))}`
  if (protocol === 1 || protocol === 58) return `icmp ${body[0]!}/${body[1]!}`
  return `protocol ${protocol}`
}
