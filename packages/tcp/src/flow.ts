import { isMapped } from '@stack/core'
import type { Address, ErrorCode, Route } from '@stack/core'
import type { SegmentAuthenticator } from './authentication/contract.ts'
import type { TcpContext } from './context.ts'

/** Who talks to whom and along which way: what a segment needs beside its own fields. */
export interface Flow {
  readonly localAddress: Address
  readonly remoteAddress: Address
  readonly localPort: number
  readonly remotePort: number
  /** The local address need not be one of the stack's (forwarders). */
  readonly anySource: boolean
  /** NIC that the flow is bound to (or whose zone it lives in), 0 = any. */
  readonly nicId: number
  /** Sum of both addresses, for the pseudo-header. */
  readonly addressSum: number
  route: Route | null
  /** Who signs and verifies; null = nobody. */
  authenticator: SegmentAuthenticator | null
  readonly ttl: number
  readonly tos: number
}

const ANY_SOURCE = { anySource: true } as const

/** A route of this generation, or the reason why there is none. The flow keeps what it had. */
export function currentRoute(context: TcpContext, flow: Flow): Route | ErrorCode {
  const { host } = context
  const known = flow.route
  if (known !== null && known.generation === host.generation) return known
  const found = host.findRoute(flow.nicId, flow.localAddress, flow.remoteAddress, flow.anySource ? ANY_SOURCE : undefined)
  if (found === null || typeof found === 'string') return found ?? 'EHOSTUNREACH'
  flow.route = found
  return found
}

/** Bytes of the bare network header (RFC 791 §3.1, RFC 8200 §3). */
export function networkHeaderLength(remote: Address): 20 | 40 {
  return isMapped(remote) ? 20 : 40
}

/** MSS of a peer that names none (RFC 9293 §3.7.1, MUST-15). */
export function defaultMss(remote: Address): 536 | 1220 {
  return isMapped(remote) ? 536 : 1220
}

/** Zone of an address on a NIC: only IPv6 link-local ones need it (RFC 4007 §4). */
export function zoneOf(a: number, nicId: number): number {
  return (a & 0xffc00000) === (0xfe800000 | 0) ? nicId : 0
}
