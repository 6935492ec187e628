import { ChecksumState, PacketFlag } from '@stack/buffer'
import type { Packet } from '@stack/buffer'
import { HookPoint } from '@stack/core'
import { ICMP_PROTOCOL, IPV4_PROTOCOL } from './numbers.ts'
import type { Ipv4Endpoint } from './endpoint.ts'
import { forward } from './forward.ts'
import { sendIcmpError } from './icmp-error.ts'
import { receiveIcmp } from './icmp-receive.ts'
import { mend, readAddresses } from './header-edit.ts'
import { isLinkLocal, isLoopback, isMulticast, isThisNetwork, LIMITED_BROADCAST } from './scope.ts'
import { HEADER_FIELD, IPV4_MAX_LENGTH, IPV4_MIN_HEADER, parseIpv4Header } from './wire/header.ts'
import { IcmpType, UnreachableCode } from './wire/icmp.ts'
import { inspectOptions } from './wire/options.ts'

/** RFC 1122 §3.2.1: parse, verify, then decide where the datagram goes. */
export function receive(endpoint: Ipv4Endpoint, packet: Packet): void {
  const counters = endpoint.statistics
  counters.received++
  if (!endpoint.isEnabled) {
    counters.dropDisabled++
    packet.release()
    return
  }
  const at = packet.start
  const header = endpoint.context.received
  if (packet.end - at < IPV4_MIN_HEADER || parseIpv4Header(packet.view, at, packet.length, header) !== null) {
    counters.dropMalformed++
    packet.release()
    return
  }
  const headerLength = header.headerLength
  if (header.totalLength < packet.length) {
    // What follows the datagram is padding of the link.
    packet.trimEnd(header.totalLength)
    if (packet.checksumState === ChecksumState.Complete) packet.checksumState = ChecksumState.None
  }
  if (packet.consumeNetworkHeader(headerLength) < 0) {
    counters.dropMalformed++
    packet.release()
    return
  }
  if (packet.sum(at, at + headerLength) !== 0xffff) {
    counters.dropBadChecksum++
    packet.release()
    return
  }
  packet.networkProtocol = IPV4_PROTOCOL
  packet.transportProtocol = header.protocol
  packet.ttl = header.ttl
  packet.tos = header.tos
  readAddresses(packet)
  if (isMartianSource(endpoint, packet)) {
    counters.dropMartianSource++
    packet.release()
    return
  }
  if (headerLength > IPV4_MIN_HEADER && !checkHeaderOptions(endpoint, packet)) {
    packet.release()
    return
  }
  const hooks = endpoint.nic.hooks
  if (!hooks.isEmpty[HookPoint.Prerouting]!) {
    if (hooks.run(HookPoint.Prerouting, packet, IPV4_PROTOCOL, endpoint.nicId, 0, endpoint.resume.prerouting) === 'gone') return
    readAddresses(packet)
  }
  direct(endpoint, packet)
}

/**
 * Sources that no other host may send from (RFC 1122 §3.2.1.3, RFC 1812 §5.3.7). The unspecified address is let in with
 * a broadcast or multicast destination only: that is how DHCP clients and IGMP hosts without an address speak.
 */
function isMartianSource(endpoint: Ipv4Endpoint, packet: Packet): boolean {
  const source = packet.sourceD
  if (isMulticast(source) || source === LIMITED_BROADCAST) return true
  if (isThisNetwork(source)) return packet.destinationD !== LIMITED_BROADCAST && !isMulticast(packet.destinationD)
  if (endpoint.nic.isLoopback || (packet.flags & PacketFlag.Looped) !== 0) return false
  if (isLoopback(source)) return true
  const addresses = endpoint.addresses
  return addresses.isSubnetBroadcast(source) || addresses.isLocal(0, 0, 0xffff, source)
}

/** False = drop. Wrong options are answered, source routes are not (RFC 1122 §3.2.1.8, RFC 7126 §4.3). */
function checkHeaderOptions(endpoint: Ipv4Endpoint, packet: Packet): boolean {
  const found = endpoint.context.foundOptions
  const at = packet.networkHeader
  const wrong = inspectOptions(packet.view, at + HEADER_FIELD.options, at + packet.networkHeaderLength, found)
  if (wrong >= 0) {
    endpoint.statistics.dropBadOption++
    markGroup(endpoint, packet)
    sendIcmpError(endpoint, IcmpType.ParameterProblem, 0, (wrong - at) << 24, packet)
    return false
  }
  if (found.sourceRoute) {
    endpoint.statistics.dropSourceRoute++
    return false
  }
  return true
}

/** Sets the broadcast or multicast flag from the destination; true when it is one of the two. */
function markGroup(endpoint: Ipv4Endpoint, packet: Packet): boolean {
  const destination = packet.destinationD
  if (isMulticast(destination)) packet.flags |= PacketFlag.Multicast
  // Directed broadcasts come from the subnets of the interface, never from routes (LESSONS: broadcast derived from a route).
  else if (destination === LIMITED_BROADCAST || endpoint.addresses.isSubnetBroadcast(destination)) packet.flags |= PacketFlag.Broadcast
  else return false
  return true
}

/** Where a datagram goes, or why nowhere. */
const Destination = { Local: 0, Forward: 1, OtherHost: 2, NotJoined: 3, Martian: 4, LinkBroadcast: 5 } as const
type Destination = (typeof Destination)[keyof typeof Destination]

/** A hook that took the packet, and may have changed its header, gives it back. */
export function resumePrerouting(endpoint: Ipv4Endpoint, packet: Packet): void {
  readAddresses(packet)
  direct(endpoint, packet)
}

