import { PacketFlag, type Packet } from '@stack/buffer'
import { ETHERNET_HEADER_LENGTH } from '@stack/core'

/** EtherType of an IEEE 802.1Q tag. */
const VLAN_PROTOCOL = 0x8100
export const TAG_LENGTH = 4
/** Both addresses, which stand before the tag. */
const ADDRESSES_LENGTH = 12
const MINIMUM_ETHERTYPE = 0x0600

/** What {@link vlanOf} answers beside VLANs. */
const UNTAGGED = -1
export const TOO_SHORT = -2

/** The VLAN of a frame that begins at `packet.start`. IEEE 802.1Q §9.6. */
export function vlanOf(packet: Packet): number {
  const { start, end, view } = packet
  if (end - start < ETHERNET_HEADER_LENGTH) return TOO_SHORT
  if (view.getUint16(start + ADDRESSES_LENGTH) !== VLAN_PROTOCOL) return UNTAGGED
  return end - start < ETHERNET_HEADER_LENGTH + TAG_LENGTH ? TOO_SHORT : view.getUint16(start + ETHERNET_HEADER_LENGTH) & 0xfff
}

/** Pushes an Ethernet header with a tag. Returns false, and nothing done, without headroom or address. */
export function addTaggedHeader(packet: Packet, ownAddress: Uint8Array | null, vlan: number): boolean {
  const destination = packet.linkDestination
  const source = packet.linkSource ?? ownAddress
  if (destination === null || source === null) return false
  const offset = packet.pushLinkHeader(ETHERNET_HEADER_LENGTH + TAG_LENGTH)
  if (offset < 0) return false
  const { bytes, view } = packet
  for (let i = 0; i < 6; i++) {
    bytes[offset + i] = destination[i]!
    bytes[offset + 6 + i] = source[i]!
  }
  writeTag(packet, offset, vlan)
  view.setUint16(offset + ETHERNET_HEADER_LENGTH + 2, packet.networkProtocol)
  return true
}

/**
 * Consumes an Ethernet header with a tag, which {@link vlanOf} has found, as `parseEthernetHeader` of core does one
 * without. Returns the protocol; -1 = malformed: what follows the tag is no EtherType.
 */
export function parseTaggedHeader(packet: Packet): number {
  const offset = packet.consumeLinkHeader(ETHERNET_HEADER_LENGTH + TAG_LENGTH)
  if (offset < 0) return -1
  const protocol = packet.view.getUint16(offset + ETHERNET_HEADER_LENGTH + 2)
  if (protocol < MINIMUM_ETHERTYPE) return -1
  if ((packet.bytes[offset]! & 1) !== 0) {
    let isBroadcast = true
    for (let i = 0; i < 6; i++) isBroadcast &&= packet.bytes[offset + i] === 0xff
    packet.flags |= isBroadcast ? PacketFlag.Broadcast : PacketFlag.Multicast
  }
  packet.networkProtocol = protocol
  return protocol
}

/** Puts a tag into a finished frame, moving the addresses forward or what follows them back. Returns false without room. */
export function insertTag(packet: Packet, vlan: number): boolean {
  const { bytes, start, end } = packet
  if (end - start < ETHERNET_HEADER_LENGTH) return false
  if (start >= TAG_LENGTH) {
    bytes.copyWithin(start - TAG_LENGTH, start, start + ADDRESSES_LENGTH)
    packet.start -= TAG_LENGTH
  } else {
    if (packet.payload !== null || end + TAG_LENGTH > packet.capacity) return false
    bytes.copyWithin(start + ADDRESSES_LENGTH + TAG_LENGTH, start + ADDRESSES_LENGTH, end)
    packet.end += TAG_LENGTH
    packet.checksumStart += TAG_LENGTH
  }
  writeTag(packet, packet.start, vlan)
  return true
}

function writeTag({ view }: Packet, offset: number, vlan: number): void {
  view.setUint16(offset + ADDRESSES_LENGTH, VLAN_PROTOCOL)
  view.setUint16(offset + ETHERNET_HEADER_LENGTH, vlan)
}
