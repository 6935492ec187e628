import { GsoType, type Packet } from '@stack/buffer'

const UDP_HEADER = 8
const TCP_HEADER = 20
const TCP_DATA_OFFSET = 12

/** Does what a link says of a super-packet make sense? It begins with its link header, or its network header. */
export function isSuperPacket({ gsoType, gsoMss, gsoL3HeaderLength, start, end }: Packet): boolean {
  if (gsoType !== GsoType.TcpV4 && gsoType !== GsoType.TcpV6 && gsoType !== GsoType.Udp) return false
  return gsoMss > 0 && gsoL3HeaderLength >= 20 && start + gsoL3HeaderLength + TCP_HEADER <= end
}

/**
 * Bytes of the largest packet that comes of this one, with its network header, which is known: what must fit through an
 * MTU. A super-packet is cut on its way out; what the NIC has merged, likewise.
 */
export function segmentLength(packet: Packet): number {
  const { networkHeader, gsoType, gsoL3HeaderLength } = packet
  const length = packet.end - networkHeader + packet.payloadLength
  if (gsoType === GsoType.None || packet.chain !== null) return length
  const header = gsoType === GsoType.Udp ? UDP_HEADER : (packet.view.getUint8(networkHeader + gsoL3HeaderLength + TCP_DATA_OFFSET) >>> 4) << 2
  return Math.min(length, gsoL3HeaderLength + header + packet.gsoMss)
}

/** Segments in a packet, without those chained to it: one, or those that a super-packet would be cut into. `text` = bytes of its text. */
export function segmentsIn(packet: Packet, text: number): number {
  return packet.gsoType === GsoType.None || text <= packet.gsoMss ? 1 : Math.ceil(text / packet.gsoMss)
}
