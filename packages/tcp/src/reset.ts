import { PacketFlag } from '@stack/buffer'
import type { Packet } from '@stack/buffer'
import { address, addressSum } from '@stack/core'
import type { UnknownDestinationDisposition } from '@stack/core'
import type { TcpContext } from './context.ts'
import { zoneOf } from './flow.ts'
import type { Flow } from './flow.ts'
import { beginSegment, receiveHeader, sendSegment } from './segment.ts'
import { Flag } from './wire.ts'
import type { SegmentHeader } from './wire.ts'

/** The flow that answers a received packet go along. `nicId` 0 unless the address needs its zone. */
export function flowOfPacket(packet: Packet): Flow {
  const nicId = zoneOf(packet.sourceA, packet.nicId)
  const localAddress = address(packet.destinationA, packet.destinationB, packet.destinationC, packet.destinationD, nicId)
  const remoteAddress = address(packet.sourceA, packet.sourceB, packet.sourceC, packet.sourceD, nicId)
  return {
    localAddress, remoteAddress, nicId,
    localPort: packet.destinationPort,
    remotePort: packet.sourcePort,
    addressSum: addressSum(localAddress) + addressSum(remoteAddress),
    route: null, authenticator: null, ttl: 0, tos: 0, anySource: false,
  }
}

/** Did the packet come from one host to this one? Nothing else has business with TCP (RFC 9293 §3.9.2.3, MUST-57, MUST-63). */
export function isUnicast(context: TcpContext, packet: Packet): boolean {
  if ((packet.flags & (PacketFlag.Broadcast | PacketFlag.Multicast)) !== 0) return false
  const { host } = context
  const source = address(packet.sourceA, packet.sourceB, packet.sourceC, packet.sourceD)
  return !host.isMulticast(source) && !host.isBroadcast(source)
}

/**
 * The reset that answers a segment nobody wants (RFC 9293 §3.10.7.1): believable to its sender, because it repeats what
 * the sender said. `length` counts the text.
 */
export function sendResetFor(context: TcpContext, flow: Flow, header: SegmentHeader, length: number): void {
  const { flags } = header
  if ((flags & Flag.Rst) !== 0) return
  if ((flags & Flag.Ack) !== 0) beginSegment(context, flow, Flag.Rst, header.acknowledgment, 0)
  else {
    const span = length + ((flags & Flag.Syn) !== 0 ? 1 : 0) + ((flags & Flag.Fin) !== 0 ? 1 : 0)
    beginSegment(context, flow, Flag.Rst | Flag.Ack, 0, (header.sequence + span) | 0)
  }
  sendSegment(context, flow)
}

/** CLOSED (RFC 9293 §3.10.7.1), with TIME-WAIT before it: no endpoint is registered for the packet. Borrows it. */
export function answerUnknown(context: TcpContext, packet: Packet): UnknownDestinationDisposition {
  context.counters.segmentsReceived++
  const verdict = receiveHeader(context, packet)
  if (verdict !== 'ok') return verdict === 'unwanted' ? 'handled' : 'malformed'
  if (!isUnicast(context, packet)) {
    context.counters.dropNotUnicast++
    return 'handled'
  }
  const header = context.incoming
  if (context.timeWait.handle(context, header, packet, false) === 'none') sendResetFor(context, flowOfPacket(packet), header, packet.length)
  return 'handled'
}
