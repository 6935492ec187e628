import { address } from '@stack/core'
import type { Address } from '@stack/core'
import { sipHash } from './siphash.ts'

/** Eight bytes behind the prefix, as two words. */
export interface InterfaceIdentifier {
  readonly high: number
  readonly low: number
}

/** Modified EUI-64 of a 6-byte link address: `ff:fe` in the middle, the universal bit inverted (RFC 4291 appendix A). */
export function eui64(linkAddress: Uint8Array): InterfaceIdentifier {
  const [p, q, r, s, t, u] = linkAddress as unknown as readonly [number, number, number, number, number, number]
  return { high: ((p ^ 2) << 24) | (q << 16) | (r << 8) | 0xff, low: (0xfe << 24) | (s << 16) | (t << 8) | u }
}

/**
 * A stable opaque identifier (RFC 7217 §5): a keyed function of prefix, interface and duplicate counter, so that it
 * stays on one link, differs on each, and says nothing about the device.
 */
export function stableIdentifier(key: Uint32Array, prefix: Address, interfaceName: string, dadCounter: number): InterfaceIdentifier {
  const name = new TextEncoder().encode(interfaceName)
  const data = new Uint8Array(8 + name.length + 1)
  const view = new DataView(data.buffer)
  view.setInt32(0, prefix.a)
  view.setInt32(4, prefix.b)
  data.set(name, 8)
  data[data.length - 1] = dadCounter
  const id = sipHash(key, data)
  // RFC 5453: all zeros is the routers' anycast address, fdff:ffff:ffff:ff80 and up are reserved too.
  const reserved = (id.high === 0 && id.low === 0) || (id.high === (0xfdffffff | 0) && id.low >>> 7 === 0xffffff80 >>> 7)
  return reserved ? stableIdentifier(key, prefix, interfaceName, dadCounter + 1) : id
}

/** fe80::/64 with an interface identifier, on the link of NIC `zone`. */
export function linkLocalAddress(id: InterfaceIdentifier, zone: number): Address {
  return address(0xfe800000, 0, id.high, id.low, zone)
}
