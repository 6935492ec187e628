import type { ChecksumKernels } from './checksum.ts'
import { jsKernels } from './kernels-js.ts'
import { simdKernels } from './kernels-simd.ts'
import { TRAY_SIZE } from './tray.ts'

/** The bytes of a packet memory and how they are summed. */
export interface Arena {
  /** From the begin of a buffer that has TRAY_SIZE bytes behind them. */
  readonly bytes: Uint8Array
  readonly kernels: ChecksumKernels
  readonly simd: boolean
}

const WASM_PAGE = 65_536
const SMALLEST_FALLBACK = 1 << 20

/**
 * Reserves an arena: a fixed WebAssembly memory with SIMD kernels, or a plain buffer with
 * JavaScript kernels.
 *
 * A WebAssembly memory is never grown, since growth detaches every view. Where it cannot be
 * reserved the process is short of address space (engines reserve gigabytes around it), so the
 * plain buffer starts at a quarter of the size, and halves until it succeeds.
 *
 * @param wasm the host's WebAssembly; undefined where there is none
 * @throws RangeError when nothing can be reserved
 */
export function reserveArena(size: number, simd: boolean, wasm: typeof WebAssembly | undefined): Arena {
  if (!simd) return plainArena(size, size)
  if (wasm !== undefined) {
    try {
      const length = Math.ceil(size / WASM_PAGE) * WASM_PAGE
      const pages = (length + TRAY_SIZE) / WASM_PAGE
      const memory = new wasm.Memory({ initial: pages, maximum: pages })
      return { bytes: new Uint8Array(memory.buffer, 0, length), kernels: simdKernels(memory, wasm), simd: true }
    } catch {
      // No address space, no SIMD, or a policy against compiling: plain buffers serve.
    }
  }
  const smallest = Math.min(size, SMALLEST_FALLBACK)
  return plainArena(Math.max(smallest, Math.floor(size / 4)), smallest)
}

function plainArena(size: number, smallest: number): Arena {
  for (let attempt = size; ; attempt = Math.max(smallest, Math.floor(attempt / 2))) {
    try {
      const bytes = new Uint8Array(attempt + TRAY_SIZE).subarray(0, attempt)
      return { bytes, kernels: jsKernels(bytes), simd: false }
    } catch (cause) {
      if (attempt <= smallest) {
        throw new RangeError(`cannot reserve ${attempt} bytes of packet memory; pass a smaller size`, { cause })
      }
    }
  }
}
