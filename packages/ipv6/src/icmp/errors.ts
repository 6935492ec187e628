import type { Packet } from '@stack/buffer'
import { address } from '@stack/core'
import type { Address, NetworkHeaderParams } from '@stack/core'
import { mayAnswerWithError } from '@stack/ip-common'
import { isAnyAddress, isMulticastWord, needsZone } from '../address/scope.ts'
import { ChainEnd, newChain, walkChain } from '../wire/chain.ts'
import { IPV6_ETHERTYPE, IPV6_HEADER_LENGTH, IPV6_MINIMUM_MTU, Ipv6Field, NextHeader, readAddress } from '../wire/header.ts'
import { ICMPV6_ERROR_HEADER_LENGTH, Icmpv6Type, ParameterProblemCode, icmpv6Type, isIcmpv6Error, writeIcmpv6Header } from '../wire/icmpv6.ts'
import type { EndpointContext } from '../endpoint/context.ts'
import type { Output } from '../endpoint/output.ts'
import { leaveChecksumPartial } from './send.ts'

/** RFC 4443 §2.4(c): as much of the packet as fits into the minimum MTU. */
const MAX_QUOTE = IPV6_MINIMUM_MTU - IPV6_HEADER_LENGTH - ICMPV6_ERROR_HEADER_LENGTH

/** Answers packets with ICMPv6 errors. */
export interface ErrorSender {
  /**
   * Sends an error about a received packet, if the rules let it. Borrows the packet.
   *
   * @param parameter - MTU or pointer; zero for the other types
   */
  send(packet: Packet, type: number, code: number, parameter: number): void
}

/** Makes the sender of an endpoint. */
export function createErrorSender(context: EndpointContext, output: Output): ErrorSender {
  const { nic, counters, shared } = context
  const chain = newChain()
  const params: NetworkHeaderParams = { protocol: NextHeader.Icmpv6, ttl: 0, tos: 0, dontFragment: false, flowLabel: 0, options: null }

  function send(packet: Packet, type: number, code: number, parameter: number): void {
    const o = packet.networkHeader < 0 ? packet.start : packet.networkHeader
    const source = readAddress(packet.view, o + Ipv6Field.Source)
    const destination = readAddress(packet.view, o + Ipv6Field.Destination)
    walkChain(packet.view, o, packet.end, false, chain)
    const may = mayAnswerWithError(packet, {
      // RFC 4443 §2.4(e) excepts no later fragments, and a router must say that one is too big (§3.2).
      fragmentOffset: 0,
      isIcmpError: isIcmpError(packet),
      // RFC 4443 §2.4(e.6)
      isSourceUnicast: !isMulticastWord(source.a) && !isAnyAddress(source),
      isDestinationGroup: isMulticastWord(destination.a),
      // RFC 4443 §2.4(e.3)
      allowGroupDestination: type === Icmpv6Type.PacketTooBig || (type === Icmpv6Type.ParameterProblem && code === ParameterProblemCode.Option),
    })
    if (!may) {
      counters.icmpErrorsSuppressed++
      return
    }
    if (!shared.errorLimiter.allow()) {
      counters.icmpErrorsLimited++
      return
    }

    const zone = needsZone(source.a) ? nic.id : 0
    const remote = address(source.a, source.b, source.c, source.d, zone)
    const route = nic.findRoute(zone, answeringAddress(destination), remote, IPV6_ETHERTYPE)
    if (route === null || typeof route === 'string') {
      counters.dropNoRoute++
      return
    }
    const quote = Math.min(packet.end - o, MAX_QUOTE)
    const error = shared.host.memory.allocateControl(route.nic.linkHeaderLength + IPV6_HEADER_LENGTH, ICMPV6_ERROR_HEADER_LENGTH + quote)
    if (error === null) {
      counters.dropNoMemory++
      return
    }
    error.end = writeIcmpv6Header(error.view, error.start, type, code, parameter)
    error.append(packet.bytes, o, o + quote)
    leaveChecksumPartial(error, route.localAddress, remote)
    counters.icmpErrorsSent++
    counters.icmpSent++
    output.write(route, params, error)
  }

  /** The quoted packet is an ICMPv6 error, a redirect, or too short to tell (RFC 4443 §2.4(e.1), (e.2)). */
  function isIcmpError(packet: Packet): boolean {
    if (chain.end !== ChainEnd.Upper) return false
    if (chain.nextHeader !== NextHeader.Icmpv6) return false
    if (chain.offset >= packet.end) return true
    const type = icmpv6Type(packet.view, chain.offset)
    return isIcmpv6Error(type) || type === Icmpv6Type.Redirect
  }

  /** RFC 4443 §2.2: the address that the packet was sent to, if it is ours; else the route's choice. */
  function answeringAddress(x: { readonly a: number; readonly b: number; readonly c: number; readonly d: number }): Address | null {
    const asked = address(x.a, x.b, x.c, x.d, needsZone(x.a) ? nic.id : 0)
    return nic.checkLocalAddress(asked.zone, IPV6_ETHERTYPE, asked) === 0 ? null : asked
  }

  return { send }
}
