/**
 * Longest-prefix match over 128-bit keys: a binary trie with path compression, a node for each prefix and for each
 * place where two prefixes part. Nodes are rows of one Int32Array, so that words stay unboxed and a lookup allocates
 * nothing. Only nodes with a value are compared with the key: below a mismatch every longer prefix mismatches too.
 */
export interface PrefixTrie<T> {
  /** Number of prefixes. */
  readonly size: number
  /** The value of exactly this prefix, or null. Bits beyond `length` are ignored. */
  get(a: number, b: number, c: number, d: number, length: number): T | null
  /** Sets the value of a prefix. */
  set(a: number, b: number, c: number, d: number, length: number, value: T): void
  delete(a: number, b: number, c: number, d: number, length: number): boolean
  /** Finds the prefixes of a key; returns how many, and leaves their values in `matches`, shortest prefix first. */
  match(a: number, b: number, c: number, d: number): number
  /** Filled by `match`; entries beyond its result are stale. */
  readonly matches: readonly T[]
}

const NODE = 7
const A = 0
const B = 1
const C = 2
const D = 3
const LENGTH = 4
const LEFT = 5
/** Follows LEFT: the child for bit x is at LEFT + x. */
const NONE = -1

export function createPrefixTrie<T>(): PrefixTrie<T> {
  return new Trie<T>()
}

class Trie<T> implements PrefixTrie<T> {
  size = 0
  readonly matches: T[] = []
  rows: Int32Array = new Int32Array(16 * NODE)
  /** By node number; null = a fork without a value. */
  readonly values: (T | null)[] = []
  /** Freed nodes, linked through LEFT. */
  free: number = NONE
  root: number = NONE

  match(a: number, b: number, c: number, d: number): number {
    const rows = this.rows
    const values = this.values
    let count = 0
    let node = this.root
    while (node !== NONE) {
      const row = node * NODE
      const length = rows[row + LENGTH]!
      const value = values[node]
      if (value !== null) {
        if (!this.covers(row, length, a, b, c, d)) break
        this.matches[count++] = value!
      }
      if (length === 128) break
      node = rows[row + LEFT + bitOf(a, b, c, d, length)]!
    }
    return count
  }

  get(a: number, b: number, c: number, d: number, length: number): T | null {
    const node = this.find(a, b, c, d, length)
    return node === NONE ? null : this.values[node]!
  }

  set(a: number, b: number, c: number, d: number, length: number, value: T): void {
    let parent = NONE
    let side = 0
    let node = this.root
    while (node !== NONE) {
      const row = node * NODE
      const nodeLength = this.rows[row + LENGTH]!
      const shared = this.sharedBits(row, a, b, c, d, Math.min(length, nodeLength))
      if (shared < nodeLength) break
      if (nodeLength === length) {
        if (this.values[node] === null) this.size++
        this.values[node] = value
        return
      }
      parent = node
      side = bitOf(a, b, c, d, nodeLength)
      node = this.rows[row + LEFT + side]!
    }
    this.size++
    const leaf = this.allocate(a, b, c, d, length, value)
    if (node === NONE) {
      this.link(parent, side, leaf)
      return
    }
    // `node` parts from the new prefix within its own length: the new prefix is above it, or a fork is.
    const row = node * NODE
    const shared = this.sharedBits(row, a, b, c, d, Math.min(length, this.rows[row + LENGTH]!))
    if (shared === length) {
      this.rows[leaf * NODE + LEFT + this.bitOfNode(node, length)] = node
      this.link(parent, side, leaf)
      return
    }
    const fork = this.allocate(a, b, c, d, shared, null)
    const bit = bitOf(a, b, c, d, shared)
    this.rows[fork * NODE + LEFT + bit] = leaf
    this.rows[fork * NODE + LEFT + 1 - bit] = node
    this.link(parent, side, fork)
  }

