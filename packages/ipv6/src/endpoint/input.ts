import { ChecksumState, PacketFlag } from '@stack/buffer'
import type { Packet } from '@stack/buffer'
import { HookPoint } from '@stack/core'
import { checkFragment } from '@stack/ip-common'
import type { Fragment } from '@stack/ip-common'
import { isMulticastWord, needsZone } from '../address/scope.ts'
import type { ErrorSender } from '../icmp/errors.ts'
import type { IcmpReceiver } from '../icmp/receiver.ts'
import { ChainEnd, newChain, walkChain } from '../wire/chain.ts'
import {
  FRAGMENT_HEADER_LENGTH, HeaderCheck, IPV6_ETHERTYPE, IPV6_HEADER_LENGTH, IPV6_MAXIMUM_PAYLOAD, Ipv6Field, NextHeader,
  checkIpv6Header, extensionLength, flowLabel, fragmentIdentification, fragmentOffset, hopLimit, moreFragments, payloadLength,
  trafficClass,
} from '../wire/header.ts'
import { Icmpv6Type, ParameterProblemCode, UnreachableCode } from '../wire/icmpv6.ts'
import { OptionAction } from '../wire/options.ts'
import type { CounterName } from '../statistics.ts'
import type { EndpointContext } from './context.ts'
import type { Forwarder } from './forwarder.ts'
import { isImpostor, Martian, martianOf } from './martians.ts'

/** The receiving half of an endpoint. */
export interface Input {
  /** `packet.start` at the network header. Takes ownership. */
  handle(packet: Packet): void
}

/** What the receiving half hands packets to. */
export interface InputParts {
  readonly errors: ErrorSender
  readonly icmp: IcmpReceiver
  readonly forwarder: Forwarder
}

