/**
 * A hash of the four words of an address, int32, for tables that peers can fill: start it with a random `seed`. The
 * mixing steps are those of MurmurHash3's 32-bit finalizer and body.
 */
export function hashWords(a: number, b: number, c: number, d: number, seed: number): number {
  let h = mix(mix(mix(mix(seed, a), b), c), d)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

function mix(h: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51)
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593)
  h ^= k
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0
}
