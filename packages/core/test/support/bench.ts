import { createPacketMemory, type PacketMemory } from '@stack/buffer'
import { createStack, type Clock, type StackBase } from '@stack/core'
import { FakeClock } from '../fake-clock.ts'
import { fakeNetwork, type FakeNetwork, type FakeNetworkOptions } from './fake-network.ts'
import { fakeTransport, type FakeTransport } from './fake-transport.ts'
import { countingRandom } from './random.ts'

/** A stack of the fake protocols on a clock and memory of its own. */
export interface Bench {
  readonly stack: StackBase & { readonly fake: FakeNetwork; readonly datagrams: FakeTransport }
  readonly clock: FakeClock
  readonly memory: PacketMemory
}

export function bench(options: FakeNetworkOptions & { readonly clock?: FakeClock; readonly memory?: PacketMemory; readonly slots?: number; readonly onError?: (error: unknown) => void } = {}): Bench {
  const clock = options.clock ?? new FakeClock()
  const memory = options.memory ?? createPacketMemory({ size: 1 << 21, simd: false })
  const stack = createStack({
    plugins: [fakeTransport(), fakeNetwork(options)],
    clock: clock satisfies Clock,
    secureRandom: countingRandom(),
    memory: memory.pool(options.slots === undefined ? {} : { slots: options.slots }),
    onError: options.onError ?? ((error) => {
      throw error
    }),
  })
  return { stack, clock, memory }
}

/** Lets turns and promises happen that need no time. */
export async function settle(clock: FakeClock): Promise<void> {
  for (let i = 0; i < 10; i++) {
    clock.runMicrotasks()
    clock.runMacrotasks()
    for (let j = 0; j < 10; j++) await Promise.resolve()
  }
}

/** Lets `ms` pass, promises settling between the alarms. */
export async function advance(clock: FakeClock, ms: number): Promise<void> {
  const end = clock.time + ms
  await settle(clock)
  while (clock.alarm <= end) {
    clock.advanceTo(Math.max(clock.alarm, clock.time))
    await settle(clock)
  }
  clock.advanceTo(end)
  await settle(clock)
}

/** Code of the error that a call throws or rejects with. */
export async function codeOf(call: () => unknown): Promise<string> {
  try {
    await call()
  } catch (error) {
    return (error as { readonly code?: string }).code ?? String(error)
  }
  return 'no error'
}
