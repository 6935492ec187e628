import { copyBytes } from './copy.ts'
import { copyMetadata } from './metadata.ts'
import type { Packet } from './packet.ts'
import type { PacketPool } from './pool.ts'

/**
 * A packet of `pool` with at least `capacity` bytes that holds the same headers and contiguous bytes
 * at the same offsets, and the same metadata; without payload range, list links and credit.
 */
export function duplicate(packet: Packet, pool: PacketPool, capacity: number): Packet | null {
  const copy = pool.allocate(0, capacity)
  if (copy === null) return null
  const from = outermost(packet)
  if (copy.memory === packet.memory) {
    copy.memory.bytes.copyWithin(copy.base + from, packet.base + from, packet.base + packet.end)
  } else {
    copyBytes(copy.bytes, from, packet.bytes, from, packet.end)
  }
  copyMetadata(packet, copy)
  copyHeaders(copy, packet)
  return copy
}

/** The first byte that counts: consumed headers lie before `start`. */
function outermost(packet: Packet): number {
  let from = packet.start
  if (packet.linkHeader >= 0) from = Math.min(from, packet.linkHeader)
  if (packet.networkHeader >= 0) from = Math.min(from, packet.networkHeader)
  if (packet.transportHeader >= 0) from = Math.min(from, packet.transportHeader)
  return from
}

function copyHeaders(to: Packet, from: Packet): void {
  to.start = from.start
  to.end = from.end
  to.direction = from.direction
  to.linkHeader = from.linkHeader
  to.linkHeaderLength = from.linkHeaderLength
  to.networkHeader = from.networkHeader
  to.networkHeaderLength = from.networkHeaderLength
  to.transportHeader = from.transportHeader
  to.transportHeaderLength = from.transportHeaderLength
  to.checksumState = from.checksumState
  to.checksumStart = from.checksumStart
  to.checksumOffset = from.checksumOffset
  to.checksumSum = from.checksumSum
  to.gsoType = from.gsoType
  to.gsoMss = from.gsoMss
  to.gsoL3HeaderLength = from.gsoL3HeaderLength
  to.gsoMaxSize = from.gsoMaxSize
  to.gsoNeedsChecksum = from.gsoNeedsChecksum
  to.gsoChecksumOffset = from.gsoChecksumOffset
}
