import { GsoType, PacketFlag } from '@stack/buffer'
import type { Packet } from '@stack/buffer'
import { HookPoint, address, segmentLength } from '@stack/core'
import type { Address, Failure, NetworkHeaderParams, Neighbor, Route } from '@stack/core'
import { isAnyAddress, needsZone } from '../address/scope.ts'
import {
  IPV6_ETHERTYPE, IPV6_HEADER_LENGTH, IPV6_MAXIMUM_PAYLOAD, Ipv6Field, NextHeader, readAddress, writeAddress, writeIpv6Header,
} from '../wire/header.ts'
import type { AddressWords } from '../wire/header.ts'
import { writeExtensionHeaders } from './extension-headers.ts'
import { sendFragments } from './fragments.ts'
import type { EndpointContext } from './context.ts'

/** The sending half of an endpoint. Everything takes ownership of the packet. */
export interface Output {
  write(route: Route, params: NetworkHeaderParams, packet: Packet): Failure
  writeHeaderIncluded(route: Route, packet: Packet): Failure
  /** Sends an ICMPv6 message on the link itself: to a link address, or to a neighbour that may have to be resolved. */
  writeOnLink(source: Address, destination: Address, hopLimit: number, to: Uint8Array | Neighbor | null, packet: Packet): Failure
  /** Sends a received packet on: its header is in order. */
  forward(route: Route, packet: Packet): Failure
}

