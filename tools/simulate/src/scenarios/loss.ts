import type { Trace } from '@stack/simulation'
import { dumbbell, RENO, loseSegments, MSS, nextProgress, retransmissions, share } from '../paths.ts'
import { ONE_SEED, type Scenario } from '../scenario.ts'

const RTT = 40
/** Largest packet that a black hole lets through. */
const HOLE = 1400

export const loss: readonly Scenario[] = [
  {
    name: 'single-loss',
    description: 'One segment of a transfer is lost: the third duplicate ACK brings it again, and the window is halved (RFC 5681 §3.2)',
    seeds: ONE_SEED,
    isQuick: true,
    async run(net, trial) {
      const path = dumbbell(net, { rate: 20e6, rtt: RTT, queue: { bdp: 4 }, loss: loseSegments(100) })
      const flow = net.transfer(path.senders[0]!, path.receivers[0]!, { bytes: 1_000_000, tcp: RENO })
      await net.run(5)
      const { trace } = flow
      const sent = firstSend(flow.trace, 99 * MSS + 1)
      const [again = Infinity] = retransmissions(flow)
      trial.exactly('bytes delivered', flow.bytes, 1_000_000)
      trial.exactly('retransmits', flow.retransmits, 1)
      trial.exactly('timeouts', flow.timeouts, 0)
      // With what waits in the queue by then.
      const rtt = flow.roundTrips.findLast(({ at }) => at <= again)!.rtt
      trial.atMost('repair, round trips after it was first sent', (again - sent) / (rtt / 1000), 1.5)
      trial.atMost('ssthresh after it, of the flight before', trace.ssthresh(trace.length - 1) / flightAt(trace, again), 0.51)
      trial.atMost('seconds until all was delivered', flow.finishedAt ?? Infinity, 1.2)
      return path
    },
  },
  {
    name: 'overshoot',
    description: 'Slow start fills the path and its queue, and sends too much for one reduction: retransmissions are lost too (RFC 5681 §4.3)',
    seeds: ONE_SEED,
    isQuick: true,
    async run(net, trial) {
      const path = dumbbell(net, { rate: 50e6, rtt: 20 })
      const bytes = 8e6
      const flow = net.transfer(path.senders[0]!, path.receivers[0]!, { bytes })
      await net.run(5)
      const seconds = (flow.finishedAt ?? Infinity) - (flow.openedAt ?? 0)
      trial.exactly('bytes delivered', flow.bytes, bytes)
      trial.exactly('timeouts', flow.timeouts, 0)
      trial.atLeast('goodput, start included', (bytes * 8) / seconds / path.capacity, 0.92)
      return path
    },
  },
  {
    name: 'lost-tail',
    description: 'The last segment of a transfer is lost: no ACK tells of it, a timer has to',
    seeds: ONE_SEED,
    async run(net, trial) {
      const segments = 30
      const path = dumbbell(net, { rate: 20e6, rtt: RTT, queue: { bdp: 4 }, loss: loseSegments(segments) })
      const flow = net.transfer(path.senders[0]!, path.receivers[0]!, { bytes: segments * MSS, tcp: RENO })
      await net.run(5)
      trial.exactly('bytes delivered', flow.bytes, segments * MSS)
      trial.atLeast('retransmits', flow.retransmits, 1)
      trial.atMost('seconds until all was delivered', flow.finishedAt ?? Infinity, 0.5)
      return path
    },
  },
  {
    name: 'outage-1s',
    description: 'The link is gone for a second: the timer fires, backs off, and the flow goes on (RFC 6298 §5)',
    seeds: ONE_SEED,
    isQuick: true,
    async run(net, trial) {
      const path = dumbbell(net, { rate: 10e6, rtt: RTT, outages: [{ from: 5, until: 6 }] })
      const flow = net.transfer(path.senders[0]!, path.receivers[0]!, { tcp: RENO })
      await net.run(20)
      const first = retransmissions(flow).find((at) => at >= 6) ?? Infinity
      trial.atLeast('timeouts', flow.timeouts, 1)
      trial.atMost('first retransmission, seconds after the link is back', first - 6, 2)
      trial.atMost('progress, round trips after it', (nextProgress(flow, first) - first) / (RTT / 1000), 1.1)
      trial.atLeast('goodput, seconds 10–20', share(flow, path, 10, 20), 0.95)
      return path
    },
  },
  {
    name: 'black-hole',
    description: 'The path drops packets of more than 1,400 bytes and tells nobody (RFC 2923): smaller ones get through, and the largest size that does is found (RFC 4821)',
    seeds: ONE_SEED,
    isQuick: true,
    async run(net, trial) {
      const path = dumbbell(net, { rate: 20e6, rtt: RTT, loss: () => (bytes) => bytes > HOLE, back: { loss: 0 } })
      const flow = net.transfer(path.senders[0]!, path.receivers[0]!, { tcp: RENO })
      await net.run(20)
      trial.exactly('timeouts', flow.timeouts, 3)
      trial.atMost('seconds until something gets through', nextProgress(flow, 0.1), 2)
      trial.atLeast('text of a full segment, seconds 10–20', longest(flow.trace, 10, 20), HOLE - 60)
      trial.atMost('text of a full segment, seconds 10–20', longest(flow.trace, 10, 20), HOLE - 52)
      trial.atLeast('goodput, seconds 5–20', share(flow, path, 5, 20), 0.95)
      return path
    },
  },
  {
    name: 'loss-0.1pct',
    description: '20 Mbit/s × 20 ms with 0.1 % random loss: Reno stays near Mathis\' equation, 1.22·MSS/(RTT·√p)',
    async run(net, trial) {
      const path = dumbbell(net, { rate: 20e6, rtt: 20, loss: 0.001, back: { loss: 0 } })
      const flow = net.transfer(path.senders[0]!, path.receivers[0]!, { tcp: RENO })
      await net.run(65)
      const equation = (1.22 * MSS * 8) / (0.02 * Math.sqrt(0.001))
      trial.atLeast('goodput, seconds 5–65, of the smaller of equation and path', flow.goodput(5, 65) / Math.min(equation, path.capacity), 0.7)
      trial.exactly('timeouts', flow.timeouts, 0)
      return path
    },
  },
]

/** Seconds at which the segment at `position` was first sent. */
function firstSend(trace: Trace, position: number): number {
  for (let i = 0; i < trace.length; i++) if (trace.isSend(i) && trace.position(i) === position) return trace.time(i)
  return NaN
}

/** Bytes in flight just before `at`. */
function flightAt(trace: Trace, at: number): number {
  let flight = 0
  for (let i = 0; i < trace.length && trace.time(i) < at; i++) flight = trace.inFlight(i)
  return flight
}

/** Text of the longest segment that left between two times. */
function longest(trace: Trace, from: number, until: number): number {
  let length = 0
  for (let i = 0; i < trace.length; i++) {
    if (trace.isSend(i) && trace.time(i) >= from && trace.time(i) < until) length = Math.max(length, trace.segmentLength(i))
  }
  return length
}
