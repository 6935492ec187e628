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
 * The hash-based scheme of RFC 7739 §5.3: `F(source, destination, key1) + counter[G(source, destination, key2)]`. It
 * serves RFC 6864 §4.2 as well: ids of one (source, destination, protocol) run through their whole space.
 */
export function createFragmentIds(random: SecureRandom): FragmentIds {
  const offset = createPacketHash(random)
  const bucket = createPacketHash(random)
  const counters = new Uint32Array(COUNTERS)
  return {
    next(packet) {
      const at = bucket.flow(packet, packet.transportProtocol, 0) & (COUNTERS - 1)
      const count = counters[at]!
      counters[at] = count + 1
      return (offset.flow(packet, packet.transportProtocol, 0) + count) | 0
    },
  }
}