/** Local, to be forwarded, or neither. */
function direct(endpoint: Ipv4Endpoint, packet: Packet): void {
  const counters = endpoint.statistics
  switch (classify(endpoint, packet)) {
    case Destination.Local:
      input(endpoint, packet)
      return
    case Destination.Forward:
      if (!forward(endpoint, packet)) input(endpoint, packet)
      return
    case Destination.OtherHost:
      counters.dropOtherHost++
      break
    case Destination.NotJoined:
      counters.dropNotJoined++
      break
    case Destination.Martian:
      counters.dropMartianDestination++
      break
    case Destination.LinkBroadcast:
      counters.dropLinkBroadcast++
      break
  }
  packet.release()
}

function classify(endpoint: Ipv4Endpoint, packet: Packet): Destination {
  const { nic, addresses } = endpoint
  const destination = packet.destinationD
  const isLinkBroadcast = (packet.flags & PacketFlag.Broadcast) !== 0
  // RFC 1122 §3.3.6: unicast has no business in a link-layer broadcast.
  if (addresses.isLocal(0, 0, 0xffff, destination)) return isLinkBroadcast ? Destination.LinkBroadcast : Destination.Local
  if (markGroup(endpoint, packet)) {
    const isWanted = !isMulticast(destination) || endpoint.isGroupMember(destination) || nic.promiscuous
    return isWanted ? Destination.Local : Destination.NotJoined
  }
  if (isThisNetwork(destination)) return Destination.Martian
  if (isLoopback(destination)) {
    // Every 127/8 address is this host, on loopback only (RFC 1122 §3.2.1.3 (g)).
    return nic.isLoopback || (packet.flags & PacketFlag.Looped) !== 0 ? Destination.Local : Destination.Martian
  }
  if (isLinkBroadcast) return Destination.LinkBroadcast
  if (nic.promiscuous || addresses.accepts(0, 0, 0xffff, destination)) return Destination.Local
  return endpoint.forwarding ? Destination.Forward : Destination.OtherHost
}

/** For this host: reassemble, ask the hooks, hand up. */
function input(endpoint: Ipv4Endpoint, given: Packet): void {
  let packet = given
  const flagsOffset = packet.view.getUint16(packet.networkHeader + HEADER_FIELD.flagsOffset)
  if ((flagsOffset & 0x3fff) !== 0) {
    const whole = reassemble(endpoint, packet, flagsOffset)
    if (whole === null) return
    packet = whole
  }
  const hooks = endpoint.nic.hooks
  if (!hooks.isEmpty[HookPoint.Input]!) {
    if (hooks.run(HookPoint.Input, packet, IPV4_PROTOCOL, endpoint.nicId, 0, endpoint.resume.input) === 'gone') return
    readAddresses(packet)
  }
  deliver(endpoint, packet)
}

/** RFC 791 §3.2. Takes the packet; returns the whole datagram, its header consumed, or null. */
function reassemble(endpoint: Ipv4Endpoint, given: Packet, flagsOffset: number): Packet | null {
  const context = endpoint.context
  endpoint.statistics.fragmentsReceived++
  const packet = given.payload === null ? given : context.host.memory.flatten(given)
  if (packet === null) {
    endpoint.statistics.dropNoMemory++
    given.release()
    return null
  }
  const at = packet.networkHeader
  const headerLength = packet.networkHeaderLength
  const fragment = context.fragment
  fragment.id = packet.view.getUint16(at + HEADER_FIELD.id)
  fragment.protocol = packet.transportProtocol
  fragment.zone = isLinkLocal(packet.sourceD) || (packet.flags & (PacketFlag.Broadcast | PacketFlag.Multicast)) !== 0 ? endpoint.nicId : 0
  fragment.offset = (flagsOffset & 0x1fff) << 3
  fragment.more = (flagsOffset & 0x2000) !== 0
  fragment.headerStart = at
  fragment.headerLength = headerLength
  fragment.dataStart = packet.start
  fragment.nextHeader = packet.transportProtocol
  fragment.limit = IPV4_MAX_LENGTH - headerLength
  const whole = context.reassembler.add(packet, fragment)
  if (whole === null) return null
  const start = whole.start
  const wholeHeaderLength = (whole.view.getUint8(start) & 0xf) << 2
  whole.view.setUint16(start + HEADER_FIELD.totalLength, whole.length)
  whole.view.setUint16(start + HEADER_FIELD.flagsOffset, 0)
  whole.view.setUint8(start + HEADER_FIELD.tos, whole.tos)
  whole.consumeNetworkHeader(wholeHeaderLength)
  mend(whole)
  return whole
}

/** To the transport protocol; what nobody takes is answered here (RFC 1122 §3.2.2.1). */
export function deliver(endpoint: Ipv4Endpoint, packet: Packet): void {
  const counters = endpoint.statistics
  counters.delivered++
  if (packet.transportProtocol === ICMP_PROTOCOL) {
    receiveIcmp(endpoint, packet)
    return
  }
  const disposition = endpoint.dispatcher.deliverTransportPacket(packet.transportProtocol, packet)
  if (disposition === 'handled') return
  if (disposition === 'portUnreachable') {
    counters.dropPortUnreachable++
    sendIcmpError(endpoint, IcmpType.DestinationUnreachable, UnreachableCode.Port, 0, packet)
  } else {
    counters.dropProtocolUnreachable++
    sendIcmpError(endpoint, IcmpType.DestinationUnreachable, UnreachableCode.Protocol, 0, packet)
  }
  packet.release()
}
