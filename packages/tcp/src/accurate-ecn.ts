import { Codepoint } from './ecn.ts'
import { Flag, Rare } from './wire.ts'
import type { SegmentHeader } from './wire.ts'
import { MAX_ECN_COUNTERS } from './wire-accurate-ecn.ts'

/** Where the ACE field begins to count (RFC 9768 §3.2.2). */
const FIRST_ACE = 5
/** Both counters of capable bytes begin with 1, so that a path that zeroes them is noticed (RFC 9768 §3.2.3). */
const FIRST_BYTES = 1
const BYTES_MASK = 0xffffff
/** Packets that the ACE field tells apart. */
const ACE_RANGE = 8
/** Marked packets after which an ACK is due: with text, and without (RFC 9768 §3.2.2.5.1). */
const MARKS_WITH_TEXT = 2
const MARKS_WITHOUT_TEXT = 3
/** Packets that ACKs cover on average where they are thinned out on the way: a large one says nothing then. */
const THINNED = 4
/** Weight of one ACK in that average. */
const ACK_WEIGHT = 1 / 64

/** AE, CWR and ECE as a number (RFC 9768 §3.2). */
export function aceOf(flags: number): number {
  return (flags >>> 6) & 7
}

/** A number as AE, CWR and ECE. */
export function aceFlags(ace: number): number {
  return (ace & 7) << 6
}

/** How a SYN or SYN-ACK came, as its answer says it (RFC 9768 §3.1.2, tables 2 and 3). */
export function handshakeAce(codepoint: number): number {
  if (codepoint === Codepoint.NotEct) return 0b010
  return codepoint === Codepoint.Ect1 ? 0b011 : codepoint === Codepoint.Ect0 ? 0b100 : 0b110
}

/** What an answer says; -1 = nothing that is known. */
export function handshakeCodepoint(ace: number): number {
  if (ace === 0b010) return Codepoint.NotEct
  return ace === 0b011 ? Codepoint.Ect1 : ace === 0b100 ? Codepoint.Ect0 : ace === 0b110 ? Codepoint.Ce : -1
}

/** The counters of Accurate ECN (RFC 9768 §3.2), of what we receive and of what the peer says of what we send. */
export class AccurateEcn {
  // --- the receiver's side ---
  /** r.cep: packets that came marked; three bits of it are told. */
  private cep = FIRST_ACE
  /** r.ceb, r.e0b, r.e1b: bytes of text by how they came. */
  private ce = 0
  private ect0 = FIRST_BYTES
  private ect1 = FIRST_BYTES
  /** Marked packets since a segment left. */
  private untold = 0
  private wasMarked = false
  /** Counters that the option needs to tell what changed since the last one. */
  needed = 0
  /** What the next ACK without text says instead of the counter: how the SYN-ACK came; -1 = nothing. */
  answer = -1
  /** Options may leave: the peer sends them, too. */
  hasOptions = false
  /** Segments came again whose ACK had an option: it does not get through. */
  isOptionLost = false
  /** Where the duplicate began whose ACK had an option. */
  private duplicate = 0
  private hasDuplicate = false

  // --- the sender's side ---
  /** s.cep of what is known, three bits. */
  private told = FIRST_ACE
  private toldCe = 0
  private toldEct0 = FIRST_BYTES
  private toldEct1 = FIRST_BYTES
  ceBytes = 0
  ect0Bytes = 0
  ect1Bytes = 0
  /** Nothing came since the handshake. */
  isFirst = true
  /** Latest timestamp of the peer; an ACK without news counts when it has a later one. */
  timestamp = 0
  private ackMean = 0

  /** The SYN or SYN-ACK came marked. */
  synMarked(): void {
    this.cep = (this.cep + 1) & (ACE_RANGE - 1)
  }

  /** `packets` packets came; true = they are to be acknowledged at once (RFC 9768 §3.2.2.5.1). */
  received(codepoint: number, bytes: number, packets: number): boolean {
    const isMarked = codepoint === Codepoint.Ce
    if (isMarked) {
      this.cep = (this.cep + packets) & (ACE_RANGE - 1)
      this.untold += packets
    }
    if (bytes > 0) this.count(codepoint, bytes)
    const isChange = bytes > 0 && isMarked && !this.wasMarked
    if (bytes > 0) this.wasMarked = isMarked
    return isChange || this.untold >= (bytes > 0 ? MARKS_WITH_TEXT : MARKS_WITHOUT_TEXT)
  }

  /** One more, and the field could have gone round unseen (RFC 9768 §3.2.2.5.1: n is 7 at most). */
  get isFull(): boolean {
    return this.untold >= ACE_RANGE - 1
  }

