/**
 * IPv4 with ICMPv4 for @stack: receiving, sending, fragments, forwarding, echo replies and errors.
 *
 * @example
 * ```ts
 * import { createStack } from '@stack/core'
 * import { ipv4 } from '@stack/ipv4'
 * import { loopback } from '@stack/link-loopback'
 *
 * const stack = createStack({ plugins: [ipv4({ defaultTtl: 32 })] })
 * await stack.addNic(loopback(), { addresses: ['127.0.0.1/8'] })
 * console.log(stack.ipv4.statistics.ipv4.received)
 * stack.destroy()
 * ```
 *
 * @packageDocumentation
 */
export type { Icmpv4Counters, Ipv4Counters } from './counters.ts'
export type { Ipv4Options } from './options.ts'
export { ipv4, type Ipv4, type Ipv4Plugin, type Ipv4Statistics } from './plugin.ts'
