import type { Packet } from './packet.ts'

/**
 * Copies what travels with a packet beside its bytes and headers: addresses, origin, marks, flags and times. For packets
 * that are made from others: fragments, and datagrams put together from them.
 */
export function copyMetadata(from: Packet, to: Packet): void {
  to.sourceA = from.sourceA
  to.sourceB = from.sourceB
  to.sourceC = from.sourceC
  to.sourceD = from.sourceD
  to.destinationA = from.destinationA
  to.destinationB = from.destinationB
  to.destinationC = from.destinationC
  to.destinationD = from.destinationD
  to.sourcePort = from.sourcePort
  to.destinationPort = from.destinationPort
  to.nicId = from.nicId
  to.networkProtocol = from.networkProtocol
  to.transportProtocol = from.transportProtocol
  to.ttl = from.ttl
  to.tos = from.tos
  to.flowLabel = from.flowLabel
  to.hash = from.hash
  to.mark = from.mark
  to.flags = from.flags
  to.flow = from.flow
  to.linkDestination = from.linkDestination
  to.linkSource = from.linkSource
  to.arrival = from.arrival
  to.arrivalMicros = from.arrivalMicros
  to.earliestDeparture = from.earliestDeparture
}
