import { MAX_SACK_BLOCKS } from './wire.ts'

/**
 * The SACK blocks of the last ACK, which were taken into the scoreboard. A receiver repeats what it told (RFC 2018 §4): of
 * most ACKs only the end of one block is new.
 */
export class ToldBlocks {
  private count = 0
  private edges: Int32Array = new Int32Array(2 * MAX_SACK_BLOCKS)
  // Of the ACK that is being looked at.
  private nextCount = 0
  private next: Int32Array = new Int32Array(2 * MAX_SACK_BLOCKS)

  /** Sequence number up to which a block that begins at `left` was told; `left` when none did. */
  upTo(left: number): number {
    const { edges, count } = this
    for (let i = 0; i < count; i++) if (edges[2 * i] === left) return edges[2 * i + 1]!
    return left
  }

  /** `[left, right)` is told now. */
  add(left: number, right: number): void {
    const at = 2 * this.nextCount++
    this.next[at] = left
    this.next[at + 1] = right
  }

  /** That was all of the ACK. */
  turn(): void {
    const { edges } = this
    this.edges = this.next
    this.count = this.nextCount
    this.next = edges
    this.nextCount = 0
  }

  /** The scoreboard knows it no more, or records have other borders: all is to be looked at again. */
  forget(): void {
    this.count = 0
  }
}
