import type { Packet } from '@stack/buffer'
import { errorCodeOf, type TransportError } from '@stack/core'
import { networkHeaderLength } from './flow.ts'
import { resendAll } from './recovery.ts'
import { headersOf, updateMss } from './segment-size.ts'
import { before } from './sequence.ts'
import { State } from './state.ts'
import { flightSize } from './tcb.ts'
import type { Tcb } from './tcb.ts'
import { Field, MIN_HEADER_LENGTH } from './wire.ts'

/** Common MTUs, for routers that do not tell theirs (RFC 1191 §7.1). */
const PLATEAUS = [32_000, 17_914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68]

/** ICMP promises 8 bytes of the quoted segment: ports and sequence number. */
const QUOTED_LENGTH = 8

/** Time exceeded: not in transit, but while fragments were waited for. */
const REASSEMBLY = 1

/** An ICMP error, or a failure below, about a segment that `quoted` begins with (RFC 9293 §3.9.2.2, RFC 5927). */
export function handleControlError(tcb: Tcb, error: TransportError, quoted: Packet): void {
  if (error.cause === 'icmp' && !isInFlight(tcb, quoted)) {
    tcb.context.counters.dropIcmpStale++
    return
  }
  if (error.cause === 'icmp' && tcb.state >= State.Established && tcb.authenticator?.ignores(error) === true) {
    tcb.context.counters.dropIcmpIgnored++
    return
  }
  if (error.kind === 'packetTooBig') {
    shrink(tcb, error.mtu ?? 0)
    tcb.fastOpen?.tooBig(tcb, error.mtu ?? 0)
    return
  }
  const code = errorCodeOf(error, tcb.remoteAddress)
  tcb.reported = error
  // Before the handshake is over the application may be told at once, lest it waits for what will not come (RFC 5461 §4.1).
  // Later all of them are soft (RFC 5927 §5.2): a guess of an attacker must not end a connection.
  const isOpening = tcb.state === State.SynSent || tcb.state === State.SynReceived
  if (isOpening && endsOpen(tcb, error)) tcb.finish(code)
  else {
    tcb.context.counters.softErrors++
    tcb.softError = code
  }
}

/** RFC 5927 §4.1: believe only what quotes something that is out there. */
function isInFlight(tcb: Tcb, quoted: Packet): boolean {
  if (quoted.end - quoted.start < QUOTED_LENGTH) return false
  const sequence = quoted.view.getInt32(quoted.start + Field.Sequence)
  return !before(sequence, tcb.snd.una) && before(sequence, tcb.snd.nxt)
}

/** What the stack found out itself does; of ICMP what the settings say. Nothing of ours is put together again on the way (time exceeded, code 1). */
function endsOpen({ settings }: Tcb, { kind, cause, code }: TransportError): boolean {
  if (kind === 'packetTooBig' || kind === 'unknown' || (kind === 'timeExceeded' && code === REASSEMBLY)) return false
  return cause !== 'icmp' || settings.openErrors.includes(kind)
}

/** The path takes less than we sent: smaller segments, again, and no loss to congestion control (RFC 1191 §6.5). */
function shrink(tcb: Tcb, mtu: number): void {
  const { snd, context, localAddress, remoteAddress } = tcb
  const { host } = context
  const largest = packetSize(tcb)
  const next = mtu > 0 ? mtu : (PLATEAUS.find((plateau) => plateau < largest) ?? 0)
  // What we send fits already, or the number is nonsense (RFC 5927 §7).
  if (next >= largest || next <= networkHeaderLength(remoteAddress) + MIN_HEADER_LENGTH) return
  host.updatePathMtu(localAddress, remoteAddress, next)
  updateMss(tcb)
  // The cache may have refused, because the network promises more.
  if (packetSize(tcb) >= largest || flightSize(tcb) === 0 || tcb.state < State.Established) return
  resendAll(tcb, 'mtu-retransmit', snd.mss + 1)
  host.scheduler.markDirty(tcb)
}

/** Bytes of a full segment on the wire, or of the probe that is out, network header included. */
function packetSize(tcb: Tcb): number {
  return Math.max(headersOf(tcb) + tcb.snd.mss, tcb.mtuSearch?.probe ?? 0)
}
