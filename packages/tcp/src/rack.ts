import { Mark } from './scoreboard.ts'
import type { Scoreboard } from './scoreboard.ts'
import { before, later } from './sequence.ts'
import { ToldBlocks } from './told-blocks.ts'

/** Duplicate segments that mean loss where no reordering was seen (RFC 8985 §6.2 step 4). */
const DUPLICATE_THRESHOLD = 3
/** Recoveries for which a wider reordering window is kept (RFC 8985 §6.2 step 4). */
const WINDOW_PERSISTENCE = 16

interface Resend {
  readonly start: number
  readonly end: number
  readonly order: number
}

/**
 * RACK (RFC 8985): what was sent long enough before something that arrived is lost. Times are int32 µs. Made when the
 * first SACK comes.
 */
export class Rack {
  /** Which of everything sent the newest of what arrived was: §6.2 compares times and, where they are equal, sequence numbers. */
  private newest = 0
  /** The round trip of what arrived last; -1 = nothing arrived yet. */
  private rtt = -1
  /** Behind the highest byte that arrived. */
  private highest: number
  /** The same, before the ACK that is being taken: what one ACK tells of at once is no reordering. */
  private known: number
  /** The farthest that something arrived behind what was sent after it, bytes. */
  reach = 0
  /** ACKs that told of reordering. */
  reorderings = 0
  private isCounted = false
  /** Something arrived behind what was sent after it (§6.2 step 3). */
  isReordering = false
  /** Which of everything sent the last retransmission was that is lost itself; null = none yet. */
  lostResend: number | null = null
  /** Quarters of the least round trip that segments may be late. */
  private quarters = 1
  private persistence = 0
  // A duplicate widens the window once in a round trip: until SND.UNA is here.
  private round = 0
  private hasRound = false
  // No record before it is in flight and sent once.
  private scan: number
  // What was sent again, in that order; the queue begins at `first`.
  private resends: Resend[] = []
  private first = 0
  /** What the peer said it has is known to the scoreboard. */
  readonly told: ToldBlocks = new ToldBlocks()

  constructor(una: number) {
    this.highest = this.known = this.scan = una
  }

  /** An ACK is being taken. */
  begin(): void {
    this.known = this.highest
    this.isCounted = false
  }

  /** §6.2 steps 1 to 3: record `i` arrived, at `now`. `minimum` is the least round trip. */
  delivered(board: Scoreboard, i: number, now: number, minimum: number, isEchoOlder: boolean): void {
    const sent = board.sent(i)
    const end = board.end(i)
    const isAgain = (board.marks(i) & Mark.Again) !== 0
    if (!isAgain && before(end, this.known)) this.reordered((this.known - board.start(i)) | 0)
    this.highest = later(this.highest, end)
    const rtt = Math.max(0, (now - sent) | 0)
    // The answer is to the original, not to what was sent just now.
    if (isAgain && (isEchoOlder || rtt < minimum)) return
    const order = board.order(i)
    // The round trip of whatever arrived last, even if something newer had arrived before (§6.2 step 2).
    if (this.rtt < 0 || !before(order, this.newest)) this.newest = order
    this.rtt = rtt
  }

  private reordered(distance: number): void {
    this.isReordering = true
    if (distance > this.reach) this.reach = distance
    if (!this.isCounted) this.reorderings++
    this.isCounted = true
  }

  /** `[start, end)` left again. */
  resent(start: number, end: number, order: number): void {
    if (this.first > 64 && this.first * 2 > this.resends.length) {
      this.resends = this.resends.slice(this.first)
      this.first = 0
    }
    this.resends.push({ start, end, order })
  }

  /** The peer got something twice: its path is slower than we thought. `next` is SND.NXT. */
  duplicate(una: number, next: number): void {
    this.persistence = WINDOW_PERSISTENCE
    if (this.hasRound && before(una, this.round)) return
    this.hasRound = true
    this.round = next
    this.quarters = Math.min(this.quarters + 1, 255)
  }

  /** A recovery is over. */
  recovered(): void {
    this.persistence--
    if (this.persistence <= 0) this.quarters = 1
  }

  /** Marks were taken back: look at everything again. */
  rewind(una: number): void {
    this.scan = una
    this.told.forget()
  }

  /** §6.2 step 4. */
  private window(board: Scoreboard, isRecovering: boolean, minimum: number, smoothed: number): number {
    if (!this.isReordering && (isRecovering || board.sackedRecords >= DUPLICATE_THRESHOLD)) return 0
    return Math.min((this.quarters * minimum) >>> 2, smoothed)
  }

  /** Is record `i`, in flight, overdue at `now`? For the retransmission timer (§6.3). */
  isOverdue(board: Scoreboard, i: number, now: number, minimum: number, smoothed: number): boolean {
    return ((board.sent(i) + Math.max(0, this.rtt) + this.window(board, true, minimum, smoothed) - now) | 0) <= 0
  }

  /**
   * §6.2 step 5: marks what is lost at `now`.
   *
   * @returns µs after which to look again; 0 = no need
   */
  detect(board: Scoreboard, una: number, now: number, isRecovering: boolean, minimum: number, smoothed: number): number {
    if (this.rtt < 0) return 0
    const patience = this.rtt + this.window(board, isRecovering, minimum, smoothed)
    return nearer(this.detectOriginals(board, una, now, patience), this.detectResends(board, now, patience))
  }

  private detectOriginals(board: Scoreboard, una: number, now: number, patience: number): number {
    this.scan = later(this.scan, una)
    for (let i = board.find(this.scan); i < board.length; i++) {
      const end = board.end(i)
      if ((board.marks(i) & (Mark.Sacked | Mark.Lost | Mark.Again)) === 0) {
        if (!before(board.order(i), this.newest)) return 0
        const remaining = (board.sent(i) + patience - now) | 0
        if (remaining > 0) return remaining
        board.markLost(i)
      }
      this.scan = end
    }
    return 0
  }

  private detectResends(board: Scoreboard, now: number, patience: number): number {
    for (; this.first < this.resends.length; this.first++) {
      const { start, end, order } = this.resends[this.first]!
      if (!before(order, this.newest)) return 0
      for (let i = board.find(start); i < board.length && before(board.start(i), end); i++) {
        if ((board.marks(i) & Mark.Out) === 0 || board.order(i) !== order) continue
        const remaining = (board.sent(i) + patience - now) | 0
        if (remaining > 0) return remaining
        board.markLost(i)
        this.lostResend = order
      }
    }
    this.resends.length = this.first = 0
    return 0
  }
}

/** The nearer of two times to wait; 0 = none. */
function nearer(a: number, b: number): number {
  return a === 0 || (b !== 0 && b < a) ? b : a
}
