import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addSums, checksumOf, foldSum, sumBytes, swapSum, updateChecksum16 } from '@stack/buffer'
import { mixedBytes, referenceSum } from './support.ts'

const word = fc.integer({ min: 0, max: 0xffff })
const folded = word

describe('foldSum', () => {
  test.each([
    [0, 0],
    [0xffff, 0xffff],
    [0x1_0000, 1],
    [0x1_ffff, 1],
    [0xffff_ffff, 0xffff],
    [0x1_0000_0000, 1],
    [Number.MAX_SAFE_INTEGER, 0x1f],
  ])('%i -> %i', (n, sum) => {
    expect(foldSum(n)).toBe(sum)
  })

  test('is n modulo 0xffff, and never zero for n above zero', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (n) => {
        expect(foldSum(n)).toBe(n % 0xffff === 0 ? 0xffff : n % 0xffff)
      }),
    )
  })
})

test('the example of RFC 1071 §3', () => {
  const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7)
  expect(sumBytes(bytes, 0, 8)).toBe(0xddf2)
  expect(checksumOf(0xddf2)).toBe(0x220d)
})

test('sums of parts add up to the sum of the whole, swapped behind an odd part', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (bytes, cut) => {
      const at = Math.min(cut, bytes.length)
      const head = sumBytes(bytes, 0, at)
      const tail = sumBytes(bytes, at, bytes.length)
      expect(addSums(head, at % 2 === 0 ? tail : swapSum(tail))).toBe(referenceSum(bytes))
    }),
  )
})

test('sumBytes starts from an initial sum, and serves short and long ranges of views alike', () => {
  const bytes = mixedBytes(5000).subarray(11)
  for (const length of [0, 1, 2, 127, 128, 129, 1461, 4000]) {
    expect(sumBytes(bytes, 5, 5 + length)).toBe(referenceSum(bytes.subarray(5, 5 + length)))
    expect(sumBytes(bytes, 5, 5 + length, 0xfff0)).toBe(addSums(0xfff0, referenceSum(bytes.subarray(5, 5 + length))))
  }
})

test('updateChecksum16 agrees with summing again (RFC 1624)', () => {
  fc.assert(
    fc.property(folded, word, word, word, (rest, before, after, other) => {
      // At least one word of real data is not zero, so the sum is not the zero that RFC 1624 §3 warns of.
      const fixed = addSums(addSums(rest, other), 1) || 1
      const checksum = checksumOf(addSums(fixed, before))
      expect(updateChecksum16(checksum, before, after)).toBe(checksumOf(addSums(fixed, after)))
    }),
  )
})

test('the example of RFC 1624 §4', () => {
  expect(updateChecksum16(0xdd2f, 0x5555, 0x3285)).toBe(0x0000)
})
