import { ipv6Bytes, ipv6Text, PEER, STACK } from './addresses.ts'
import { concat, viewOf } from './bytes.ts'
import { has, type Cursor, type Layer, type NextLayer } from './layer.ts'

/** An IPv6 header (RFC 8200 §3). */
export interface Ipv6Header {
  readonly layer: 'ipv6'
  readonly version: number
  /** DSCP and ECN. */
  readonly trafficClass: number
  /** Its two low bits (RFC 3168 §5). */
  readonly ecn: number
  readonly flowLabel: number
  /** Bytes behind this header. */
  readonly payloadLength: number
  readonly nextHeader: number
  readonly hopLimit: number
  readonly source: string
  readonly destination: string
}

/** What {@link ipv6} takes. A length that is given is written as it is. */
export type Ipv6Fields = Partial<Omit<Ipv6Header, 'layer'>>

/** No next header (RFC 8200 §4.7). */
const NO_NEXT = 59
/** For experiments (RFC 3692 §2.1). */
const EXPERIMENT = 253

/** The next header to write: what is given, what is above, or the number that says that nothing is known. */
export function nextHeaderOf(given: number | undefined, above: number | undefined, body: Uint8Array): number {
  return given ?? above ?? (body.length === 0 ? NO_NEXT : EXPERIMENT)
}

/** An IPv6 header; by default from fd00::2 (the peer) to fd00::1 (the stack), hop limit 64. */
export function ipv6(fields: Ipv6Fields = {}): Layer {
  const source = ipv6Bytes(fields.source ?? PEER.ipv6)
  const destination = ipv6Bytes(fields.destination ?? STACK.ipv6)
  return {
    layer: 'ipv6',
    etherType: 0x86dd,
    ipProtocol: 41,
    addresses: { source, destination },
    build(body, context) {
      const bytes = new Uint8Array(40)
      const view = viewOf(bytes)
      let trafficClass = fields.trafficClass ?? 0
      if (fields.ecn !== undefined) trafficClass = (trafficClass & 0xfc) | fields.ecn
      view.setUint32(0, ((fields.version ?? 6) << 28) | (trafficClass << 20) | (fields.flowLabel ?? 0))
      view.setUint16(4, fields.payloadLength ?? body.length)
      bytes[6] = nextHeaderOf(fields.nextHeader, context.ipProtocol, body)
      bytes[7] = fields.hopLimit ?? 64
      bytes.set(source, 8)
      bytes.set(destination, 24)
      return concat([bytes, body])
    },
  }
}

export function parseIpv6(cursor: Cursor): [Ipv6Header | null, NextLayer] {
  if (!has(cursor, 40, 'ipv6')) return [null, null]
  const { bytes, view, at, problems } = cursor
  const version = bytes[at]! >> 4
  if (version !== 6) problems.push(`ipv6: version ${String(version)}`)
  const payloadLength = view.getUint16(at + 4)
  const there = cursor.end - at - 40
  // RFC 2675: 0 is a jumbogram's, which this kit does not build.
  if (payloadLength > there && !cursor.isQuote) problems.push(`ipv6: payload length ${String(payloadLength)}, ${String(there)} bytes are there`)
  else cursor.end = Math.min(cursor.end, at + 40 + payloadLength)
  const source = bytes.subarray(at + 8, at + 24)
  const destination = bytes.subarray(at + 24, at + 40)
  const trafficClass = (view.getUint16(at) >> 4) & 255
  cursor.at += 40
  cursor.addresses = { source, destination }
  cursor.isFragment = false
  return [{
    layer: 'ipv6', version, trafficClass, payloadLength,
    ecn: trafficClass & 3,
    flowLabel: view.getUint32(at) & 0xfffff,
    nextHeader: bytes[at + 6]!,
    hopLimit: bytes[at + 7]!,
    source: ipv6Text(source),
    destination: ipv6Text(destination),
  }, { ipProtocol: bytes[at + 6]! }]
}
