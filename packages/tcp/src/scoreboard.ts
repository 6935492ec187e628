import { after, before } from './sequence.ts'

/** Words of one record, without a stamp and with one. */
const STRIDE = 6
/** Words of a stamp: what its owner needs to know of the time when the record left; all 0 = there is none. */
const STAMP = 5
const STAMPED_STRIDE = STRIDE + STAMP
const START = 0
const END = 1
const SENT = 2
const MARKS = 3
const ORDER = 4
const RUN = 5
/** Records from which on none is added for less than a full segment: a ring of 1.5 MiB. */
const MANY = 65_536
/** Records of the smallest ring. */
const LEAST = 16

/** What is known of a record. */
export const Mark = {
  /** The peer has it (RFC 2018). */
  Sacked: 1,
  /** Held lost; with `Out`, sent again since. */
  Lost: 2,
  /** Its retransmission is out. */
  Out: 4,
  /** Was retransmitted at some time: its round trip says nothing (Karn). */
  Again: 8,
  /** The one whose delivery rate is measured, where not every one is. */
  Timed: 16,
  /** The host stood still while it was out: its round trip says nothing either. */
  Stalled: 32,
} as const

/** Words of all rings that are kept for reuse, at most: 2 MiB. */
const POOLED_WORDS = 524_288
/** Largest ring that is kept at hand beside them. */
const SPARE_WORDS = 65_536
/** Boards that keep the smallest ring while it is empty, a power of two. */
const HOLDERS = 64

/** Who is told of each record that is held lost. */
export interface LossListener {
  segmentLost(i: number): void
}

/** Rings that no connection uses, by size, for those that begin to send: an idle connection holds none. */
export class RingPool {
  private readonly rings = new Map<number, Int32Array[]>()
  private words = 0
  /** The last one that came back: nearly always the next one that is asked for. */
  private spare: Int32Array | null = null
  /** Who sent last sends next, perhaps: as long as few others come in between, the ring stays. */
  private readonly holders: (Scoreboard | null)[] = new Array<Scoreboard | null>(HOLDERS).fill(null)
  private nextHolder = 0

  /** One for `records`, a power of two. */
  take(records: number, stride: number = STRIDE): Int32Array {
    const words = records * stride
    const { spare } = this
    if (spare !== null && spare.length === words) {
      this.spare = null
      return spare
    }
    const ring = this.rings.get(words)?.pop()
    if (ring === undefined) return new Int32Array(words)
    this.words -= words
    return ring
  }

  give(ring: Int32Array): void {
    const { spare } = this
    if (ring.length > SPARE_WORDS) {
      this.keep(ring)
      return
    }
    this.spare = ring
    if (spare !== null) this.keep(spare)
  }

  /** The ring of `board` is empty, and stays until as many others have come. Answers its place. */
  hold(board: Scoreboard): number {
    const place = this.nextHolder
    this.nextHolder = (place + 1) & (HOLDERS - 1)
    this.holders[place]?.endHold()
    this.holders[place] = board
    return place
  }

  /** The board at `place` has no ring to keep. */
  forget(place: number): void {
    this.holders[place] = null
  }

  private keep(ring: Int32Array): void {
    const words = ring.length
    if (this.words + words > POOLED_WORDS) return
    this.words += words
    const same = this.rings.get(words)
    if (same === undefined) this.rings.set(words, [ring])
    else same.push(ring)
  }
}

/**
 * The segments that are out, in order: one record for each range that was sent at once, with when it left and what has
 * become of it. The totals are kept, never counted. Records are named by their index; 0 is the oldest. Times are int32 µs.
 */
export class Scoreboard {
  /** Records. */
  length = 0
  /** Bytes that the peer has beyond SND.UNA. */
  sackedBytes = 0
  /** Records that the peer has beyond SND.UNA. */
  sackedRecords = 0
  /** Bytes held lost and not sent again. */
  lostBytes = 0
  /** Bytes whose retransmission is out. */
  outBytes = 0
  /** Bytes ever held lost, int32. */
  lostTotal = 0
  listener: LossListener | null = null
  private readonly pool: RingPool
  private ring: Int32Array | null = null
  private stride = STRIDE
  private mask = 0
  private head = 0
  // Records of the ring that the last flight needed.
  private size = LEAST
  // No record that is lost and not sent again begins before it.
  private lostHint = 0
  /** Among those that keep an empty ring; -1 = not. */
  private place = -1

