import type { Packet } from '@stack/buffer'
import { createSipHash } from '@stack/core'
import type { Address, SecureRandom, SipHash } from '@stack/core'

/** Words of a key: local address, remote address, ports, zone. */
const KEY_WORDS = 10
/** Words of a slot: the key, its hash, and the value + 1 (0 = free). */
const SLOT_WORDS = KEY_WORDS + 2
const HASH = KEY_WORDS
const VALUE = KEY_WORDS + 1
const FIRST_SIZE = 16
/** Third word of an IPv4-mapped address. */
const MAPPED = 0xffff
/** What differs between the keys of IPv4: the last words of the addresses, the ports, the zone. */
const SHORT_WORDS = 4

/**
 * Four-tuples to small integers: open addressing over one typed array that grows by doubling. Strangers choose the keys,
 * so the hash has a secret.
 */
export class TupleIndex {
  /** The key that the methods are about; set it with `keyOf…`, and read it only. */
  readonly key: Int32Array = new Int32Array(KEY_WORDS)
  size = 0
  private readonly hash: SipHash
  /** Of `key`, once it was needed. */
  private keyHash = 0
  private isHashed = false
  private readonly short: Int32Array = new Int32Array(SHORT_WORDS)
  private slots: Int32Array = new Int32Array(FIRST_SIZE * SLOT_WORDS)
  private mask = FIRST_SIZE - 1

  constructor(random: SecureRandom) {
    this.hash = createSipHash(random)
  }

  /** The key of the flow that a received packet belongs to: its destination is the local side. */
  keyOfPacket(p: Packet, zone: number): void {
    const { key } = this
    key[0] = p.destinationA
    key[1] = p.destinationB
    key[2] = p.destinationC
    key[3] = p.destinationD
    key[4] = p.sourceA
    key[5] = p.sourceB
    key[6] = p.sourceC
    key[7] = p.sourceD
    key[8] = (p.destinationPort << 16) | p.sourcePort
    key[9] = zone
    this.isHashed = false
  }

  keyOfTuple(local: Address, localPort: number, remote: Address, remotePort: number, zone: number): void {
    const { key } = this
    key[0] = local.a
    key[1] = local.b
    key[2] = local.c
    key[3] = local.d
    key[4] = remote.a
    key[5] = remote.b
    key[6] = remote.c
    key[7] = remote.d
    key[8] = (localPort << 16) | remotePort
    key[9] = zone
    this.isHashed = false
  }

  /** Ten words from `at` on, as `key` has them. */
  keyOfWords(words: Int32Array, at: number): void {
    for (let i = 0; i < KEY_WORDS; i++) this.key[i] = words[at + i]!
    this.isHashed = false
  }

  /** The value of `key`, -1 = none. */
  find(): number {
    const slot = this.slotOf(this.hashOfKey())
    return this.slots[slot + VALUE]! - 1
  }

  /** Sets the value (at least 0) of `key`. */
  set(value: number): void {
    const hash = this.hashOfKey()
    let slot = this.slotOf(hash)
    if (this.slots[slot + VALUE] === 0) {
      // At most half full: probes stay short.
      if (2 * (this.size + 1) > this.mask) {
        this.grow()
        slot = this.slotOf(hash)
      }
      this.size++
      for (let i = 0; i < KEY_WORDS; i++) this.slots[slot + i] = this.key[i]!
      this.slots[slot + HASH] = hash
    }
    this.slots[slot + VALUE] = value + 1
  }

  /** Removes `key`; false when it was not there. */
  remove(): boolean {
    let hole = this.slotOf(this.hashOfKey())
    const { slots, mask } = this
    if (slots[hole + VALUE] === 0) return false
    // Backward shift: whatever could not sit in its own place because of us moves up.
    for (let at = next(hole, mask); slots[at + VALUE] !== 0; at = next(at, mask)) {
      const home = (slots[at + HASH]! & mask) * SLOT_WORDS
      const isBetween = hole <= at ? hole < home && home <= at : hole < home || home <= at
      if (isBetween) continue
      for (let i = 0; i < SLOT_WORDS; i++) slots[hole + i] = slots[at + i]!
      hole = at
    }
    slots[hole + VALUE] = 0
    this.size--
    return true
  }

  clear(): void {
    this.slots = new Int32Array(FIRST_SIZE * SLOT_WORDS)
    this.mask = FIRST_SIZE - 1
    this.size = 0
  }

  private hashOfKey(): number {
    if (this.isHashed) return this.keyHash
    this.isHashed = true
    const { key, short } = this
    if ((key[0]! | key[1]! | key[4]! | key[5]!) !== 0 || key[2] !== MAPPED || key[6] !== MAPPED) return (this.keyHash = this.hash.low(key, KEY_WORDS))
    short[0] = key[3]!
    short[1] = key[7]!
    short[2] = key[8]!
    short[3] = key[9]!
    return (this.keyHash = this.hash.low(short, SHORT_WORDS))
  }

  /** Where `key` is, or the free slot where it would go. */
  private slotOf(hash: number): number {
    const { slots, mask } = this
    let slot = (hash & mask) * SLOT_WORDS
    while (slots[slot + VALUE] !== 0 && !(slots[slot + HASH] === hash && this.matches(slot))) slot = next(slot, mask)
    return slot
  }

  private matches(slot: number): boolean {
    const { slots, key } = this
    for (let i = 0; i < KEY_WORDS; i++) if (slots[slot + i] !== key[i]) return false
    return true
  }

  private grow(): void {
    const old = this.slots
    const size = 2 * (this.mask + 1)
    const slots = new Int32Array(size * SLOT_WORDS)
    this.slots = slots
    this.mask = size - 1
    for (let from = 0; from < old.length; from += SLOT_WORDS) {
      if (old[from + VALUE] === 0) continue
      let to = (old[from + HASH]! & this.mask) * SLOT_WORDS
      while (slots[to + VALUE] !== 0) to = next(to, this.mask)
      for (let i = 0; i < SLOT_WORDS; i++) slots[to + i] = old[from + i]!
    }
  }
}

function next(slot: number, mask: number): number {
  const following = slot + SLOT_WORDS
  return following > mask * SLOT_WORDS ? 0 : following
}
