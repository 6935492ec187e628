import { dumbbell, RENO, share } from '../paths.ts'
import { ONE_SEED, type Scenario } from '../scenario.ts'

export const bulk: readonly Scenario[] = [
  {
    name: 'bulk-10m',
    description: '10 Mbit/s × 40 ms, one flow, queue 1 BDP: slow start, the first loss, and a sawtooth that keeps the link busy',
    seeds: ONE_SEED,
    async run(net, trial) {
      const path = dumbbell(net, { rate: 10e6, rtt: 40 })
      const flow = net.transfer(path.senders[0]!, path.receivers[0]!, { tcp: RENO })
      await net.run(65)
      trial.atLeast('goodput, seconds 5–65', share(flow, path, 5, 65), 0.97)
      trial.exactly('timeouts', flow.timeouts, 0)
      trial.atMost('largest queue, BDP', path.bottleneck.there.queue().max / path.bdp, 1)
      return path
    },
  },
  {
    name: 'bulk-10m-ipv6',
    description: 'The same over IPv6',
    seeds: ONE_SEED,
    async run(net, trial) {
      const path = dumbbell(net, { rate: 10e6, rtt: 40 })
      const flow = net.transfer(path.senders[0]!, path.receivers[0]!, { tcp: RENO, family: 'ipv6' })
      await net.run(65)
      // Its header is 20 bytes longer.
      trial.atLeast('goodput, seconds 5–65', share(flow, path, 5, 65) * (1448 / 1428), 0.97)
      trial.exactly('timeouts', flow.timeouts, 0)
      return path
    },
  },
  {
    name: 'bulk-100m-window',
    description: '100 Mbit/s × 40 ms, one flow whose receive window is 1.5 BDP: the rate without a loss',
    seeds: ONE_SEED,
    async run(net, trial) {
      const path = dumbbell(net, { rate: 100e6, rtt: 40 })
      const flow = net.transfer(path.senders[0]!, path.receivers[0]!, { tcp: { receiveBuffer: 750_000 } })
      await net.run(65)
      trial.atLeast('goodput, seconds 5–65', share(flow, path, 5, 65), 0.99)
      trial.exactly('retransmits', flow.retransmits, 0)
      trial.atMost('largest queue, BDP', path.bottleneck.there.queue().max / path.bdp, 0.7)
      return path
    },
  },
  {
    name: 'bulk-100m-20ms',
    description: '100 Mbit/s × 20 ms, one flow, queue 1 BDP, Reno: the link is busy from the first loss on',
    seeds: ONE_SEED,
    async run(net, trial) {
      const path = dumbbell(net, { rate: 100e6, rtt: 20 })
      const flow = net.transfer(path.senders[0]!, path.receivers[0]!, { tcp: RENO })
      await net.run(65)
      trial.atLeast('goodput, seconds 5–65', share(flow, path, 5, 65), 0.97)
      trial.exactly('timeouts', flow.timeouts, 0)
      return path
    },
  },
  {
    name: 'bufferbloat',
    description: '10 Mbit/s × 40 ms with a queue of 8 BDP: Reno fills it, and everybody waits',
    seeds: ONE_SEED,
    async run(net, trial) {
      const path = dumbbell(net, { rate: 10e6, rtt: 40, queue: { bdp: 8 } })
      const flow = net.transfer(path.senders[0]!, path.receivers[0]!, { tcp: RENO })
      await net.run(65)
      trial.atLeast('goodput, seconds 30–65', share(flow, path, 30, 65), 0.97)
      trial.atLeast('mean queue, seconds 30–65, BDP', path.bottleneck.there.queue(30, 65).mean / path.bdp, 2)
      trial.atLeast('longest round trip, of the path\'s', Math.max(...flow.roundTrips.map(({ rtt }) => rtt)) / 40, 5)
      return path
    },
  },
]
