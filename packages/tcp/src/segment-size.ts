import { signatureLength } from './authentication/seam.ts'
import { ecnRoom } from './ecn-output.ts'
import { currentRoute, networkHeaderLength } from './flow.ts'
import { State } from './state.ts'
import type { Tcb } from './tcb.ts'
import { MIN_HEADER_LENGTH, TIMESTAMPS_LENGTH } from './wire.ts'

/** Bytes of text that a segment has room for, however narrow the link and long its options: then it goes in fragments. */
const LEAST_TEXT = 8

/** Before anything of the send queue leaves: a route that changed may carry less, and keys that changed may sign with more. */
export function refreshMss(tcb: Tcb): void {
  const { authenticator } = tcb
  const isStale = tcb.snd.mssGeneration !== tcb.context.host.generation || (authenticator !== null && authenticator.reserved !== authenticator.optionLength)
  if (isStale && tcb.state >= State.Established) updateMss(tcb)
}

/** Bytes of the options that every segment has. */
export function optionBytes(tcb: Tcb): number {
  return (tcb.rcv.timestamps ? TIMESTAMPS_LENGTH : 0) + signatureLength(tcb.authenticator)
}

/** Bytes of the headers of a full segment. */
export function headersOf(tcb: Tcb): number {
  return networkHeaderLength(tcb.remoteAddress) + MIN_HEADER_LENGTH + optionBytes(tcb) + (tcb.ecn === null ? 0 : ecnRoom(tcb.ecn))
}

/** The largest packet that route, peer and options allow. A peer may not wish for tiny segments; a path that takes no more has its way. */
export function pathMtu(tcb: Tcb): number {
  const { snd, settings, remoteAddress } = tcb
  const headers = networkHeaderLength(remoteAddress) + MIN_HEADER_LENGTH
  const route = currentRoute(tcb.context, tcb)
  const wished = Math.max(settings.minimumSegmentSize, Math.min(snd.peerMss, settings.maximumSegmentSize))
  if (typeof route === 'string') return wished + headers
  return Math.min(wished + headers, route.mtu, route.mss === 0 ? Infinity : route.mss + headers)
}

/** Eff.snd.MSS (RFC 9293 §3.7.1, MUST-16) of the route and options of now, and of what a search for the path's MTU found. */
export function updateMss(tcb: Tcb): void {
  const { snd, mtuSearch, authenticator } = tcb
  snd.mssGeneration = tcb.context.host.generation
  const path = pathMtu(tcb)
  mtuSearch?.bound(path)
  const mss = Math.max(LEAST_TEXT, (mtuSearch === null ? path : mtuSearch.low) - headersOf(tcb))
  if (authenticator !== null) authenticator.reserved = authenticator.optionLength
  if (mss === snd.mss) return
  snd.mss = mss
  tcb.congestion?.onMss()
}
