import { address } from '@stack/core'
import type { Address, SipHash } from '@stack/core'

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
export function stableIdentifier(hash: SipHash, prefix: Address, interfaceName: string, dadCounter: number): InterfaceIdentifier {
  const words = Int32Array.from([prefix.a, prefix.b, dadCounter, ...Array.from(interfaceName, (letter) => letter.codePointAt(0)!)])
  const low = hash.low(words, words.length)
  const high = hash.high
  // RFC 5453: all zeros is the routers' anycast address, fdff:ffff:ffff:ff80 and up are reserved too.
  const reserved = (high === 0 && low === 0) || (high === (0xfdffffff | 0) && low >>> 7 === 0xffffff80 >>> 7)
  return reserved ? stableIdentifier(hash, prefix, interfaceName, dadCounter + 1) : { high, low }
}

/** fe80::/64 with an interface identifier, on the link of NIC `zone`. */
export function linkLocalAddress(id: InterfaceIdentifier, zone: number): Address {
  return address(0xfe800000, 0, id.high, id.low, zone)
}
