import { isMapped, type Address } from '../address/address.ts'
import type { ErrorCode } from './codes.ts'

/** What a control message says. @seed ControlType */
export type TransportErrorKind =
  | 'packetTooBig'
  | 'portUnreachable'
  | 'protocolUnreachable'
  | 'hostUnreachable'
  | 'netUnreachable'
  | 'prohibited'
  | 'timeExceeded'
  | 'parameterProblem'
  | 'unknown'

/** An error about a packet that was sent: from ICMP, or local (neighbour not resolved). */
export interface TransportError {
  readonly kind: TransportErrorKind
  /** Who says so. */
  readonly cause: 'icmp' | 'neighbor' | 'local'
  /** Next-hop MTU for packetTooBig, bytes with network header; 0 = not told (RFC 1191 §5). */
  readonly mtu?: number
  /** ICMP type and code for those who show them. */
  readonly type?: number
  readonly code?: number
}

/** ICMP code of a network that a router keeps from us (RFC 1122 §3.2.2.1). */
const NET_PROHIBITED = 9

/**
 * The code under which a sender to `remote` hears of `error`. Which of them end something is the transport's affair.
 *
 * What a router prohibits is `EHOSTUNREACH` over IPv4 and `EACCES` over IPv6, as programs know it from Linux: RFC 1122
 * §3.2.2.1 has a host treat the IPv4 codes as unreachable, RFC 4443 §3.1 gave ICMPv6 a code of its own.
 */
export function errorCodeOf(error: TransportError, remote: Address): ErrorCode {
  // Whoever asked for the link address learnt that nobody is there.
  if (error.cause === 'neighbor') return 'EHOSTDOWN'
  switch (error.kind) {
    case 'packetTooBig':
      return 'EMSGSIZE'
    case 'portUnreachable':
      return 'ECONNREFUSED'
    case 'protocolUnreachable':
      return 'ENOPROTOOPT'
    case 'netUnreachable':
      return 'ENETUNREACH'
    case 'prohibited':
      if (!isMapped(remote)) return 'EACCES'
      return error.code === NET_PROHIBITED ? 'ENETUNREACH' : 'EHOSTUNREACH'
    case 'parameterProblem':
      return 'EPROTO'
    case 'hostUnreachable':
    case 'timeExceeded':
    case 'unknown':
      return 'EHOSTUNREACH'
  }
}
