import { manualClock } from '@stack/testing'
import type { Timer } from '@stack/core'
import { cpuTime, type Figure } from '../measure.ts'

/** Deadlines lie within this many ms: from the next tick to half an hour. */
const SPAN = 1_800_000

/** ns to arm a timer, to cancel one, or to have one expire, with `count` armed. */
export async function timers(what: 'arm' | 'cancel' | 'tick', count: number): Promise<Figure> {
  const clock = manualClock()
  const { timers: wheel } = clock.scheduler
  let fired = 0
  const all: Timer[] = []
  for (let i = 0; i < count; i++) all.push(wheel.create(() => {
    fired++
  }))
  const arm = (): void => {
    for (let i = 0; i < count; i++) all[i]!.arm(clock.now() + 1 + ((i * 7919) % SPAN))
  }
  const cancel = (): void => {
    for (const timer of all) timer.cancel()
  }
  if (what === 'arm') {
    const cost = await cpuTime(count, arm)
    cancel()
    return cost
  }
  arm()
  if (what === 'cancel') return cpuTime(count, cancel)
  const cost = await cpuTime(count, () => {
    clock.advanceSync(SPAN + 1)
  })
  if (fired !== count) throw new Error(`${fired} of ${count} timers fired.`)
  return cost
}