  constructor(pool: RingPool) {
    this.pool = pool
  }

  /** Small segments, or a window that opens byte by byte over what was lost, have made many records: no more of them. */
  get isCrowded(): boolean {
    return this.length >= MANY
  }

  /** A range left at `now`; it begins where the last one ends. */
  push(start: number, end: number, now: number, order: number): void {
    const ring = this.withRoom()
    const at = this.offset(this.length++)
    ring[at + START] = start
    ring[at + END] = end
    ring[at + SENT] = now
    ring[at + MARKS] = 0
    ring[at + ORDER] = order
    if (this.stride === STAMPED_STRIDE) ring.fill(0, at + STRIDE, at + STAMPED_STRIDE)
  }

  /** Records have room for a stamp each, or have not. Those that are there have an empty one. */
  keepStamps(isKept: boolean): void {
    const stride = isKept ? STAMPED_STRIDE : STRIDE
    if (this.ring !== null && stride !== this.stride) this.move(stride)
    this.stride = stride
  }

  /** Are there stamps? */
  get hasStamps(): boolean {
    return this.stride === STAMPED_STRIDE
  }

  /** Copies `stamp` to record `i`. */
  setStamp(i: number, stamp: readonly number[]): void {
    const ring = this.ring!
    const at = this.offset(i) + STRIDE
    for (let k = 0; k < STAMP; k++) ring[at + k] = stamp[k]!
  }

  /** Copies it back. */
  getStamp(i: number, stamp: number[]): void {
    const ring = this.ring!
    const at = this.offset(i) + STRIDE
    for (let k = 0; k < STAMP; k++) stamp[k] = ring[at + k]!
  }

  start(i: number): number {
    return this.ring![this.offset(i) + START]!
  }

  end(i: number): number {
    return this.ring![this.offset(i) + END]!
  }

  /** When it last left, µs. */
  sent(i: number): number {
    return this.ring![this.offset(i) + SENT]!
  }

  marks(i: number): number {
    return this.ring![this.offset(i) + MARKS]!
  }

  /** Which of everything the connection sent it was, int32: what left at the same time has an order, too. */
  order(i: number): number {
    return this.ring![this.offset(i) + ORDER]!
  }

  /** Index of the record that holds `sequence`; the first one when it lies before all, `length` when behind all. */
  find(sequence: number): number {
    let low = 0
    let high = this.length
    if (high === 0) return 0
    // Nearly all records are of one size.
    const first = this.start(0)
    const guess = (((sequence - first) | 0) / ((this.end(0) - first) | 0)) | 0
    if (guess >= 0 && guess < high && !before(sequence, this.start(guess)) && after(this.end(guess), sequence)) return guess
    while (low < high) {
      const middle = (low + high) >>> 1
      if (after(this.end(middle), sequence)) high = middle
      else low = middle + 1
    }
    return low
  }

  /** The oldest record is acknowledged. */
  shift(): void {
    this.forget(this.offset(0))
    this.head = (this.head + 1) & this.mask
    if (--this.length === 0) this.release()
  }

  /**
   * Takes the records of which nothing is marked, and which end at or before `sequence`, off the front, but the last of
   * them: nearly all acknowledgments are of such.
   */
  shiftPlain(sequence: number): void {
    const ring = this.ring
    if (ring === null) return
    const { mask, stride } = this
    let { head, length } = this
    while (length > 1) {
      const at = head * stride
      const next = (head + 1) & mask
      if (ring[at + MARKS] !== 0 || ring[next * stride + MARKS] !== 0 || after(ring[next * stride + END]!, sequence)) break
      head = next
      length--
    }
    this.head = head
    this.length = length
  }

  /** What lies before `sequence`, inside the oldest record, is acknowledged. */
  trim(sequence: number): void {
    const count = (sequence - this.start(0)) | 0
    const marks = this.marks(0)
    if ((marks & Mark.Sacked) !== 0) this.sackedBytes -= count
    else if ((marks & Mark.Out) !== 0) this.outBytes -= count
    else if ((marks & Mark.Lost) !== 0) this.lostBytes -= count
    this.ring![this.offset(0) + START] = sequence
  }

