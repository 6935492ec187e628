import type { Packet } from '@stack/buffer'
import { address, isUsableAddress } from '@stack/core'
import type { Address, AddressEndpoint, Failure, Neighbor } from '@stack/core'
import {
  ALL_NODES, isLinkLocalWord, isMulticastWord, multicastLinkAddress, solicitedNodeAddress,
} from '../address/scope.ts'
import { IPV6_ETHERTYPE, IPV6_HEADER_LENGTH, readAddress } from '../wire/header.ts'
import type { AddressWords } from '../wire/header.ts'
import { Icmpv6Type, icmpv6Code } from '../wire/icmpv6.ts'
import {
  AdvertisementFlag, LINK_ADDRESS_OPTION_LENGTH, NEIGHBOR_MESSAGE_LENGTH, NEIGHBOR_TARGET_OFFSET, NONCE_OPTION_LENGTH, NdpOption,
  checkNdpOptions, findNdpOption, ndpOptionLength, readLinkAddressOption, writeLinkAddressOption, writeNeighborAdvertisement,
  writeNeighborSolicitation, writeNonceOption,
} from '../wire/ndp.ts'
import type { EndpointContext } from '../endpoint/context.ts'
import type { Output } from '../endpoint/output.ts'
import { leaveChecksumPartial } from '../icmp/send.ts'
import type { DuplicateDetection, Nonce } from './duplicate-detection.ts'

/** What a router would have lowered (RFC 4861 §3.1). */
const NDP_HOP_LIMIT = 255
/** Offset in an Ethernet header. */
const ETHERNET_SOURCE = 6
const UNSPECIFIED: Address = address(0, 0, 0, 0)

/** Neighbour solicitations and advertisements of one endpoint (RFC 4861 §7). */
export interface NeighborDiscovery {
  /** A message with a right checksum, `packet.start` at it. Borrows the packet. */
  handle(packet: Packet, type: number): void
  /** RFC 4861 §6.1, §7.1, §8.1: hop limit 255 and code 0. */
  isFromLink(packet: Packet): boolean
  /** Asks for the link address of `target`: of everybody, or of the neighbour at `linkAddress` (RFC 4861 §7.2.2). */
  solicit(target: Address, source: Address, linkAddress: Uint8Array | null): Failure
  /** One probe of duplicate address detection (RFC 4862 §5.4.2). */
  probe(target: Address, nonce: Nonce): void
}

/**
 * @param detection - asked for when a message is about a tentative address
 */
