import { fakeNic, manualClock, type FakeNic, type ManualClock } from '@stack/testing'
import { pipe, type PipeEnd, type PipeOptions } from '@stack/link-pipe'
import { netem, type NetemLink, type NetemOptions } from '../src/index.ts'

export interface Bench {
  readonly clock: ManualClock
  /** Behind the netem. */
  readonly near: FakeNic
  /** At the other end of the wire. */
  readonly far: FakeNic
  readonly link: NetemLink<PipeEnd>
  readonly farLink: PipeEnd
  /** Packets, of `size` bytes, whose last two bytes number them from `first`. */
  numbered(count: number, size?: number, first?: number): Uint8Array[]
  /** The numbers of what `nic` received, in order. */
  numbers(nic: FakeNic): number[]
  /** ms from the start at which the packets came in. */
  times(nic: FakeNic): number[]
  /** Closes all and says what is left behind. */
  leftovers(): { readonly packets: number; readonly timers: number }
}

export function bench(options: NetemOptions, pipeOptions: PipeOptions = {}): Bench {
  const clock = manualClock({ start: 1000 })
  const near = fakeNic(clock)
  const far = fakeNic(clock)
  const [left, farLink] = pipe(pipeOptions)
  const link = netem(left, options)
  near.attach(link)
  far.attach(farLink)
  return {
    clock, near, far, link, farLink,
    numbered: (count, size = 100, first = 0) => Array.from({ length: count }, (_, i) => {
      const bytes = new Uint8Array(size)
      bytes[0] = 0x45
      bytes[size - 2] = (first + i) >> 8
      bytes[size - 1] = (first + i) & 0xff
      return bytes
    }),
    numbers: (nic) => nic.received.map(({ bytes }) => bytes.at(-2)! * 256 + bytes.at(-1)!),
    times: (nic) => nic.received.map(({ at }) => at - 1000),
    leftovers: () => {
      link.close()
      farLink.close()
      return { packets: near.memory.packets + far.memory.packets, timers: clock.scheduler.timers.armed }
    },
  }
}
