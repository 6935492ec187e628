import type { Packet } from '@stack/buffer'
import type { SecureRandom } from '@stack/core'

/** Makes flow labels. */
export interface FlowLabels {
  /** A label from 1 to 0xfffff for the flow that the packet's addresses, ports and protocol name. */
  of(packet: Packet): number
}

/**
 * Flow labels as RFC 6437 §3 and appendix A want them: the same for every packet of a flow, uniformly spread, not
 * sequential. A keyed multiplicative hash: one is needed per packet, and what an observer could learn of the key lets
 * him foresee labels, nothing else.
 */
export function createFlowLabels(random: SecureRandom): FlowLabels {
  const seed = random.uint32() | 0
  const factor = random.uint32() | 1
  const mix = (hash: number, word: number): number => {
    const h = Math.imul(hash ^ word, factor)
    return h ^ (h >>> 15)
  }
  return {
    of(p) {
      let hash = mix(seed, p.sourceA)
      hash = mix(hash, p.sourceB)
      hash = mix(hash, p.sourceC)
      hash = mix(hash, p.sourceD)
      hash = mix(hash, p.destinationA)
      hash = mix(hash, p.destinationB)
      hash = mix(hash, p.destinationC)
      hash = mix(hash, p.destinationD)
      hash = mix(hash, (p.sourcePort << 16) | p.destinationPort)
      hash = mix(hash, p.transportProtocol)
      // Zero means "no label" (RFC 6437 §2).
      return (Math.imul(hash, 0x9e3779b1) >>> 12) || 1
    },
  }
}
