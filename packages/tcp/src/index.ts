/**
 * TCP for @stack (RFC 9293).
 *
 * @example
 * ```ts
 * import { createStack } from '@stack/core'
 * import { ipv4 } from '@stack/ipv4'
 * import { tcp } from '@stack/tcp'
 * import { loopback } from '@stack/link-loopback'
 *
 * const stack = createStack({ plugins: [ipv4(), tcp()] })
 * await stack.addNic(loopback(), { addresses: ['127.0.0.1/8'] })
 * const listener = stack.tcp.listen({ port: 7 })
 * const client = await stack.tcp.connect({ host: '127.0.0.1', port: 7 })
 * await client.write(new TextEncoder().encode('hello'), { end: true })
 * for await (const connection of listener) {
 *   for await (const chunk of connection) console.log(chunk)
 *   break
 * }
 * stack.destroy()
 * ```
 *
 * @packageDocumentation
 */
export type * from './api.ts'
export type * from './authentication/contract.ts'
export { bbr } from './bbr/bbr.ts'
export type { AckSample, CongestionAlgorithm, CongestionControl, CongestionSender, LostSegment, RateSample } from './congestion.ts'
export { initialWindow } from './congestion.ts'
export type { TcpCounters } from './counters.ts'
export { cubic } from './cubic.ts'
export { dctcp } from './dctcp.ts'
export { reno } from './reno.ts'
export { tcp } from './tcp.ts'