/** Makes the receiving half. */
export function createInput(context: EndpointContext, parts: InputParts): Input {
  const { nic, addresses, counters, shared } = context
  const { errors, icmp } = parts
  const hooks = nic.hooks
  const chain = newChain()
  const fragment: Fragment = { id: 0, protocol: 0, zone: 0, offset: 0, more: false, headerStart: 0, headerLength: 0, dataStart: 0, nextHeader: 0, limit: 0 }

  /** The fixed header: RFC 8200 §3. */
  function handle(given: Packet): void {
    counters.received++
    const packet = given.payload === null ? given : shared.host.memory.flatten(given)
    if (packet === null) {
      drop(given, 'dropNoMemory')
      return
    }
    if (!nic.isEnabled) {
      drop(packet, 'dropDisabled')
      return
    }
    const o = packet.start
    const view = packet.view
    if (checkIpv6Header(view, o, packet.end - o, packet.length) !== HeaderCheck.Ok) {
      drop(packet, 'dropMalformed')
      return
    }
    const length = IPV6_HEADER_LENGTH + payloadLength(view, o)
    if (length < packet.length) {
      // Links pad short packets, and may have summed the padding.
      packet.trimEnd(length)
      if (packet.checksumState === ChecksumState.Complete) packet.checksumState = ChecksumState.None
    }
    readFixedHeader(packet, o)
    const martian = martianOf(packet, nic.isLoopback || (packet.flags & PacketFlag.Looped) !== 0)
    if (martian !== Martian.None) {
      drop(packet, martian === Martian.Source ? 'dropMartianSource' : martian === Martian.Mapped ? 'dropMapped' : 'dropMartianDestination')
      return
    }
    if (packet.consumeNetworkHeader(IPV6_HEADER_LENGTH) < 0) {
      drop(packet, 'dropMalformed')
      return
    }
    if (!hooks.isEmpty[HookPoint.Prerouting] || !hooks.isEmpty[HookPoint.Forward]) packet.transportProtocol = upperProtocol(packet)
    if (!hooks.isEmpty[HookPoint.Prerouting]) {
      if (hooks.run(HookPoint.Prerouting, packet, IPV6_ETHERTYPE, nic.id, 0, prerouted) === 'gone') return
      prerouted(packet)
    } else decide(packet)
  }

  /** For hooks that come before the extension headers are looked at. Of a later fragment: what its header says. */
  function upperProtocol(packet: Packet): number {
    walkChain(packet.view, packet.networkHeader, packet.end, false, chain)
    return chain.end === ChainEnd.Fragment ? packet.view.getUint8(chain.offset) : chain.nextHeader
  }

  /** Hooks may have changed the header. */
  function prerouted(packet: Packet): void {
    readFixedHeader(packet, packet.networkHeader)
    decide(packet)
  }

  function readFixedHeader(packet: Packet, o: number): void {
    const view = packet.view
    packet.networkProtocol = IPV6_ETHERTYPE
    packet.tos = trafficClass(view, o)
    packet.flowLabel = flowLabel(view, o)
    packet.ttl = hopLimit(view, o)
    packet.sourceA = view.getInt32(o + Ipv6Field.Source)
    packet.sourceB = view.getInt32(o + Ipv6Field.Source + 4)
    packet.sourceC = view.getInt32(o + Ipv6Field.Source + 8)
    packet.sourceD = view.getInt32(o + Ipv6Field.Source + 12)
    packet.destinationA = view.getInt32(o + Ipv6Field.Destination)
    packet.destinationB = view.getInt32(o + Ipv6Field.Destination + 4)
    packet.destinationC = view.getInt32(o + Ipv6Field.Destination + 8)
    packet.destinationD = view.getInt32(o + Ipv6Field.Destination + 12)
  }

  /** For us, for somebody else, or for nobody. */
  function decide(packet: Packet): void {
    const { destinationA: a, destinationB: b, destinationC: c, destinationD: d } = packet
    if (isMulticastWord(a)) {
      packet.flags |= PacketFlag.Multicast
      if (isGroupMember(a, b, c, d) || nic.promiscuous) receive(packet)
      else drop(packet, 'dropNotLocal')
      return
    }
    // A tentative address is not local (RFC 4862 §2): what duplicate detection wants comes to groups.
    // ::1 is here only when it came from inside, and is ours whether or not somebody assigned it.
    const isForUs = addresses.accepts(a, b, c, d) || isLoopbackWords(a, b, c, d) || nic.promiscuous
    if (isForUs || !parts.forwarder.forward(packet)) receive(packet)
  }

  /** All nodes, the solicited-node groups of own addresses, tentative ones included (RFC 4862 §5.4.2), and what was joined. */
  function isGroupMember(a: number, b: number, c: number, d: number): boolean {
    const isLinkLocal = a === (0xff020000 | 0)
    if (d === 1 && b === 0 && c === 0 && (isLinkLocal || a === (0xff010000 | 0))) return true
    if (isLinkLocal && b === 0 && c === 1 && d >>> 24 === 0xff) {
      for (const record of addresses.records) {
        if (((record.address.d ^ d) & 0xffffff) === 0 && record.state !== 'duplicate') return true
      }
      // Somebody in a range may be meant.
      if (addresses.ranges.length > 0) return true
    }
    return context.groups.has(a, b, c, d)
  }

  /** The extension headers: RFC 8200 §4. */
  function receive(packet: Packet): void {
    const o = packet.networkHeader
    walkChain(packet.view, o, packet.end, true, chain)
    switch (chain.end) {
      case ChainEnd.Upper:
        packet.networkHeaderLength = chain.offset - o
        packet.start = chain.offset
        packet.transportProtocol = chain.nextHeader
        // Only ICMPv6 has a use for `::`, and for hearing that somebody else has our address.
        if (chain.nextHeader !== NextHeader.Icmpv6 && (isFromNobody(packet) || isImpostor(packet, addresses, nic.isLoopback))) {
          drop(packet, 'dropMartianSource')
          return
        }
        admit(packet)
        return
      case ChainEnd.Fragment:
        reassemble(packet)
        return
      case ChainEnd.None:
        drop(packet, 'dropNoNextHeader')
        return
      case ChainEnd.Truncated:
        drop(packet, 'dropExtensionMalformed')
        return
      case ChainEnd.TooMany:
        drop(packet, 'dropExtensionLimit')
        return
      case ChainEnd.Routing:
        reject(packet, 'dropRouting', ParameterProblemCode.HeaderField, chain.pointer)
        return
      case ChainEnd.Misplaced:
        reject(packet, 'dropExtensionMalformed', ParameterProblemCode.NextHeader, chain.pointer)
        return
      case ChainEnd.Option:
        rejectOption(packet)
        return
    }
  }

  /** RFC 8200 §4.2: what the two highest bits of the option type ask for. */
  function rejectOption(packet: Packet): void {
    switch (chain.action) {
      case OptionAction.Report:
        reject(packet, 'dropOption', ParameterProblemCode.Option, chain.pointer)
        return
      case OptionAction.ReportUnicast:
        if ((packet.flags & PacketFlag.Multicast) !== 0) {
          drop(packet, 'dropOption')
          return
        }
        reject(packet, 'dropOption', ParameterProblemCode.Option, chain.pointer)
        return
      case OptionAction.Malformed:
        reject(packet, 'dropExtensionMalformed', ParameterProblemCode.HeaderField, chain.pointer)
        return
      default:
        drop(packet, 'dropOption')
        return
    }
  }

  /** RFC 8200 §4.5, with the chain at the fragment header. */
  function reassemble(packet: Packet): void {
    counters.fragmentsReceived++
    const view = packet.view
    const o = packet.networkHeader
    const at = chain.offset
    fragment.id = fragmentIdentification(view, at)
    fragment.zone = needsZone(packet.sourceA) || needsZone(packet.destinationA) ? nic.id : 0
    fragment.offset = fragmentOffset(view, at)
    fragment.more = moreFragments(view, at)
    fragment.headerStart = o
    fragment.headerLength = at - o
    fragment.dataStart = at + FRAGMENT_HEADER_LENGTH
    fragment.nextHeader = view.getUint8(at)
    fragment.limit = IPV6_MAXIMUM_PAYLOAD - (fragment.headerLength - IPV6_HEADER_LENGTH)
    switch (checkFragment(fragment.offset, packet.end - fragment.dataStart, fragment.more, fragment.limit)) {
      case 'unaligned':
        reject(packet, 'dropFragment', ParameterProblemCode.HeaderField, o + Ipv6Field.PayloadLength)
        return
      case 'tooLarge':
        reject(packet, 'dropFragment', ParameterProblemCode.HeaderField, at + 2)
        return
      case 'empty':
        drop(packet, 'dropFragment')
        return
      case null:
    }
    // RFC 7112 §5: the first fragment has every header. So a datagram holds no further fragment header.
    if (fragment.offset === 0 && !hasUpperHeader(packet)) {
      reject(packet, 'dropFragment', ParameterProblemCode.IncompleteChain, o)
      return
    }
    const whole = shared.reassembler.add(packet, fragment)
    if (whole === null) return
    counters.reassembled++
    if (repairHeader(whole) && whole.consumeNetworkHeader(IPV6_HEADER_LENGTH) >= 0) receive(whole)
    else drop(whole, 'dropFragment')
  }

  function hasUpperHeader(packet: Packet): boolean {
    walkChain(packet.view, packet.networkHeader, packet.end, false, chain)
    if (chain.end === ChainEnd.None) return true
    return chain.end === ChainEnd.Upper && packet.end - chain.offset >= upperHeaderLength(chain.nextHeader)
  }

  /** Looked at as a whole now: the hooks of Input, then up. */
  function admit(packet: Packet): void {
    if (!hooks.isEmpty[HookPoint.Input]) {
      if (hooks.run(HookPoint.Input, packet, IPV6_ETHERTYPE, nic.id, 0, deliver) === 'gone') return
    }
    deliver(packet)
  }

  function deliver(packet: Packet): void {
    if (packet.transportProtocol === NextHeader.Icmpv6) {
      icmp.handle(packet)
      return
    }
    switch (context.dispatcher.deliverTransportPacket(packet.transportProtocol, packet)) {
      case 'handled':
        counters.delivered++
        return
      case 'portUnreachable':
        errors.send(packet, Icmpv6Type.DestinationUnreachable, UnreachableCode.Port, 0)
        drop(packet, 'dropPortUnreachable')
        return
      case 'protocolUnreachable':
        // RFC 8200 §4: the pointer is at the field that names the header nobody knows.
        walkChain(packet.view, packet.networkHeader, packet.end, true, chain)
        reject(packet, 'dropUnknownNextHeader', ParameterProblemCode.NextHeader, chain.field)
        return
    }
  }

  /** Parameter Problem about the byte at slot offset `at`, and the packet is gone. */
  function reject(packet: Packet, counter: CounterName, code: number, at: number): void {
    errors.send(packet, Icmpv6Type.ParameterProblem, code, at - packet.networkHeader)
    drop(packet, counter)
  }

  function drop(packet: Packet, counter: CounterName): void {
    counters[counter]++
    packet.release()
  }

  return { handle }
}

function isFromNobody(p: Packet): boolean {
  return p.sourceD === 0 && p.sourceC === 0 && p.sourceB === 0 && p.sourceA === 0
}

function isLoopbackWords(a: number, b: number, c: number, d: number): boolean {
  return d === 1 && a === 0 && b === 0 && c === 0
}

/** The least that a first fragment has of its upper-layer header. */
function upperHeaderLength(protocol: number): number {
  return protocol === 6 ? 20 : protocol === 17 ? 8 : protocol === NextHeader.Icmpv6 ? 4 : 1
}

/**
 * Corrects the header of a datagram made of fragments (RFC 8200 §4.5): the payload length, and in place of "fragment"
 * the next header that the first fragment named.
 */
function repairHeader(whole: Packet): boolean {
  const view = whole.view
  const o = whole.start
  view.setUint16(o + Ipv6Field.PayloadLength, whole.length - IPV6_HEADER_LENGTH)
  let field = o + Ipv6Field.NextHeader
  for (let at = o + IPV6_HEADER_LENGTH; view.getUint8(field) !== NextHeader.Fragment; ) {
    field = at
    at += extensionLength(view, at)
    if (at > whole.end) return false
  }
  view.setUint8(field, whole.transportProtocol)
  return true
}
