import type { Chunk } from './chunk.ts'
import type { MemoryLevel } from './constants.ts'
import type { PacketMemory } from './memory.ts'
import type { Packet } from './packet.ts'

/** Options of {@link PacketMemory.pool}. */
export interface PacketPoolOptions {
  /**
   * Bytes this pool may hold, counted in slots.
   * @default the size of the memory
   */
  readonly quota?: number
  /**
   * Packets and chunks this pool may hold, control packets included: a handle for tests. From 16 on they count into
   * `level`. The last sixteenth is for
   * packets.
   * @default no limit
   */
  readonly slots?: number
}

/** Counters of one pool; they only grow. */
export interface PacketPoolStatistics {
  /** Packets handed out. */
  readonly allocated: number
  /** Chunks handed out. */
  readonly chunksAllocated: number
  /** Packets taken over from other pools. */
  readonly adopted: number
  /** Packets and chunks refused: over quota, memory exhausted, too large, or closed. */
  readonly refused: number
}

/**
 * A stack's account on a packet memory: it takes packets and chunks within a quota and says how
 * full it is. What counts is what is held (slot sizes), not payload.
 */
export interface PacketPool {
  /** The memory it takes from. */
  readonly memory: PacketMemory
  /** Bytes it may hold; with `slots`, at most as many of the middle size, which full segments take. */
  readonly quota: number
  /** Bytes charged now. */
  readonly held: number
  /** Packets charged now. */
  readonly packets: number
  /** Chunks charged now. */
  readonly chunks: number
  /** How full it is. */
  readonly level: MemoryLevel
  /** Counters. */
  readonly statistics: PacketPoolStatistics
  /**
   * Calls `listener` at each change of `level`, from within the call that changed it: note it and
   * return.
   *
   * @returns takes the listener away
   */
  onLevel(listener: (level: MemoryLevel) => void): () => void
  /**
   * A packet with at least `headroom + capacity` bytes, empty, `start` and `end` at `headroom`.
   *
   * @returns null when over quota (the last 5 % are for control), when the memory is exhausted or
   * when no slot is that large
   */
  allocate(headroom: number, capacity: number): Packet | null
  /** As {@link PacketPool.allocate}, and may use the last 5 %: ACKs, resets, FINs. */
  allocateControl(headroom: number, capacity: number): Packet | null
  /**
   * An empty chunk of the smallest slot that holds `size` bytes; for more than 68 KiB the largest
   * there is.
   *
   * @returns null as {@link PacketPool.allocate}
   */
  chunk(size: number): Chunk | null
  /**
   * Moves the charge of a packet that came from another stack to this pool. The slot stays in its
   * memory; a payload range stays charged to who wrote it, so make the packet contiguous first if
   * it may stay long.
   *
   * Packets of the smallest slots (ACKs and the like) may use the last 5 %.
   *
   * @returns false when that would exceed the quota; the caller then drops the packet
   */
  adopt(packet: Packet): boolean
  /**
   * Makes a packet contiguous: in place when it fits, else in a new, larger packet that takes over
   * headers, metadata, credit and chain. Then the old one is released; list links (`next`) are the
   * caller's.
   *
   * @returns the packet to go on with; null when none is to be had: then the old one is untouched
   */
  flatten(packet: Packet): Packet | null
  /**
   * Calls `callback` once, at the first release that leaves this pool and its memory below 90 %
   * again (and below `slots`), from within that release: wake the writer and return. To be used
   * after a refusal.
   *
   * @returns takes the callback away
   */
  waiter(callback: () => void): () => void
  /** Refuses from now on and forgets listeners. What is held stays valid until released. */
  close(): void
  /**
   * Takes the charge of one packet or chunk back. Called by the memory that holds the slot, which
   * may be another copy of this package.
   *
   * @internal
   */
  discharge(bytes: number, isChunk: boolean): void
}
