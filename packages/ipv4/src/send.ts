import { checksumOf, GsoType, PacketFlag, PacketList } from '@stack/buffer'
import type { Packet } from '@stack/buffer'
import { HookPoint, mappedAddress, segmentLength, separate } from '@stack/core'
import type { Failure, NetworkHeaderParams, Route } from '@stack/core'
import { IPV4_PROTOCOL } from './numbers.ts'
import type { Ipv4Endpoint } from './endpoint.ts'
import { readAddresses } from './header-edit.ts'
import { sendFragments, sendSegments } from './send-fragments.ts'
import { HEADER_FIELD, IPV4_MAX_HEADER, IPV4_MAX_LENGTH, IPV4_MIN_HEADER, parseIpv4Header, writeIpv4Header } from './wire/header.ts'

/** RFC 791 §3.2, RFC 1122 §3.2.1: pushes the header and sends along `route`. Takes the packet. */
export function send(endpoint: Ipv4Endpoint, route: Route, params: NetworkHeaderParams, packet: Packet): Failure {
  const counters = endpoint.statistics
  const options = params.options
  const headerLength = IPV4_MIN_HEADER + (options === null ? 0 : options.length)
  if (headerLength > IPV4_MAX_HEADER || (headerLength & 3) !== 0) {
    counters.dropBadHeader++
    packet.release()
    return 'EINVAL'
  }
  const total = packet.length + headerLength
  const isWhole = packet.gsoType === GsoType.None
  if (isWhole && (total > IPV4_MAX_LENGTH || (params.dontFragment && total > route.mtu))) {
    counters.dropTooLarge++
    packet.release()
    return 'EMSGSIZE'
  }
  const at = packet.pushNetworkHeader(headerLength)
  if (at < 0) {
    counters.dropNoMemory++
    packet.release()
    return 'ENOBUFS'
  }
  packet.transportProtocol = params.protocol
  packet.ttl = params.ttl === 0 ? endpoint.defaultTtl : params.ttl
  packet.tos = params.tos
  packet.sourceA = packet.sourceB = packet.destinationA = packet.destinationB = 0
  packet.sourceC = packet.destinationC = 0xffff
  packet.sourceD = route.localAddress.d
  packet.destinationD = route.remoteAddress.d
  packet.flags |= PacketFlag.Outgoing | (route.isBroadcast ? PacketFlag.Broadcast : 0) | (route.isMulticast ? PacketFlag.Multicast : 0)

  if (!isWhole) packet.gsoL3HeaderLength = headerLength

  const header = endpoint.context.written
  header.headerLength = headerLength
  header.tos = params.tos
  header.totalLength = Math.min(total, IPV4_MAX_LENGTH)
  // RFC 6864 §4.1: only what may be fragmented needs an id.
  header.id = params.dontFragment ? 0 : endpoint.context.ids.next(packet) & 0xffff
  header.dontFragment = params.dontFragment
  header.moreFragments = false
  header.fragmentOffset = 0
  header.ttl = packet.ttl
  header.protocol = params.protocol
  header.checksum = 0
  header.source = packet.sourceD
  header.destination = packet.destinationD
  const optionsAt = writeIpv4Header(packet.view, at, header)
  if (options !== null) for (let i = 0; i < options.length; i++) packet.bytes[optionsAt + i] = options[i]!
  packet.view.setUint16(at + HEADER_FIELD.checksum, checksumOf(packet.sum(at, at + headerLength)))
  return output(endpoint, route, packet)
}

/** For raw sockets: the header is there; fills what may be left zero, as Linux does (IP_HDRINCL). Takes the packet. */
export function sendHeaderIncluded(endpoint: Ipv4Endpoint, route: Route, packet: Packet): Failure {
  const counters = endpoint.statistics
  const at = packet.start
  const view = packet.view
  const header = endpoint.context.written
  const length = packet.length
  if (length > route.mtu || length > IPV4_MAX_LENGTH) {
    counters.dropTooLarge++
    packet.release()
    return 'EMSGSIZE'
  }
  const isRoom = packet.end - at >= IPV4_MIN_HEADER
  if (isRoom) view.setUint16(at + HEADER_FIELD.totalLength, length)
  if (!isRoom || parseIpv4Header(view, at, packet.end - at, header) === 'headerLength' || view.getUint8(at) >> 4 !== 4) {
    counters.dropBadHeader++
    packet.release()
    return 'EINVAL'
  }
  packet.networkHeader = at
  packet.networkHeaderLength = header.headerLength
  packet.transportProtocol = header.protocol
  packet.ttl = header.ttl
  packet.tos = header.tos
  if (header.source === 0) view.setInt32(at + HEADER_FIELD.source, route.localAddress.d)
  readAddresses(packet)
  if (header.id === 0 && !header.dontFragment) view.setUint16(at + HEADER_FIELD.id, endpoint.context.ids.next(packet) & 0xffff)
  view.setUint16(at + HEADER_FIELD.checksum, 0)
  view.setUint16(at + HEADER_FIELD.checksum, checksumOf(packet.sum(at, at + header.headerLength)))
  packet.flags |=
    PacketFlag.Outgoing | PacketFlag.HeaderIncluded | (route.isBroadcast ? PacketFlag.Broadcast : 0) | (route.isMulticast ? PacketFlag.Multicast : 0)
  return output(endpoint, route, packet)
}

