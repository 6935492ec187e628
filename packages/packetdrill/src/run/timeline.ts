import type { EventTime } from '../language/ast.ts'

/** When an event may happen, ms since the start. */
export interface Slot {
  /** Null: whenever. */
  readonly from: number | null
  /** The same as `from` unless a range was given. */
  readonly to: number
  /** When a blocking call has to be back; null = it does not block. */
  readonly end: number | null
  /** ms that the real time may be off. */
  readonly tolerance: number
}

/** Longest time off for events that follow closely: 4 ms unless the script says more. */
const DEFAULT_TOLERANCE = 4
/** Of the gap to the event before. */
const TOLERANCE_PART = 0.125

/** The clock of a script: what times mean, given when the event before really happened. */
export class Timeline {
  /** ms since the start: when the last event happened, or where the script puts it when that was an injected packet. */
  private previous = 0
  private readonly tolerance: number
  private readonly part: number

  constructor(toleranceMicroseconds: number | null, tolerancePercent: number | null) {
    this.part = tolerancePercent === null ? TOLERANCE_PART : tolerancePercent / 100
    this.tolerance = toleranceMicroseconds === null ? DEFAULT_TOLERANCE : toleranceMicroseconds / 1000
  }

  slot(time: EventTime): Slot {
    if (time.kind === 'any') return { from: null, to: Infinity, end: null, tolerance: 0 }
    const base = time.kind === 'relative' ? this.previous : 0
    const from = base + time.seconds * 1000
    const to = time.until === null ? from : base + time.until * 1000
    const end = time.end === null ? null : base + time.end * 1000
    return { from, to, end, tolerance: this.toleranceOf(Math.max(from, end ?? from) - this.previous) }
  }

  /** The event is through; `at` is ms since the start. */
  happened(at: number): void {
    this.previous = at
  }

  private toleranceOf(gap: number): number {
    return Math.max(this.tolerance, gap * this.part)
  }
}
