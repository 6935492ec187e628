import { simulation, type Simulation, type SimulationResult, type Trace, type Transfer, type TransferOptions } from '@stack/simulation'
import { dumbbell, MSS, nextProgress, RENO, retransmissions, share, type Path } from '../paths.ts'
import type { Scenario } from '../scenario.ts'

// No goodput cliffs: what a TCP with SACK, RACK-TLP, CUBIC, BBR and buffers that tune themselves does with these paths.

const cubic: TransferOptions = { tcp: { congestionControl: 'cubic' } }
const bbr: TransferOptions = { tcp: { congestionControl: 'bbr' } }

/** RFC 9438 §5.1: average rate of CUBIC with loss probability p, and of its Reno-friendly region; bits a second. */
function cubicRate(p: number, rttSeconds: number): number {
  const [c, beta] = [0.4, 0.7]
  const cubicWindow = (((c * (3 + beta)) / (4 * (1 - beta))) ** 0.25 * rttSeconds ** 0.75) / p ** 0.75
  const renoWindow = 1.22 / Math.sqrt(p)
  return (Math.max(cubicWindow, renoWindow) * MSS * 8) / rttSeconds
}

/** One transfer over the path. */
function only(net: Simulation, path: Path, options: TransferOptions): Transfer {
  return net.transfer(path.senders[0]!, path.receivers[0]!, options)
}

/** One transfer for each pair of hosts. */
function each(net: Simulation, path: Path, ...options: readonly TransferOptions[]): readonly Transfer[] {
  return options.map((one, i) => net.transfer(path.senders[i]!, path.receivers[i]!, one))
}

/** Index of the first event from `at` on. */
function firstAfter(trace: Trace, at: number): number {
  let i = 0
  while (i < trace.length - 1 && trace.time(i) < at) i++
  return i
}

/** Index of the first retransmission timeout from `at` on: what it says is from before it. */
function firstTimeout(trace: Trace, at: number): number {
  let i = firstAfter(trace, at)
  while (i < trace.length - 1 && trace.row(i).reason !== 'timeout-retransmit') i++
  return i
}

/** Largest of a figure in [from, until), seconds. */
function most(trace: Trace, from: number, until: number, figure: (index: number) => number): number {
  let largest = 0
  for (let i = firstAfter(trace, from); i < trace.length && trace.time(i) < until; i++) largest = Math.max(largest, figure(i))
  return largest
}

/** Reductions that the sender took back because nothing had been lost. */
function undone({ senders }: Path): number {
  return senders[0]!.stack.statistics().protocols['tcp']!['undone']!
}