  /** Makes `sequence`, inside record `i`, the border of two records. */
  split(i: number, sequence: number): void {
    const ring = this.withRoom()
    // The shorter side makes room.
    if (i < this.length >>> 1) {
      this.head = (this.head - 1) & this.mask
      for (let k = 0; k <= i; k++) this.copy(k + 1, k)
    } else for (let k = this.length; k > i; k--) this.copy(k - 1, k)
    this.length++
    ring[this.offset(i) + END] = sequence
    ring[this.offset(i + 1) + START] = sequence
    if ((this.marks(i) & Mark.Sacked) !== 0) this.sackedRecords++
  }

  /** The peer has it, and what follows up to `run`: later blocks need not look at each of it. */
  markSacked(i: number, run: number = this.end(i)): void {
    const at = this.offset(i)
    const ring = this.ring!
    this.forget(at)
    ring[at + MARKS] = (ring[at + MARKS]! & ~(Mark.Lost | Mark.Out)) | Mark.Sacked
    ring[at + RUN] = run
    this.sackedBytes += (ring[at + END]! - ring[at + START]!) | 0
    this.sackedRecords++
  }

  /**
   * The peer has the records of which nothing is marked, from `i` on and before `stop`.
   *
   * @returns index behind the last of them
   */
  sackPlain(i: number, stop: number, run: number): number {
    const ring = this.ring!
    const { head, mask, stride } = this
    let bytes = 0
    let next = i
    for (; next < stop; next++) {
      const at = ((head + next) & mask) * stride
      if (ring[at + MARKS] !== 0) break
      ring[at + MARKS] = Mark.Sacked
      ring[at + RUN] = run
      bytes += (ring[at + END]! - ring[at + START]!) | 0
    }
    this.sackedBytes += bytes
    this.sackedRecords += next - i
    return next
  }

  /** Takes the records that the peer said it has, and which end at or before `sequence`, off the front, but the last of all. */
  shiftSacked(sequence: number): void {
    const ring = this.ring
    if (ring === null) return
    const { mask, stride } = this
    let { head, length } = this
    let bytes = 0
    while (length > 1) {
      const at = head * stride
      if ((ring[at + MARKS]! & Mark.Sacked) === 0 || after(ring[at + END]!, sequence)) break
      bytes += (ring[at + END]! - ring[at + START]!) | 0
      head = (head + 1) & mask
      length--
    }
    this.sackedBytes -= bytes
    this.sackedRecords -= this.length - length
    this.head = head
    this.length = length
  }

  /** It is held lost: the original, or its retransmission. */
  markLost(i: number): void {
    if ((this.marks(i) & (Mark.Lost | Mark.Out)) === Mark.Lost) return
    this.lostTotal = (this.lostTotal + this.bytes(i)) | 0
    this.markDue(i)
    this.listener?.segmentLost(i)
  }

  /** It is to leave again, lost or not. */
  markDue(i: number): void {
    const marks = this.marks(i)
    const bytes = this.bytes(i)
    if ((marks & Mark.Out) !== 0) this.outBytes -= bytes
    else if ((marks & Mark.Lost) !== 0) return
    this.lostBytes += bytes
    const start = this.start(i)
    if (this.lostBytes === bytes || before(start, this.lostHint)) this.lostHint = start
    this.setMarks(i, (marks & ~Mark.Out) | Mark.Lost)
  }

  /** It leaves again at `now`. */
  markSentAgain(i: number, now: number, order: number): void {
    this.markDue(i)
    const bytes = this.bytes(i)
    this.lostBytes -= bytes
    this.outBytes += bytes
    const at = this.offset(i)
    const ring = this.ring!
    ring[at + SENT] = now
    ring[at + MARKS] = ring[at + MARKS]! | Mark.Out | Mark.Again
    ring[at + ORDER] = order
  }

  /** The peer may have thrown away what it said it has (RFC 2018 §8). */
  forgetSacks(): void {
    for (let i = 0; i < this.length; i++) {
      const marks = this.marks(i)
      if ((marks & Mark.Sacked) === 0) continue
      this.forget(this.offset(i))
      this.setMarks(i, marks & ~Mark.Sacked)
    }
  }

  /** The first record to be sent again; -1 = none. */
  firstLost(): number {
    if (this.lostBytes === 0) return -1
    for (let i = this.find(this.lostHint); i < this.length; i++) {
      if ((this.marks(i) & (Mark.Lost | Mark.Out)) !== Mark.Lost) continue
      this.lostHint = this.start(i)
      return i
    }
    return -1
  }

