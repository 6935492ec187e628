import { dctcp } from '@stack/tcp'
import { dumbbell, share } from '../paths.ts'
import { ONE_SEED, SEEDS, type Scenario } from '../scenario.ts'

/** Bytes of a full packet on the wire. */
const PACKET = 1514
/** Packets in the queue with which DCTCP's marks begin (RFC 8257 §4.1: a seventh of the BDP is enough). */
const K = 40

export const ecn: readonly Scenario[] = [
  {
    name: 'ecn-cubic',
    description: '100 Mbit/s × 40 ms, queue 3 BDP that marks from 0.6 BDP on: CUBIC keeps the rate and loses nothing',
    seeds: SEEDS,
    async run(net, trial) {
      const path = dumbbell(net, { rate: 100e6, rtt: 40, queue: { bdp: 3 }, mark: { from: { bdp: 0.6 }, to: { bdp: 0.9 } } })
      const flow = net.transfer(path.senders[0]!, path.receivers[0]!, { tcp: { ecn: 'on' } })
      await net.run(35)
      const { there } = path.bottleneck
      trial.atLeast('goodput, seconds 5–35', share(flow, path, 5, 35), 0.97)
      trial.exactly('drops', there.drops.length, 0)
      trial.exactly('retransmits', flow.retransmits, 0)
      trial.atLeast('reductions by marks', flow.info!.ecn.reductions, 2)
      trial.atMost('largest queue, seconds 5–35, BDP', there.queue(5, 35).max / path.bdp, 1)
      return path
    },
  },
  {
    name: 'ecn-accurate',
    description: 'The same with accurate feedback',
    seeds: ONE_SEED,
    async run(net, trial) {
      const path = dumbbell(net, { rate: 100e6, rtt: 40, queue: { bdp: 3 }, mark: { from: { bdp: 0.6 }, to: { bdp: 0.9 } } })
      const flow = net.transfer(path.senders[0]!, path.receivers[0]!, { tcp: { ecn: 'accurate' } })
      await net.run(35)
      const { there } = path.bottleneck
      trial.atLeast('goodput, seconds 5–35', share(flow, path, 5, 35), 0.97)
      trial.exactly('drops', there.drops.length, 0)
      // What the queue marked is what the sender knows, but for the last round trip.
      trial.atMost('marks that the sender does not know', Math.abs(there.counters.marked - flow.info!.ecn.marked), 30)
      return path
    },
  },
  {
    name: 'dctcp',
    description: '1 Gbit/s × 2 ms, two DCTCP flows, a queue of 500 packets that marks from 40 on: it stays there, the rate too',
    seeds: SEEDS,
    async run(net, trial) {
      const path = dumbbell(net, {
        rate: 1e9, rtt: 2, pairs: 2, queue: { packets: 500 }, mark: { from: { packets: K } }, host: { tcp: { congestionControls: [dctcp()] } },
      })
      const tcp = { congestionControl: 'dctcp' }
      const flows = path.senders.map((sender, i) => net.transfer(sender, path.receivers[i]!, { tcp, start: i * 0.2, trace: false }))
      const result = await net.run(4)
      const { there } = path.bottleneck
      const queue = there.queue(1, 4)
      trial.atLeast('goodput of both, seconds 1–4', flows.reduce((sum, flow) => sum + share(flow, path, 1, 4), 0), 0.95)
      trial.atMost('mean queue, packets', queue.mean / PACKET, 1.5 * K)
      trial.atMost('p95 queue, packets', queue.p95 / PACKET, 2 * K)
      trial.exactly('drops, seconds 1–4', there.drops.filter((at) => at >= 1).length, 0)
      trial.atLeast("Jain's index, seconds 1–4", result.jain(1, 4), 0.9)
      return path
    },
  },
]