/** Makes the sending half. */
export function createOutput(context: EndpointContext): Output {
  const { nic, counters, shared } = context
  const { settings } = shared
  const hooks = nic.hooks

  function write(route: Route, params: NetworkHeaderParams, packet: Packet): Failure {
    const local = route.localAddress
    const remote = route.remoteAddress
    const extra = params.options === null ? 0 : params.options.length
    const length = packet.length + extra
    // A super-packet may be longer; whoever cuts it writes the lengths anew.
    if (length > IPV6_MAXIMUM_PAYLOAD && packet.gsoType === GsoType.None) return refuseLarge(packet)
    const o = packet.pushNetworkHeader(IPV6_HEADER_LENGTH + extra)
    if (o < 0) return drop(packet, 'ENOBUFS')
    if (packet.gsoType !== GsoType.None) packet.gsoL3HeaderLength = IPV6_HEADER_LENGTH + extra
    fillAddresses(packet, local, remote)
    packet.transportProtocol = params.protocol
    packet.ttl = params.ttl === 0 ? settings.defaultHopLimit : params.ttl
    packet.tos = params.tos
    packet.flowLabel = params.flowLabel !== 0 || !settings.flowLabels ? params.flowLabel : shared.flowLabels.of(packet)
    let next = params.protocol
    if (params.options !== null) {
      if (!writeExtensionHeaders(packet, o + IPV6_HEADER_LENGTH, params.options, params.protocol)) return drop(packet, 'EINVAL')
      next = NextHeader.HopByHop
    }
    writeHeader(packet, o, Math.min(length, IPV6_MAXIMUM_PAYLOAD), next, local, remote)
    return leave(route, packet, params.dontFragment)
  }

  function writeHeaderIncluded(route: Route, packet: Packet): Failure {
    const o = packet.start
    const view = packet.view
    if (packet.end - o < IPV6_HEADER_LENGTH || view.getUint8(o) >>> 4 !== 6) return drop(packet, 'EINVAL')
    if (packet.length - IPV6_HEADER_LENGTH > IPV6_MAXIMUM_PAYLOAD) return refuseLarge(packet)
    packet.networkHeader = o
    packet.networkHeaderLength = IPV6_HEADER_LENGTH
    packet.flags |= PacketFlag.HeaderIncluded
    view.setUint16(o + Ipv6Field.PayloadLength, packet.length - IPV6_HEADER_LENGTH)
    const given = readAddress(view, o + Ipv6Field.Source)
    if (isAnyAddress(given)) writeAddress(view, o + Ipv6Field.Source, route.localAddress)
    const remote = readAddress(view, o + Ipv6Field.Destination)
    fillAddresses(packet, isAnyAddress(given) ? route.localAddress : given, remote)
    packet.transportProtocol = view.getUint8(o + Ipv6Field.NextHeader)
    packet.ttl = view.getUint8(o + Ipv6Field.HopLimit)
    return leave(route, packet, true)
  }

  function writeOnLink(source: Address, destination: Address, hopLimit: number, to: Uint8Array | Neighbor | null, packet: Packet): Failure {
    const length = packet.length
    const o = packet.pushNetworkHeader(IPV6_HEADER_LENGTH)
    if (o < 0) return drop(packet, 'ENOBUFS')
    fillAddresses(packet, source, destination)
    packet.transportProtocol = NextHeader.Icmpv6
    packet.ttl = hopLimit
    writeHeader(packet, o, length, NextHeader.Icmpv6, source, destination)
    // No route leads these: "reroute" has nothing to change.
    if (!hooks.isEmpty[HookPoint.Output] && run(HookPoint.Output, packet, nic.id) === 'gone') return null
    if (!hooks.isEmpty[HookPoint.Postrouting] && run(HookPoint.Postrouting, packet, nic.id) === 'gone') return null
    counters.sent++
    packet.nicId = nic.id
    if (to === null || to instanceof Uint8Array) return nic.writePacketTo(to, IPV6_ETHERTYPE, packet)
    const neighbors = nic.neighborTable(IPV6_ETHERTYPE)
    return neighbors === null ? nic.writePacketTo(null, IPV6_ETHERTYPE, packet) : neighbors.send(to, packet)
  }

  /** The hooks on the way out, then the wire. */
  function leave(route: Route, packet: Packet, dontFragment: boolean): Failure {
    let way = route
    if (!hooks.isEmpty[HookPoint.Output]) {
      const result = run(HookPoint.Output, packet, nic.id)
      if (result === 'gone') return null
      if (result === 'reroute') {
        const other = routeOf(packet)
        if (other === null) return noRoute(packet)
        way = other
      }
    }
    return postroute(way, packet, dontFragment)
  }

  function postroute(route: Route, packet: Packet, dontFragment: boolean): Failure {
    if (!hooks.isEmpty[HookPoint.Postrouting] && run(HookPoint.Postrouting, packet, route.nic.id) === 'gone') return null
    return transmit(route, packet, dontFragment)
  }

  function transmit(route: Route, packet: Packet, dontFragment: boolean): Failure {
    if (packet.length <= route.mtu || segmentLength(packet) <= route.mtu) {
      counters.sent++
      return route.nic.writePacket(route, IPV6_ETHERTYPE, packet)
    }
    // RFC 8200 §4.5: only the source fragments.
    const isSuper = packet.gsoType !== GsoType.None
    if (dontFragment || isSuper || (packet.flags & (PacketFlag.Forwarded | PacketFlag.HeaderIncluded)) !== 0) return refuseLarge(packet)
    return sendFragments(context, route, packet)
  }

  function forward(route: Route, packet: Packet): Failure {
    return postroute(route, packet, true)
  }

  function run(point: HookPoint, packet: Packet, outputNic: number): 'accept' | 'gone' | 'reroute' {
    return hooks.run(point, packet, IPV6_ETHERTYPE, 0, outputNic, point === HookPoint.Output ? resumeOutput : resumePostrouting)
  }

  // Where a stolen packet goes on. Its route may be stale by then: it is asked for anew.
  const resumeOutput = (packet: Packet): void => {
    const route = routeOf(packet)
    if (route === null) noRoute(packet)
    else postroute(route, packet, false)
  }
  const resumePostrouting = (packet: Packet): void => {
    const route = routeOf(packet)
    if (route === null) noRoute(packet)
    else transmit(route, packet, false)
  }

  /** The way that the addresses of the packet lead; hooks may have changed the header. */
  function routeOf(packet: Packet): Route | null {
    const source = readAddress(packet.view, packet.networkHeader + Ipv6Field.Source)
    const destination = readAddress(packet.view, packet.networkHeader + Ipv6Field.Destination)
    fillAddresses(packet, source, destination)
    const zone = needsZone(destination.a) ? nic.id : 0
    const local = address(source.a, source.b, source.c, source.d, needsZone(source.a) ? nic.id : 0)
    const remote = address(destination.a, destination.b, destination.c, destination.d, zone)
    const route = nic.findRoute(zone, local, remote, IPV6_ETHERTYPE)
    return typeof route === 'object' ? route : null
  }

  function fillAddresses(packet: Packet, local: AddressWords, remote: AddressWords): void {
    packet.networkProtocol = IPV6_ETHERTYPE
    packet.sourceA = local.a
    packet.sourceB = local.b
    packet.sourceC = local.c
    packet.sourceD = local.d
    packet.destinationA = remote.a
    packet.destinationB = remote.b
    packet.destinationC = remote.c
    packet.destinationD = remote.d
  }

  function writeHeader(packet: Packet, o: number, length: number, next: number, local: Address, remote: Address): void {
    const at = writeIpv6Header(packet.view, o, packet.tos, packet.flowLabel, length, next, packet.ttl)
    writeAddress(packet.view, writeAddress(packet.view, at, local), remote)
  }

  function noRoute(packet: Packet): Failure {
    counters.dropNoRoute++
    packet.release()
    return 'EHOSTUNREACH'
  }

  function refuseLarge(packet: Packet): Failure {
    counters.dropTooLarge++
    packet.release()
    return 'EMSGSIZE'
  }

  function drop(packet: Packet, failure: Failure): Failure {
    if (failure === 'ENOBUFS') counters.dropNoMemory++
    else counters.dropExtensionMalformed++
    packet.release()
    return failure
  }

  return { write, writeHeaderIncluded, writeOnLink, forward }
}
