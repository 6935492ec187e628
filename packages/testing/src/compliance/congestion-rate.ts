import { expectEqual, expectThat, type CaseOf } from './case.ts'
import { RatePath } from './congestion-path.ts'
import type { CongestionAlgorithmLike, RateSampleLike } from './congestion-shapes.ts'

/** 10 Mbit/s and 40 ms: 35 segments. */
const PATH = { rate: 1_250_000, rtt: 40 } as const

/** The rate as a part of what it should be. */
const percent = (value: number, of: number): string => `${((value / of) * 100).toFixed(0)} %`

/** What is true of controls that follow the delivery rate (draft-ietf-ccwg-bbr). */
export const RATE_CASES: readonly CaseOf<CongestionAlgorithmLike>[] = [
  {
    name: 'paces from the beginning',
    clause: 'CongestionControl.pacingRate: above 0, for a control with onDelivered',
    check(algorithm) {
      const { control } = new RatePath(algorithm, PATH)
      expectThat((control.pacingRate ?? 0) > 0, `The first pacing rate is ${String(control.pacingRate)}.`)
    },
  },
  {
    name: 'fills a path, whatever its rate is',
    clause: 'CongestionControl.onDelivered, pacingRate: a control with one rate for all paths is none',
    check(algorithm) {
      for (const rate of [50_000, 1_250_000, 12_500_000]) {
        const path = new RatePath(algorithm, { rate, rtt: 40 })
        path.run(3)
        const got = path.run(7)
        expectThat(got >= 0.85 * rate, `A path of ${String(rate)} bytes a second is used to ${percent(got, rate)} in seconds 3 to 10.`)
      }
    },
  },
  {
    name: 'does not fill an endless queue',
    clause: 'draft-ietf-ccwg-bbr-06 §3.1: low queues; CongestionControl.cwnd bounds what is in flight',
    check(algorithm) {
      const path = new RatePath(algorithm, PATH)
      path.run(3)
      let most = 0
      path.onAck = () => {
        most = Math.max(most, path.queue)
      }
      path.run(7)
      expectThat(most <= 3 * PATH.rtt, `The queue of a path of ${String(PATH.rtt)} ms grew to ${most.toFixed(0)} ms in seconds 3 to 10.`)
    },
  },
  {
    name: 'follows a path that gets slower',
    clause: 'draft-ietf-ccwg-bbr-06 §A.16: the estimate adapts when the old one is two cycles of probing old',
    check(algorithm) {
      const path = new RatePath(algorithm, PATH)
      path.run(5)
      path.rate = PATH.rate / 4
      path.run(30)
      const { pacingRate } = path.control
      expectThat(pacingRate! <= 2 * path.rate, `30 s after the path got slower by four it is paced at ${percent(pacingRate!, path.rate)} of its rate.`)
    },
  },
  {
    name: 'follows a path that gets faster',
    clause: 'draft-ietf-ccwg-bbr-06 §A.15: the rate is ten times as large, and used',
    check(algorithm) {
      const path = new RatePath(algorithm, PATH)
      path.run(5)
      path.rate = PATH.rate * 10
      path.run(20)
      const got = path.run(5)
      expectThat(got >= 0.7 * path.rate, `20 s after the path got faster by ten it is used to ${percent(got, path.rate)}.`)
    },
  },
  {
    name: 'does not take the rate of the application for that of the path',
    clause: 'RateSample.isAppLimited; draft-ietf-ccwg-bbr-06 §5.5.4',
    check(algorithm) {
      const path = new RatePath(algorithm, PATH)
      path.run(5)
      const before = path.control.pacingRate!
      path.demand = PATH.rate / 20
      path.run(12)
      const { pacingRate } = path.control
      expectThat(pacingRate! >= 0.6 * before, `12 s in which the application wrote a twentieth of what the path takes left ${percent(pacingRate!, before)} of the pacing rate.`)
    },
  },
  {
    name: 'has a window of a segment at least, and finite rates, all the time',
    clause: 'CongestionControl.cwnd, pacingRate',
    check(algorithm) {
      const path = new RatePath(algorithm, PATH)
      path.onAck = () => {
        const { cwnd, pacingRate } = path.control
        expectThat(Number.isInteger(cwnd) && cwnd >= path.sender.mss, `The window is ${String(cwnd)} bytes.`)
        expectThat(Number.isFinite(pacingRate) && pacingRate! > 0, `The pacing rate is ${String(pacingRate)}.`)
      }
      for (const factor of [1, 0.02, 50, 0.1]) {
        path.rate = PATH.rate * factor
        path.run(4)
      }
    },
  },
  {
    name: 'does not keep the rate sample',
    clause: 'RateSample: one object per stack is reused',
    check(algorithm) {
      const [path, other] = [0, 1].map(() => new RatePath(algorithm, PATH)) as [RatePath, RatePath]
      other.onAck = (sample) => {
        sample.rate = sample.acked = sample.flight = sample.rtt = sample.deliveredTotal = 1
      }
      path.run(3)
      other.run(3)
      expectEqual(other.control.pacingRate, path.control.pacingRate, 'The pacing rate of a control whose samples are changed after the call')
    },
  },
  {
    name: 'does not change the rate sample',
    clause: 'RateSample: read it',
    check(algorithm) {
      const path = new RatePath(algorithm, PATH)
      const onDelivered = path.control.onDelivered!.bind(path.control)
      path.control.onDelivered = (sample: RateSampleLike) => {
        const before = JSON.stringify(sample)
        onDelivered(sample)
        expectEqual(JSON.stringify(sample), before, 'The sample after the call')
      }
      path.run(1)
    },
  },
]
