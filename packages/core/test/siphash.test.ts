import { expect, it } from 'vitest'
import { sipHashWithKey } from '../src/host/siphash.ts'

/** The reference vectors of SipHash-2-4 (key 00…0f, message 00, 01, 02 …) for whole words. */
const VECTORS: readonly (readonly [words: number, value: bigint])[] = [
  [0, 0x726fdb47dd0e0e31n],
  [1, 0xcf2794e0277187b7n],
  [2, 0x93f5f5799a932462n],
  [3, 0x751e8fbc860ee5fbn],
]

it('agrees with the reference vectors', () => {
  const hash = sipHashWithKey(0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c)
  const words = Int32Array.of(0x03020100, 0x07060504, 0x0b0a0908)
  for (const [count, value] of VECTORS) {
    const low = hash.low(words, count) >>> 0
    expect((BigInt(hash.high >>> 0) << 32n) | BigInt(low)).toBe(value)
  }
})
