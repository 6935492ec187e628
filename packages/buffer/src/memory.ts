import type { ChecksumKernels } from './checksum.ts'
import type { PacketPool, PacketPoolOptions } from './pool.ts'

/** Options of {@link createPacketMemory}. */
export interface PacketMemoryOptions {
  /**
   * Bytes to reserve, at least 68 KiB; reserved, not touched before they are used.
   * @default 128 MiB; 32 MiB in browsers
   */
  readonly size?: number
  /**
   * Use the WebAssembly SIMD kernels where the host has them.
   * @default true
   */
  readonly simd?: boolean
}

/** State and counters of a packet memory. */
export interface PacketMemoryStatistics {
  /** Packets in use. */
  readonly packetsOut: number
  /** Chunks in use. */
  readonly chunksOut: number
  /** Bytes of the slots in use. */
  readonly bytesHeld: number
  /** Packets and chunks that were dropped without release, collected and taken back. */
  readonly leaked: number
  /** Packets and chunks released once too often. */
  readonly doubleRelease: number
  /** Headers pushed or consumed twice, or both pushed and consumed. */
  readonly headerMisuse: number
  /** Requests that found no free slot. */
  readonly exhausted: number
}

/**
 * One arena of packet slots, shared by the pools of any number of stacks. Packets name their
 * memory, so they may cross stacks and copies of this package.
 */
export interface PacketMemory {
  /** Version of the shapes in this package; copies with the same version share memories. */
  readonly layout: 1
  /** The kernels are the SIMD ones. */
  readonly simd: boolean
  /** Bytes of the arena. */
  readonly size: number
  /** The whole arena. */
  readonly bytes: Uint8Array
  /** Sums over the arena. */
  readonly kernels: ChecksumKernels
  /** State and counters. */
  readonly statistics: PacketMemoryStatistics
  /**
   * Opens an account.
   *
   * @throws RangeError for a quota or slots that is not a positive integer
   */
  pool(options?: PacketPoolOptions): PacketPool
}
