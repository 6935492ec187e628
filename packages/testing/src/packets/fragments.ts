import { concat, viewOf } from './bytes.ts'
import { internetChecksum } from './checksum.ts'

/** Options of {@link fragmentsOf}. */
export interface FragmentOptions {
  /** Bytes of payload in each fragment but the last: a multiple of 8. Default 512. */
  readonly size?: number
  /** Identification. Default: the IPv4 header's own, 1 for IPv6. */
  readonly identification?: number
}

/**
 * Cuts an IPv4 or IPv6 packet (without link header) into fragments, in order. IPv4 options go into all of them; IPv6
 * extension headers up to a routing header are not told apart: everything behind the IPv6 header is cut.
 *
 * @throws Error when `size` is not a multiple of 8
 */
export function fragmentsOf(bytes: Uint8Array, options: FragmentOptions = {}): Uint8Array[] {
  const { size = 512 } = options
  if (size <= 0 || size % 8 !== 0) throw new Error(`fragmentsOf: size ${String(size)} is not a multiple of 8.`)
  const isIpv4 = bytes[0]! >> 4 === 4
  const headerLength = isIpv4 ? (bytes[0]! & 15) * 4 : 40
  const header = bytes.slice(0, headerLength)
  const body = bytes.subarray(headerLength)
  const fragments: Uint8Array[] = []
  for (let offset = 0; offset < body.length || offset === 0; offset += size) {
    const part = body.subarray(offset, offset + size)
    const more = offset + size < body.length
    fragments.push(isIpv4 ? ipv4Fragment(header, part, offset, more, options.identification) : ipv6Fragment(header, part, offset, more, options.identification ?? 1))
  }
  return fragments
}

function ipv4Fragment(header: Uint8Array, part: Uint8Array, offset: number, more: boolean, identification?: number): Uint8Array {
  const bytes = concat([header, part])
  const view = viewOf(bytes)
  view.setUint16(2, bytes.length)
  if (identification !== undefined) view.setUint16(4, identification)
  view.setUint16(6, (more ? 0x2000 : 0) | (offset >> 3))
  view.setUint16(10, 0)
  view.setUint16(10, internetChecksum(bytes.subarray(0, header.length)))
  return bytes
}

function ipv6Fragment(header: Uint8Array, part: Uint8Array, offset: number, more: boolean, identification: number): Uint8Array {
  const bytes = concat([header, new Uint8Array(8), part])
  const view = viewOf(bytes)
  view.setUint16(4, part.length + 8)
  bytes[40] = header[6]!
  bytes[6] = 44
  view.setUint16(42, offset | (more ? 1 : 0))
  view.setUint32(44, identification)
  return bytes
}
