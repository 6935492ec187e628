import type { AckSample } from './congestion.ts'
import { before } from './sequence.ts'

// RFC 9406 §4.2 and §4.3, times in µs.
const MIN_RTT_THRESHOLD = 4000
const MAX_RTT_THRESHOLD = 16_000
/** The threshold is this part of the last round's least round trip: 1/8. */
const RTT_SHIFT = 3
/** Samples without which a round says nothing. */
const SAMPLES = 8
/** Conservative slow start grows by this part of what slow start would: 1/4. */
const GROWTH_SHIFT = 2
const CONSERVATIVE_ROUNDS = 5
/** No sample in this round. An integer, as Infinity would make the fields doubles. */
const NONE = 0x7fff_ffff

const Phase = { SlowStart: 0, Conservative: 1, Over: 2 } as const
type Phase = (typeof Phase)[keyof typeof Phase]

/**
 * HyStart++ (RFC 9406): leaves the first slow start when round trips grow, before the queue overflows. First it grows more
 * slowly for five rounds, Conservative Slow Start; when round trips fall in them, it was a mistake, and slow start goes on.
 *
 * L of RFC 3465 is unlimited, though RFC 9406 §4.3 recommends 8 without pacing: receivers that acknowledge once a batch
 * would hold up the window otherwise.
 */
export class HyStart {
  private phase: Phase = Phase.SlowStart
  /** A round is over when this is acknowledged: SND.NXT at its beginning. */
  private windowEnd = 0
  private hasRound = false
  private lastMinimum = NONE
  private currentMinimum = NONE
  private samples = 0
  /** Least round trip when Conservative Slow Start began. */
  private baseline = NONE
  private rounds = 0
  /** What the division by four left over. */
  private rest = 0

  /** The next phase is congestion avoidance. */
  get isOver(): boolean {
    return this.phase === Phase.Over
  }

  get isConservative(): boolean {
    return this.phase === Phase.Conservative
  }

  /** Bytes by which the window grows for `acked` acknowledged ones. */
  growth(acked: number): number {
    if (this.phase === Phase.SlowStart) return acked
    const bytes = acked + this.rest
    this.rest = bytes & ((1 << GROWTH_SHIFT) - 1)
    return bytes >>> GROWTH_SHIFT
  }

  /** Takes the round trip of an acknowledgment, and sees whether the round ends with it. */
  onAck(sample: AckSample): void {
    if (!this.hasRound) this.beginRound(sample.nxt)
    if (sample.rtt > 0) {
      this.samples++
      if (sample.rtt < this.currentMinimum) this.currentMinimum = sample.rtt
      if (this.samples >= SAMPLES) this.judge()
    }
    if (before(sample.una, this.windowEnd)) return
    if (this.phase === Phase.Conservative && ++this.rounds >= CONSERVATIVE_ROUNDS) this.phase = Phase.Over
    this.beginRound(sample.nxt)
  }

  private beginRound(nxt: number): void {
    this.hasRound = true
    this.windowEnd = nxt
    this.lastMinimum = this.currentMinimum
    this.currentMinimum = NONE
    this.samples = 0
  }

  private judge(): void {
    const { currentMinimum, lastMinimum } = this
    if (this.phase === Phase.Conservative) {
      if (currentMinimum >= this.baseline) return
      this.phase = Phase.SlowStart
      this.baseline = NONE
      return
    }
    if (lastMinimum === NONE) return
    const threshold = Math.max(MIN_RTT_THRESHOLD, Math.min(lastMinimum >>> RTT_SHIFT, MAX_RTT_THRESHOLD))
    if (currentMinimum < lastMinimum + threshold) return
    this.baseline = currentMinimum
    this.phase = Phase.Conservative
    // The rest of this round is the first of the five.
    this.rounds = 0
    this.rest = 0
  }
}
