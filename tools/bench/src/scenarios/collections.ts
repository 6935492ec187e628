import { PerformanceObserver } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'
import type { Figure } from '../measure.ts'

/** Garbage collections, however short, in each second of what `work` does; `work` answers MB/s. */
export async function collections(megabytes: number, work: () => Promise<Figure>): Promise<Figure> {
  let count = 0
  const observer = new PerformanceObserver((list) => {
    count += list.getEntries().length
  })
  observer.observe({ entryTypes: ['gc'] })
  const { value } = await work()
  // Entries are handed over in a turn of their own.
  await setImmediate()
  await setImmediate()
  observer.disconnect()
  return { value: count / (megabytes / value) }
}
