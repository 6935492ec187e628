import { ChecksumState } from '@stack/buffer'
import type { Packet } from '@stack/buffer'
import { address, pseudoHeaderSum, wordsSum } from '@stack/core'
import type { NetworkHeaderParams, TransportError } from '@stack/core'
import { isMulticastWord, needsZone } from '../address/scope.ts'
import { ChainEnd, newChain, walkChain } from '../wire/chain.ts'
import { IPV6_ETHERTYPE, IPV6_HEADER_LENGTH, IPV6_MINIMUM_MTU, Ipv6Field, NextHeader, readAddress } from '../wire/header.ts'
import {
  ICMPV6_ERROR_HEADER_LENGTH, ICMPV6_HEADER_LENGTH, Icmpv6Type, icmpv6Code, icmpv6Parameter, icmpv6Type, isIcmpv6Error,
} from '../wire/icmpv6.ts'
import type { EndpointContext } from '../endpoint/context.ts'
import type { Output } from '../endpoint/output.ts'
import type { NeighborDiscovery } from '../ndp/neighbor-discovery.ts'
import { errorKind } from './error-kinds.ts'
import { leaveChecksumPartial } from './send.ts'

const DSCP = 0xfc

/** The receiving half of ICMPv6. */
export interface IcmpReceiver {
  /** `packet.start` is at the message. Takes ownership. */
  handle(packet: Packet): void
}

