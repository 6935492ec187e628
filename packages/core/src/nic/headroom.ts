import type { Packet } from '@stack/buffer'

/**
 * Sees to `n` bytes of headroom by moving the packet's bytes within its slot: a packet that is forwarded from a link with
 * a shorter header. Only what begins at the network header moves. Linked payload ranges stay where they are.
 *
 * @returns false, and nothing done, when headroom was not what is missing, or the slot is full
 */
export function makeHeadroom(packet: Packet, n: number): boolean {
  const missing = n - packet.start
  if (missing <= 0 || packet.end + missing > packet.capacity) return false
  packet.bytes.copyWithin(n, packet.start, packet.end)
  packet.start += missing
  packet.end += missing
  if (packet.networkHeader >= 0) packet.networkHeader += missing
  if (packet.transportHeader >= 0) packet.transportHeader += missing
  packet.checksumStart += missing
  return true
}
