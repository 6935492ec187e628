import type { Milliseconds } from '@stack/core'

/** BBR.MinRTTFilterLen, ms. */
const MIN_RTT_WINDOW = 10_000
/** BBR.ProbeRTTInterval, ms. */
const PROBE_RTT_INTERVAL = 5000
const NEVER = -1

/** BBR.max_bw: the largest delivery rate of this cycle of ProbeBW and of the one before (§5.5.3). Bytes a second. */
export class BandwidthFilter {
  maximum = 0
  private current = 0
  private previous = 0

  take(rate: number): void {
    if (rate <= this.current) return
    this.current = rate
    this.maximum = Math.max(this.previous, rate)
  }

  /** The cycle is over (§5.5.6). Without a sample in it nothing is forgotten. */
  advance(): void {
    if (this.current === 0) return
    this.maximum = this.previous = this.current
    this.current = 0
  }
}

/** Round trips that a {@link RoundMaximum} remembers. */
const ROUNDS = 10

/** The largest value of the last rounds, ten at most. */
export class RoundMaximum {
  private readonly values: number[] = new Array<number>(ROUNDS).fill(0)
  private round = 0

  take(value: number, round: number): void {
    if (round - this.round >= ROUNDS) this.values.fill(0)
    else while (this.round < round) this.values[++this.round % ROUNDS] = 0
    this.round = round
    const slot = round % ROUNDS
    if (value > this.values[slot]!) this.values[slot] = value
  }

  /** Of the last `rounds`. */
  maximum(rounds: number): number {
    let most = 0
    for (let i = 0; i < rounds && i <= this.round; i++) most = Math.max(most, this.values[(this.round - i) % ROUNDS]!)
    return most
  }
}

/** BBR.min_rtt, and when it is time to look for a lower one (§5.3.4.3, UpdateMinRTT). Round trips in µs, Infinity = none yet. */
export class MinimumRtt {
  minimum: number = Infinity
  /** Nothing as low was seen for long: time for ProbeRTT. */
  isExpired = false
  private since: Milliseconds = NEVER
  private recent: number = Infinity
  private recentSince: Milliseconds = NEVER

  /** A round trip of `rtt`, 0 = none, was measured. */
  take(rtt: number, now: Milliseconds): void {
    if (this.since === NEVER) this.since = this.recentSince = now
    this.isExpired = now > this.recentSince + PROBE_RTT_INTERVAL
    if (rtt > 0 && (rtt < this.recent || this.isExpired)) {
      this.recent = rtt
      this.recentSince = now
    }
    if (this.recent >= this.minimum && now <= this.since + MIN_RTT_WINDOW) return
    this.minimum = this.recent
    this.since = this.recentSince
  }

  /** ProbeRTT is over. */
  probed(now: Milliseconds): void {
    this.recentSince = now
  }
}
