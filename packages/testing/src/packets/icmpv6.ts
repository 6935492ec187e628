import { ipv6Bytes, ipv6Text } from './addresses.ts'
import { concat, viewOf } from './bytes.ts'
import { transportChecksum } from './checksum.ts'
import { checkSum, has, type Cursor, type Layer, type NextLayer } from './layer.ts'
import { buildNdpOptions, parseNdpOptions, type NdpOption } from './ndp-options.ts'

/** Types of ICMPv6 by name (RFC 4443, RFC 4861, RFC 2710, RFC 3810). */
export const ICMPV6_TYPES = {
  unreachable: 1, 'packet-too-big': 2, 'time-exceeded': 3, 'parameter-problem': 4, 'echo-request': 128, 'echo-reply': 129,
  'listener-query': 130, 'listener-report': 131, 'listener-done': 132,
  'router-solicitation': 133, 'router-advertisement': 134, 'neighbor-solicitation': 135, 'neighbor-advertisement': 136, redirect: 137,
  'listener-report-v2': 143,
} as const
/** Name of an ICMPv6 type. */
export type Icmpv6Type = keyof typeof ICMPV6_TYPES

/** An ICMPv6 message. What a type does not have is null. A quoted packet is payload. */
export interface Icmpv6Header {
  readonly layer: 'icmpv6'
  readonly type: number
  readonly code: number
  readonly checksum: number
  /** The second word, uint32. */
  readonly rest: number
  /** Of echo messages. */
  readonly identifier: number | null
  readonly sequence: number | null
  /** Of packet too big. */
  readonly mtu: number | null
  /** Of a parameter problem. */
  readonly pointer: number | null
  /** Of neighbour solicitation, advertisement and redirect. */
  readonly target: string | null
  /** Of a redirect. */
  readonly destination: string | null
  /** Flags of a neighbour advertisement. */
  readonly router: boolean | null
  readonly solicited: boolean | null
  readonly override: boolean | null
  /** Of a router advertisement; lifetime in s, times in ms. */
  readonly hopLimit: number | null
  readonly managed: boolean | null
  readonly other: boolean | null
  readonly routerLifetime: number | null
  readonly reachableTime: number | null
  readonly retransTimer: number | null
  /** Of MLD (RFC 2710): ms. */
  readonly maximumResponseDelay: number | null
  readonly group: string | null
  /** Of neighbour discovery messages. */
  readonly options: readonly NdpOption[] | null
}

/** What {@link icmpv6} takes. */
export interface Icmpv6Fields extends Partial<Omit<Icmpv6Header, 'layer' | 'type'>> {
  readonly type?: number | Icmpv6Type
}

/** The number of a type given by name or number. */
export function icmpv6TypeNumber(type: number | Icmpv6Type): number {
  return typeof type === 'number' ? type : ICMPV6_TYPES[type]
}

const T = ICMPV6_TYPES

/**
 * An ICMPv6 message, by default an echo request. Neighbour discovery has its fields and options by name; an error's
 * quotation is the payload. The IPv6 header below gives the hop limit: neighbour discovery wants 255.
 *
 * @example
 * ```ts
 * import { icmpv6, ipv6, packet } from '@stack/testing'
 *
 * const advertisement = packet(
 *   ipv6({ source: 'fe80::2', destination: 'ff02::1', hopLimit: 255 }),
 *   icmpv6({ type: 'neighbor-advertisement', target: 'fe80::2', override: true, options: [{ kind: 'targetLinkAddress', address: '02:00:00:00:00:02' }] }),
 * )
 * ```
 */
export function icmpv6(fields: Icmpv6Fields = {}): Layer {
  const type = icmpv6TypeNumber(fields.type ?? 'echo-request')
  return {
    layer: 'icmpv6',
    ipProtocol: 58,
    build(body, { addresses }) {
      const bytes = concat([buildMessage(type, fields), buildNdpOptions(fields.options ?? []), body])
      bytes[0] = type
      bytes[1] = fields.code ?? 0
      viewOf(bytes).setUint16(2, fields.checksum ?? (addresses === null ? 0 : transportChecksum(bytes, addresses, 58)))
      return bytes
    },
  }
}

