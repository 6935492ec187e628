/**
 * Proportional rate reduction (RFC 9937): while loss is repaired, what may leave follows what arrives, so that cwnd comes
 * down to ssthresh in one round trip without a pause and without a burst.
 */
export class Prr {
  /** How many segments had been sent when it began. */
  readonly since: number
  /** RecoverFS: bytes in flight when recovery began. */
  private readonly flight: number
  /** Bytes that arrived since. */
  private delivered = 0
  /** Bytes sent since. */
  private out = 0

  constructor(since: number, flight: number) {
    this.since = since
    this.flight = Math.max(1, flight)
  }

  sent(bytes: number): void {
    this.out += bytes
  }

  /**
   * What may be in flight now (§6.2).
   *
   * @param delivered - bytes newly known to have arrived
   * @param isSafe - SND.UNA moved, and nothing more was lost
   */
  window(delivered: number, pipe: number, ssthresh: number, mss: number, isSafe: boolean): number {
    this.delivered += delivered
    let count: number
    if (pipe > ssthresh) count = Math.ceil((this.delivered * ssthresh) / this.flight) - this.out
    else {
      count = Math.max(this.delivered - this.out, delivered)
      if (isSafe) count += mss
      count = Math.min(ssthresh - pipe, count)
    }
    // The first retransmission always leaves.
    if (this.out === 0) count = Math.max(count, mss)
    return pipe + Math.max(0, count)
  }
}
