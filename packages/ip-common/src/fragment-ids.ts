import type { Packet } from '@stack/buffer'
import type { SecureRandom } from '@stack/core'
import { createPacketHash } from './packet-hash.ts'

const COUNTERS = 2048

/** Gives out fragment identifications that others cannot predict and that do not soon repeat for one destination. */
export interface FragmentIds {
  /** The next 32-bit identification (int32) for the packet's addresses and `transportProtocol`; IPv4 takes the low 16 bits. */
  next(packet: Packet): number
}

/**
 * The hash-based scheme of RFC 7739 §5.3: `F(source, destination) + counter[G(source, destination)]`, where F and G are
 * the two halves of one keyed 64-bit hash. It serves RFC 6864 §4.2 as well: ids of one (source, destination, protocol) run through their whole space.
 */
export function createFragmentIds(random: SecureRandom): FragmentIds {
  const hash = createPacketHash(random)
  const counters = new Uint32Array(COUNTERS)
  return {
    next(packet) {
      const offset = hash.flow(packet, packet.transportProtocol, 0)
      const at = hash.high & (COUNTERS - 1)
      const count = counters[at]!
      counters[at] = count + 1
      return (offset + count) | 0
    },
  }
}
