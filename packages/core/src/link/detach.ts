import type { Packet } from '@stack/buffer'

/**
 * A packet leaves its stack by a link and will enter another one: returns the flow's credit and forgets all that the
 * sending stack noted on it. Keeps bytes, EtherType, checksum and segmentation state. For authors of links that hand
 * packets on instead of copying them.
 */
export function detachPacket(packet: Packet): void {
  const credit = packet.credit
  if (credit !== null) {
    packet.credit = null
    credit.returned(packet.creditBytes < 0 ? packet.length : packet.creditBytes)
  }
  packet.resetHeaders()
  packet.flags = 0
  packet.mark = 0
  packet.flow = null
  packet.nicId = 0
  packet.earliestDeparture = 0
}
