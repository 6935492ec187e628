import { concat, toBytes, type Bytes } from './bytes.ts'
import type { AddressBytes } from './checksum.ts'
import type { Layer } from './layer.ts'

/**
 * Builds a packet from its headers, outermost first, and bytes behind them. Lengths, protocol numbers and checksums come
 * out right, each by what stands above or below it, unless a header says otherwise.
 *
 * @example
 * ```ts
 * import { ethernet, ipv4, ipv6, hopByHop, packet, tcp, udp } from '@stack/testing'
 *
 * const syn = packet(ipv4({ ttl: 64 }), tcp({ flags: 'S', seq: 1000, mss: 1460 }))
 * const frame = packet(ethernet(), ipv4(), udp({ destinationPort: 53 }), 'a question')
 * const liar = packet(ipv4({ totalLength: 1000 }), udp({ checksum: 0x1234 }), [1, 2, 3])
 * const extended = packet(ipv6(), hopByHop({ options: [{ kind: 'routerAlert', value: 0 }] }), udp(), new Uint8Array(100))
 * ```
 */
export function packet(...parts: (Layer | Bytes)[]): Uint8Array {
  const firstBytes = parts.findIndex((part) => !isLayer(part))
  const layers = (firstBytes < 0 ? parts : parts.slice(0, firstBytes)) as readonly Layer[]
  const rest = firstBytes < 0 ? [] : parts.slice(firstBytes)
  if (rest.some(isLayer)) throw new Error('packet: a header stands behind payload bytes. To quote a packet, build it with a packet() of its own.')
  let body = concat((rest as readonly Bytes[]).map(toBytes))
  for (let i = layers.length - 1; i >= 0; i--) {
    const above = layers[i + 1]
    body = layers[i]!.build(body, { etherType: above?.etherType, ipProtocol: above?.ipProtocol, addresses: addressesBelow(layers, i) })
  }
  return body
}

function isLayer(part: Layer | Bytes): part is Layer {
  return typeof part === 'object' && 'build' in part
}

/** Those of the nearest IP header below; a routing header in between changes the destination. */
function addressesBelow(layers: readonly Layer[], index: number): AddressBytes | null {
  let final: Uint8Array | undefined
  for (let i = index - 1; i >= 0; i--) {
    const { addresses, finalDestination } = layers[i]!
    final ??= finalDestination
    if (addresses !== undefined) return final === undefined ? addresses : { source: addresses.source, destination: final }
  }
  return null
}
