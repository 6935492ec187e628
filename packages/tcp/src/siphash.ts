/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012) on 32-bit halves: the keyed hash behind initial sequence numbers,
 * timestamp offsets and tables that strangers fill. The state lives in the instance, so nothing is allocated per hash.
 */
export class SipHash {
  /** Low half of the last hash, int32. */
  low = 0
  /** High half of the last hash, int32. */
  high = 0
  private readonly key: Int32Array
  private v0l = 0
  private v0h = 0
  private v1l = 0
  private v1h = 0
  private v2l = 0
  private v2h = 0
  private v3l = 0
  private v3h = 0

  /** @param key 16 bytes as four little-endian words */
  constructor(key: Int32Array) {
    this.key = key
  }

  /** Hashes the first `length` bytes of `words` (little-endian words, unused bytes zero); returns the low half. */
  hash(words: Int32Array, length: number): number {
    const [k0l, k0h, k1l, k1h] = [this.key[0]!, this.key[1]!, this.key[2]!, this.key[3]!]
    this.v0l = k0l ^ 0x70736575
    this.v0h = k0h ^ 0x736f6d65
    this.v1l = k1l ^ 0x6e646f6d
    this.v1h = k1h ^ 0x646f7261
    this.v2l = k0l ^ 0x6e657261
    this.v2h = k0h ^ 0x6c796765
    this.v3l = k1l ^ 0x79746573
    this.v3h = k1h ^ 0x74656462
    const blocks = length >>> 3
    for (let i = 0; i < blocks; i++) this.block(words[2 * i]!, words[2 * i + 1]!)
    const rest = length & 7
    const low = rest > 0 ? words[2 * blocks]! : 0
    const high = rest > 4 ? words[2 * blocks + 1]! : 0
    this.block(low, high | (length << 24))
    this.v2l ^= 0xff
    for (let i = 0; i < 4; i++) this.round()
    this.high = this.v0h ^ this.v1h ^ this.v2h ^ this.v3h
    this.low = this.v0l ^ this.v1l ^ this.v2l ^ this.v3l
    return this.low
  }

  private block(low: number, high: number): void {
    this.v3l ^= low
    this.v3h ^= high
    this.round()
    this.round()
    this.v0l ^= low
    this.v0h ^= high
  }

  private round(): void {
    let { v0l, v0h, v1l, v1h, v2l, v2h, v3l, v3h } = this
    let t = 0
    // v0 += v1; v1 <<<= 13; v1 ^= v0; v0 <<<= 32
    t = (v0l >>> 0) + (v1l >>> 0)
    v0l = t | 0
    v0h = (v0h + v1h + (t > 0xffffffff ? 1 : 0)) | 0
    t = (v1l << 13) | (v1h >>> 19)
    v1h = (v1h << 13) | (v1l >>> 19)
    v1l = t ^ v0l
    v1h ^= v0h
    t = v0l
    v0l = v0h
    v0h = t
    // v2 += v3; v3 <<<= 16; v3 ^= v2
    t = (v2l >>> 0) + (v3l >>> 0)
    v2l = t | 0
    v2h = (v2h + v3h + (t > 0xffffffff ? 1 : 0)) | 0
    t = (v3l << 16) | (v3h >>> 16)
    v3h = (v3h << 16) | (v3l >>> 16)
    v3l = t ^ v2l
    v3h ^= v2h
    // v0 += v3; v3 <<<= 21; v3 ^= v0
    t = (v0l >>> 0) + (v3l >>> 0)
    v0l = t | 0
    v0h = (v0h + v3h + (t > 0xffffffff ? 1 : 0)) | 0
    t = (v3l << 21) | (v3h >>> 11)
    v3h = (v3h << 21) | (v3l >>> 11)
    v3l = t ^ v0l
    v3h ^= v0h
    // v2 += v1; v1 <<<= 17; v1 ^= v2; v2 <<<= 32
    t = (v2l >>> 0) + (v1l >>> 0)
    v2l = t | 0
    v2h = (v2h + v1h + (t > 0xffffffff ? 1 : 0)) | 0
    t = (v1l << 17) | (v1h >>> 15)
    v1h = (v1h << 17) | (v1l >>> 15)
    v1l = t ^ v2l
    v1h ^= v2h
    this.v0l = v0l
    this.v0h = v0h
    this.v1l = v1l
    this.v1h = v1h
    this.v2l = v2h
    this.v2h = v2l
    this.v3l = v3l
    this.v3h = v3h
  }
}
