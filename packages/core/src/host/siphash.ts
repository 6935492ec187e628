import type { SecureRandom } from '../registration/host.ts'

/**
 * SipHash-2-4 with a secret of its own over 32-bit words: for what an attacker must not predict (RFC 6528 ISNs, RFC 6056
 * ports, cookies). Words are hashed as the little-endian bytes that they stand for. Makes no garbage.
 *
 * @example
 * ```ts
 * import { createSipHash, secureRandom } from '@stack/core'
 * const hash = createSipHash(secureRandom())
 * const words = Int32Array.of(1, 2, 3)
 * console.log(hash.low(words, 3), hash.high)
 * ```
 */
export interface SipHash {
  /** Hashes `words[0, count)`; returns the low 32 bits as int32. The high ones are in `high` until the next call. */
  low(words: Int32Array, count: number): number
  readonly high: number
}

/** A {@link SipHash} with a fresh 128-bit key from `random`. */
export function createSipHash(random: SecureRandom): SipHash {
  return sipHashWithKey(random.uint32(), random.uint32(), random.uint32(), random.uint32())
}

/** A {@link SipHash} with a given key, low word of each half first; for test vectors. */
export function sipHashWithKey(k0: number, k1: number, k2: number, k3: number): SipHash {
  const self = { high: 0, low: hash }
  return self

  function hash(words: Int32Array, count: number): number {
    // v0…v3 as (low, high) pairs of int32. In locals, and the one round written once: an array of them, or a function
    // for a round, takes twice the time.
    let a0 = k0 ^ 0x70736575, a1 = k1 ^ 0x736f6d65
    let b0 = k2 ^ 0x6e646f6d, b1 = k3 ^ 0x646f7261
    let c0 = k0 ^ 0x6e657261, c1 = k1 ^ 0x6c796765
    let d0 = k2 ^ 0x79746573, d1 = k3 ^ 0x74656462
    const last = count >> 1
    for (let i = 0; i <= last + 1; i++) {
      let low = 0
      let high = 0
      let rounds = 2
      if (i < last) {
        low = words[2 * i]!
        high = words[2 * i + 1]!
      } else if (i === last) {
        // The last block holds what is left and the length in bytes in its top byte.
        low = (count & 1) !== 0 ? words[count - 1]! : 0
        high = (count * 4) << 24
      } else {
        c0 ^= 0xff
        rounds = 4
      }
      d0 ^= low
      d1 ^= high
      for (; rounds > 0; rounds--) {
        let t: number
        // v0 += v1; v1 <<<= 13; v1 ^= v0; v0 <<<= 32
        t = (a0 + b0) | 0
        a1 = (a1 + b1 + ((t >>> 0) < (b0 >>> 0) ? 1 : 0)) | 0
        a0 = t
        t = (b0 << 13) | (b1 >>> 19)
        b1 = (b1 << 13) | (b0 >>> 19)
        b0 = t ^ a0
        b1 ^= a1
        t = a0
        a0 = a1
        a1 = t
        // v2 += v3; v3 <<<= 16; v3 ^= v2
        t = (c0 + d0) | 0
        c1 = (c1 + d1 + ((t >>> 0) < (d0 >>> 0) ? 1 : 0)) | 0
        c0 = t
        t = (d0 << 16) | (d1 >>> 16)
        d1 = (d1 << 16) | (d0 >>> 16)
        d0 = t ^ c0
        d1 ^= c1
        // v0 += v3; v3 <<<= 21; v3 ^= v0
        t = (a0 + d0) | 0
        a1 = (a1 + d1 + ((t >>> 0) < (d0 >>> 0) ? 1 : 0)) | 0
        a0 = t
        t = (d0 << 21) | (d1 >>> 11)
        d1 = (d1 << 21) | (d0 >>> 11)
        d0 = t ^ a0
        d1 ^= a1
        // v2 += v1; v1 <<<= 17; v1 ^= v2; v2 <<<= 32
        t = (c0 + b0) | 0
        c1 = (c1 + b1 + ((t >>> 0) < (b0 >>> 0) ? 1 : 0)) | 0
        c0 = t
        t = (b0 << 17) | (b1 >>> 15)
        b1 = (b1 << 17) | (b0 >>> 15)
        b0 = t ^ c0
        b1 ^= c1
        t = c0
        c0 = c1
        c1 = t
      }
      a0 ^= low
      a1 ^= high
    }
    self.high = a1 ^ b1 ^ c1 ^ d1
    return a0 ^ b0 ^ c0 ^ d0
  }
}
