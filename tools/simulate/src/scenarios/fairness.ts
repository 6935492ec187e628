import { dumbbell, RENO } from '../paths.ts'
import type { Scenario } from '../scenario.ts'

export const fairness: readonly Scenario[] = [
  {
    name: 'two-flows',
    description: '10 Mbit/s × 40 ms, two Reno flows that start 2 s apart: both get their part',
    async run(net, trial) {
      const path = dumbbell(net, { rate: 10e6, rtt: 40, pairs: 2 })
      const [first, second] = [0, 1].map((i) => net.transfer(path.senders[i]!, path.receivers[i]!, { start: 2 * i + net.seed / 100, tcp: RENO }))
      const result = await net.run(70)
      trial.atLeast('Jain\'s index, seconds 10–70', result.jain(10, 70), 0.9)
      trial.atLeast('goodput of both, seconds 10–70', (first!.goodput(10, 70) + second!.goodput(10, 70)) / path.capacity, 0.9)
      return path
    },
  },
  {
    name: 'tcp-beside-udp',
    description: '10 Mbit/s × 40 ms, a UDP stream of 3 Mbit/s that does not yield: TCP takes what is left',
    async run(net, trial) {
      const path = dumbbell(net, { rate: 10e6, rtt: 40, pairs: 2 })
      const flow = net.transfer(path.senders[0]!, path.receivers[0]!, { tcp: RENO })
      const stream = net.datagrams(path.senders[1]!, path.receivers[1]!, { rate: 3e6, start: 10 })
      await net.run(65)
      // 1,200 bytes are 1,242 on the wire.
      const rest = path.capacity * (1 - (3e6 * (1242 / 1200)) / 10e6)
      trial.atLeast('goodput of TCP, seconds 15–65, of what is left', flow.goodput(15, 65) / rest, 0.85)
      trial.atLeast('part of the datagrams that arrived', stream.received / stream.sent, 0.98)
      return path
    },
  },
]
