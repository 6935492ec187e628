import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Collects what is not needed, finalizers included. */
async function collect(): Promise<void> {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  for (let i = 0; i < 3; i++) {
    gc()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Collections that free less than this, in bytes, have freed what there was. */
const SETTLED = 1 << 16

/** Bytes that the program's objects and buffers take. The packet memory is reserved once and for all stacks. */
export async function bytesInUse(): Promise<number> {
  // What a run left behind may go in several steps: a finalizer makes more of it unreachable.
  for (let before = Infinity; ; ) {
    await collect()
    const { heapUsed, external, arrayBuffers } = process.memoryUsage()
    const now = heapUsed + external + arrayBuffers
    if (before - now < SETTLED) return now
    before = now
  }
}