/** The fixed part of a message behind type, code and checksum. */
function buildMessage(type: number, fields: Icmpv6Fields): Uint8Array {
  const bytes = new Uint8Array(fixedLength(type))
  const view = viewOf(bytes)
  view.setUint32(4, fields.rest ?? fields.mtu ?? fields.pointer ?? 0)
  if (fields.identifier != null) view.setUint16(4, fields.identifier)
  if (fields.sequence != null) view.setUint16(6, fields.sequence)
  switch (type) {
    case T['neighbor-advertisement']:
      bytes[4]! |= (fields.router === true ? 0x80 : 0) | (fields.solicited === true ? 0x40 : 0) | (fields.override === true ? 0x20 : 0)
      break
    case T['router-advertisement']:
      bytes[4] = fields.hopLimit ?? 64
      bytes[5] = (fields.managed === true ? 0x80 : 0) | (fields.other === true ? 0x40 : 0)
      view.setUint16(6, fields.routerLifetime ?? 1800)
      view.setUint32(8, fields.reachableTime ?? 0)
      view.setUint32(12, fields.retransTimer ?? 0)
      return bytes
    case T['listener-query']:
    case T['listener-report']:
    case T['listener-done']:
      view.setUint16(4, fields.maximumResponseDelay ?? 0)
      bytes.set(ipv6Bytes(fields.group ?? '::'), 8)
      return bytes
  }
  if (bytes.length >= 24) bytes.set(ipv6Bytes(fields.target ?? '::'), 8)
  if (bytes.length >= 40) bytes.set(ipv6Bytes(fields.destination ?? '::'), 24)
  return bytes
}

function fixedLength(type: number): number {
  if (type === T['router-advertisement']) return 16
  if (type === T.redirect) return 40
  if (hasTarget(type) || isListener(type)) return 24
  return 8
}

function hasTarget(type: number): boolean {
  return type === T['neighbor-solicitation'] || type === T['neighbor-advertisement'] || type === T.redirect
}

function isListener(type: number): boolean {
  return type >= T['listener-query'] && type <= T['listener-done']
}

export function parseIcmpv6(cursor: Cursor): [Icmpv6Header | null, NextLayer] {
  if (!has(cursor, 8, 'icmpv6')) return [null, null]
  const { bytes, view, at, problems } = cursor
  const type = bytes[at]!
  const code = bytes[at + 1]!
  const checksum = view.getUint16(at + 2)
  if (!cursor.isFragment && cursor.addresses !== null) checkSum(cursor, 'icmpv6', checksum, transportChecksum(bytes.subarray(at, cursor.end), cursor.addresses, 58))
  const length = fixedLength(type)
  if (!has(cursor, length, 'icmpv6')) return [null, null]
  const isEcho = type === T['echo-request'] || type === T['echo-reply']
  const isAdvertisement = type === T['neighbor-advertisement']
  const isRouter = type === T['router-advertisement']
  const isDiscovery = type >= T['router-solicitation'] && type <= T.redirect
  const flags = bytes[at + 4]!
  cursor.at += length
  const options = isDiscovery ? parseNdpOptions(bytes.subarray(cursor.at, cursor.end), problems) : null
  if (isDiscovery) cursor.at = cursor.end
  return [{
    layer: 'icmpv6', type, code, checksum, options,
    rest: view.getUint32(at + 4),
    identifier: isEcho ? view.getUint16(at + 4) : null,
    sequence: isEcho ? view.getUint16(at + 6) : null,
    mtu: type === T['packet-too-big'] ? view.getUint32(at + 4) : null,
    pointer: type === T['parameter-problem'] ? view.getUint32(at + 4) : null,
    target: hasTarget(type) ? ipv6Text(bytes.subarray(at + 8, at + 24)) : null,
    destination: type === T.redirect ? ipv6Text(bytes.subarray(at + 24, at + 40)) : null,
    router: isAdvertisement ? (flags & 0x80) !== 0 : null,
    solicited: isAdvertisement ? (flags & 0x40) !== 0 : null,
    override: isAdvertisement ? (flags & 0x20) !== 0 : null,
    hopLimit: isRouter ? flags : null,
    managed: isRouter ? (bytes[at + 5]! & 0x80) !== 0 : null,
    other: isRouter ? (bytes[at + 5]! & 0x40) !== 0 : null,
    routerLifetime: isRouter ? view.getUint16(at + 6) : null,
    reachableTime: isRouter ? view.getUint32(at + 8) : null,
    retransTimer: isRouter ? view.getUint32(at + 12) : null,
    maximumResponseDelay: isListener(type) ? view.getUint16(at + 4) : null,
    group: isListener(type) ? ipv6Text(bytes.subarray(at + 8, at + 24)) : null,
  }, null]
}
