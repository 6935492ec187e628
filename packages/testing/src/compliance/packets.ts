import { checksumOf, sumBytes } from '@stack/buffer'

export const IPV4 = 0x0800
export const IPV6 = 0x86dd
/** For experiments (RFC 3692): no protocol of a stack wants it. */
export const EXPERIMENT = 253

/** What a small IPv4 packet is made of. */
export interface Ipv4Fields {
  readonly source: Uint8Array
  readonly destination: Uint8Array
  readonly protocol?: number
  readonly ttl?: number
  /** Default 0. */
  readonly id?: number
  /** Default 0. */
  readonly flagsOffset?: number
}

/** An IPv4 packet without options around `payload` (RFC 791 §3.1). */
export function ipv4Packet(fields: Ipv4Fields, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(20 + payload.length)
  const view = new DataView(bytes.buffer)
  bytes[0] = 0x45
  view.setUint16(2, bytes.length)
  view.setUint16(4, fields.id ?? 0)
  view.setUint16(6, fields.flagsOffset ?? 0)
  bytes[8] = fields.ttl ?? 64
  bytes[9] = fields.protocol ?? EXPERIMENT
  bytes.set(fields.source, 12)
  bytes.set(fields.destination, 16)
  view.setUint16(10, checksumOf(sumBytes(bytes, 0, 20)))
  bytes.set(payload, 20)
  return bytes
}

/** An IPv6 packet around `payload` (RFC 8200 §3), between two documentation addresses unless said. */
export function ipv6Packet(payload: Uint8Array, destination: Uint8Array = documentationAddress(2)): Uint8Array {
  const bytes = new Uint8Array(40 + payload.length)
  bytes[0] = 0x60
  new DataView(bytes.buffer).setUint16(4, payload.length)
  bytes[6] = EXPERIMENT
  bytes[7] = 64
  bytes.set(documentationAddress(1), 8)
  bytes.set(destination, 24)
  bytes.set(payload, 40)
  return bytes
}

function documentationAddress(host: number): Uint8Array {
  return Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host)
}

/** `length` bytes that begin with `number` and tell packets apart. */
export function numbered(number: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i === 0 ? number >> 8 : i === 1 ? number : number * 7 + i * 13) & 0xff)
}
