import { checksumOf } from '@stack/buffer'
import type { Packet } from '@stack/buffer'
import { HEADER_FIELD } from './wire/header.ts'

/** Fills the address words from the network header, IPv4-mapped. */
export function readAddresses(packet: Packet): void {
  const { view, networkHeader } = packet
  packet.sourceA = packet.sourceB = packet.destinationA = packet.destinationB = 0
  packet.sourceC = packet.destinationC = 0xffff
  packet.sourceD = view.getInt32(networkHeader + HEADER_FIELD.source)
  packet.destinationD = view.getInt32(networkHeader + HEADER_FIELD.destination)
}

/** Notes the network header that begins at `start`, which stays where it is. */
export function markHeader(packet: Packet): void {
  packet.networkHeader = packet.start
  packet.networkHeaderLength = (packet.view.getUint8(packet.start) & 0xf) << 2
}

/** Computes the header checksum anew. */
export function mend(packet: Packet): void {
  const at = packet.networkHeader
  packet.view.setUint16(at + HEADER_FIELD.checksum, 0)
  packet.view.setUint16(at + HEADER_FIELD.checksum, checksumOf(packet.sum(at, at + packet.networkHeaderLength)))
}
