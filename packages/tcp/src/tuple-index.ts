import type { Packet } from '@stack/buffer'
import { createSipHash } from '@stack/core'
import type { Address, SecureRandom, SipHash } from '@stack/core'

/** Words of a key: local address, remote address, ports, zone. */
const KEY_WORDS = 10
/** Third word of an IPv4-mapped address. */
const MAPPED = 0xffff
/** What differs between the keys of IPv4: the last words of the addresses, the ports, the zone. */
const SHORT_WORDS = 4
const FIRST_SIZE = 16

/**
 * Four-tuples to small integers: open addressing over typed arrays that grow by doubling. Strangers choose the keys, so
 * the hash has a secret. Looking for what is not there, which is what ports are picked by, touches the hashes only.
 */
export class TupleIndex {
  /** The key that the methods are about; set it with `keyOf…`, and read it only. */
  readonly key: Int32Array = new Int32Array(KEY_WORDS)
  size = 0
  private readonly secret: SipHash
  private readonly short: Int32Array = new Int32Array(SHORT_WORDS)
  private keyHash = 0
  private isHashed = false
  private mask = FIRST_SIZE - 1
  private hashes: Int32Array = new Int32Array(FIRST_SIZE)
  /** Value + 1, 0 = free. */
  private values: Int32Array = new Int32Array(FIRST_SIZE)
  private keys: Int32Array = new Int32Array(FIRST_SIZE * KEY_WORDS)

  constructor(random: SecureRandom) {
    this.secret = createSipHash(random)
  }

  /** The key of the flow that a received packet belongs to: its destination is the local side. */
  keyOfPacket(p: Packet, zone: number): void {
    this.setKey(
      p.destinationA, p.destinationB, p.destinationC, p.destinationD, p.sourceA, p.sourceB, p.sourceC, p.sourceD,
      (p.destinationPort << 16) | p.sourcePort, zone,
    )
  }

  keyOfTuple(l: Address, localPort: number, r: Address, remotePort: number, zone: number): void {
    this.setKey(l.a, l.b, l.c, l.d, r.a, r.b, r.c, r.d, (localPort << 16) | remotePort, zone)
  }

  /** The hash of `key`, for {@link removeValue}. */
  get hash(): number {
    if (this.isHashed) return this.keyHash
    this.isHashed = true
    const { key, short } = this
    if ((key[0]! | key[1]! | key[4]! | key[5]!) !== 0 || key[2] !== MAPPED || key[6] !== MAPPED) {
      this.keyHash = this.secret.low(key, KEY_WORDS)
    } else {
      short[0] = key[3]!
      short[1] = key[7]!
      short[2] = key[8]!
      short[3] = key[9]!
      this.keyHash = this.secret.low(short, SHORT_WORDS)
    }
    return this.keyHash
  }

  /** The value of `key`, -1 = none. */
  find(): number {
    return this.values[this.slotOf(this.hash)]! - 1
  }

  /** Sets the value (at least 0) of `key`. */
  set(value: number): void {
    const { hash } = this
    let slot = this.slotOf(hash)
    if (this.values[slot] === 0) {
      // At most half full: probes stay short.
      if (2 * (this.size + 1) > this.mask) {
        this.grow()
        slot = this.slotOf(hash)
      }
      this.size++
      this.hashes[slot] = hash
      for (let i = 0; i < KEY_WORDS; i++) this.keys[slot * KEY_WORDS + i] = this.key[i]!
    }
    this.values[slot] = value + 1
  }

  /** Removes `key`; false when it was not there. */
  remove(): boolean {
    const slot = this.slotOf(this.hash)
    if (this.values[slot] === 0) return false
    this.vacate(slot)
    return true
  }

  /** Removes what has this value; `hash` is its key's. */
  removeValue(hash: number, value: number): void {
    const { values, mask } = this
    let slot = hash & mask
    while (values[slot] !== value + 1) {
      if (values[slot] === 0) return
      slot = (slot + 1) & mask
    }
    this.vacate(slot)
  }

  clear(): void {
    this.allocate(FIRST_SIZE)
    this.size = 0
  }

  private setKey(
    la: number, lb: number, lc: number, ld: number, ra: number, rb: number, rc: number, rd: number, ports: number, zone: number,
  ): void {
    const { key } = this
    // Who looks a tuple up often enters or removes it next.
    const isSame =
      key[8] === ports && key[7] === rd && key[3] === ld && key[9] === zone && key[6] === rc && key[2] === lc && key[5] === rb &&
      key[1] === lb && key[4] === ra && key[0] === la
    if (isSame) return
    key[0] = la
    key[1] = lb
    key[2] = lc
    key[3] = ld
    key[4] = ra
    key[5] = rb
    key[6] = rc
    key[7] = rd
    key[8] = ports
    key[9] = zone
    this.isHashed = false
  }

  /** Where `key` is, or the free slot where it would go. */
  private slotOf(hash: number): number {
    const { values, hashes, mask } = this
    let slot = hash & mask
    while (values[slot] !== 0 && !(hashes[slot] === hash && this.matches(slot))) slot = (slot + 1) & mask
    return slot
  }

  private matches(slot: number): boolean {
    const { keys, key } = this
    const at = slot * KEY_WORDS
    for (let i = 0; i < KEY_WORDS; i++) if (keys[at + i] !== key[i]) return false
    return true
  }

  /** Backward shift: whatever could not sit in its own place because of `slot` moves up. */
  private vacate(slot: number): void {
    const { values, hashes, mask } = this
    let hole = slot
    for (let at = (hole + 1) & mask; values[at] !== 0; at = (at + 1) & mask) {
      if (((at - hashes[at]!) & mask) < ((at - hole) & mask)) continue
      this.move(at, hole)
      hole = at
    }
    values[hole] = 0
    this.size--
  }

  private move(from: number, to: number): void {
    const { keys } = this
    this.hashes[to] = this.hashes[from]!
    this.values[to] = this.values[from]!
    for (let i = 0; i < KEY_WORDS; i++) keys[to * KEY_WORDS + i] = keys[from * KEY_WORDS + i]!
  }

  private allocate(size: number): void {
    this.mask = size - 1
    this.hashes = new Int32Array(size)
    this.values = new Int32Array(size)
    this.keys = new Int32Array(size * KEY_WORDS)
  }

  private grow(): void {
    const { hashes, values, keys } = this
    this.allocate(2 * hashes.length)
    for (let from = 0; from < hashes.length; from++) {
      if (values[from] === 0) continue
      let to = hashes[from]! & this.mask
      while (this.values[to] !== 0) to = (to + 1) & this.mask
      this.hashes[to] = hashes[from]!
      this.values[to] = values[from]!
      for (let i = 0; i < KEY_WORDS; i++) this.keys[to * KEY_WORDS + i] = keys[from * KEY_WORDS + i]!
    }
  }
}
