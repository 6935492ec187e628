import { ipv4Bytes, ipv4Text, PEER, STACK } from './addresses.ts'
import { concat, viewOf } from './bytes.ts'
import { internetChecksum } from './checksum.ts'
import { buildIpv4Options, parseIpv4Options, type Ipv4Option } from './ipv4-options.ts'
import { checkSum, has, type Cursor, type Layer, type NextLayer } from './layer.ts'

/** An IPv4 header (RFC 791 §3.1). Lengths and the fragment offset in bytes. */
export interface Ipv4Header {
  readonly layer: 'ipv4'
  readonly version: number
  readonly headerLength: number
  /** The whole byte: DSCP and ECN. */
  readonly tos: number
  /** Its two low bits (RFC 3168 §5). */
  readonly ecn: number
  readonly totalLength: number
  readonly identification: number
  /** The first flag, which is always 0. */
  readonly reserved: boolean
  readonly dontFragment: boolean
  readonly moreFragments: boolean
  readonly fragmentOffset: number
  readonly ttl: number
  readonly protocol: number
  readonly checksum: number
  readonly source: string
  readonly destination: string
  readonly options: readonly Ipv4Option[]
}

/** What {@link ipv4} takes. A length or checksum that is given is written as it is: headers may lie. */
export type Ipv4Fields = Partial<Omit<Ipv4Header, 'layer'>>

/** An IPv4 header; by default from 10.0.0.2 (the peer) to 10.0.0.1 (the stack), TTL 64, no flags, identification 0. */
export function ipv4(fields: Ipv4Fields = {}): Layer {
  const source = ipv4Bytes(fields.source ?? PEER.ipv4)
  const destination = ipv4Bytes(fields.destination ?? STACK.ipv4)
  return {
    layer: 'ipv4',
    etherType: 0x0800,
    ipProtocol: 4,
    addresses: { source, destination },
    build(body, context) {
      const options = buildIpv4Options(fields.options ?? [])
      const bytes = new Uint8Array(20 + options.length)
      const view = viewOf(bytes)
      const headerLength = fields.headerLength ?? bytes.length
      bytes[0] = ((fields.version ?? 4) << 4) | (headerLength >> 2)
      bytes[1] = fields.tos ?? fields.ecn ?? 0
      if (fields.ecn !== undefined) bytes[1] = (bytes[1] & 0xfc) | fields.ecn
      view.setUint16(2, fields.totalLength ?? bytes.length + body.length)
      view.setUint16(4, fields.identification ?? 0)
      const flags = (fields.reserved === true ? 4 : 0) | (fields.dontFragment === true ? 2 : 0) | (fields.moreFragments === true ? 1 : 0)
      view.setUint16(6, (flags << 13) | ((fields.fragmentOffset ?? 0) >> 3))
      bytes[8] = fields.ttl ?? 64
      // 253 is for experiments (RFC 3692 §2.1): nobody knows what the bytes are.
      bytes[9] = fields.protocol ?? context.ipProtocol ?? 253
      bytes.set(source, 12)
      bytes.set(destination, 16)
      bytes.set(options, 20)
      view.setUint16(10, fields.checksum ?? internetChecksum(bytes))
      return concat([bytes, body])
    },
  }
}

export function parseIpv4(cursor: Cursor): [Ipv4Header | null, NextLayer] {
  if (!has(cursor, 20, 'ipv4')) return [null, null]
  const { bytes, view, at, problems } = cursor
  const version = bytes[at]! >> 4
  const headerLength = (bytes[at]! & 15) * 4
  const totalLength = view.getUint16(at + 2)
  if (version !== 4) problems.push(`ipv4: version ${String(version)}`)
  const isSound = headerLength >= 20 && at + headerLength <= cursor.end
  if (!isSound) problems.push(`ipv4: header length ${String(headerLength)}`)
  const headerEnd = isSound ? at + headerLength : at + 20
  const checksum = view.getUint16(at + 10)
  checkSum(cursor, 'ipv4', checksum, internetChecksum(bytes.subarray(at, headerEnd)))
  if (totalLength < headerLength || (totalLength > cursor.end - at && !cursor.isQuote)) {
    problems.push(`ipv4: total length ${String(totalLength)}, ${String(cursor.end - at)} bytes are there`)
  } else cursor.end = Math.min(cursor.end, at + totalLength)
  const flags = view.getUint16(at + 6)
  const source = bytes.subarray(at + 12, at + 16)
  const destination = bytes.subarray(at + 16, at + 20)
  const header: Ipv4Header = {
    layer: 'ipv4', version, headerLength, totalLength, checksum,
    tos: bytes[at + 1]!,
    ecn: bytes[at + 1]! & 3,
    identification: view.getUint16(at + 4),
    reserved: (flags & 0x8000) !== 0,
    dontFragment: (flags & 0x4000) !== 0,
    moreFragments: (flags & 0x2000) !== 0,
    fragmentOffset: (flags & 0x1fff) * 8,
    ttl: bytes[at + 8]!,
    protocol: bytes[at + 9]!,
    source: ipv4Text(source),
    destination: ipv4Text(destination),
    options: parseIpv4Options(bytes.subarray(at + 20, headerEnd), problems),
  }
  cursor.at = headerEnd
  cursor.addresses = { source, destination }
  cursor.isFragment = header.moreFragments || header.fragmentOffset > 0
  return [header, header.fragmentOffset > 0 ? null : { ipProtocol: header.protocol }]
}
