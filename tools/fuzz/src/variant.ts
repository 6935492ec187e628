import { createPacketMemory, type PacketMemory, type PacketPool } from '@stack/buffer'

/** How a case is run: what must not change what the stack sends. */
export interface Variant {
  readonly name: string
  /** SIMD kernels, or the JavaScript ones. */
  readonly simd: boolean
  /** Packets that the link takes in one write. */
  readonly linkBatch: number
  /** Frames handed in with one flush. */
  readonly inbox: number
  /** Slots of the packet memory; null = no limit. */
  readonly slots: number | null
  /** Segments leave TCP many in one packet, and the NIC cuts it. */
  readonly gso: boolean
  /** Segments that come in one batch are merged. */
  readonly gro: boolean
}

export const PLAIN: Variant = { name: 'plain', simd: true, linkBatch: 64, inbox: 64, slots: null, gso: true, gro: true }
/** What `createPacketMemory` gives where there is no WebAssembly SIMD. */
export const NO_SIMD: Variant = { ...PLAIN, name: 'no SIMD', simd: false }
export const LINK_OF_ONE: Variant = { ...PLAIN, name: 'a link that takes one packet', linkBatch: 1 }
export const INBOX_OF_ONE: Variant = { ...PLAIN, name: 'batches of one', inbox: 1 }
export const NO_GSO: Variant = { ...PLAIN, name: 'no segmentation offload', gso: false }
export const NO_GRO: Variant = { ...PLAIN, name: 'nothing merged', gro: false }
export const TINY: Variant = { ...PLAIN, name: 'tiny memory', slots: 24 }

const SIZE = 32 << 20
const QUOTA = 8 << 20

/** Packet memories, made once: the pools of many runs are theirs. */
export class Memories {
  private readonly made = new Map<boolean, PacketMemory>()

  pool({ simd, slots }: Variant): PacketPool {
    let memory = this.made.get(simd)
    if (memory === undefined) {
      memory = createPacketMemory({ size: SIZE, simd })
      if (memory.simd !== simd) throw new Error('This host has no SIMD kernels: there is nothing to compare.')
      this.made.set(simd, memory)
    }
    return memory.pool({ quota: QUOTA, ...(slots === null ? {} : { slots }) })
  }
}
