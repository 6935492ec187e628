import { ChecksumState, PacketFlag } from '@stack/buffer'
import type { Packet } from '@stack/buffer'
import type { Ipv4Endpoint } from './endpoint.ts'
import { answerEcho } from './icmp-echo.ts'
import { ICMP_PROTOCOL } from './numbers.ts'
import { receiveIcmpError } from './icmp-report.ts'
import { ICMP_FIELD, ICMP_HEADER, IcmpType } from './wire/icmp.ts'

/**
 * RFC 1122 §3.2.2: echo requests are answered and errors reported here; the rest goes to ICMP sockets. Raw sockets see all
 * of it, before anything is changed. Takes the packet.
 */
export function receiveIcmp(endpoint: Ipv4Endpoint, packet: Packet): void {
  const counters = endpoint.icmp
  counters.received++
  if (packet.end - packet.start < ICMP_HEADER) {
    counters.dropMalformed++
    packet.release()
    return
  }
  if (!isIntact(packet)) {
    counters.dropBadChecksum++
    packet.release()
    return
  }
  const type = packet.view.getUint8(packet.start + ICMP_FIELD.type)
  if (!isForHost(type)) {
    if (endpoint.dispatcher.deliverTransportPacket(ICMP_PROTOCOL, packet) !== 'handled') packet.release()
    return
  }
  endpoint.dispatcher.deliverRawPacket(ICMP_PROTOCOL, packet)
  switch (type) {
    case IcmpType.Echo:
      counters.echoRequests++
      // RFC 1122 §3.2.2.6 lets a host be silent towards groups, lest it be an amplifier.
      if ((packet.flags & (PacketFlag.Broadcast | PacketFlag.Multicast)) !== 0 && !endpoint.context.settings.acceptBroadcastEcho) counters.dropBroadcastEcho++
      else answerEcho(endpoint, packet)
      break
    case IcmpType.DestinationUnreachable:
    case IcmpType.TimeExceeded:
    case IcmpType.ParameterProblem:
      receiveIcmpError(endpoint, type, packet)
      break
    default:
      counters.dropIgnored++
  }
  packet.release()
}

/** Is the message for this host itself, or for the sockets on it? */
function isForHost(type: number): boolean {
  switch (type) {
    case IcmpType.Echo:
    case IcmpType.DestinationUnreachable:
    case IcmpType.TimeExceeded:
    case IcmpType.ParameterProblem:
    case IcmpType.SourceQuench:
    case IcmpType.Redirect:
      return true
    default:
      return false
  }
}

/** A partial checksum comes from this host or its virtual neighbour and needs no proof. */
function isIntact(packet: Packet): boolean {
  const state = packet.checksumState
  if (state === ChecksumState.Partial || state === ChecksumState.Verified) return true
  return packet.sum(packet.start) === 0xffff
}