export function createNeighborDiscovery(context: EndpointContext, output: Output, detection: () => DuplicateDetection): NeighborDiscovery {
  const { nic, addresses, counters, shared } = context

  function isFromLink(packet: Packet): boolean {
    return packet.ttl === NDP_HOP_LIMIT && icmpv6Code(packet.view, packet.start) === 0
  }

  function handle(packet: Packet, type: number): void {
    if (!isFromLink(packet)) {
      counters.ndpDropHopLimit++
      return
    }
    const o = packet.start
    const options = o + NEIGHBOR_MESSAGE_LENGTH
    if (packet.end < options || !checkNdpOptions(packet.view, options, packet.end)) {
      counters.ndpDropMalformed++
      return
    }
    const target = readAddress(packet.view, o + NEIGHBOR_TARGET_OFFSET)
    const isValid = !isMulticastWord(target.a) && (type === Icmpv6Type.NeighborSolicitation ? solicited(packet, target) : advertised(packet, target))
    if (!isValid) counters.ndpDropMalformed++
  }

  /** A solicitation; false = invalid (RFC 4861 §7.1.1). */
  function solicited(packet: Packet, target: AddressWords): boolean {
    const options = packet.start + NEIGHBOR_MESSAGE_LENGTH
    const isProbe = packet.sourceD === 0 && packet.sourceC === 0 && packet.sourceB === 0 && packet.sourceA === 0
    const at = findNdpOption(packet.view, options, packet.end, NdpOption.SourceLinkAddress)
    if (isProbe && (at >= 0 || !isToSolicitedNode(packet))) return false
    counters.solicitationsReceived++
    const record = addresses.get(local(target))
    if (record === null) {
      // RFC 4861 §7.2.8: for whoever else has it, without overriding. A probe asks whether anybody has it: of a range nobody does.
      if (!isProbe && addresses.claims(local(target))) answer(packet, local(target), false, at < 0 ? null : readLinkAddressOption(packet.view, at))
      return true
    }
    if (isChecked(record)) {
      // RFC 4862 §5.4.3: a unicast source is resolving, and gets no answer yet.
      if (isProbe) detection().solicited(target, nonceOf(packet, options), senderOf(packet))
      if (isProbe || record.state === 'tentative') return true
    }
    if (!isUsableAddress(record)) return true
    if (isProbe) {
      // RFC 4861 §7.2.4: to everybody, unsolicited.
      advertise(record.address, ALL_NODES, AdvertisementFlag.Override, toGroup(ALL_NODES))
      return true
    }
    if (addresses.isLocal(packet.sourceA, packet.sourceB, packet.sourceC, packet.sourceD)) {
      counters.ndpLoopedBack++
      return true
    }
    answer(packet, record.address, record.state !== 'optimistic', at < 0 ? null : readLinkAddressOption(packet.view, at))
    return true
  }

  /** RFC 4861 §7.2.3, §7.2.4: remember who asks, tell him. */
  function answer(packet: Packet, own: Address, isCertain: boolean, linkAddress: Uint8Array | null): void {
    const source = local({ a: packet.sourceA, b: packet.sourceB, c: packet.sourceC, d: packet.sourceD })
    const neighbors = nic.neighborTable(IPV6_ETHERTYPE)
    let to: Uint8Array | Neighbor | null = null
    // RFC 4861 §7.2.4: who does not say where he is has to be asked. Two optimistic nodes, neither of which says it, would
    // wait for each other: then the answer goes back to where the frame came from.
    const sender = linkAddress === null && !isCertain ? senderOf(packet) : null
    if (sender !== null) {
      to = sender
    } else if (neighbors !== null) {
      if (linkAddress !== null) neighbors.handleProbe(source, linkAddress)
      to = neighbors.lookup(source)
      if (to === null) {
        counters.dropNoRoute++
        return
      }
    }
    // RFC 4429 §3.3: who has the address for certain must not be overridden.
    const override = isCertain ? AdvertisementFlag.Override : 0
    advertise(own, source, AdvertisementFlag.Solicited | override, to)
  }

  /** An advertisement; false = invalid (RFC 4861 §7.1.2). */
  function advertised(packet: Packet, target: AddressWords): boolean {
    const view = packet.view
    const flags = view.getUint8(packet.start + 4)
    const isSolicited = (flags & AdvertisementFlag.Solicited) !== 0
    if (isSolicited && isMulticastWord(packet.destinationA)) return false
    counters.advertisementsReceived++
    const at = findNdpOption(view, packet.start + NEIGHBOR_MESSAGE_LENGTH, packet.end, NdpOption.TargetLinkAddress)
    const linkAddress = at < 0 ? null : readLinkAddressOption(view, at)
    const whose = local(target)
    const record = addresses.get(whose)
    if (record !== null) {
      // RFC 4862 §5.4.4
      if (isChecked(record)) detection().advertised(target, linkAddress ?? senderOf(packet))
      else if (record.state !== 'duplicate') counters.addressConflicts++
      return true
    }
    nic.neighborTable(IPV6_ETHERTYPE)?.handleConfirmation(whose, linkAddress, {
      solicited: isSolicited,
      override: (flags & AdvertisementFlag.Override) !== 0,
      isRouter: (flags & AdvertisementFlag.Router) !== 0,
    })
    return true
  }

  function solicit(target: Address, source: Address, linkAddress: Uint8Array | null): Failure {
    const destination = linkAddress === null ? solicitedNodeAddress(target) : target
    const message = allocate(NEIGHBOR_MESSAGE_LENGTH + LINK_ADDRESS_OPTION_LENGTH)
    if (message === null) return 'ENOBUFS'
    message.end = writeNeighborSolicitation(message.view, message.start, target)
    // RFC 4429 §3.2: nobody shall learn it for an address that may be another's.
    if (addresses.get(source)?.state !== 'optimistic') appendLinkAddress(message, NdpOption.SourceLinkAddress)
    counters.solicitationsSent++
    return send(message, source, destination, linkAddress ?? toGroup(destination))
  }

  function probe(target: Address, nonce: Nonce): void {
    const destination = solicitedNodeAddress(target)
    const message = allocate(NEIGHBOR_MESSAGE_LENGTH + NONCE_OPTION_LENGTH)
    if (message === null) return
    const end = writeNeighborSolicitation(message.view, message.start, target)
    message.end = writeNonceOption(message.view, end, nonce.high, nonce.low)
    counters.solicitationsSent++
    send(message, UNSPECIFIED, destination, toGroup(destination))
  }

  function advertise(own: Address, destination: Address, flags: number, to: Uint8Array | Neighbor | null): void {
    const message = allocate(NEIGHBOR_MESSAGE_LENGTH + LINK_ADDRESS_OPTION_LENGTH)
    if (message === null) return
    const router = shared.settings.forwarding ? AdvertisementFlag.Router : 0
    message.end = writeNeighborAdvertisement(message.view, message.start, flags | router, own)
    appendLinkAddress(message, NdpOption.TargetLinkAddress)
    counters.advertisementsSent++
    send(message, own, destination, to)
  }

  function allocate(length: number): Packet | null {
    const message = shared.host.memory.allocateControl(nic.linkHeaderLength + IPV6_HEADER_LENGTH, length)
    if (message === null) counters.dropNoMemory++
    return message
  }

  function appendLinkAddress(message: Packet, type: number): void {
    const linkAddress = nic.linkAddress
    if (linkAddress?.length === 6) message.end = writeLinkAddressOption(message.view, message.end, type, linkAddress)
  }

  function send(message: Packet, source: Address, destination: Address, to: Uint8Array | Neighbor | null): Failure {
    leaveChecksumPartial(message, source, destination)
    counters.icmpSent++
    return output.writeOnLink(source, destination, NDP_HOP_LIMIT, to, message)
  }

  /** The link address that a frame came from. */
  function senderOf(packet: Packet): Uint8Array | null {
    if (nic.framing !== 'ethernet' || packet.linkHeader < 0) return packet.linkSource
    const at = packet.linkHeader + ETHERNET_SOURCE
    return packet.bytes.slice(at, at + 6)
  }

  function toGroup(group: Address): Uint8Array | null {
    return nic.framing === 'ethernet' ? multicastLinkAddress(group) : null
  }

  /** An address on this link. */
  function local(x: AddressWords): Address {
    return address(x.a, x.b, x.c, x.d, isLinkLocalWord(x.a) ? nic.id : 0)
  }

  return { handle, isFromLink, solicit, probe }
}

/** Duplicate detection is under way. */
function isChecked(record: AddressEndpoint): boolean {
  return record.state === 'tentative' || record.state === 'optimistic'
}

function isToSolicitedNode(p: Packet): boolean {
  return p.destinationA === (0xff020000 | 0) && p.destinationB === 0 && p.destinationC === 1 && p.destinationD >>> 24 === 0xff
}

function nonceOf(packet: Packet, options: number): Nonce | null {
  const at = findNdpOption(packet.view, options, packet.end, NdpOption.Nonce)
  if (at < 0 || ndpOptionLength(packet.view, at) !== NONCE_OPTION_LENGTH) return null
  return { high: packet.view.getUint16(at + 2), low: packet.view.getUint32(at + 4) }
}
