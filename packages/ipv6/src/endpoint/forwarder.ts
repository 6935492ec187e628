import { PacketFlag, PacketList } from '@stack/buffer'
import type { Packet } from '@stack/buffer'
import { HookPoint, PacketLooping, address, segmentLength, separate } from '@stack/core'
import type { Route } from '@stack/core'
import { isLinkLocalWord, isLoopbackAddress } from '../address/scope.ts'
import type { ErrorSender } from '../icmp/errors.ts'
import { IPV6_ETHERTYPE, Ipv6Field, readAddress } from '../wire/header.ts'
import { Icmpv6Type, TimeExceededCode, UnreachableCode } from '../wire/icmpv6.ts'
import type { CounterName } from '../statistics.ts'
import type { EndpointContext } from './context.ts'
import { isImpostor } from './martians.ts'
import type { Output } from './output.ts'

/** Routes packets that are for somebody else (RFC 8200, RFC 4443 §3). */
export interface Forwarder {
  /** `packet.networkHeader` is set. Takes the packet, unless the answer is false: then it is for this host, on another NIC. */
  forward(packet: Packet): boolean
}

/** Makes the forwarder of an endpoint. */
export function createForwarder(context: EndpointContext, output: Output, errors: ErrorSender): Forwarder {
  const { nic, addresses, counters, shared } = context

  function forward(packet: Packet): boolean {
    if (!shared.settings.forwarding) {
      drop(packet, 'dropNotLocal')
      return true
    }
    // As IPv4 does (RFC 1812 §5.3.7): nobody else's packets leave in our name.
    if (isImpostor(packet, addresses, nic.isLoopback)) {
      drop(packet, 'dropMartianSource')
      return true
    }
    const source = { a: packet.sourceA, b: packet.sourceB, c: packet.sourceC, d: packet.sourceD }
    // RFC 4291 §2.5.2, §2.5.3, §2.5.6: these never leave their link.
    if (isLinkLocalWord(packet.destinationA) || isLoopbackAddress(source) || (source.a | source.b | source.c | source.d) === 0) {
      drop(packet, 'dropScope')
      return true
    }
    const route = routeOf(packet)
    if (route !== null && (route.loop === PacketLooping.Loop || route.nic.isLoopback)) return false
    forwardAlong(route, packet, source.a)
    return true
  }

  function forwardAlong(route: Route | null, packet: Packet, sourceWord: number): void {
    if (isLinkLocalWord(sourceWord)) {
      errors.send(packet, Icmpv6Type.DestinationUnreachable, UnreachableCode.BeyondScope, 0)
      drop(packet, 'dropScope')
      return
    }
    if (packet.ttl <= 1) {
      errors.send(packet, Icmpv6Type.TimeExceeded, TimeExceededCode.HopLimit, 0)
      drop(packet, 'dropHopLimit')
      return
    }
    if (route === null) {
      errors.send(packet, Icmpv6Type.DestinationUnreachable, UnreachableCode.NoRoute, 0)
      drop(packet, 'dropNoRoute')
      return
    }
    const isTooLarge = segmentLength(packet) > route.mtu
    if (isTooLarge && packet.chain !== null) {
      forwardApart(route, packet, sourceWord)
      return
    }
    if (isTooLarge) {
      errors.send(packet, Icmpv6Type.PacketTooBig, 0, route.mtu)
      drop(packet, 'dropTooLarge')
      return
    }
    if (!nic.hooks.isEmpty[HookPoint.Forward]) {
      const result = nic.hooks.run(HookPoint.Forward, packet, IPV6_ETHERTYPE, nic.id, route.nic.id, resume)
      if (result === 'gone') return
      if (result === 'reroute') {
        resume(packet)
        return
      }
    }
    send(route, packet)
  }

  /** What the NIC has merged, one by one: each is refused for itself, and the last may be short enough. */
  function forwardApart(route: Route, head: Packet, sourceWord: number): void {
    const packets = new PacketList()
    separate(head, packets)
    for (let packet = packets.shift(); packet !== null; packet = packets.shift()) forwardAlong(route, packet, sourceWord)
  }

  const resume = (packet: Packet): void => {
    const route = routeOf(packet)
    if (route === null) drop(packet, 'dropNoRoute')
    else send(route, packet)
  }

  function send(route: Route, packet: Packet): void {
    const o = packet.networkHeader
    packet.restart(o)
    packet.ttl--
    packet.view.setUint8(o + Ipv6Field.HopLimit, packet.ttl)
    packet.flags |= PacketFlag.Forwarded
    counters.forwarded++
    output.forward(route, packet)
  }

  function routeOf(p: Packet): Route | null {
    const { a, b, c, d } = readAddress(p.view, p.networkHeader + Ipv6Field.Destination)
    const route = nic.findRoute(0, null, address(a, b, c, d), IPV6_ETHERTYPE)
    return typeof route === 'object' ? route : null
  }

  function drop(packet: Packet, counter: CounterName): void {
    counters[counter]++
    packet.release()
  }

  return { forward }
}
