import { MemoryLevel, type Chunk } from '@stack/buffer'
import type { Node, Trace } from '@stack/simulation'
import { dumbbell } from '../paths.ts'
import { ONE_SEED, type Scenario } from '../scenario.ts'

/** Where a window field without a scale ends: buffers that tune themselves begin with it. */
const INITIAL = 65_536
/** What a connection is left with while memory is short. */
const FLOOR = 16_384

/** Packet memory in the hands of somebody else, from a level on. */
class Hog {
  private readonly chunks: Chunk[] = []

  take(node: Node, level: MemoryLevel): void {
    const { memory } = node.stack
    while (memory.level < level) this.chunks.push(memory.chunk(65_536)!)
  }

  give(): void {
    for (const chunk of this.chunks.splice(0)) chunk.release()
  }
}

/** Smallest and largest of what the events of [from, until) say, s. */
function range(trace: Trace, from: number, until: number, figure: (index: number) => number, kind: 'isSend' | 'isReceive'): { readonly least: number; readonly most: number } {
  let [least, most] = [Infinity, 0]
  for (let i = 0; i < trace.length; i++) {
    if (trace.time(i) < from || trace.time(i) >= until || !trace[kind](i)) continue
    least = Math.min(least, figure(i))
    most = Math.max(most, figure(i))
  }
  return { least, most }
}

/** Bytes by which the right edge of the peer's window ever went back. */
function shrunk(trace: Trace): number {
  let [edge, worst] = [0, 0]
  for (let i = 0; i < trace.length; i++) {
    if (!trace.isReceive(i)) continue
    const now = trace.position(i) + trace.window(i)
    worst = Math.max(worst, edge - now)
    edge = Math.max(edge, now)
  }
  return worst
}

export const memory: readonly Scenario[] = [
  {
    name: 'buffers-grow',
    description: '100 Mbit/s × 40 ms: window and send buffer begin with 64 KiB and are 2 BDP within a second',
    seeds: ONE_SEED,
    isQuick: true,
    async run(net, trial) {
      const path = dumbbell(net, { rate: 100e6, rtt: 40 })
      const { trace } = net.transfer(path.senders[0]!, path.receivers[0]!)
      await net.run(1.5)
      const window = (i: number): number => trace.window(i)
      const sendBuffer = (i: number): number => trace.sendBuffer(i)
      trial.atMost('first window', range(trace, 0, 0.05, window, 'isReceive').most, INITIAL)
      trial.exactly('first send buffer', range(trace, 0, 0.05, sendBuffer, 'isSend').most, INITIAL)
      trial.atLeast('window after a second, BDP', range(trace, 1, 1.5, window, 'isReceive').least / path.bdp, 2)
      trial.atLeast('send buffer after a second, BDP', range(trace, 1, 1.5, sendBuffer, 'isSend').least / path.bdp, 2)
      trial.exactly('bytes by which the right edge went back', shrunk(trace), 0)
      return path
    },
  },
  {
    name: 'buffers-pressure',
    description: '100 Mbit/s × 40 ms, somebody holds packet memory: from pressure on no buffer grows, from high on they fall to a floor, and the window with what arrives; both come back with the memory',
    seeds: ONE_SEED,
    isQuick: true,
    async run(net, trial) {
      const path = dumbbell(net, { rate: 100e6, rtt: 40, host: { memory: 64 << 20 } })
      const [sender, receiver] = [path.senders[0]!, path.receivers[0]!]
      const hog = new Hog()
      const hold = (node: Node, level: MemoryLevel, from: number, until: number): void => {
        net.at(from, () => hog.take(node, level))
        net.at(until, () => hog.give())
      }
      hold(receiver, MemoryLevel.Pressure, 0.01, 1)
      hold(receiver, MemoryLevel.High, 3, 4)
      hold(sender, MemoryLevel.High, 6, 7)
      const flow = net.transfer(sender, receiver)
      const { trace } = flow
      await net.run(9)
      const window = (i: number): number => trace.window(i)
      const sendBuffer = (i: number): number => trace.sendBuffer(i)
      trial.atMost('largest window at pressure', range(trace, 0, 1, window, 'isReceive').most, INITIAL)
      trial.atLeast('window a second after it, BDP', range(trace, 2, 3, window, 'isReceive').least / path.bdp, 2)
      trial.atMost('window when memory is short for 0.5 s', range(trace, 3.5, 4, window, 'isReceive').most, FLOOR)
      trial.atLeast('goodput meanwhile, of the floor\'s in a round trip', flow.goodput(3.5, 4) / ((4 * 1448 * 8) / 0.04), 0.5)
      trial.atLeast('window a second after it, BDP', range(trace, 5, 6, window, 'isReceive').least / path.bdp, 2)
      trial.atLeast('send buffer before its memory is short, BDP', range(trace, 5, 6, sendBuffer, 'isSend').least / path.bdp, 2)
      trial.atMost('send buffer when it is', range(trace, 6.5, 7, sendBuffer, 'isSend').most, FLOOR)
      trial.atLeast('send buffer a second after it, BDP', range(trace, 8, 9, sendBuffer, 'isSend').least / path.bdp, 2)
      trial.exactly('bytes by which the right edge went back', shrunk(trace), 0)
      return path
    },
  },
]