  /** Nothing is lost after all: what was marked is in flight. What left again is watched as before. */
  forgetLosses(): void {
    for (let i = 0; i < this.length; i++) {
      const marks = this.marks(i)
      if ((marks & (Mark.Lost | Mark.Out)) === Mark.Lost) this.setMarks(i, marks & ~Mark.Lost)
    }
    this.lostBytes = 0
  }

  /** It is the one whose delivery rate is measured. */
  markTimed(i: number): void {
    this.setMarks(i, this.marks(i) | Mark.Timed)
  }

  /** Its round trip says nothing: it, or a part of it, left again. */
  markAgain(i: number): void {
    this.setMarks(i, this.marks(i) | Mark.Again)
  }

  /** Of none that is out the round trip says anything. */
  markStalled(): void {
    for (let i = 0; i < this.length; i++) this.setMarks(i, this.marks(i) | Mark.Stalled)
  }

  /** Sequence number up to which everything from record `i` on is sacked, as far as {@link markSacked} and {@link setRun} were told. */
  run(i: number): number {
    return this.ring![this.offset(i) + RUN]!
  }

  /** Everything from record `i` to `sequence` is sacked: later blocks need not look at each of it. */
  setRun(i: number, sequence: number): void {
    this.ring![this.offset(i) + RUN] = sequence
  }

  clear(): void {
    this.length = this.sackedBytes = this.sackedRecords = this.lostBytes = this.outBytes = 0
    if (this.place >= 0) this.pool.forget(this.place)
    this.endHold()
  }

  /** For the pool: an empty ring is for others now. */
  endHold(): void {
    this.place = -1
    if (this.ring !== null && this.length === 0) this.giveBack()
  }

  private bytes(i: number): number {
    const at = this.offset(i)
    return (this.ring![at + END]! - this.ring![at + START]!) | 0
  }

  private setMarks(i: number, marks: number): void {
    this.ring![this.offset(i) + MARKS] = marks
  }

  /** Takes the record at `at` out of the totals. */
  private forget(at: number): void {
    const ring = this.ring!
    const marks = ring[at + MARKS]!
    if ((marks & (Mark.Sacked | Mark.Lost)) === 0) return
    const bytes = (ring[at + END]! - ring[at + START]!) | 0
    if ((marks & Mark.Sacked) !== 0) {
      this.sackedBytes -= bytes
      this.sackedRecords--
    } else if ((marks & Mark.Out) !== 0) this.outBytes -= bytes
    else this.lostBytes -= bytes
  }

  private offset(i: number): number {
    return ((this.head + i) & this.mask) * this.stride
  }

  private copy(from: number, to: number): void {
    const { stride } = this
    const ring = this.ring!
    const source = this.offset(from)
    const target = this.offset(to)
    for (let k = 0; k < stride; k++) ring[target + k] = ring[source + k]!
  }

  private withRoom(): Int32Array {
    let ring = this.ring
    if (ring === null) {
      this.ring = ring = this.pool.take(this.size, this.stride)
      this.mask = this.size - 1
      this.head = 0
    } else if (this.length > this.mask) {
      this.size *= 2
      ring = this.move(this.stride)
    }
    return ring
  }

  /** To another ring, of `size` records. */
  private move(stride: number): Int32Array {
    const ring = this.ring!
    const next = this.pool.take(this.size, stride).fill(0)
    for (let i = 0; i < this.length; i++) {
      const at = this.offset(i)
      for (let k = 0; k < Math.min(stride, this.stride); k++) next[i * stride + k] = ring[at + k]!
    }
    this.pool.give(ring)
    this.ring = next
    this.mask = this.size - 1
    this.head = 0
    return next
  }

  /** Nothing is out. */
  private release(): void {
    if (this.mask >= LEAST) {
      // A flight that needed less than a quarter of its ring is no reason to ask for as large a one again.
      if (this.head < this.size >>> 2) this.size >>>= 1
      this.giveBack()
    } else if (this.place < 0) this.place = this.pool.hold(this)
  }

  private giveBack(): void {
    this.pool.give(this.ring!)
    this.ring = null
    this.mask = this.head = 0
  }
}
