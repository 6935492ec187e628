import type { OptionSpec } from '../language/ast.ts'
import { finish, pseudoHeaderSum, sum, viewOf } from './bytes.ts'
import { PROTOCOL } from './live.ts'
import { encodeOptions } from './tcp-options.ts'

/** A network header to write; its version is told from the length of the addresses. */
export interface NetworkHeader {
  readonly source: Uint8Array
  readonly destination: Uint8Array
  readonly protocol: number
  readonly tos: number
  readonly ttl: number
  readonly flowLabel: number
  readonly id: number
}

/** Network header and body in one; `length` is what the header says of the body, when less of it is there (a quote). */
export function networkPacket(header: NetworkHeader, body: Uint8Array, length: number = body.length): Uint8Array {
  const { source, destination, protocol, tos, ttl } = header
  const isIpv6 = source.length === 16
  const headerLength = isIpv6 ? 40 : 20
  const bytes = new Uint8Array(headerLength + body.length)
  const view = viewOf(bytes)
  if (isIpv6) {
    view.setUint32(0, 0x60000000 | (tos << 20) | header.flowLabel)
    view.setUint16(4, length)
    view.setUint8(6, protocol)
    view.setUint8(7, ttl)
    bytes.set(source, 8)
    bytes.set(destination, 24)
  } else {
    view.setUint8(0, 0x45)
    view.setUint8(1, tos)
    view.setUint16(2, headerLength + length)
    view.setUint16(4, header.id)
    view.setUint8(8, ttl)
    view.setUint8(9, protocol)
    bytes.set(source, 12)
    bytes.set(destination, 16)
    view.setUint16(10, finish(sum(bytes, 0, headerLength, 0)))
  }
  bytes.set(body, headerLength)
  return bytes
}

/** A segment to write; numbers as on the wire. */
export interface TcpFields {
  readonly sourcePort: number
  readonly destinationPort: number
  readonly sequence: number
  readonly acknowledgment: number
  /** Twelve bits. */
  readonly flags: number
  readonly window: number
  readonly urgent: number
  readonly options: readonly OptionSpec[]
  /** Bytes of payload, all zero. */
  readonly length: number
}

/** A segment with its checksum for these addresses. */
export function tcpSegment(fields: TcpFields, source: Uint8Array, destination: Uint8Array): Uint8Array {
  const options = encodeOptions(fields.options)
  const bytes = new Uint8Array(20 + options.length + fields.length)
  const view = viewOf(bytes)
  view.setUint16(0, fields.sourcePort)
  view.setUint16(2, fields.destinationPort)
  view.setUint32(4, fields.sequence)
  view.setUint32(8, fields.acknowledgment)
  view.setUint16(12, (((20 + options.length) / 4) << 12) | fields.flags)
  view.setUint16(14, fields.window)
  view.setUint16(18, fields.urgent)
  bytes.set(options, 20)
  view.setUint16(16, finish(sum(bytes, 0, bytes.length, pseudoHeaderSum(source, destination, PROTOCOL.tcp, bytes.length))))
  return bytes
}

/** A datagram of `length` zero bytes with its checksum for these addresses. */
export function udpDatagram(sourcePort: number, destinationPort: number, length: number, source: Uint8Array, destination: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + length)
  const view = viewOf(bytes)
  view.setUint16(0, sourcePort)
  view.setUint16(2, destinationPort)
  view.setUint16(4, bytes.length)
  const checksum = finish(sum(bytes, 0, bytes.length, pseudoHeaderSum(source, destination, PROTOCOL.udp, bytes.length)))
  // RFC 768: a sum of zero is sent as all ones.
  view.setUint16(6, checksum === 0 ? 0xffff : checksum)
  return bytes
}

/** An ICMP message; `rest` are the four bytes behind the checksum. */
export function icmpMessage(type: number, code: number, rest: number, payload: Uint8Array, source: Uint8Array, destination: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + payload.length)
  const view = viewOf(bytes)
  view.setUint8(0, type)
  view.setUint8(1, code)
  view.setUint32(4, rest)
  bytes.set(payload, 8)
  // RFC 4443 §2.3: the checksum of ICMPv6 covers a pseudo-header, that of ICMPv4 does not.
  const start = source.length === 16 ? pseudoHeaderSum(source, destination, PROTOCOL.icmpv6, bytes.length) : 0
  view.setUint16(2, finish(sum(bytes, 0, bytes.length, start)))
  return bytes
}
