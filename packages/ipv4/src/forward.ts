import { PacketFlag, PacketList, updateChecksum16 } from '@stack/buffer'
import type { Packet } from '@stack/buffer'
import { HookPoint, mappedAddress, PacketLooping, segmentLength, separate } from '@stack/core'
import type { Route } from '@stack/core'
import { IPV4_PROTOCOL } from './numbers.ts'
import type { Ipv4Endpoint } from './endpoint.ts'
import { sendIcmpError } from './icmp-error.ts'
import { markHeader, mend } from './header-edit.ts'
import { postroute, routeAgain } from './send.ts'
import { isLinkLocal, isLoopback, isReserved, isThisNetwork } from './scope.ts'
import { HEADER_FIELD, IPV4_MIN_HEADER } from './wire/header.ts'
import { IcmpType, UnreachableCode } from './wire/icmp.ts'
import { stampOptions } from './wire/options.ts'

const DAY = 86_400_000

/**
 * RFC 1812 §5.2, §5.3: sends a datagram for another host on its way. Takes the packet, unless the answer is false: then
 * it is for this host after all, on another NIC.
 */
export function forward(endpoint: Ipv4Endpoint, packet: Packet): boolean {
  const route = endpoint.nic.findRoute(0, null, mappedAddress(packet.destinationD), IPV4_PROTOCOL)
  const isRoute = typeof route === 'object' && route !== null
  if (isRoute && (route.loop === PacketLooping.Loop || route.nic.isLoopback)) return false
  if (!mayLeaveLink(packet)) {
    endpoint.statistics.dropNotForwardable++
    packet.release()
  } else if (isRoute) {
    forwardAlong(endpoint, route, packet)
  } else {
    endpoint.statistics.dropNoRoute++
    sendIcmpError(endpoint, IcmpType.DestinationUnreachable, UnreachableCode.Net, 0, packet)
    packet.release()
  }
  return true
}

function forwardAlong(endpoint: Ipv4Endpoint, route: Route, packet: Packet): void {
  const counters = endpoint.statistics
  // Directed broadcasts are not forwarded (RFC 2644 §2).
  if (route.isBroadcast || route.isMulticast) {
    counters.dropNotForwardable++
    packet.release()
    return
  }
  if (packet.ttl <= 1) {
    counters.dropTtlExceeded++
    sendIcmpError(endpoint, IcmpType.TimeExceeded, 0, 0, packet)
    packet.release()
    return
  }
  const isTooLarge = segmentLength(packet) > route.mtu
  if (isTooLarge && packet.chain !== null) {
    forwardApart(endpoint, route, packet)
    return
  }
  if (isTooLarge && mustNotBeCut(packet)) {
    counters.dropTooLarge++
    sendIcmpError(endpoint, IcmpType.DestinationUnreachable, UnreachableCode.FragmentationNeeded, route.mtu, packet)
    packet.release()
    return
  }
  // Nobody else holds these bytes, so the header is edited in place.
  packet.restart(packet.networkHeader)
  packet.flags |= PacketFlag.Forwarded
  const hooks = endpoint.nic.hooks
  if (!hooks.isEmpty[HookPoint.Forward]!) {
    const result = hooks.run(HookPoint.Forward, packet, IPV4_PROTOCOL, endpoint.nicId, route.nic.id, endpoint.resume.forward)
    if (result === 'gone') return
    if (result === 'reroute') {
      resumeForward(endpoint, packet)
      return
    }
  }
  sendOn(endpoint, route, packet)
}

/** The next hop of a forwarded packet did not answer (RFC 1812 §5.2.7.1): headers are forgotten, `start` is at the network header. */
export function handleUnreachable(endpoint: Ipv4Endpoint, packet: Packet): void {
  markHeader(packet)
  sendIcmpError(endpoint, IcmpType.DestinationUnreachable, UnreachableCode.Host, 0, packet)
  packet.release()
}

/** With the route that fits the addresses now. */
export function resumeForward(endpoint: Ipv4Endpoint, packet: Packet): void {
  const route = routeAgain(endpoint, packet)
  if (typeof route === 'object') sendOn(endpoint, route, packet)
}

function sendOn(endpoint: Ipv4Endpoint, route: Route, packet: Packet): void {
  const at = packet.networkHeader
  const view = packet.view
  const word = view.getUint16(at + HEADER_FIELD.ttl)
  packet.ttl--
  view.setUint16(at + HEADER_FIELD.ttl, word - 0x100)
  // RFC 1624 §3: the checksum follows the change; a fault it had shown stays visible.
  view.setUint16(at + HEADER_FIELD.checksum, updateChecksum16(view.getUint16(at + HEADER_FIELD.checksum), word, word - 0x100))
  const optionsEnd = at + packet.networkHeaderLength
  if (packet.networkHeaderLength > IPV4_MIN_HEADER) {
    const time = endpoint.context.host.clock.wallNow() % DAY
    if (stampOptions(view, at + HEADER_FIELD.options, optionsEnd, route.localAddress.d, time)) mend(packet)
  }
  endpoint.statistics.forwarded++
  postroute(endpoint, route, packet, endpoint.nicId)
}

/** RFC 1812 §5.3.7, RFC 3927 §7: what must not travel further. */
function mayLeaveLink(packet: Packet): boolean {
  const { sourceD: source, destinationD: destination } = packet
  if ((packet.flags & (PacketFlag.Broadcast | PacketFlag.Multicast)) !== 0) return false
  if (isLinkLocal(source) || isLinkLocal(destination) || isThisNetwork(source) || isLoopback(source)) return false
  return !isReserved(source) && !isReserved(destination)
}

function mustNotBeCut(packet: Packet): boolean {
  return (packet.view.getUint8(packet.networkHeader + HEADER_FIELD.flagsOffset) & 0x40) !== 0
}

/** What the NIC has merged, one by one: each is cut or refused for itself, and the last may be short enough. */
function forwardApart(endpoint: Ipv4Endpoint, route: Route, head: Packet): void {
  const packets = new PacketList()
  separate(head, packets)
  for (let packet = packets.shift(); packet !== null; packet = packets.shift()) forwardAlong(endpoint, route, packet)
}
