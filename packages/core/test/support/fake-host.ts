import { createPacketMemory, type Packet, type PacketPool } from '@stack/buffer'
import { seededRandom } from '../../src/host/random.ts'
import type { Host, Random } from '../../src/registration/host.ts'
import { createScheduler } from '../../src/turn/scheduler.ts'

/** What tables of a NIC need of a host, on a clock that the test moves. */
export interface FakeHost {
  readonly host: Pick<Host, 'scheduler' | 'timers' | 'random' | 'onError' | 'formatAddress'>
  readonly pool: PacketPool
  readonly errors: unknown[]
  /** Runs what is queued, and time on by `ms`, deadline by deadline. */
  advance(ms?: number): void
  packet(mark?: number): Packet
}

export function fakeHost(random: Random = seededRandom(1)): FakeHost {
  let now = 1000
  const scheduler = createScheduler({
    now: () => now,
    wallNow: () => now,
    setAlarm: () => undefined,
    macrotask: () => undefined,
    microtask: () => undefined,
    hold: () => undefined,
  })
  const isBusy = (): boolean => !scheduler.isIdle
  const turn = (): void => {
    do scheduler.turn()
    while (isBusy())
  }
  const pool = createPacketMemory({ size: 1 << 20 }).pool()
  const errors: unknown[] = []
  return {
    host: { scheduler, timers: scheduler.timers, random, onError: (error) => errors.push(error), formatAddress: (x) => `${x.a}:${x.b}:${x.c}:${x.d}` },
    pool,
    errors,
    advance(ms = 0) {
      const target = now + ms
      turn()
      while (scheduler.nextDeadline <= target) {
        now = Math.max(now, scheduler.nextDeadline)
        turn()
      }
      now = target
    },
    packet(mark = 0) {
      const packet = pool.allocate(32, 64)
      if (packet === null) throw new Error('no packet memory')
      packet.mark = mark
      return packet
    },
  }
}

/** The same fraction each time: 0.5 makes every jittered time its base. */
export function steadyRandom(value = 0.5): Random {
  return { next: () => value, uint32: () => 7 }
}
