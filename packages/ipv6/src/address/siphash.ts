/**
 * SipHash-2-4 with a 16-byte key (Aumasson and Bernstein, 2012): a keyed function whose output nobody can guess without
 * the key. 64-bit lanes are pairs of int32 words, since BigInt is slow and this runs in browsers.
 *
 * @param key - four little-endian words
 * @returns 8 bytes as two words: high and low of the 64-bit result
 */
export function sipHash(key: Uint32Array, data: Uint8Array): { readonly high: number; readonly low: number } {
  const k0l = key[0]!
  const k0h = key[1]!
  const k1l = key[2]!
  const k1h = key[3]!
  // v0…v3 as low, high.
  const v = Int32Array.of(
    k0l ^ 0x70736575, k0h ^ 0x736f6d65,
    k1l ^ 0x6e646f6d, k1h ^ 0x646f7261,
    k0l ^ 0x6e657261, k0h ^ 0x6c796765,
    k1l ^ 0x79746573, k1h ^ 0x74656462,
  ) // prettier-ignore
  const whole = data.length & ~7
  for (let i = 0; i < whole; i += 8) compress(v, littleEndian(data, i, 4), littleEndian(data, i + 4, 4))
  const rest = data.length - whole
  const low = littleEndian(data, whole, Math.min(rest, 4))
  const high = littleEndian(data, whole + 4, Math.max(rest - 4, 0)) | (data.length << 24)
  compress(v, low, high)
  v[4]! ^= 0xff
  for (let i = 0; i < 4; i++) round(v)
  return { low: (v[0]! ^ v[2]! ^ v[4]! ^ v[6]!) | 0, high: (v[1]! ^ v[3]! ^ v[5]! ^ v[7]!) | 0 }
}

function littleEndian(data: Uint8Array, at: number, count: number): number {
  let word = 0
  for (let i = 0; i < count; i++) word |= data[at + i]! << (8 * i)
  return word
}

function compress(v: Int32Array, low: number, high: number): void {
  v[6]! ^= low
  v[7]! ^= high
  round(v)
  round(v)
  v[0]! ^= low
  v[1]! ^= high
}

function round(v: Int32Array): void {
  add(v, 0, 2)
  rotate(v, 2, 13)
  xor(v, 2, 0)
  rotate(v, 0, 32)
  add(v, 4, 6)
  rotate(v, 6, 16)
  xor(v, 6, 4)
  add(v, 0, 6)
  rotate(v, 6, 21)
  xor(v, 6, 0)
  add(v, 4, 2)
  rotate(v, 2, 17)
  xor(v, 2, 4)
  rotate(v, 4, 32)
}

function add(v: Int32Array, x: number, y: number): void {
  const low = (v[x]! >>> 0) + (v[y]! >>> 0)
  v[x] = low
  v[x + 1] = v[x + 1]! + v[y + 1]! + (low > 0xffffffff ? 1 : 0)
}

function xor(v: Int32Array, x: number, y: number): void {
  v[x]! ^= v[y]!
  v[x + 1]! ^= v[y + 1]!
}

function rotate(v: Int32Array, x: number, bits: number): void {
  const low = v[x]!
  const high = v[x + 1]!
  if (bits === 32) {
    v[x] = high
    v[x + 1] = low
    return
  }
  v[x] = (low << bits) | (high >>> (32 - bits))
  v[x + 1] = (high << bits) | (low >>> (32 - bits))
}
