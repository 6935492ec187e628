import type { PacketMemory } from './memory.ts'

/**
 * Append-only stream bytes, shared by reference count inside a stack.
 *
 * Bytes below `length` never change while anybody holds the chunk, so a packet may refer to a range
 * of them for as long as it likes, and a retransmission may build new headers over the same range.
 */
export interface Chunk {
  /** The whole slot. Only `[0, length)` has been written. */
  readonly bytes: Uint8Array
  /** Address of `bytes[0]` in the memory's arena, for the kernels. */
  readonly base: number
  /** The memory the slot lies in. */
  readonly memory: PacketMemory
  /** Size of the slot in bytes. */
  readonly capacity: number
  /**
   * Bytes written so far. It only ever grows while anyone holds the chunk: the writer may also fill
   * `bytes` from `length` on and then move `length`.
   */
  length: number
  /** The following chunk of the stream, or null. */
  readonly next: Chunk | null
  /** Holders. 1 when taken from a pool, 0 when it is back. */
  readonly references: number
  /**
   * Copies `source[from, to)` behind what is there.
   *
   * @returns how many bytes fitted; 0 once the chunk has a successor
   */
  append(source: Uint8Array, from: number, to: number): number
  /**
   * Links the following chunk and retains it: who holds a chunk holds its successors. Set once;
   * further calls are ignored.
   */
  setNext(next: Chunk): void
  /** Adds a holder. */
  retain(): void
  /**
   * Takes a holder away. The last one returns the slot, and releases the successor. A call without
   * a holder is counted as `doubleRelease` and otherwise ignored.
   */
  release(): void
  /**
   * Takes a holder away; when it was the last, returns the slot and hands the successor to the
   * caller, who drops it next. This way a long chain is released without recursion, across copies
   * of this package.
   *
   * @internal
   */
  drop(): Chunk | null
}
