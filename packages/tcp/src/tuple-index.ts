import type { Packet } from '@stack/buffer'
import { createSipHash } from '@stack/core'
import type { Address, SecureRandom, SipHash } from '@stack/core'

/** Words of a key: local address, remote address, ports, zone. */
const KEY_WORDS = 10
/** Word of a key that has the ports, the local one above. */
const PORTS = 8
/** Behind the key of a slot: its hash. A free slot has the next free one there. */
const HASH = KEY_WORDS
const SLOT_WORDS = KEY_WORDS + 1
/** Third word of an IPv4-mapped address. */
const MAPPED = 0xffff
/** What differs between the keys of IPv4: the last words of the addresses, the ports, the zone. */
const SHORT_WORDS = 4
const FIRST_BUCKETS = 16
const FIRST_SLOTS = 8

/**
 * Four-tuples to slots, small integers that are used again: for tables with a record for each tuple. Open addressing over typed
 * arrays that grow by doubling. Strangers choose the keys, so the hash has a secret. A bucket is a hash and a slot beside each
 * other, and keys lie with the slots: looking for what is not there, which is what ports are picked by, touches one place.
 */
export class TupleIndex {
  /** The key that `find` and `add` are about; set it with `keyOf…`. */
  private readonly key: Int32Array = new Int32Array(KEY_WORDS)
  size = 0
  private readonly secret: SipHash
  private readonly short: Int32Array = new Int32Array(SHORT_WORDS)
  private keyHash = 0
  private isHashed = false
  private mask = FIRST_BUCKETS - 1
  /** Pairs of a hash and a slot + 1, 0 = free. */
  private buckets: Int32Array = new Int32Array(2 * FIRST_BUCKETS)
  private slots: Int32Array = new Int32Array(FIRST_SLOTS * SLOT_WORDS)
  private used = 0
  private free = -1

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

  /** The slot of the key, -1 = none. */
  find(): number {
    const { buckets, mask } = this
    const hash = this.hashOfKey()
    for (let at = hash & mask; buckets[2 * at + 1] !== 0; at = (at + 1) & mask) {
      if (buckets[2 * at] === hash && this.matches(buckets[2 * at + 1]! - 1)) return buckets[2 * at + 1]! - 1
    }
    return -1
  }

  /** A slot for the key, which has none yet. */
  add(): number {
    // At most half full: probes stay short.
    if (2 * (this.size + 1) > this.mask) this.growBuckets()
    const slot = this.take()
    const hash = this.hashOfKey()
    const at = slot * SLOT_WORDS
    for (let i = 0; i < KEY_WORDS; i++) this.slots[at + i] = this.key[i]!
    this.slots[at + HASH] = hash
    this.place(hash, slot + 1)
    this.size++
    return slot
  }

  /** The slot is free again. */
  remove(slot: number): void {
    const { slots, buckets, mask } = this
    let hole = slots[slot * SLOT_WORDS + HASH]! & mask
    while (buckets[2 * hole + 1] !== slot + 1) hole = (hole + 1) & mask
    // Backward shift: whatever could not sit in its own place because of the hole moves up.
    for (let at = (hole + 1) & mask; buckets[2 * at + 1] !== 0; at = (at + 1) & mask) {
      if (((at - buckets[2 * at]!) & mask) < ((at - hole) & mask)) continue
      buckets[2 * hole] = buckets[2 * at]!
      buckets[2 * hole + 1] = buckets[2 * at + 1]!
      hole = at
    }
    buckets[2 * hole + 1] = 0
    this.size--
    slots[slot * SLOT_WORDS + HASH] = this.free
    this.free = slot
  }

  clear(): void {
    this.mask = FIRST_BUCKETS - 1
    this.buckets = new Int32Array(2 * FIRST_BUCKETS)
    this.slots = new Int32Array(FIRST_SLOTS * SLOT_WORDS)
    this.size = this.used = 0
    this.free = -1
  }

  // --- the key of a slot ---

  /** Word `i` of the local address, or with 4 more of the remote one. */
  addressWord(slot: number, i: number): number {
    return this.slots[slot * SLOT_WORDS + i]!
  }

  /** The local port above the remote one. */
  ports(slot: number): number {
    return this.slots[slot * SLOT_WORDS + PORTS]!
  }

  zone(slot: number): number {
    return this.slots[slot * SLOT_WORDS + PORTS + 1]!
  }

  private setKey(
    la: number, lb: number, lc: number, ld: number, ra: number, rb: number, rc: number, rd: number, ports: number, zone: number,
  ): void {
    const { key } = this
    // Who looks a tuple up often adds it next.
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

  private hashOfKey(): number {
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

  private matches(slot: number): boolean {
    const { slots, key } = this
    const at = slot * SLOT_WORDS
    for (let i = 0; i < KEY_WORDS; i++) if (slots[at + i] !== key[i]) return false
    return true
  }

  private take(): number {
    if (this.free >= 0) {
      const slot = this.free
      this.free = this.slots[slot * SLOT_WORDS + HASH]!
      return slot
    }
    if (this.used * SLOT_WORDS === this.slots.length) {
      const slots = new Int32Array(2 * this.slots.length)
      slots.set(this.slots)
      this.slots = slots
    }
    return this.used++
  }

  private place(hash: number, value: number): void {
    const { buckets, mask } = this
    let at = hash & mask
    while (buckets[2 * at + 1] !== 0) at = (at + 1) & mask
    buckets[2 * at] = hash
    buckets[2 * at + 1] = value
  }

  private growBuckets(): void {
    const { buckets } = this
    this.mask = 2 * this.mask + 1
    this.buckets = new Int32Array(2 * buckets.length)
    for (let i = 0; i < buckets.length; i += 2) if (buckets[i + 1] !== 0) this.place(buckets[i]!, buckets[i + 1]!)
  }
}
