import { ipv4Bytes, ipv4Text } from './addresses.ts'
import { concat, viewOf } from './bytes.ts'
import { internetChecksum } from './checksum.ts'
import { checkSum, has, type Cursor, type Layer, type NextLayer } from './layer.ts'

/** Types of ICMPv4 by name (RFC 792, RFC 1256). */
export const ICMPV4_TYPES = {
  'echo-reply': 0, unreachable: 3, 'source-quench': 4, redirect: 5, 'echo-request': 8, 'router-advertisement': 9, 'router-solicitation': 10,
  'time-exceeded': 11, 'parameter-problem': 12, 'timestamp-request': 13, 'timestamp-reply': 14,
} as const
/** Name of an ICMPv4 type. */
export type Icmpv4Type = keyof typeof ICMPV4_TYPES

/** An ICMPv4 header (RFC 792): 8 bytes. What a type does not have is null. A quoted packet is payload. */
export interface Icmpv4Header {
  readonly layer: 'icmpv4'
  readonly type: number
  readonly code: number
  readonly checksum: number
  /** The second word, uint32. */
  readonly rest: number
  /** Of echo and timestamp messages. */
  readonly identifier: number | null
  readonly sequence: number | null
  /** Next-hop MTU of unreachable, code 4 (RFC 1191 §4). */
  readonly mtu: number | null
  /** Of a parameter problem. */
  readonly pointer: number | null
  /** Of a redirect. */
  readonly gateway: string | null
}

/** What {@link icmpv4} takes. */
export interface Icmpv4Fields extends Partial<Omit<Icmpv4Header, 'layer' | 'type'>> {
  readonly type?: number | Icmpv4Type
}

/** The number of a type given by name or number. */
export function icmpv4TypeNumber(type: number | Icmpv4Type): number {
  return typeof type === 'number' ? type : ICMPV4_TYPES[type]
}

/**
 * An ICMPv4 message, by default an echo request. Errors quote a packet, which is the payload:
 *
 * @example
 * ```ts
 * import { icmpv4, ipv4, packet, udp } from '@stack/testing'
 *
 * const sent = packet(ipv4({ source: '10.0.0.1', destination: '10.0.0.2' }), udp(), 'hello')
 * const error = packet(ipv4(), icmpv4({ type: 'unreachable', code: 3 }), sent.slice(0, 28))
 * ```
 */
export function icmpv4(fields: Icmpv4Fields = {}): Layer {
  return {
    layer: 'icmpv4',
    ipProtocol: 1,
    build(body) {
      const bytes = concat([new Uint8Array(8), body])
      const view = viewOf(bytes)
      bytes[0] = icmpv4TypeNumber(fields.type ?? 'echo-request')
      bytes[1] = fields.code ?? 0
      view.setUint32(4, fields.rest ?? 0)
      if (fields.identifier != null) view.setUint16(4, fields.identifier)
      if (fields.sequence != null) view.setUint16(6, fields.sequence)
      if (fields.mtu != null) view.setUint16(6, fields.mtu)
      if (fields.pointer != null) bytes[4] = fields.pointer
      if (fields.gateway != null) bytes.set(ipv4Bytes(fields.gateway), 4)
      view.setUint16(2, fields.checksum ?? internetChecksum(bytes))
      return bytes
    },
  }
}

export function parseIcmpv4(cursor: Cursor): [Icmpv4Header | null, NextLayer] {
  if (!has(cursor, 8, 'icmpv4')) return [null, null]
  const { bytes, view, at } = cursor
  const type = bytes[at]!
  const code = bytes[at + 1]!
  const checksum = view.getUint16(at + 2)
  if (!cursor.isFragment) checkSum(cursor, 'icmpv4', checksum, internetChecksum(bytes.subarray(at, cursor.end)))
  const hasIdentifier = [0, 8, 13, 14].includes(type)
  cursor.at += 8
  return [{
    layer: 'icmpv4', type, code, checksum,
    rest: view.getUint32(at + 4),
    identifier: hasIdentifier ? view.getUint16(at + 4) : null,
    sequence: hasIdentifier ? view.getUint16(at + 6) : null,
    mtu: type === 3 && code === 4 ? view.getUint16(at + 6) : null,
    pointer: type === 12 ? bytes[at + 4]! : null,
    gateway: type === 5 ? ipv4Text(bytes.subarray(at + 4, at + 8)) : null,
  }, null]
}