  delete(a: number, b: number, c: number, d: number, length: number): boolean {
    let grandparent = NONE
    let parentSide = 0
    let parent = NONE
    let side = 0
    let node = this.root
    while (node !== NONE && this.rows[node * NODE + LENGTH]! < length) {
      grandparent = parent
      parentSide = side
      parent = node
      side = bitOf(a, b, c, d, this.rows[node * NODE + LENGTH]!)
      node = this.rows[node * NODE + LEFT + side]!
    }
    if (node === NONE || this.values[node] === null || !this.isNode(node, a, b, c, d, length)) return false
    this.size--
    this.values[node] = null
    const left = this.rows[node * NODE + LEFT]!
    const right = this.rows[node * NODE + LEFT + 1]!
    if (left !== NONE && right !== NONE) return true
    this.link(parent, side, left === NONE ? right : left)
    this.release(node)
    if (parent === NONE || left !== NONE || right !== NONE || this.values[parent] !== null) return true
    // A fork that lost one of its two sides is no fork any more.
    this.link(grandparent, parentSide, this.rows[parent * NODE + LEFT + 1 - side]!)
    this.release(parent)
    return true
  }

  find(a: number, b: number, c: number, d: number, length: number): number {
    let node = this.root
    while (node !== NONE && this.rows[node * NODE + LENGTH]! < length) {
      node = this.rows[node * NODE + LEFT + bitOf(a, b, c, d, this.rows[node * NODE + LENGTH]!)]!
    }
    return node !== NONE && this.isNode(node, a, b, c, d, length) ? node : NONE
  }

  isNode(node: number, a: number, b: number, c: number, d: number, length: number): boolean {
    return this.rows[node * NODE + LENGTH] === length && this.covers(node * NODE, length, a, b, c, d)
  }

  /** Do the first `length` bits of the row's prefix agree with the key? */
  covers(row: number, length: number, a: number, b: number, c: number, d: number): boolean {
    const rows = this.rows
    if (length === 0) return true
    if (length <= 32) return (rows[row + A]! ^ a) >>> (32 - length) === 0
    if (rows[row + A] !== a) return false
    if (length <= 64) return (rows[row + B]! ^ b) >>> (64 - length) === 0
    if (rows[row + B] !== b) return false
    if (length <= 96) return (rows[row + C]! ^ c) >>> (96 - length) === 0
    return rows[row + C] === c && (rows[row + D]! ^ d) >>> (128 - length) === 0
  }

  /** Leading bits, `limit` at most, in which the row's prefix and the key agree. */
  sharedBits(row: number, a: number, b: number, c: number, d: number, limit: number): number {
    const rows = this.rows
    let bits = Math.clz32(rows[row + A]! ^ a)
    if (bits === 32) bits += Math.clz32(rows[row + B]! ^ b)
    if (bits === 64) bits += Math.clz32(rows[row + C]! ^ c)
    if (bits === 96) bits += Math.clz32(rows[row + D]! ^ d)
    return Math.min(bits, limit)
  }

  bitOfNode(node: number, index: number): number {
    const row = node * NODE
    return bitOf(this.rows[row + A]!, this.rows[row + B]!, this.rows[row + C]!, this.rows[row + D]!, index)
  }

  link(parent: number, side: number, node: number): void {
    if (parent === NONE) this.root = node
    else this.rows[parent * NODE + LEFT + side] = node
  }

  allocate(a: number, b: number, c: number, d: number, length: number, value: T | null): number {
    let node = this.free
    if (node === NONE) {
      node = this.values.length
      if ((node + 1) * NODE > this.rows.length) {
        const grown = new Int32Array(this.rows.length * 2)
        grown.set(this.rows)
        this.rows = grown
      }
    } else {
      this.free = this.rows[node * NODE + LEFT]!
    }
    const row = node * NODE
    this.rows[row + A] = a
    this.rows[row + B] = b
    this.rows[row + C] = c
    this.rows[row + D] = d
    this.rows[row + LENGTH] = length
    this.rows[row + LEFT] = NONE
    this.rows[row + LEFT + 1] = NONE
    this.values[node] = value
    return node
  }

  release(node: number): void {
    this.values[node] = null
    this.rows[node * NODE + LEFT] = this.free
    this.free = node
  }
}

function bitOf(a: number, b: number, c: number, d: number, index: number): number {
  const word = index < 64 ? (index < 32 ? a : b) : index < 96 ? c : d
  return (word >>> (31 - (index & 31))) & 1
}
