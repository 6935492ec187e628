import { describe, expect, it } from 'vitest'
import { address, mappedAddress, type Address } from '../src/address/address.ts'
import { seededRandom } from '../src/host/random.ts'
import { createNeighborEntry, type NeighborEntry } from '../src/neighbor/neighbor-entry.ts'
import { NeighborIndex } from '../src/neighbor/neighbor-index.ts'

const nameOf = ({ a, b, c, d }: Address): string => [a, b, c, d].join()

describe('by address', () => {
  it.each([[1, 1], [2, 2], [3, 4], [4, 4], [5, 8], [1000, 1024]])('for %i entries there are %i buckets', (maxEntries, buckets) => {
    expect(new NeighborIndex(maxEntries, 1).buckets).toHaveLength(buckets)
  })

  it('spreads neighbours over the buckets, and another seed spreads them otherwise', () => {
    const [one, other] = [new NeighborIndex(256, 1), new NeighborIndex(256, 2)]
    const peers = Array.from({ length: 256 }, (_, n) => mappedAddress(0x0a000000 | n))
    expect(new Set(peers.map((peer) => one.bucketOf(peer))).size).toBeGreaterThan(100)
    expect(peers.filter((peer) => one.bucketOf(peer) === other.bucketOf(peer)).length).toBeLessThan(50)
  })

  it('addresses that differ in one word are different neighbours', () => {
    const index = new NeighborIndex(1, 1)
    const entry = createNeighborEntry(address(1, 2, 3, 4))
    index.add(entry)
    expect(index.find(address(1, 2, 3, 4))).toBe(entry)
    for (const other of [address(9, 2, 3, 4), address(1, 9, 3, 4), address(1, 2, 9, 4), address(1, 2, 3, 9)]) expect(index.find(other)).toBeNull()
  })

  it('agrees with a Map while entries come and go, many in a bucket', () => {
    const random = seededRandom(5)
    const index = new NeighborIndex(4, 1)
    const model = new Map<string, NeighborEntry>()
    const addresses = Array.from({ length: 40 }, (_, n) => address(n & 1, n & 2, n & 4, n))
    for (let step = 0; step < 2000; step++) {
      const chosen = addresses[random.uint32() % addresses.length]!
      const known = model.get(nameOf(chosen))
      if (known === undefined) {
        const entry = createNeighborEntry(chosen)
        index.add(entry)
        model.set(nameOf(chosen), entry)
        expect(entry.attached).toBe(true)
      } else {
        index.remove(known)
        model.delete(nameOf(chosen))
        expect(known).toMatchObject({ attached: false, nextInBucket: null })
      }
      for (const one of addresses) expect(index.find(one)).toBe(model.get(nameOf(one)) ?? null)
    }
    expect([...index.entries]).toEqual(expect.arrayContaining([...model.values()]))
    expect(index.entries.size).toBe(model.size)
  })
})

describe('who makes room', () => {
  function among(...entries: Partial<NeighborEntry>[]): (forPeer: boolean) => number | null {
    const index = new NeighborIndex(8, 1)
    for (const [n, entry] of entries.entries()) index.add(Object.assign(createNeighborEntry(mappedAddress(n)), entry))
    return (forPeer) => index.victim(forPeer)?.address.d ?? null
  }

  it('what failed or only peers wanted, before what has no answer, before what is resolved', () => {
    const resolved = { wanted: true, nud: 'reachable', lastUsed: 1 } as const
    const asked = { wanted: true, nud: 'incomplete', lastUsed: 2 } as const
    const idle = { wanted: true, nud: 'idle', lastUsed: 2 } as const
    expect(among(resolved, asked)(false)).toBe(1)
    expect(among(resolved, idle)(false)).toBe(1)
    expect(among(resolved, asked, { wanted: true, nud: 'failed', lastUsed: 3 })(false)).toBe(2)
    expect(among(resolved, asked, { wanted: false, nud: 'reachable', lastUsed: 3 })(false)).toBe(2)
  })

  it('of equals the least recently used, and of those the first', () => {
    const used = (lastUsed: number) => ({ wanted: true, nud: 'stale', lastUsed }) as const
    expect(among(used(5), used(3), used(4))(false)).toBe(1)
    expect(among(used(3), used(3), used(4))(false)).toBe(0)
  })

  it('for a peer only what failed or only peers wanted', () => {
    expect(among({ wanted: true, nud: 'stale' }, { wanted: true, nud: 'incomplete' })(true)).toBeNull()
    expect(among({ wanted: true, nud: 'stale' }, { wanted: false, nud: 'stale' })(true)).toBe(1)
  })

  it('never what a person set', () => {
    expect(among({ wanted: false, nud: 'static' })(false)).toBeNull()
  })
})
