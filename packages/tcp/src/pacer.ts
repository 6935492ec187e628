import type { Milliseconds } from '@stack/core'
import type { CongestionControl } from './congestion.ts'
import type { Settings } from './options.ts'

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
  private sentAt: Milliseconds = -1

  /** May something leave? Else `next` says when. */
  isOpen(now: Milliseconds, rate: number, mss: number): boolean {
    const isNow = now === this.sentAt
    if (this.left > 0 && (isNow || now < this.next)) return true
    if (now < this.next) {
      this.isWaiting = true
      return false
    }
    this.next = this.isWaiting || isNow ? Math.max(this.next, now - LATENESS) : now
    this.isWaiting = false
    this.left = sendQuantum(rate, mss)
    return true
  }

  /** Segments that may leave before the quantum is used up. */
  segmentsLeft(mss: number): number {
    return Math.ceil(this.left / mss)
  }

  /** `bytes` left, perhaps without having asked. */
  sent(now: Milliseconds, bytes: number, rate: number): void {
    this.left -= bytes
    this.sentAt = now
    this.next = Math.max(this.next, now - LATENESS) + (bytes * 1000) / rate
  }
}

/** What paces a connection with this control and these settings; null = nothing does. */
export function pacerFor(control: CongestionControl, settings: Settings, known: Pacer | null): Pacer | null {
  const isPaced = control.pacingRate !== undefined || settings.pacing || settings.maxPacingRate !== null
  return isPaced ? (known ?? new Pacer()) : null
}
