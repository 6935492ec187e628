import type { Address } from '../address/address.ts'
import { hashWords } from '../address/hash.ts'
import type { NeighborEntry } from './neighbor-entry.ts'

/** The entries of a table by address: a hash with chains through the entries, sized for the table's bound. */
export class NeighborIndex {
  readonly entries: Set<NeighborEntry> = new Set<NeighborEntry>()
  readonly buckets: (NeighborEntry | null)[]
  readonly seed: number

  constructor(maxEntries: number, seed: number) {
    this.buckets = new Array<NeighborEntry | null>(Math.max(1, 1 << (32 - Math.clz32(maxEntries - 1)))).fill(null)
    this.seed = seed
  }

  find(address: Address): NeighborEntry | null {
    let entry = this.buckets[this.bucketOf(address)] ?? null
    while (entry !== null && !sameWords(entry.address, address)) entry = entry.nextInBucket
    return entry
  }

  add(entry: NeighborEntry): void {
    const bucket = this.bucketOf(entry.address)
    entry.nextInBucket = this.buckets[bucket] ?? null
    this.buckets[bucket] = entry
    this.entries.add(entry)
    entry.attached = true
  }

  remove(entry: NeighborEntry): void {
    const bucket = this.bucketOf(entry.address)
    let previous = this.buckets[bucket] ?? null
    if (previous === entry) {
      this.buckets[bucket] = entry.nextInBucket
    } else {
      while (previous !== null && previous.nextInBucket !== entry) previous = previous.nextInBucket
      if (previous !== null) previous.nextInBucket = entry.nextInBucket
    }
    entry.nextInBucket = null
    this.entries.delete(entry)
    entry.attached = false
  }

  /**
   * The entry that is missed least: first what failed or what only peers wanted, then what has no answer, then what never
   * confirmed its address, then the least recently used. For a peer's news (`forPeer`) only the first kind makes room, so that a flood of requests
   * cannot push out neighbours in use. Null = none may go.
   */
  victim(forPeer: boolean): NeighborEntry | null {
    let worst: NeighborEntry | null = null
    let worstRank = forPeer ? 0 : 3
    for (const entry of this.entries) {
      if (entry.inUse) continue
      const rank = rankOf(entry)
      if (rank > worstRank || (rank === worstRank && worst !== null && entry.lastUsed >= worst.lastUsed)) continue
      worst = entry
      worstRank = rank
    }
    return worst
  }

  bucketOf(address: Address): number {
    return hashWords(address.a, address.b, address.c, address.d, this.seed) & (this.buckets.length - 1)
  }
}

function rankOf(entry: NeighborEntry): number {
  if (!entry.wanted || entry.nud === 'failed') return 0
  if (entry.nud === 'idle' || entry.nud === 'incomplete') return 1
  // Who only asked is wanted as soon as the answer goes to him: a flood of such must not push out who was reachable.
  return entry.reachableTime === 0 ? 2 : 3
}

/** Zones do not count: a table belongs to one NIC. */
function sameWords(x: Address, y: Address): boolean {
  return x.d === y.d && x.c === y.c && x.b === y.b && x.a === y.a
}
