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

/** Words of a node: 32 bytes, half a cache line. Nodes are named by the offset of their row. */
const NODE_BITS = 3
const NODE = 1 << NODE_BITS
const A = 0
const B = 1
const C = 2
const D = 3
const LENGTH = 4
/** The child for bit x is at LEFT + x. */
const LEFT = 5
/** 1 = has a value. */
const VALUED = 7
const NONE = -1

export function createPrefixTrie<T>(): PrefixTrie<T> {
  return new Trie<T>()
}

class Trie<T> implements PrefixTrie<T> {
  size = 0
  readonly matches: T[] = []
  rows: Int32Array = new Int32Array(16 * NODE)
  /** By node; null = a fork without a value, which its row says too (VALUED), to spare the lookup this array. */
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
      const length = rows[node + LENGTH]!
      if (rows[node + VALUED] !== 0) {
        if (!this.covers(node, length, a, b, c, d)) break
        this.matches[count++] = values[node >> NODE_BITS]!
        if (length === 128) break
      }
      node = rows[node + LEFT + bitOf(a, b, c, d, length)]!
    }
    return count
  }

  get(a: number, b: number, c: number, d: number, length: number): T | null {
    const node = this.find(a, b, c, d, length)
    return node === NONE ? null : this.values[node >> NODE_BITS]!
  }

  set(a: number, b: number, c: number, d: number, length: number, value: T): void {
    let parent = NONE
    let side = 0
    let node = this.root
    while (node !== NONE) {
      const nodeLength = this.rows[node + LENGTH]!
      const shared = this.sharedBits(node, a, b, c, d, Math.min(length, nodeLength))
      if (shared < nodeLength) break
      if (nodeLength === length) {
        if (this.rows[node + VALUED] === 0) this.size++
        this.setValue(node, value)
        return
      }
      parent = node
      side = bitOf(a, b, c, d, nodeLength)
      node = this.rows[node + LEFT + side]!
    }
    this.size++
    const leaf = this.allocate(a, b, c, d, length, value)
    if (node === NONE) {
      this.link(parent, side, leaf)
      return
    }
    // `node` parts from the new prefix within its own length: the new prefix is above it, or a fork is.
    const shared = this.sharedBits(node, a, b, c, d, Math.min(length, this.rows[node + LENGTH]!))
    if (shared === length) {
      this.rows[leaf + LEFT + this.bitOfNode(node, length)] = node
      this.link(parent, side, leaf)
      return
    }
    const fork = this.allocate(a, b, c, d, shared, null)
    const bit = bitOf(a, b, c, d, shared)
    this.rows[fork + LEFT + bit] = leaf
    this.rows[fork + LEFT + 1 - bit] = node
    this.link(parent, side, fork)
  }

  delete(a: number, b: number, c: number, d: number, length: number): boolean {
    let grandparent = NONE
    let parentSide = 0
    let parent = NONE
    let side = 0
    let node = this.root
    while (node !== NONE && this.rows[node + LENGTH]! < length) {
      grandparent = parent
      parentSide = side
      parent = node
      side = bitOf(a, b, c, d, this.rows[node + LENGTH]!)
      node = this.rows[node + LEFT + side]!
    }
    if (node === NONE || this.rows[node + VALUED] === 0 || !this.isNode(node, a, b, c, d, length)) return false
    this.size--
    this.setValue(node, null)
    const left = this.rows[node + LEFT]!
    const right = this.rows[node + LEFT + 1]!
    if (left !== NONE && right !== NONE) return true
    this.link(parent, side, left === NONE ? right : left)
    this.release(node)
    if (parent === NONE || left !== NONE || right !== NONE || this.rows[parent + VALUED] !== 0) return true
    // A fork that lost one of its two sides is no fork any more.
    this.link(grandparent, parentSide, this.rows[parent + LEFT + 1 - side]!)
    this.release(parent)
    return true
  }

  find(a: number, b: number, c: number, d: number, length: number): number {
    let node = this.root
    while (node !== NONE && this.rows[node + LENGTH]! < length) {
      node = this.rows[node + LEFT + bitOf(a, b, c, d, this.rows[node + LENGTH]!)]!
    }
    return node !== NONE && this.isNode(node, a, b, c, d, length) ? node : NONE
  }

  isNode(node: number, a: number, b: number, c: number, d: number, length: number): boolean {
    return this.rows[node + LENGTH] === length && this.covers(node, length, a, b, c, d)
  }

  /** Do the first `length` bits of the node's prefix agree with the key? */
  covers(node: number, length: number, a: number, b: number, c: number, d: number): boolean {
    const rows = this.rows
    if (length === 0) return true
    if (length <= 32) return (rows[node + A]! ^ a) >>> (32 - length) === 0
    if (rows[node + A] !== a) return false
    if (length <= 64) return (rows[node + B]! ^ b) >>> (64 - length) === 0
    if (rows[node + B] !== b) return false
    if (length <= 96) return (rows[node + C]! ^ c) >>> (96 - length) === 0
    return rows[node + C] === c && (rows[node + D]! ^ d) >>> (128 - length) === 0
  }

  /** Leading bits, `limit` at most, in which the node's prefix and the key agree. */
  sharedBits(node: number, a: number, b: number, c: number, d: number, limit: number): number {
    const rows = this.rows
    let bits = Math.clz32(rows[node + A]! ^ a)
    if (bits === 32) bits += Math.clz32(rows[node + B]! ^ b)
    if (bits === 64) bits += Math.clz32(rows[node + C]! ^ c)
    if (bits === 96) bits += Math.clz32(rows[node + D]! ^ d)
    return Math.min(bits, limit)
  }

  bitOfNode(node: number, index: number): number {
    return bitOf(this.rows[node + A]!, this.rows[node + B]!, this.rows[node + C]!, this.rows[node + D]!, index)
  }

  link(parent: number, side: number, node: number): void {
    if (parent === NONE) this.root = node
    else this.rows[parent + LEFT + side] = node
  }

  setValue(node: number, value: T | null): void {
    this.values[node >> NODE_BITS] = value
    this.rows[node + VALUED] = value === null ? 0 : 1
  }

  allocate(a: number, b: number, c: number, d: number, length: number, value: T | null): number {
    let node = this.free
    if (node === NONE) {
      node = this.values.length * NODE
      if (node === this.rows.length) {
        const grown = new Int32Array(this.rows.length * 2)
        grown.set(this.rows)
        this.rows = grown
      }
    } else {
      this.free = this.rows[node + LEFT]!
    }
    this.rows[node + A] = a
    this.rows[node + B] = b
    this.rows[node + C] = c
    this.rows[node + D] = d
    this.rows[node + LENGTH] = length
    this.rows[node + LEFT] = NONE
    this.rows[node + LEFT + 1] = NONE
    this.setValue(node, value)
    return node
  }

  release(node: number): void {
    this.setValue(node, null)
    this.rows[node + LEFT] = this.free
    this.free = node
  }
}

function bitOf(a: number, b: number, c: number, d: number, index: number): number {
  const word = index < 64 ? (index < 32 ? a : b) : index < 96 ? c : d
  return (word >>> (31 - (index & 31))) & 1
}
