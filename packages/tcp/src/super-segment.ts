import { MemoryLevel } from '@stack/buffer'
import { LEAST_BELIEVED_MTU, PacketLooping } from '@stack/core'
import { currentRoute } from './flow.ts'
import { pacingRate } from './pacing-rate.ts'
import { headersOf } from './segment-size.ts'
import { State } from './state.ts'
import type { Tcb } from './tcb.ts'

// Segmentation offload: full segments that may leave now go down as one packet, and the NIC or its link cuts them. For all
// that TCP keeps of what is out they are segments, as they are on the wire.

/**
 * Of `bytes` that may leave now: how many full segments go in one packet. 1 where segments differ in more than their place, or
 * nobody would cut them.
 */
export function segmentsAtOnce(tcb: Tcb, bytes: number): number {
  const { mss, pacer } = tcb.snd
  if (bytes < 2 * mss) return 1
  const route = currentRoute(tcb.context, tcb)
  if (typeof route === 'string') return 1
  const largest = route.nic.gsoMaxSize ?? 0
  // What comes back to this stack is not cut by anybody.
  if (largest === 0 || route.loop !== PacketLooping.Out || !isPlain(tcb)) return 1
  // What routers may fragment has an IPv4 identification of its own each.
  if (route.mtu <= LEAST_BELIEVED_MTU) return 1
  const count = Math.floor(Math.min(bytes, largest - headersOf(tcb)) / mss)
  const paced = pacer === null || pacingRate(tcb) === 0 ? count : Math.min(count, pacer.segmentsLeft(mss))
  return Math.max(1, paced)
}

/** Has each segment the same header but for sequence number, FIN and PSH, and CWR on the first? */
function isPlain(tcb: Tcb): boolean {
  const { snd, settings, context } = tcb
  if (tcb.state < State.Established || (snd.repair?.newFirst ?? 0) > 0 || snd.urgent !== null || settings.trace !== null) return false
  // Signatures cover the header; Accurate ECN counts on in its flags and options.
  if (tcb.authenticator !== null || (tcb.ecn !== null && tcb.ecn.accurate !== null)) return false
  if (tcb.userTimeout !== null || tcb.mtuSearch !== null) return false
  // A segment that finds no memory waits; part of a packet that is being cut is lost.
  return context.host.memory.level === MemoryLevel.Low
}
