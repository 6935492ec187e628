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
  // v0…v3 as (low, high) pairs of int32.
  const v = new Int32Array(8)
  const key = Int32Array.of(k0, k1, k2, k3)
  const self = { high: 0, low: hash }
  return self

  function hash(words: Int32Array, count: number): number {
    v[0] = key[0]! ^ 0x70736575
    v[1] = key[1]! ^ 0x736f6d65
    v[2] = key[2]! ^ 0x6e646f6d
    v[3] = key[3]! ^ 0x646f7261
    v[4] = key[0]! ^ 0x6e657261
    v[5] = key[1]! ^ 0x6c796765
    v[6] = key[2]! ^ 0x79746573
    v[7] = key[3]! ^ 0x74656462
    const pairs = count >> 1
    for (let i = 0; i < pairs; i++) block(words[2 * i]!, words[2 * i + 1]!)
    // The last block holds what is left and the length in bytes in its top byte.
    block((count & 1) !== 0 ? words[count - 1]! : 0, (count * 4) << 24)
    v[4] = v[4] ^ 0xff
    for (let i = 0; i < 4; i++) round(v)
    self.high = v[1] ^ v[3] ^ v[5] ^ v[7]
    return v[0] ^ v[2] ^ v[4] ^ v[6]
  }

  function block(low: number, high: number): void {
    v[6] = v[6]! ^ low
    v[7] = v[7]! ^ high
    round(v)
    round(v)
    v[0] = v[0]! ^ low
    v[1] = v[1]! ^ high
  }
}

function round(v: Int32Array): void {
  let a0 = v[0]!, a1 = v[1]!, b0 = v[2]!, b1 = v[3]!, c0 = v[4]!, c1 = v[5]!, d0 = v[6]!, d1 = v[7]!
  let t: number
  // v0 += v1; v1 <<<= 13; v1 ^= v0; v0 <<<= 32
  t = (a0 >>> 0) + (b0 >>> 0)
  a1 = (a1 + b1 + (t > 0xffffffff ? 1 : 0)) | 0
  a0 = t | 0
  t = (b0 << 13) | (b1 >>> 19)
  b1 = (b1 << 13) | (b0 >>> 19)
  b0 = t ^ a0
  b1 ^= a1
  t = a0
  a0 = a1
  a1 = t
  // v2 += v3; v3 <<<= 16; v3 ^= v2
  t = (c0 >>> 0) + (d0 >>> 0)
  c1 = (c1 + d1 + (t > 0xffffffff ? 1 : 0)) | 0
  c0 = t | 0
  t = (d0 << 16) | (d1 >>> 16)
  d1 = (d1 << 16) | (d0 >>> 16)
  d0 = t ^ c0
  d1 ^= c1
  // v0 += v3; v3 <<<= 21; v3 ^= v0
  t = (a0 >>> 0) + (d0 >>> 0)
  a1 = (a1 + d1 + (t > 0xffffffff ? 1 : 0)) | 0
  a0 = t | 0
  t = (d0 << 21) | (d1 >>> 11)
  d1 = (d1 << 21) | (d0 >>> 11)
  d0 = t ^ a0
  d1 ^= a1
  // v2 += v1; v1 <<<= 17; v1 ^= v2; v2 <<<= 32
  t = (c0 >>> 0) + (b0 >>> 0)
  c1 = (c1 + b1 + (t > 0xffffffff ? 1 : 0)) | 0
  c0 = t | 0
  t = (b0 << 17) | (b1 >>> 15)
  b1 = (b1 << 17) | (b0 >>> 15)
  b0 = t ^ c0
  b1 ^= c1
  t = c0
  c0 = c1
  c1 = t
  v[0] = a0
  v[1] = a1
  v[2] = b0
  v[3] = b1
  v[4] = c0
  v[5] = c1
  v[6] = d0
  v[7] = d1
}
