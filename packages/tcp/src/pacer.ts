import type { Milliseconds } from '@stack/core'
import type { Tcb } from './tcb.ts'
import { flightSize } from './tcb.ts'

/** Most bytes that leave at once (draft-ietf-ccwg-bbr-06 §5.6.3): a super-segment. */
const MOST_QUANTUM = 65_536
/** ms by which timers of a host are late: what was missed leaves then. More is lost time. */
const LATENESS = 4

/** Bytes that leave at once: what the rate allows in a millisecond, and two segments at least (§5.6.3). */
export function sendQuantum(rate: number, mss: number): number {
  return Math.max(2 * mss, Math.min(rate / 1000, MOST_QUANTUM))
}

/** Spreads what leaves evenly in time, a quantum at once (§5.6.2). Made for connections that are paced. */
export class Pacer {
  /** When the next quantum may leave, ms. */
  next: Milliseconds = 0
  // Bytes left of the quantum that is leaving.
  private left = 0
  // Something waits for `next`.
  private isWaiting = false

  /** May something leave? Else `next` says when. */
  isOpen(now: Milliseconds, rate: number, mss: number): boolean {
    if (now < this.next) {
      if (this.left > 0) return true
      this.isWaiting = true
      return false
    }
    this.next = this.isWaiting ? Math.max(this.next, now - LATENESS) : now
    this.isWaiting = false
    this.left = sendQuantum(rate, mss)
    return true
  }

  /** `bytes` left, perhaps without having asked. */
  sent(now: Milliseconds, bytes: number, rate: number): void {
    this.left -= bytes
    this.next = Math.max(this.next, now - LATENESS) + (bytes * 1000) / rate
  }
}

/** The control or the settings changed: does anything pace the connection? */
export function updatePacer({ snd, cc, settings }: Tcb): void {
  const isPaced = cc.pacingRate !== undefined || settings.pacing || settings.maxPacingRate !== null
  snd.pacer = isPaced ? (snd.pacer ?? new Pacer()) : null
}

/** Bytes a second at which the connection may send; 0 = as fast as the window allows. */
export function pacingRate(tcb: Tcb): number {
  const { cc, settings } = tcb
  const rate = cc.pacingRate ?? windowRate(tcb)
  const { maxPacingRate } = settings
  if (maxPacingRate === null) return rate
  return rate === 0 ? maxPacingRate : Math.min(rate, maxPacingRate)
}

/** The window within half of a round trip in slow start, and within five sixths of it later, as Linux does it. */
function windowRate(tcb: Tcb): number {
  const { cc, rtt } = tcb
  if (rtt.smoothed === 0) return 0
  const ratio = cc.cwnd < cc.ssthresh / 2 ? 2 : 1.2
  return (ratio * Math.max(cc.cwnd, flightSize(tcb)) * 1e6) / rtt.smoothed
}
