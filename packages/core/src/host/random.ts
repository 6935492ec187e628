import type { Random, SecureRandom } from '../registration/host.ts'

const POOL_BYTES = 4096

/**
 * Numbers from the platform's `crypto.getRandomValues`, drawn 4 KiB at a time, because one call costs more than a
 * microsecond. The default of every stack.
 */
export function secureRandom(): SecureRandom {
  return new PooledRandom()
}

/**
 * The same numbers for the same seed (sfc32), for jitter and for tests. An attacker who sees a few of them knows the
 * rest: see {@link secureRandom}.
 *
 * @param seed - any number; taken modulo 2³²
 *
 * @example
 * ```ts
 * import { seededRandom } from '@stack/core'
 *
 * const random = seededRandom(1)
 * const jitter = 0.5 + random.next() // 0.5 … 1.5
 * ```
 */
export function seededRandom(seed: number): Random {
  return new SmallFastCounting(seed)
}

class PooledRandom implements SecureRandom {
  readonly #words = new Uint32Array(POOL_BYTES / 4)
  readonly #bytes = new Uint8Array(this.#words.buffer)
  /** Bytes of the pool that were handed out. */
  #used = POOL_BYTES

  uint32(): number {
    let index = (this.#used + 3) >>> 2
    if (index >= this.#words.length) {
      this.#refill()
      index = 0
    }
    this.#used = (index + 1) * 4
    const word = this.#words[index]!
    // What was handed out is not kept: a later look at the pool must not tell old secrets.
    this.#words[index] = 0
    return word
  }

  fill(bytes: Uint8Array): void {
    const pool = this.#bytes
    for (let i = 0; i < bytes.length; i++) {
      if (this.#used === POOL_BYTES) this.#refill()
      bytes[i] = pool[this.#used]!
      pool[this.#used++] = 0
    }
  }

  #refill(): void {
    globalThis.crypto.getRandomValues(this.#bytes)
    this.#used = 0
  }
}

/** sfc32 of PractRand: 128 bits of state, passes its tests, four additions a number. */
class SmallFastCounting implements Random {
  #a = 0
  #b: number
  #c = 0
  #counter = 1

  constructor(seed: number) {
    this.#b = seed | 0
    // The generator's own seeding advice: let the seed reach every bit of the state.
    for (let i = 0; i < 12; i++) this.uint32()
  }

  uint32(): number {
    const result = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0
    return result >>> 0
  }

  next(): number {
    return this.uint32() / 0x1_0000_0000
  }
}
