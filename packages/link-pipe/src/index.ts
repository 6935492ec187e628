/**
 * Two link ends joined by a wire in memory: what one writes the other receives, in order, after the latency.
 *
 * @example
 * ```ts
 * import { createStack } from '@stack/core'
 * import { ipv4 } from '@stack/ipv4'
 * import { pipe } from '@stack/link-pipe'
 *
 * const [left, right] = pipe({ mtu: 1500 })
 * const a = createStack({ plugins: [ipv4()] })
 * const b = createStack({ plugins: [ipv4()] })
 * await a.addNic(left, { addresses: ['10.0.0.1/24'] })
 * await b.addNic(right, { addresses: ['10.0.0.2/24'] })
 * a.destroy()
 * b.destroy()
 * ```
 *
 * @packageDocumentation
 */
export { pipe, type PipeEnd, type PipeOptions } from './pipe.ts'
