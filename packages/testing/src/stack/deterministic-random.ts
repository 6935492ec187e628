import { seededRandom, type SecureRandom } from '@stack/core'

/**
 * Stands in for the platform's entropy: the same numbers for the same seed. For tests only, where a run has to repeat to the bit.
 *
 * @example
 * ```ts
 * import { createStack } from '@stack/core'
 * import { deterministicRandom } from '@stack/testing'
 *
 * const stack = createStack({ plugins: [], secureRandom: deterministicRandom(7) })
 * stack.destroy()
 * ```
 */
export function deterministicRandom(seed = 1): SecureRandom {
  const random = seededRandom(seed)
  return {
    uint32: () => random.uint32(),
    fill(bytes) {
      for (let i = 0; i < bytes.length; i++) bytes[i] = random.uint32()
    },
  }
}
