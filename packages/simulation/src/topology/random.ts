import { seededRandom, type Random, type SecureRandom } from '@stack/core'

/** A sequence for each purpose, so that a node or wire more does not change what happens at the others. */
export function randomFor(seed: number, purpose: string): Random {
  return seededRandom(hash(purpose, seed))
}

/** What must be unpredictable elsewhere has to be the same each time here. */
export function predictable(random: Random): SecureRandom {
  return {
    uint32: () => random.uint32(),
    fill(bytes) {
      for (let i = 0; i < bytes.length; i++) bytes[i] = random.uint32() & 0xff
    },
  }
}

/** FNV-1a over UTF-16 units. */
function hash(text: string, seed: number): number {
  let value = 0x811c9dc5 ^ seed
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value >>> 0
}
