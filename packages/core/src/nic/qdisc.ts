import type { Packet } from '@stack/buffer'
import type { Clock, Milliseconds } from '../registration/host.ts'

/**
 * A queueing discipline between the NIC and its link. One belongs to one NIC. Packets come with the transport
 * header known, checksums still partial; the NIC finishes them on the way out.
 */
export interface Qdisc {
  readonly name: string
  /** Packets held, each super-packet as one: see {@link segmentCount} for what it is on the wire. */
  readonly length: number
  /** True when it honours `packet.earliestDeparture`: TCP then leaves pacing to it. */
  readonly paces: boolean
  attach(clock: Clock): void
  /** Takes ownership when true; false = full, the caller drops and counts. A discipline that drops another packet instead releases that one and counts it. */
  enqueue(packet: Packet): boolean
  /** The next packet to send now, or null. */
  dequeue(now: Milliseconds): Packet | null
  /** Puts back what the link did not take; it comes out first. */
  requeue(packet: Packet): void
  /** Clock ms at which `dequeue` may answer differently; Infinity = when something is queued. */
  readonly nextDeparture: Milliseconds
  /** Packets dropped by the discipline itself. */
  readonly dropped: number
  /** Releases everything. */
  clear(): void
}