function output(endpoint: Ipv4Endpoint, given: Route, packet: Packet): Failure {
  let route = given
  const hooks = endpoint.nic.hooks
  if (!hooks.isEmpty[HookPoint.Output]!) {
    const result = hooks.run(HookPoint.Output, packet, IPV4_PROTOCOL, 0, route.nic.id, endpoint.resume.output)
    // Dropped and counted, or taken: for the sender it is sent.
    if (result === 'gone') return null
    if (result === 'reroute') {
      const other = routeAgain(endpoint, packet)
      if (typeof other === 'string') return other
      route = other
    }
  }
  return postroute(endpoint, route, packet, 0)
}

/** The last hooks, then out. Takes the packet. */
export function postroute(endpoint: Ipv4Endpoint, route: Route, packet: Packet, inputNic: number): Failure {
  const hooks = endpoint.nic.hooks
  if (!hooks.isEmpty[HookPoint.Postrouting]!) {
    if (hooks.run(HookPoint.Postrouting, packet, IPV4_PROTOCOL, inputNic, route.nic.id, endpoint.resume.postrouting) === 'gone') return null
  }
  return transmit(endpoint, route, packet)
}

/** Whole when it fits or is to be cut by the NIC, else in fragments. Takes the packet. */
function transmit(endpoint: Ipv4Endpoint, route: Route, packet: Packet): Failure {
  if (packet.length > route.mtu && segmentLength(packet) > route.mtu) {
    if (packet.chain !== null) return transmitApart(endpoint, route, packet)
    if ((packet.view.getUint8(packet.networkHeader + HEADER_FIELD.flagsOffset) & 0x40) === 0) {
      return packet.gsoType === GsoType.None ? sendFragments(endpoint, route, packet) : sendSegments(endpoint, route, packet)
    }
    // A hook found a narrower way after the sender had looked.
    endpoint.statistics.dropTooLarge++
    packet.release()
    return 'EMSGSIZE'
  }
  endpoint.statistics.sent++
  return route.nic.writePacket(route, IPV4_PROTOCOL, packet)
}

/** What the NIC has merged, and a hook has sent another, narrower way. */
function transmitApart(endpoint: Ipv4Endpoint, route: Route, head: Packet): Failure {
  const packets = new PacketList()
  separate(head, packets)
  let failure: Failure = null
  for (let packet = packets.shift(); packet !== null; packet = packets.shift()) failure = transmit(endpoint, route, packet) ?? failure
  return failure
}

/** The way for a packet whose header is written; a failure has released it. */
export function routeAgain(endpoint: Ipv4Endpoint, packet: Packet): Route | NonNullable<Failure> {
  readAddresses(packet)
  const local = (packet.flags & PacketFlag.Forwarded) !== 0 ? null : mappedAddress(packet.sourceD)
  const route = endpoint.nic.findRoute(0, local, mappedAddress(packet.destinationD), IPV4_PROTOCOL)
  if (typeof route === 'object' && route !== null) return route
  endpoint.statistics.dropNoRoute++
  packet.release()
  return route ?? 'ENETUNREACH'
}

export function resumeOutput(endpoint: Ipv4Endpoint, packet: Packet): void {
  const route = routeAgain(endpoint, packet)
  if (typeof route === 'object' && !tellIfTooBig(endpoint, route, packet)) postroute(endpoint, route, packet, 0)
}

export function resumePostrouting(endpoint: Ipv4Endpoint, packet: Packet): void {
  const route = routeAgain(endpoint, packet)
  if (typeof route === 'object' && !tellIfTooBig(endpoint, route, packet)) transmit(endpoint, route, packet)
}

/** A hook had kept the packet, so its sender is not waiting for an answer any more: it hears as from a router. */
function tellIfTooBig(endpoint: Ipv4Endpoint, route: Route, packet: Packet): boolean {
  const mayCut = (packet.view.getUint8(packet.networkHeader + HEADER_FIELD.flagsOffset) & 0x40) === 0
  if (packet.length <= route.mtu || mayCut || segmentLength(packet) <= route.mtu) return false
  endpoint.statistics.dropTooLarge++
  packet.trimStart(packet.networkHeaderLength)
  endpoint.dispatcher.deliverTransportError(
    mappedAddress(packet.sourceD),
    mappedAddress(packet.destinationD),
    IPV4_PROTOCOL,
    packet.transportProtocol,
    { kind: 'packetTooBig', cause: 'local', mtu: route.mtu },
    packet,
  )
  packet.release()
  return true
}
