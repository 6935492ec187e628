import { after, later } from './sequence.ts'
import { MAX_SACK_BLOCKS } from './wire.ts'
import type { SegmentHeader } from './wire.ts'

/** Segments beyond a gap that have an ACK each: a peer may count three duplicates (RFC 5681 §3.2). */
const ALONE = 3
/** Of those that follow, so many share one at most. */
const TOGETHER = 44

/**
 * What a receiver tells of the text beyond its gap: the most recent blocks, newest first (RFC 2018 §4), and once each
 * what came twice (RFC 2883). Only the last four blocks are known; what they forget the sender may send again.
 */
export class SackBlocks {
  /** Segments that no ACK has told of: they wait for the one of their batch. */
  waiting = 0
  private count = 0
  // Blocks that no ACK has told of as they are now. They come first.
  private fresh = 0
  // Segments since RCV.NXT moved.
  private segments = 0
  // Blocks that the last ACK had room for.
  private room = 0
  private readonly edges: Int32Array = new Int32Array(2 * MAX_SACK_BLOCKS)
  private hasDuplicate = false
  private duplicateStart = 0
  private duplicateEnd = 0

  /** There is something to tell. */
  get isDue(): boolean {
    return this.count > 0 || this.hasDuplicate
  }

  /** May the ACK of what was added last wait for others of its batch? Not the first ones, which tell of the loss, nor when the option is full. */
  get canWait(): boolean {
    return this.segments > ALONE && this.waiting < TOGETHER && this.fresh < this.room
  }

  /** `[start, end)` came beyond a gap. */
  add(start: number, end: number): void {
    const { edges } = this
    this.segments++
    this.waiting++
    if (this.extendsNewest(start, end)) {
      edges[1] = end
      if (this.fresh === 0) this.fresh = 1
      return
    }
    let from = start
    let to = end
    // Blocks that it overlaps or touches become one with it.
    for (let i = 0; i < this.count; ) {
      const left = edges[2 * i]!
      const right = edges[2 * i + 1]!
      if (after(left, to) || after(from, right)) {
        i++
        continue
      }
      if (after(from, left)) from = left
      to = later(to, right)
      this.removeAt(i)
    }
    this.fresh++
    if (this.count === MAX_SACK_BLOCKS) this.count--
    // So short that a call of the runtime would take longer.
    for (let k = 2 * this.count - 1; k >= 0; k--) edges[k + 2] = edges[k]!
    edges[0] = from
    edges[1] = to
    this.count++
  }

  /** Does `[start, end)` follow what came last, as nearly everything does, and reach no other block? */
  private extendsNewest(start: number, end: number): boolean {
    const { edges, count } = this
    if (count === 0 || edges[1] !== start) return false
    for (let i = 1; i < count; i++) if (!after(start, edges[2 * i + 1]!) && !after(edges[2 * i]!, end)) return false
    return true
  }

  /** RCV.NXT moved: blocks that it reached are acknowledged. An ACK leaves at once, and tells of what waits. */
  advance(next: number): void {
    this.segments = this.waiting = 0
    for (let i = 0; i < this.count; ) {
      if (after(this.edges[2 * i + 1]!, next)) i++
      else this.removeAt(i)
    }
  }

  /** `[start, end)` came a second time: the next ACK says so, in its first block (RFC 2883 §4). */
  addDuplicate(start: number, end: number): void {
    this.hasDuplicate = true
    this.duplicateStart = start
    this.duplicateEnd = end
  }

  /** Everything beyond the gap was thrown away (RFC 2018 §8). */
  clear(): void {
    this.count = this.segments = this.waiting = this.fresh = 0
  }

  /** Puts at most `room` blocks into `header`; a duplicate is told once. */
  write(header: SegmentHeader, room: number): void {
    const { edges } = this
    const out = header.sackEdges
    let blocks = 0
    this.room = room
    this.waiting = this.fresh = 0
    if (this.hasDuplicate) {
      this.hasDuplicate = false
      out[0] = this.duplicateStart
      out[1] = this.duplicateEnd
      blocks = 1
    }
    for (let i = 0; i < this.count && blocks < room; i++, blocks++) {
      out[2 * blocks] = edges[2 * i]!
      out[2 * blocks + 1] = edges[2 * i + 1]!
    }
    header.sackBlocks = blocks
  }

  private removeAt(i: number): void {
    const { edges } = this
    this.count--
    if (i < this.fresh) this.fresh--
    for (let k = 2 * i; k < 2 * this.count; k++) edges[k] = edges[k + 2]!
  }
}

/** Do segments wait for the ACK of their batch? */
export function awaitAck(sack: SackBlocks | null): boolean {
  return sack !== null && sack.waiting > 0
}
