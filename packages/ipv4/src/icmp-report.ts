import type { Packet } from '@stack/buffer'
import { mappedAddress } from '@stack/core'
import type { TransportErrorKind } from '@stack/core'
import { IPV4_PROTOCOL } from './numbers.ts'
import type { Ipv4Endpoint } from './endpoint.ts'
import { parseIpv4Header } from './wire/header.ts'
import { ICMP_FIELD, ICMP_HEADER, IcmpType, UnreachableCode } from './wire/icmp.ts'

/** RFC 791: every link takes this much. A smaller next-hop MTU is a lie (RFC 1191 §3). */
const MINIMUM_MTU = 68

/** RFC 1191 §7.1: sizes that links have, for routers that do not tell theirs. */
const PLATEAUS = [65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, MINIMUM_MTU]

/** The largest usual MTU below the size that did not fit (RFC 1191 §5). */
export function plateauBelow(length: number): number {
  for (const plateau of PLATEAUS) if (plateau < length) return plateau
  return MINIMUM_MTU
}

/**
 * An error about a packet that this host is said to have sent: told to its transport, which alone can tell whether it is
 * true, and learns from it (RFC 5927 §4). The packet is borrowed.
 */
export function receiveIcmpError(endpoint: Ipv4Endpoint, type: number, packet: Packet): void {
  const { context, icmp: counters, nic } = endpoint
  const icmp = packet.start
  const code = packet.view.getUint8(icmp + ICMP_FIELD.code)
  const quotedAt = icmp + ICMP_FIELD.quoted
  const quoted = context.quoted
  const available = packet.end - quotedAt
  const fault = parseIpv4Header(packet.view, quotedAt, available, quoted)
  // The quotation is cut as a rule, but the first 8 bytes behind its header are there (RFC 792).
  if ((fault !== null && (fault !== 'truncated' || available < 20)) || quoted.headerLength + 8 > available || quoted.fragmentOffset !== 0) {
    counters.dropMalformed++
    return
  }
  const local = mappedAddress(quoted.source)
  const remote = mappedAddress(quoted.destination)
  if (nic.checkLocalAddress(0, IPV4_PROTOCOL, local) === 0 && !nic.spoofing && !endpoint.addresses.accepts(0, 0, 0xffff, local.d)) {
    counters.dropStrayError++
    return
  }
  const kind = kindOf(type, code)
  let mtu = 0
  if (kind === 'packetTooBig') {
    mtu = packet.view.getUint16(icmp + ICMP_FIELD.nextHopMtu)
    if (mtu === 0) mtu = plateauBelow(quoted.totalLength)
    if (mtu < MINIMUM_MTU) {
      counters.dropMalformed++
      return
    }
  }
  counters.errorsReceived++
  const protocol = quoted.protocol
  packet.trimStart(ICMP_HEADER + quoted.headerLength)
  endpoint.dispatcher.deliverTransportError(local, remote, IPV4_PROTOCOL, protocol, { kind, cause: 'icmp', mtu, type, code }, packet)
}

function kindOf(type: number, code: number): TransportErrorKind {
  if (type === IcmpType.TimeExceeded) return 'timeExceeded'
  if (type === IcmpType.ParameterProblem) return 'parameterProblem'
  switch (code) {
    case UnreachableCode.Net:
    case UnreachableCode.NetUnknown:
    case UnreachableCode.NetTos:
      return 'netUnreachable'
    case UnreachableCode.Host:
    case UnreachableCode.SourceRouteFailed:
    case UnreachableCode.HostUnknown:
    case UnreachableCode.HostIsolated:
    case UnreachableCode.HostTos:
    case UnreachableCode.HostPrecedence:
    case UnreachableCode.PrecedenceCutoff:
      return 'hostUnreachable'
    case UnreachableCode.Protocol:
      return 'protocolUnreachable'
    case UnreachableCode.Port:
      return 'portUnreachable'
    case UnreachableCode.FragmentationNeeded:
      return 'packetTooBig'
    case UnreachableCode.NetProhibited:
    case UnreachableCode.HostProhibited:
    case UnreachableCode.Prohibited:
      return 'prohibited'
    default:
      return 'unknown'
  }
}
