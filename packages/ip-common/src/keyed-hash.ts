import type { SecureRandom } from '@stack/core'

/** A keyed hash over 32-bit words, for tables and numbers that an attacker must not steer or predict. */
export interface KeyedHash {
  /** Hash of five words, as an int32. Pass 0 for words not needed. */
  words5(a: number, b: number, c: number, d: number, e: number): number
  /** Hash of ten words, as an int32: two addresses and two more. */
  words10(a: number, b: number, c: number, d: number, e: number, f: number, g: number, h: number, i: number, j: number): number
}

/** HalfSipHash-2-4 (32-bit words, 64-bit key) with a key drawn once from `random`. */
export function createKeyedHash(random: SecureRandom): KeyedHash {
  return new HalfSipHash(random.uint32() | 0, random.uint32() | 0)
}

class HalfSipHash implements KeyedHash {
  readonly #k0: number
  readonly #k1: number
  #v0 = 0
  #v1 = 0
  #v2 = 0
  #v3 = 0

  constructor(k0: number, k1: number) {
    this.#k0 = k0
    this.#k1 = k1
  }

  words5(a: number, b: number, c: number, d: number, e: number): number {
    this.#start()
    this.#word(a)
    this.#word(b)
    this.#word(c)
    this.#word(d)
    this.#word(e)
    return this.#finish(20)
  }

  words10(a: number, b: number, c: number, d: number, e: number, f: number, g: number, h: number, i: number, j: number): number {
    this.#start()
    this.#word(a)
    this.#word(b)
    this.#word(c)
    this.#word(d)
    this.#word(e)
    this.#word(f)
    this.#word(g)
    this.#word(h)
    this.#word(i)
    this.#word(j)
    return this.#finish(40)
  }

  #start(): void {
    this.#v0 = this.#k0
    this.#v1 = this.#k1
    this.#v2 = 0x6c796765 ^ this.#k0
    this.#v3 = 0x74656462 ^ this.#k1
  }

  #word(m: number): void {
    this.#v3 ^= m
    this.#round()
    this.#round()
    this.#v0 ^= m
  }

  #finish(length: number): number {
    this.#word(length << 24)
    this.#v2 ^= 0xff
    for (let i = 0; i < 4; i++) this.#round()
    return this.#v1 ^ this.#v3
  }

  #round(): void {
    let v0 = this.#v0
    let v1 = this.#v1
    let v2 = this.#v2
    let v3 = this.#v3
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
    this.#v0 = v0
    this.#v1 = v1
    this.#v2 = v2
    this.#v3 = v3
  }
}
