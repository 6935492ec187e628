import type { CongestionAlgorithmLike, RateSampleLike } from '../../src/index.ts'
import { GoodControl } from './congestion-mutants.ts'

/** ms for which a rate is remembered, twice. */
const WINDOW = 1000
/** ms of one probe with what precedes it. */
const CYCLE = 400

/** A control that follows the rate and passes every case: the largest rate of late, probed now and then. Mutants replace its methods. */
export class GoodRateControl extends GoodControl {
  pacingRate = 10_000_000
  isHoldingBack = false
  windowGain = 2
  private current = 0
  private previous = 0
  private since = 0
  private rtt = Infinity
  private lastGrowth = 0

  constructor(sender: ConstructorParameters<typeof GoodControl>[0]) {
    super(sender)
    this.onAck = () => {}
  }

  get maximum(): number {
    return Math.max(this.current, this.previous)
  }

  onDelivered = (sample: RateSampleLike): void => {
    if (sample.acked === 0) return
    if (sample.rtt > 0) this.rtt = Math.min(this.rtt, sample.rtt)
    this.forget(sample.now)
    if (this.counts(sample)) this.take(sample.rate, sample.now)
    this.pacingRate = this.pace(this.gain(sample.now) * this.maximum)
    const most = Math.max(4 * this.mss, Math.round((this.windowGain * this.maximum * this.rtt) / 1e6))
    if (this.rtt !== Infinity) this.cwnd = Math.max(this.mss, Math.min(this.cwnd + sample.acked, most))
  }

  pace = (rate: number): number => Math.max(1000, rate)

  counts = (sample: RateSampleLike): boolean => !sample.isAppLimited || sample.rate > this.maximum

  forget = (now: number): void => {
    if (now - this.since < WINDOW) return
    // What the application limited says nothing: without a better sample nothing is forgotten.
    if (this.current > 0) this.previous = this.current
    this.current = 0
    this.since = now
  }

  gain = (now: number): number => {
    if (now - this.lastGrowth < 250) return 2.5
    const at = now % CYCLE
    return at < 50 ? 1.25 : at < 120 ? 0.75 : 1
  }

  private take(rate: number, now: number): void {
    if (rate > 1.2 * this.maximum) this.lastGrowth = now
    this.current = Math.max(this.current, rate)
  }
}

/** The algorithm of good controls, each changed by `mutate`. */
export function goodRateAlgorithm(mutate: (control: GoodRateControl) => void = () => {}): CongestionAlgorithmLike {
  return {
    name: 'good',
    create(sender) {
      const control = new GoodRateControl(sender)
      mutate(control)
      return control
    },
  }
}

/** For each case of controls that follow the rate a fault that it alone catches. */
export const RATE_MUTANTS: Readonly<Record<string, (control: GoodRateControl) => void>> = {
  'paces from the beginning': (control) => {
    control.pacingRate = 0
  },
  'fills a path, whatever its rate is'(control) {
    const { pace } = control
    control.pace = (rate) => Math.min(10_400_000, pace(rate))
  },
  'does not fill an endless queue'(control) {
    const { gain } = control
    control.windowGain = 6
    control.gain = (now) => Math.max(1.1, gain(now))
  },
  'follows a path that gets slower': (control) => {
    control.forget = () => {}
  },
  'follows a path that gets faster'(control) {
    const { gain } = control
    control.gain = (now) => (now < 5000 ? gain(now) : 1)
  },
  'does not take the rate of the application for that of the path': (control) => {
    control.counts = () => true
  },
  'has a window of a segment at least, and finite rates, all the time'(control) {
    const { pace } = control
    let most = 0
    control.pace = (rate) => {
      most = Math.max(most, rate)
      return rate < most / 20 ? NaN : pace(rate)
    }
  },
  'does not keep the rate sample'(control) {
    const { counts } = control
    let last: RateSampleLike | null = null
    control.counts = (sample) => {
      const isCounted = last === null || last.rtt > 1
      last = sample
      return isCounted && counts(sample)
    }
  },
  'does not change the rate sample'(control) {
    const { onDelivered } = control
    control.onDelivered = (sample) => {
      onDelivered(sample)
      sample.flight += 1
    }
  },
}
