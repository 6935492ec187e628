import { drop, HookPoint, type HookContext } from '@stack/core'
import type { Packet } from '@stack/buffer'
import { expectEqual, type CaseOf } from './case.ts'
import type { NetworkBench } from './network-bench.ts'
import { numbered } from './packets.ts'

const DROPPED = drop('compliance')
const POINTS = ['Prerouting', 'Input', 'Forward', 'Output', 'Postrouting'] as const

/** The five hook points of every network protocol. */
export const NETWORK_HOOK_CASES: readonly CaseOf<NetworkBench>[] = [
  {
    name: 'received packets pass Prerouting, then Input',
    clause: 'HookPoint',
    async check(bench) {
      const packet = bench.incoming()
      const passed = watch(bench)
      await bench.receive(packet)
      expectEqual(passed.join(' '), 'Prerouting Input', 'The hook points of a received packet')
    },
  },
  {
    name: 'sent packets pass Output, then Postrouting',
    clause: 'HookPoint',
    async check(bench) {
      bench.family satisfies object
      const passed = watch(bench)
      await bench.send(numbered(1, 40))
      expectEqual(passed.join(' '), 'Output Postrouting', 'The hook points of a sent packet')
    },
  },
  {
    name: 'what a hook drops at Input is not handed up',
    clause: 'HookResult: on gone the packet is not the caller\'s any more',
    async check(bench) {
      const packet = bench.incoming()
      bench.stack.hooks.add(HookPoint.Input, () => DROPPED)
      expectEqual((await bench.receive(packet)).length, 0, 'The number of packets handed up that a hook dropped')
    },
  },
  {
    name: 'what a hook drops at Output is not sent',
    clause: 'HookResult: on gone the packet is not the caller\'s any more',
    async check(bench) {
      bench.family satisfies object
      bench.stack.hooks.add(HookPoint.Output, () => DROPPED)
      await bench.send(numbered(1, 40))
      expectEqual(bench.read().length, 0, 'The number of packets sent that a hook dropped')
    },
  },
  {
    name: 'what a hook took at Prerouting goes on when it comes back',
    clause: 'Hooks.reinject; HookContinuation',
    async check(bench) {
      const packet = bench.incoming()
      await steal(bench, HookPoint.Prerouting, () => bench.receive(packet))
      expectEqual(bench.probe.deliveries.length, 1, 'The number of packets handed up that were taken at Prerouting and came back')
    },
  },
  {
    name: 'what a hook took at Output goes on when it comes back',
    clause: 'Hooks.reinject; HookContinuation',
    async check(bench) {
      bench.family satisfies object
      await steal(bench, HookPoint.Output, () => bench.send(numbered(1, 40)))
      expectEqual(bench.read().length, 1, 'The number of packets sent that were taken at Output and came back')
    },
  },
]

/** The names of the hook points that packets pass from now on. No time passes in these cases, so nothing else is sent. */
function watch(bench: NetworkBench): string[] {
  const passed: string[] = []
  for (const point of Object.values(HookPoint)) {
    bench.stack.hooks.add(point, (_packet, context: HookContext) => {
      passed.push(POINTS[context.point])
      return 'accept'
    })
  }
  return passed
}

/** Takes the packet that `act` causes at `point` and gives it back a little later. */
async function steal(bench: NetworkBench, point: HookPoint, act: () => Promise<unknown>): Promise<void> {
  const stolen: Packet[] = []
  bench.stack.hooks.add(point, (packet) => {
    stolen.push(packet)
    return 'steal'
  })
  await act()
  expectEqual(stolen.length, 1, 'The number of packets that the hook took')
  bench.stack.hooks.reinject(stolen[0]!)
  await bench.clock.settle()
}
