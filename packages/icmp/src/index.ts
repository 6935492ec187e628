/**
 * Echo sockets for @stack: ping over every installed network protocol.
 *
 * @example
 * ```ts
 * import { createStack } from '@stack/core'
 * import { icmp } from '@stack/icmp'
 * import { ipv4 } from '@stack/ipv4'
 * import { loopback } from '@stack/link-loopback'
 *
 * const stack = createStack({ plugins: [ipv4(), icmp()] })
 * await stack.addNic(loopback(), { addresses: ['127.0.0.1/8'] })
 * const { rtt } = await stack.icmp.ping('127.0.0.1')
 * console.log(`${rtt.toFixed(3)} ms`)
 * stack.destroy()
 * ```
 *
 * @packageDocumentation
 */
export type * from './api.ts'
export { icmp } from './icmp.ts'
