/**
 * Packet memory for @stack: slots in one arena, pools with quotas, packets, chunks and checksums.
 *
 * @example
 * import { createPacketMemory } from '@stack/buffer'
 *
 * const pool = createPacketMemory({ size: 1 << 20 }).pool()
 * const packet = pool.allocate(64, 1400)
 * if (packet !== null) {
 *   packet.append(new TextEncoder().encode('hello'), 0, 5)
 *   const udp = packet.pushTransportHeader(8)
 *   packet.view.setUint16(udp + 4, packet.length)
 *   packet.release()
 * }
 *
 * @packageDocumentation
 */
export type { Chunk } from './chunk.ts'
export { addSums, checksumOf, foldSum, swapSum, updateChecksum16 } from './checksum.ts'
export type { ChecksumKernels } from './checksum.ts'
export { copyBytes } from './copy.ts'
export { ChecksumState, GsoType, MAX_SLOT_SIZE, MemoryLevel, PacketFlag, SLOT_SIZES } from './constants.ts'
export { createPacketMemory, defaultPacketMemory } from './create.ts'
export type { PacketMemory, PacketMemoryOptions, PacketMemoryStatistics } from './memory.ts'
export { copyMetadata } from './metadata.ts'
export type { Packet, PacketCredit } from './packet.ts'
export { PacketList } from './packet-list.ts'
export type { PacketPool, PacketPoolOptions, PacketPoolStatistics } from './pool.ts'
export { sumBytes } from './sum.ts'
