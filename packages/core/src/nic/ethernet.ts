import { PacketFlag, type Packet } from '@stack/buffer'

/** Bytes of an Ethernet II header: destination, source, EtherType. */
export const ETHERNET_HEADER_LENGTH = 14

/** The link address that everybody on the link receives, `ff:ff:ff:ff:ff:ff`. Treat as immutable. */
export const BROADCAST_LINK_ADDRESS: Uint8Array = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff)

/** Smallest value of the type field that is an EtherType; IEEE 802.3 §3.2.6. */
const MINIMUM_ETHERTYPE = 0x0600
/** Largest value of the type field that is a length; IEEE 802.3 §3.2.6. */
const MAXIMUM_LENGTH = 1500
/** What `networkProtocol` says of an IEEE 802.3 frame with an LLC header; the number that packet sockets know (ETH_P_802_2). */
const PROTOCOL_802_2 = 4

const SOURCE = 6
/** Where an Ethernet II header says what follows. */
export const ETHERTYPE_OFFSET = 12

/**
 * Pushes an Ethernet II header: from `packet.linkSource` (or else `ownAddress`) to `packet.linkDestination`, EtherType
 * `packet.networkProtocol`. Short frames are not padded: a link that needs 60 bytes does that itself.
 *
 * @returns false, and nothing done, without headroom or when an address is missing
 */
export function addEthernetHeader(packet: Packet, ownAddress: Uint8Array | null): boolean {
  const destination = packet.linkDestination
  const source = packet.linkSource ?? ownAddress
  if (destination === null || source === null) return false
  const offset = packet.pushLinkHeader(ETHERNET_HEADER_LENGTH)
  if (offset < 0) return false
  const bytes = packet.bytes
  for (let i = 0; i < 6; i++) {
    bytes[offset + i] = destination[i]!
    bytes[offset + SOURCE + i] = source[i]!
  }
  packet.view.setUint16(offset + ETHERTYPE_OFFSET, packet.networkProtocol)
  return true
}

/**
 * Consumes an Ethernet header, sets `packet.networkProtocol`, and the broadcast or multicast flag of a group destination.
 * An IEEE 802.3 frame (its type field is a length) is cut to that length and gets protocol 4, which no protocol handles
 * but packet sockets see. The addresses stay in the header, at `packet.linkHeader` and 6 bytes behind it.
 *
 * @returns the protocol number; -1 = malformed: too short, or its length lies
 */
export function parseEthernetHeader(packet: Packet): number {
  const offset = packet.consumeLinkHeader(ETHERNET_HEADER_LENGTH)
  if (offset < 0) return -1
  let protocol = packet.view.getUint16(offset + ETHERTYPE_OFFSET)
  if (protocol < MINIMUM_ETHERTYPE) {
    if (protocol > MAXIMUM_LENGTH || protocol > packet.length) return -1
    packet.trimEnd(protocol)
    protocol = PROTOCOL_802_2
  }
  // The group bit is the lowest of the first byte; IEEE 802 §8.2.
  if ((packet.bytes[offset]! & 1) !== 0) {
    packet.flags |= isLinkAddressAt(packet, offset, BROADCAST_LINK_ADDRESS) ? PacketFlag.Broadcast : PacketFlag.Multicast
  }
  packet.networkProtocol = protocol
  return protocol
}

/**
 * Is the frame, whose header {@link parseEthernetHeader} has consumed, for `ownAddress`, a group, or everybody? A NIC that
 * is not promiscuous drops the others.
 */
export function isEthernetDestination(packet: Packet, ownAddress: Uint8Array | null): boolean {
  if (ownAddress === null) return true
  const offset = packet.linkHeader
  return (packet.bytes[offset]! & 1) !== 0 || isLinkAddressAt(packet, offset, ownAddress)
}

function isLinkAddressAt(packet: Packet, offset: number, address: Uint8Array): boolean {
  const bytes = packet.bytes
  for (let i = 0; i < 6; i++) if (bytes[offset + i] !== address[i]) return false
  return true
}

/** True when both are the same bytes. */
export function sameLinkAddress(x: Uint8Array, y: Uint8Array): boolean {
  if (x.length !== y.length) return false
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return false
  return true
}

/** The text form of a link address: `02:00:00:00:00:01`. */
export function formatLinkAddress(address: Uint8Array): string {
  return Array.from(address, (byte) => byte.toString(16).padStart(2, '0')).join(':')
}

/** Reads six bytes in hexadecimal with `:` or `-` between them; null when `text` is something else. */
export function parseLinkAddress(text: string): Uint8Array | null {
  if (!/^[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$/i.test(text)) return null
  return Uint8Array.from(text.split(/[:-]/), (byte) => parseInt(byte, 16))
}
