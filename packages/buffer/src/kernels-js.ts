import type { ChecksumKernels } from './checksum.ts'
import { sumView } from './sum.ts'

/** The kernels in plain JavaScript, over any arena. */
export function jsKernels(arena: Uint8Array): ChecksumKernels {
  const view = new DataView(arena.buffer, arena.byteOffset, arena.byteLength)
  return {
    sum: (address, length) => sumView(view, address, length),
    copyAndSum(target, source, length) {
      arena.copyWithin(target, source, source + length)
      return sumView(view, target, length)
    },
  }
}
