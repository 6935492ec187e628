import { describe, expect, it } from 'vitest'
import { maskWord } from '../src/address/address.ts'
import { seededRandom } from '../src/host/random.ts'
import type { Random } from '../src/registration/host.ts'
import { createPrefixTrie, type PrefixTrie } from '../src/route/trie.ts'

type Words = readonly [number, number, number, number]
interface Row {
  readonly words: Words
  readonly length: number
}

function masked(words: Words, length: number): Words {
  return [words[0] & maskWord(length), words[1] & maskWord(length - 32), words[2] & maskWord(length - 64), words[3] & maskWord(length - 96)]
}

const keyOf = (words: Words, length: number): string => `${masked(words, length).join(':')}/${length}`

/** What the trie must agree with: look at every prefix. */
class Scan {
  readonly rows = new Map<string, Row>()
  matches(words: Words): Row[] {
    return [...this.rows.values()]
      .filter((row) => keyOf(words, row.length) === keyOf(row.words, row.length))
      .sort((x, y) => x.length - y.length)
  }
}

function found<T>(trie: PrefixTrie<T>, words: Words): T[] {
  return trie.matches.slice(0, trie.match(...words))
}

/** Addresses that share long prefixes now and then. */
function words(random: Random, base: Words): Words {
  const flip = Math.floor(random.next() * 129)
  const noise: Words = [random.uint32() | 0, random.uint32() | 0, random.uint32() | 0, random.uint32() | 0]
  const keep = masked(base, flip)
  const rest = [noise[0] & ~maskWord(flip), noise[1] & ~maskWord(flip - 32), noise[2] & ~maskWord(flip - 64), noise[3] & ~maskWord(flip - 96)]
  return [keep[0] | rest[0]!, keep[1] | rest[1]!, keep[2] | rest[2]!, keep[3] | rest[3]!]
}

describe('prefix trie', () => {
  it('is empty at first', () => {
    const trie = createPrefixTrie<string>()
    expect(trie.match(1, 2, 3, 4)).toBe(0)
    expect(trie.get(0, 0, 0, 0, 0)).toBeNull()
    expect(trie.delete(0, 0, 0, 0, 0)).toBe(false)
  })

  it('finds /0, a prefix at each word border, and /128, shortest first', () => {
    const trie = createPrefixTrie<number>()
    for (const length of [128, 96, 0, 64, 32, 127, 33, 31, 1]) trie.set(-1, -1, -1, -1, length, length)
    expect(found(trie, [-1, -1, -1, -1])).toEqual([0, 1, 31, 32, 33, 64, 96, 127, 128])
    expect(found(trie, [-1, -1, -1, -2])).toEqual([0, 1, 31, 32, 33, 64, 96, 127])
    expect(found(trie, [-1, 0, -1, -1])).toEqual([0, 1, 31, 32])
    expect(found(trie, [0, 0, 0, 0])).toEqual([0])
  })

  it('replaces the value of a prefix', () => {
    const trie = createPrefixTrie<string>()
    trie.set(5, 0, 0, 0, 32, 'old')
    trie.set(5, 0, 0, 0, 32, 'new')
    expect(trie.size).toBe(1)
    expect(trie.get(5, 0, 0, 0, 32)).toBe('new')
  })

  it('keeps apart what parts at a fork when one side goes', () => {
    const trie = createPrefixTrie<string>()
    trie.set(0x0a000000, 0, 0, 0, 16, 'a')
    trie.set(0x0a010000, 0, 0, 0, 16, 'b')
    trie.set(0x0a000100, 0, 0, 0, 24, 'c')
    expect(trie.delete(0x0a010000, 0, 0, 0, 16)).toBe(true)
    expect(found(trie, [0x0a000101, 0, 0, 0])).toEqual(['a', 'c'])
    expect(found(trie, [0x0a010101, 0, 0, 0])).toEqual([])
    expect(trie.delete(0x0a000000, 0, 0, 0, 16)).toBe(true)
    expect(found(trie, [0x0a000101, 0, 0, 0])).toEqual(['c'])
    expect(trie.delete(0x0a000000, 0, 0, 0, 16)).toBe(false)
    expect(trie.size).toBe(1)
  })

  it.each([1, 2, 3, 4])('agrees with a scan of all prefixes through adds and deletes (seed %d)', (seed) => {
    const random = seededRandom(seed)
    const trie = createPrefixTrie<Row>()
    const scan = new Scan()
    const base: Words = [random.uint32() | 0, random.uint32() | 0, random.uint32() | 0, random.uint32() | 0]
    for (let step = 0; step < 3000; step++) {
      // Grows for two thirds of the time, then shrinks to nothing.
      const remove = random.next() < (step < 2000 ? 0.3 : 0.8)
      const known = [...scan.rows.values()]
      if (remove && known.length > 0) {
        const row = known[Math.floor(random.next() * known.length)]!
        scan.rows.delete(keyOf(row.words, row.length))
        expect(trie.delete(...row.words, row.length)).toBe(true)
        expect(trie.delete(...row.words, row.length)).toBe(false)
      } else {
        const length = random.next() < 0.1 ? (random.next() < 0.5 ? 0 : 128) : Math.floor(random.next() * 129)
        const row = { words: words(random, base), length }
        scan.rows.set(keyOf(row.words, length), row)
        trie.set(...row.words, length, row)
      }
      const probe = words(random, scan.rows.size > 0 && random.next() < 0.7 ? [...scan.rows.values()][0]!.words : base)
      expect(trie.size).toBe(scan.rows.size)
      expect(found(trie, probe)).toEqual(scan.matches(probe))
    }
    for (const row of scan.rows.values()) expect(trie.get(...row.words, row.length)).toBe(row)
    for (const row of scan.rows.values()) expect(trie.delete(...row.words, row.length)).toBe(true)
    expect(trie.size).toBe(0)
    expect(trie.match(...base)).toBe(0)
  })
})
