/** Growth of the delivery rate that shows that there is more. */
const GROWTH = 1.25
/** Rounds without it that show that there is not. */
const ROUNDS = 3

/** Has sending faster filled the pipe? It has when the delivery rate stays as it is for three rounds (§5.3.1.2). */
export class FullPipe {
  /** BBR.full_bw_reached: it was filled at some time. */
  isReached = false
  /** BBR.full_bw_now: it is, by the test that is going on. */
  isFull = false
  /** Rounds without growth so far (BBR.full_bw_count). */
  rounds = 0
  private baseline = 0

  /** A new test begins, with `rate` to be surpassed. */
  reset(rate = 0): void {
    this.baseline = rate
    this.rounds = 0
    this.isFull = false
  }

  /** A round ended with a sample of `rate`, not limited by the application. */
  onRound(rate: number): void {
    if (this.isFull) return
    if (rate >= this.baseline * GROWTH) {
      this.reset(rate)
      return
    }
    if (++this.rounds < ROUNDS) return
    this.isFull = this.isReached = true
  }
}
