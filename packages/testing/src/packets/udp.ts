import { concat, viewOf } from './bytes.ts'
import { transportChecksum } from './checksum.ts'
import { checkSum, has, type Cursor, type Layer, type NextLayer } from './layer.ts'

/** A UDP header (RFC 768). */
export interface UdpHeader {
  readonly layer: 'udp'
  readonly sourcePort: number
  readonly destinationPort: number
  /** Header and data, bytes. */
  readonly length: number
  /** 0 = none was made. */
  readonly checksum: number
}

/** What {@link udp} takes. A length or checksum that is given is written as it is. */
export type UdpFields = Partial<Omit<UdpHeader, 'layer'>>

/** A UDP header; by default from port 5000 (the peer) to port 7000 (the stack). */
export function udp(fields: UdpFields = {}): Layer {
  return {
    layer: 'udp',
    ipProtocol: 17,
    build(body, { addresses }) {
      const bytes = concat([new Uint8Array(8), body])
      const view = viewOf(bytes)
      view.setUint16(0, fields.sourcePort ?? 5000)
      view.setUint16(2, fields.destinationPort ?? 7000)
      view.setUint16(4, fields.length ?? bytes.length)
      // RFC 768: a sum of 0 goes as its other form.
      view.setUint16(6, fields.checksum ?? (addresses === null ? 0 : transportChecksum(bytes, addresses, 17) || 0xffff))
      return bytes
    },
  }
}

export function parseUdp(cursor: Cursor): [UdpHeader | null, NextLayer] {
  if (!has(cursor, 8, 'udp')) return [null, null]
  const { view, at, problems, addresses } = cursor
  const length = view.getUint16(at + 4)
  const checksum = view.getUint16(at + 6)
  const there = cursor.end - at
  const isPart = cursor.isQuote || cursor.isFragment
  if (length < 8 || (!isPart && length !== there)) problems.push(`udp: length ${String(length)}, ${String(there)} bytes are there`)
  if (length >= 8 && length <= there) cursor.end = at + length
  if (!isPart && addresses !== null) {
    if (checksum !== 0) checkSum(cursor, 'udp', checksum, transportChecksum(cursor.bytes.subarray(at, cursor.end), addresses, 17))
    // RFC 8200 §8.1
    else if (addresses.source.length === 16) problems.push('udp: no checksum over IPv6')
  }
  cursor.at += 8
  return [{ layer: 'udp', sourcePort: view.getUint16(at), destinationPort: view.getUint16(at + 2), length, checksum }, null]
}
