import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import initWabt from 'wabt'
import { createPacketMemory } from '@stack/buffer'
import { KERNELS } from '../src/kernels-wasm.ts'
import { mixedBytes, referenceSum } from './support.ts'

const memories = {
  'WebAssembly SIMD': createPacketMemory({ size: 1 << 20 }),
  JavaScript: createPacketMemory({ size: 1 << 20, simd: false }),
}
const LONGEST = 3000
const data = {
  zeros: new Uint8Array(LONGEST),
  ones: new Uint8Array(LONGEST).fill(0xff),
  mixed: mixedBytes(LONGEST),
}

test('the host of these tests has SIMD, so both kernels are tested', () => {
  expect(memories['WebAssembly SIMD'].simd).toBe(true)
  expect(memories.JavaScript.simd).toBe(false)
})

test('the embedded module is kernels.wat assembled', async () => {
  const wabt = await initWabt()
  const source = readFileSync(new URL('../src/kernels.wat', import.meta.url), 'utf8')
  const assembled = wabt.parseWat('kernels.wat', source, { simd: true }).toBinary({}).buffer
  expect(Buffer.from(assembled).toString('base64')).toBe(KERNELS)
})

describe.each(Object.entries(memories))('%s', (_, { bytes, kernels }) => {
  describe.each(Object.entries(data))('%s', (_name, source) => {
    test.each([0, 1, 2, 7, 15])(`sums every length from 0 to ${LONGEST} at alignment %i`, (alignment) => {
      const at = 4096 + alignment
      bytes.set(source, at)
      const wrong: number[] = []
      let expected = 0
      for (let length = 0; length <= LONGEST; length++) {
        if (kernels.sum(at, length) !== expected) wrong.push(length)
        expected += length % 2 === 0 ? source[length]! * 256 : source[length]!
        if (expected > 0xffff) expected -= 0xffff
      }
      expect(wrong).toEqual([])
    })

    test.each([[0, 0], [1, 8], [13, 3]])('copies and sums every length, from alignment %i to %i', (from, to) => {
      const sourceAt = 4096 + from
      const targetAt = 16_384 + to
      bytes.set(source, sourceAt)
      const wrong: number[] = []
      for (let length = 0; length <= LONGEST; length++) {
        bytes.fill(0xa5, targetAt - 1, targetAt + length + 1)
        const sum = kernels.copyAndSum(targetAt, sourceAt, length)
        const copied = Buffer.compare(bytes.subarray(targetAt, targetAt + length), source.subarray(0, length)) === 0
        const untouched = bytes[targetAt - 1] === 0xa5 && bytes[targetAt + length] === 0xa5
        if (sum !== kernels.sum(sourceAt, length) || !copied || !untouched) wrong.push(length)
      }
      expect(wrong).toEqual([])
    })
  })

  test.each([65_532, 65_533, 65_534, 65_535, 69_632, 1 << 19])('no lane overflows over %i bytes of 0xff', (length) => {
    const at = 3
    const all = new Uint8Array(length).fill(0xff)
    bytes.set(all, at)
    expect(kernels.sum(at, length)).toBe(referenceSum(all))
    expect(kernels.copyAndSum(at + length + 1, at, Math.min(length, 69_632))).toBe(referenceSum(all.subarray(0, 69_632)))
  })
})
