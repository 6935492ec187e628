import { defaultPacketMemory } from '@stack/buffer'
import { rate, type Figure } from '../measure.ts'

/**
 * MB/s of what no TCP over this memory can do without: for each segment one copy in, one sum on the way out, one on the
 * way in, and one copy out, with the kernels of the memory.
 */
export async function floor(segment: number, bytes: number): Promise<Figure> {
  const pool = defaultPacketMemory().pool()
  const written = pool.chunk(segment)!
  const received = pool.chunk(segment)!
  const { memory } = written
  const user = new Uint8Array(segment).fill(7)
  const into = new Uint8Array(segment)
  const out = received.bytes.subarray(0, segment)
  let sums = 0
  const result = await rate(bytes / 1e6, () => {
    for (let done = 0; done < bytes; done += segment) {
      written.bytes.set(user)
      // What the link carries: copied out of the stream, and summed in the same pass.
      sums += memory.kernels.copyAndSum(received.base, written.base, segment)
      sums += memory.kernels.sum(received.base, segment)
      into.set(out)
    }
    return Promise.resolve()
  })
  written.release()
  received.release()
  if (sums === 0) throw new Error('Nothing was summed.')
  return result
}