/** Makes the receiver of an endpoint. */
export function createIcmpReceiver(context: EndpointContext, output: Output, ndp: NeighborDiscovery): IcmpReceiver {
  const { nic, addresses, counters, shared } = context
  const quoted = newChain()
  const params: NetworkHeaderParams = { protocol: NextHeader.Icmpv6, ttl: 0, tos: 0, dontFragment: false, flowLabel: 0, options: null }

  function handle(packet: Packet): void {
    counters.icmpReceived++
    if (packet.length < ICMPV6_HEADER_LENGTH) {
      counters.icmpDropMalformed++
      packet.release()
      return
    }
    if (!isChecksumRight(packet)) {
      counters.icmpDropChecksum++
      packet.release()
      return
    }
    const type = icmpv6Type(packet.view, packet.start)
    if (isForHost(type)) {
      // Before anything is changed: raw sockets see what came.
      context.dispatcher.deliverRawPacket(NextHeader.Icmpv6, packet)
      act(packet, type)
      packet.release()
    } else deliver(packet)
  }

  /** What is for this host itself, not for the sockets on it. Borrows the packet. */
  function act(packet: Packet, type: number): void {
    switch (type) {
      case Icmpv6Type.EchoRequest:
        if (packet.length < ICMPV6_ERROR_HEADER_LENGTH) {
          counters.icmpDropMalformed++
          return
        }
        counters.echoRequestsReceived++
        reply(packet)
        return
      case Icmpv6Type.NeighborSolicitation:
      case Icmpv6Type.NeighborAdvertisement:
        ndp.handle(packet, type)
        return
      case Icmpv6Type.RouterSolicitation:
      case Icmpv6Type.RouterAdvertisement:
      case Icmpv6Type.Redirect:
        if (!ndp.isFromLink(packet)) counters.ndpDropHopLimit++
        else counters.routerMessagesIgnored++
        return
      case Icmpv6Type.MldQuery:
      case Icmpv6Type.MldReport:
      case Icmpv6Type.MldDone:
      case Icmpv6Type.Mld2Report:
        counters.mldIgnored++
        return
      default:
        handleError(packet, type)
    }
  }

  /** RFC 4443 §2.3. Does not touch the packet. */
  function isChecksumRight(p: Packet): boolean {
    // Partial: it never was on a wire.
    if (p.checksumState === ChecksumState.Verified || p.checksumState === ChecksumState.Partial) return true
    const pseudo =
      wordsSum(p.sourceA, p.sourceB, p.sourceC, p.sourceD) + wordsSum(p.destinationA, p.destinationB, p.destinationC, p.destinationD)
    const total = p.sum(p.start) + pseudoHeaderSum(pseudo, NextHeader.Icmpv6, p.length)
    return (total & 0xffff) + (total >>> 16) === 0xffff
  }

  /** To ICMP and raw sockets, if there are any. */
  function deliver(packet: Packet): void {
    counters.delivered++
    // Nobody is told that nobody listens: an ICMPv6 message that is not wanted is not an error.
    if (context.dispatcher.deliverTransportPacket(NextHeader.Icmpv6, packet) !== 'handled') packet.release()
  }

  /** RFC 4443 §4.2: the data comes back unchanged. */
  function reply(request: Packet): void {
    const zone = needsZone(request.sourceA) ? nic.id : 0
    const remote = address(request.sourceA, request.sourceB, request.sourceC, request.sourceD, zone)
    const toUs = isMulticastWord(request.destinationA)
      ? null
      : address(request.destinationA, request.destinationB, request.destinationC, request.destinationD, needsZone(request.destinationA) ? nic.id : 0)
    const route = nic.findRoute(zone, toUs, remote, IPV6_ETHERTYPE)
    if (route === null || typeof route === 'string') {
      counters.dropNoRoute++
      return
    }
    const answer = shared.host.memory.allocate(route.nic.linkHeaderLength + IPV6_HEADER_LENGTH, request.length)
    if (answer === null) {
      counters.dropNoMemory++
      return
    }
    answer.append(request.bytes, request.start, request.end)
    answer.view.setUint8(answer.start, Icmpv6Type.EchoReply)
    answer.view.setUint8(answer.start + 1, 0)
    leaveChecksumPartial(answer, route.localAddress, remote)
    params.tos = request.tos & DSCP
    counters.echoRepliesSent++
    counters.icmpSent++
    output.write(route, params, answer)
  }

  /**
   * An error about a packet that this stack is said to have sent (RFC 4443 §2.4(d)): its transport can tell, and learns
   * the path MTU (RFC 8201 §4, RFC 5927 §4). Borrows the packet.
   */
  function handleError(packet: Packet, type: number): void {
    counters.icmpErrorsReceived++
    const view = packet.view
    const message = packet.start
    const inner = message + ICMPV6_ERROR_HEADER_LENGTH
    if (packet.end - inner < IPV6_HEADER_LENGTH || view.getUint8(inner) >>> 4 !== 6) {
      counters.icmpDropMalformed++
      return
    }
    const source = readAddress(view, inner + Ipv6Field.Source)
    const destination = readAddress(view, inner + Ipv6Field.Destination)
    const local = address(source.a, source.b, source.c, source.d, needsZone(source.a) ? nic.id : 0)
    const remote = address(destination.a, destination.b, destination.c, destination.d, needsZone(destination.a) ? nic.id : 0)
    const isOurs = nic.checkLocalAddress(local.zone, IPV6_ETHERTYPE, local) !== 0 || nic.spoofing || addresses.accepts(local.a, local.b, local.c, local.d)
    if (!isOurs) {
      counters.icmpDropForeignError++
      return
    }
    const mtu = type === Icmpv6Type.PacketTooBig ? icmpv6Parameter(view, message) : 0
    // RFC 8201 §4: a smaller value must be discarded.
    if (type === Icmpv6Type.PacketTooBig && mtu < IPV6_MINIMUM_MTU) {
      counters.icmpDropTinyMtu++
      return
    }
    walkChain(view, inner, packet.end, false, quoted)
    if (quoted.end !== ChainEnd.Upper) {
      counters.icmpDropUnquoted++
      return
    }
    const code = icmpv6Code(view, message)
    const error: TransportError = { kind: errorKind(type, code), cause: 'icmp', mtu, type, code }
    packet.start = quoted.offset
    context.dispatcher.deliverTransportError(local, remote, IPV6_ETHERTYPE, quoted.nextHeader, error, packet)
  }

  return { handle }
}

function isForHost(type: number): boolean {
  switch (type) {
    case Icmpv6Type.EchoRequest:
    case Icmpv6Type.NeighborSolicitation:
    case Icmpv6Type.NeighborAdvertisement:
    case Icmpv6Type.RouterSolicitation:
    case Icmpv6Type.RouterAdvertisement:
    case Icmpv6Type.Redirect:
    case Icmpv6Type.MldQuery:
    case Icmpv6Type.MldReport:
    case Icmpv6Type.MldDone:
    case Icmpv6Type.Mld2Report:
      return true
    default:
      return isIcmpv6Error(type)
  }
}
