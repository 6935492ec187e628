import { ChecksumState } from '@stack/buffer'
import type { Packet } from '@stack/buffer'
import { mayAnswerWithError } from '@stack/ip-common'
import { mappedAddress } from '@stack/core'
import type { Address } from '@stack/core'
import { ICMP_PROTOCOL, IPV4_PROTOCOL } from './numbers.ts'
import type { Ipv4Endpoint } from './endpoint.ts'
import { isLinkLocal, isLoopback, isMulticast, isReserved, isThisNetwork } from './scope.ts'
import { IPV4_MIN_HEADER, parseIpv4Header } from './wire/header.ts'
import { ICMP_FIELD, ICMP_HEADER, isIcmpError } from './wire/icmp.ts'

/** RFC 1812 §4.3.2.3: as much of the datagram as fits without exceeding 576 bytes. */
const MAX_ERROR = 576
/** RFC 1812 §4.3.2.5: precedence Internetwork Control. */
const ERROR_TOS = 0xc0

/**
 * Answers `packet` with an ICMP error if the rules and the rate limit allow it. `packet` is borrowed, its network header
 * is known and its broadcast and multicast flags are set.
 *
 * @param word the second word of the message: next-hop MTU, pointer in the first octet, else 0
 */
export function sendIcmpError(endpoint: Ipv4Endpoint, type: number, code: number, word: number, packet: Packet): void {
  const { context, icmp: counters } = endpoint
  const at = packet.networkHeader
  const quoted = context.quoted
  parseIpv4Header(packet.view, at, packet.end - at, quoted)
  const dataAt = at + packet.networkHeaderLength
  const isAboutError =
    quoted.protocol === ICMP_PROTOCOL && quoted.fragmentOffset === 0 && (dataAt >= packet.end || isIcmpError(packet.view.getUint8(dataAt + ICMP_FIELD.type)))
  const subject = {
    fragmentOffset: quoted.fragmentOffset,
    isIcmpError: isAboutError,
    isSourceUnicast: isUnicastSource(endpoint, quoted.source),
    isDestinationGroup: isMulticast(quoted.destination) || isReserved(quoted.destination) || endpoint.addresses.isSubnetBroadcast(quoted.destination),
    allowGroupDestination: false,
  }
  if (!mayAnswerWithError(packet, subject)) {
    counters.errorsSuppressed++
    return
  }
  if (!context.icmpLimiter.allow()) {
    counters.errorsRateLimited++
    return
  }
  // RFC 1122 §3.2.2: from the address that the datagram was for; RFC 1812 §4.3.2.4: a router's from where it leaves.
  const asked = mappedAddress(quoted.destination)
  const isOwn = endpoint.nic.checkLocalAddress(0, IPV4_PROTOCOL, asked) !== 0 || (endpoint.nic.promiscuous && endpoint.nic.spoofing)
  const remote = mappedAddress(quoted.source)
  const length = Math.min(packet.end - at, MAX_ERROR - IPV4_MIN_HEADER - ICMP_HEADER)
  const message = context.host.memory.allocateControl(endpoint.maxHeaderLength + ICMP_HEADER, length)
  if (message === null) {
    counters.dropNoMemory++
    return
  }
  message.append(packet.bytes, at, at + length)
  const icmp = message.pushTransportHeader(ICMP_HEADER)
  message.view.setUint16(icmp + ICMP_FIELD.type, (type << 8) | code)
  message.view.setInt32(icmp + ICMP_FIELD.identifier, word)
  if (sendIcmp(endpoint, isOwn ? asked : null, remote, ERROR_TOS, null, message)) counters.errorsSent++
}

/** Sends a message whose header is pushed; its checksum is left to the NIC. Takes the message; false = not sent. */
export function sendIcmp(endpoint: Ipv4Endpoint, local: Address | null, remote: Address, tos: number, options: Uint8Array | null, message: Packet): boolean {
  const { nic, context, icmp: counters } = endpoint
  const route = nic.findRoute(isLinkLocal(remote.d) ? nic.id : 0, local, remote, IPV4_PROTOCOL)
  if (typeof route !== 'object' || route === null) {
    counters.dropNoRoute++
    message.release()
    return false
  }
  message.view.setUint16(message.transportHeader + ICMP_FIELD.checksum, 0)
  message.checksumState = ChecksumState.Partial
  message.checksumStart = message.transportHeader
  message.checksumOffset = ICMP_FIELD.checksum
  const params = context.icmpParams
  params.tos = tos
  params.options = options
  counters.sent++
  return route.endpoint.writePacket(route, params, message) === null
}

function isUnicastSource(endpoint: Ipv4Endpoint, source: number): boolean {
  if (isThisNetwork(source) || isMulticast(source) || isReserved(source) || endpoint.addresses.isSubnetBroadcast(source)) return false
  return !isLoopback(source) || endpoint.addresses.isLocal(0, 0, 0xffff, source) || endpoint.nic.isLoopback
}