export const cliffs: readonly Scenario[] = [
  {
    name: 'cubic-100m-40ms',
    description: '100 Mbit/s × 40 ms, CUBIC',
    async run(net, trial) {
      const path = dumbbell(net, { rate: 100e6, rtt: 40 })
      const flow = only(net, path, cubic)
      await net.run(65)
      trial.atLeast('goodput, seconds 5–65', share(flow, path, 5, 65), 0.97)
      return path
    },
  },
  {
    name: 'fast-and-long',
    description: '1 Gbit/s × 100 ms, queue 2 BDP, no preset buffer sizes: the buffers tune themselves',
    async run(net, trial) {
      const path = dumbbell(net, { rate: 1e9, rtt: 100, queue: { bdp: 2 } })
      const flow = only(net, path, { trace: false })
      await net.run(35)
      trial.atLeast('goodput, seconds 2.5–3', share(flow, path, 2.5, 3), 0.95)
      trial.atLeast('goodput, seconds 5–35', share(flow, path, 5, 35), 0.95)
      return path
    },
  },
  {
    name: 'cubic-loss-1pct',
    description: '100 Mbit/s × 20 ms, 1 % random loss, CUBIC',
    async run(net, trial) {
      const path = dumbbell(net, { rate: 100e6, rtt: 20, loss: 0.01, back: { loss: 0 } })
      const flow = only(net, path, cubic)
      await net.run(65)
      trial.atLeast('goodput, seconds 5–65, of RFC 9438\'s equation', flow.goodput(5, 65) / cubicRate(0.01, 0.02), 0.85)
      return path
    },
  },
  {
    name: 'bbr-loss-1pct',
    description: '100 Mbit/s × 20 ms, 1 % random loss, BBR',
    async run(net, trial) {
      const path = dumbbell(net, { rate: 100e6, rtt: 20, loss: 0.01, back: { loss: 0 } })
      const flow = only(net, path, bbr)
      await net.run(65)
      trial.atLeast('goodput, seconds 5–65', share(flow, path, 5, 65), 0.8)
      return path
    },
  },
  {
    name: 'reordering-3pct',
    description: '100 Mbit/s × 20 ms, 3 % of the packets late by 0.25–0.5 RTT: no worse than without',
    async run(net, trial) {
      const straight = simulation({ seed: net.seed })
      const straightPath = dumbbell(straight, { rate: 100e6, rtt: 20 })
      const reference = only(straight, straightPath, { ...cubic, trace: false })
      await straight.run(35)
      const path = dumbbell(net, { rate: 100e6, rtt: 20, reorder: { probability: 0.03, delay: [5, 10] }, back: { reorder: { probability: 0, delay: [0, 0] } } })
      const flow = only(net, path, cubic)
      await net.run(35)
      trial.atLeast('goodput, seconds 5–35, of that without reordering', flow.goodput(5, 35) / reference.goodput(5, 35), 0.95)
      trial.exactly('timeouts', flow.timeouts, 0)
      return path
    },
  },
  {
    name: 'two-cubic',
    description: '100 Mbit/s × 40 ms, two CUBIC flows that start 2 s apart',
    async run(net, trial) {
      const path = dumbbell(net, { rate: 100e6, rtt: 40, pairs: 2 })
      each(net, path, cubic, { ...cubic, start: 2 })
      const result: SimulationResult = await net.run(70)
      trial.atLeast('Jain\'s index, seconds 10–70', result.jain(10, 70), 0.95)
      return path
    },
  },
  {
    name: 'reno-beside-cubic',
    description: '20 Mbit/s × 20 ms, Reno beside CUBIC',
    async run(net, trial) {
      const path = dumbbell(net, { rate: 20e6, rtt: 20, pairs: 2 })
      const flows = each(net, path, { tcp: RENO }, cubic)
      await net.run(65)
      for (const flow of flows) trial.atLeast(`part of ${flow.name}, seconds 5–65`, share(flow, path, 5, 65), 0.3)
      return path
    },
  },
  {
    name: 'outage-30s',
    description: '100 Mbit/s × 40 ms, the link is gone for 30 s: back at once, and soon at the old rate',
    async run(net, trial) {
      const path = dumbbell(net, { rate: 100e6, rtt: 40, outages: [{ from: 10, until: 40 }] })
      const flow = only(net, path, cubic)
      await net.run(10)
      const undoneBefore = undone(path)
      await net.run(120)
      const first = retransmissions(flow).find((at) => at >= 40) ?? Infinity
      trial.atMost('first new ACK, round trips after the first retransmission', (nextProgress(flow, first) - first) / 0.04, 1.01)
      trial.atLeast('goodput of second 3 after it', share(flow, path, first + 3, first + 4), 0.9)
      // What was in the queue when the link went had arrived, and what was sent first again is told twice: taken back, as no
      // loss was behind it (RFC 3708). What entered the link later was lost: one reduction for it, however often the timer fired.
      trial.exactly('reductions taken back', undone(path) - undoneBefore, 1)
      const { trace } = flow
      trial.atLeast('cwnd within two round trips, of that before', most(trace, first, first + 0.08, (i) => trace.cwnd(i)) / trace.cwnd(firstTimeout(trace, 10)), 1)
      trial.atLeast('ssthresh a second after it, of what was in flight', trace.ssthresh(firstAfter(trace, first + 1)) / trace.inFlight(firstTimeout(trace, 10)), 0.69)
      trial.atLeast('timeouts', flow.timeouts, 5)
      return path
    },
  },
  {
    name: 'delay-spike',
    description: '100 Mbit/s × 40 ms, the link holds everything for a second: the timer fires for nothing, and everything is as before (RFC 5682, RFC 4015)',
    async run(net, trial) {
      const path = dumbbell(net, { rate: 100e6, rtt: 40, outages: [{ from: 10, until: 11, holds: true }] })
      const flow = only(net, path, cubic)
      await net.run(10)
      const undoneBefore = undone(path)
      await net.run(15)
      const { trace } = flow
      const before = firstTimeout(trace, 10)
      trial.atLeast('timeouts', flow.timeouts, 1)
      trial.atLeast('reductions taken back', undone(path) - undoneBefore, 1)
      trial.atLeast('cwnd within two round trips, of that before', most(trace, 11, 11.08, (i) => trace.cwnd(i)) / trace.cwnd(before), 1)
      trial.atLeast('ssthresh then, of that before', most(trace, 11, 11.08, (i) => trace.ssthresh(i)) / trace.ssthresh(before), 1)
      trial.atLeast('goodput of the next second', share(flow, path, 11.5, 12.5), 0.95)
      return path
    },
  },
  {
    name: 'bbr-queue',
    description: '100 Mbit/s × 40 ms, queue 4 BDP, BBR: the queue stays short',
    async run(net, trial) {
      const path = dumbbell(net, { rate: 100e6, rtt: 40, queue: { bdp: 4 } })
      const flow = only(net, path, bbr)
      await net.run(65)
      const { there } = path.bottleneck
      trial.atMost('p95 of the queue, seconds 5–65, BDP', there.queue(5, 65).p95 / path.bdp, 0.5)
      trial.atMost('largest queue at start-up, BDP', there.queue(0, 5).max / path.bdp, 1.5)
      trial.atLeast('goodput, seconds 5–65', share(flow, path, 5, 65), 0.9)
      return path
    },
  },
]
