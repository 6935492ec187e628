/**
 * The upper half of 64-bit sequence numbers (RFC 5925 §6.2, RFC 9187): how often the 32 bits of one direction went round,
 * reckoned from the furthest number seen. Numbers are within 2³¹ of it, as windows are far smaller.
 */
export class SequenceExtension {
  private furthest = 0
  private rounds = 0

  begin(initial: number): void {
    this.furthest = initial
    this.rounds = 0
  }

  /** Of `sequence`, int32. */
  of(sequence: number): number {
    const isAhead = ((sequence - this.furthest) | 0) >= 0
    const isLess = sequence >>> 0 < this.furthest >>> 0
    if (isAhead) return isLess ? (this.rounds + 1) | 0 : this.rounds
    return isLess ? this.rounds : (this.rounds - 1) | 0
  }

  /** `sequence` is known to be true. */
  advance(sequence: number): void {
    if (((sequence - this.furthest) | 0) <= 0) return
    this.rounds = this.of(sequence)
    this.furthest = sequence
  }
}