  private count(codepoint: number, bytes: number): void {
    if (codepoint === Codepoint.Ect1) {
      this.ect1 = (this.ect1 + bytes) & BYTES_MASK
      this.needed = Math.max(this.needed, 1)
    } else if (codepoint === Codepoint.Ce) {
      this.ce = (this.ce + bytes) & BYTES_MASK
      this.needed = Math.max(this.needed, 2)
    } else if (codepoint === Codepoint.Ect0) {
      this.ect0 = (this.ect0 + bytes) & BYTES_MASK
      this.needed = MAX_ECN_COUNTERS
    }
  }

  /** Text at `sequence` came that was here before. Its ACK got lost, perhaps for its option (RFC 9768 §3.2.3.2.2). */
  again(sequence: number): void {
    if (!this.hasOptions) return
    if (this.hasDuplicate && sequence === this.duplicate) this.isOptionLost = true
    this.hasDuplicate = true
    this.duplicate = sequence
  }

  /** The ACE field of the segment that leaves now. */
  ace(): number {
    this.untold = 0
    return this.cep
  }

  /** Puts `counters` counters into the option of the segment that leaves now. */
  tell(header: SegmentHeader, counters: number): void {
    header.rare |= Rare.AccurateEcn
    header.ecnCounters = counters
    header.ect1Bytes = this.ect1
    header.ceBytes = this.ce
    header.ect0Bytes = this.ect0
    if (counters >= this.needed) this.needed = 0
  }

  /** The peer's SYN-ACK said that our SYN came marked, or the other way round. */
  toldSynMarked(): void {
    this.told = (this.told + 1) & (ACE_RANGE - 1)
  }

  /** Did the peer's timestamp get on? */
  isLater(header: SegmentHeader): boolean {
    if (!header.timestamps || ((header.timestampValue - this.timestamp) | 0) <= 0) return false
    this.timestamp = header.timestampValue
    return true
  }

  /** An ACK that got on: packets newly known to have come marked (RFC 9768 §3.2.2.5.2, appendix A.1). */
  acknowledged(header: SegmentHeader, delivered: number, mss: number): number {
    const before = this.ceBytes
    const hasBytes = this.readOption(header)
    const packets = Math.ceil(delivered / mss)
    if (packets > 0) this.ackMean = this.ackMean === 0 ? packets : this.ackMean + (packets - this.ackMean) * ACK_WEIGHT
    const delta = (aceOf(header.flags) - this.told) & (ACE_RANGE - 1)
    const count = packets < ACE_RANGE ? delta : this.unwrapped(delta, packets, mss, hasBytes ? this.ceBytes - before : -1)
    this.told = (this.told + count) & (ACE_RANGE - 1)
    return count
  }

  /** The field may have gone round: the most that it can mean, unless the bytes or thinned ACKs say otherwise. */
  private unwrapped(delta: number, packets: number, mss: number, bytes: number): number {
    const most = packets - ((packets - delta) & (ACE_RANGE - 1))
    if (bytes < 0) return this.ackMean > THINNED ? delta : most
    if (bytes > delta * mss) return most
    return bytes < (most * mss) / 2 ? delta : most
  }

  /** False = it has no counter of marked bytes, or none that makes sense. */
  private readOption(header: SegmentHeader): boolean {
    if ((header.rare & Rare.AccurateEcn) === 0) return false
    const ce = step(header.ceBytes, this.toldCe)
    const ect0 = step(header.ect0Bytes, this.toldEct0)
    const ect1 = step(header.ect1Bytes, this.toldEct1)
    this.ceBytes += ce
    this.ect0Bytes += ect0
    this.ect1Bytes += ect1
    if (ce > 0) this.toldCe = header.ceBytes
    if (ect0 > 0) this.toldEct0 = header.ect0Bytes
    if (ect1 > 0) this.toldEct1 = header.ect1Bytes
    return header.ceBytes >= 0 && ((header.ceBytes - this.toldCe) & BYTES_MASK) === 0
  }
}

/** How far a counter of 24 bits got on; 0 = it was not told, or went back. */
function step(value: number, before: number): number {
  const delta = (value - before) & BYTES_MASK
  return value < 0 || delta > BYTES_MASK >>> 1 ? 0 : delta
}

/** Does a SYN ask for accurate feedback? Combinations that nobody uses yet do, too (RFC 9768 §3.1.3). */
export function asksForAccurate(flags: number): boolean {
  const ace = aceOf(flags)
  return ace !== 0 && ace !== aceOf(Flag.Ece | Flag.Cwr)
}
