import type { SecureRandom } from '../../src/registration/host.ts'

/** Predictable "secure" numbers: a small linear generator, so that tests repeat to the bit. */
export function countingRandom(seed = 1): SecureRandom {
  let state = seed >>> 0
  const uint32 = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state
  }
  return {
    uint32,
    fill(bytes) {
      for (let i = 0; i < bytes.length; i++) bytes[i] = uint32() >>> 24
    },
  }
}
