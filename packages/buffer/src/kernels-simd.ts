import type { ChecksumKernels } from './checksum.ts'
import { KERNELS } from './kernels-wasm.ts'

/**
 * The kernels as WebAssembly SIMD, over a memory.
 *
 * @throws whatever the host throws when it has no SIMD or may not compile
 */
export function simdKernels(memory: WebAssembly.Memory, wasm: typeof WebAssembly): ChecksumKernels {
  const module = new wasm.Module(Uint8Array.from(atob(KERNELS), (character) => character.charCodeAt(0)))
  const { sum, copyAndSum } = new wasm.Instance(module, { stack: { memory } }).exports
  return { sum, copyAndSum } as unknown as ChecksumKernels
}
