/**
 * A bad network around a good link: delay, jitter, loss, reordering, duplication, corruption, a rate and a queue. Runs on
 * the clock of the stack and is the same each time for the same seed.
 *
 * @example
 * ```ts
 * import { createStack } from '@stack/core'
 * import { ipv4 } from '@stack/ipv4'
 * import { netem } from '@stack/link-netem'
 * import { pipe } from '@stack/link-pipe'
 *
 * const [left, right] = pipe()
 * const slow = netem(left, { delay: 25, loss: 0.01, rate: 10_000_000, direction: 'both', seed: 1 })
 * const stack = createStack({ plugins: [ipv4()] })
 * await stack.addNic(slow, { addresses: ['10.0.0.1/24'] })
 * slow.configure({ loss: 0.2 })
 * console.log(slow.statistics.out.lost)
 * stack.destroy()
 * right.close()
 * ```
 *
 * @packageDocumentation
 */
export { netem, type NetemLink } from './netem.ts'
export type { NetemOptions, NetemSettings } from './settings.ts'
export type { NetemCounters } from './counters.ts'
