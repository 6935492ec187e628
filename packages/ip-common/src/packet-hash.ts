import type { Packet } from '@stack/buffer'
import { createSipHash } from '@stack/core'
import type { SecureRandom, SipHash } from '@stack/core'

/** Keyed hashes over the addresses of a packet: an attacker can neither fill one bucket of a table nor predict a value. */
export interface PacketHash {
  /** Of the source address, int32. */
  source(packet: Packet): number
  /** Of both addresses and two words more, int32. */
  flow(packet: Packet, x: number, y: number): number
  /** 32 further bits of the last hash. */
  readonly high: number
}

export function createPacketHash(random: SecureRandom): PacketHash {
  const hash: SipHash = createSipHash(random)
  const words = new Int32Array(10)
  function source(packet: Packet): void {
    words[0] = packet.sourceA
    words[1] = packet.sourceB
    words[2] = packet.sourceC
    words[3] = packet.sourceD
  }
  return {
    get high() {
      return hash.high
    },
    source(packet) {
      source(packet)
      return hash.low(words, 4)
    },
    flow(packet, x, y) {
      source(packet)
      words[4] = packet.destinationA
      words[5] = packet.destinationB
      words[6] = packet.destinationC
      words[7] = packet.destinationD
      words[8] = x
      words[9] = y
      return hash.low(words, 10)
    },
  }
}
