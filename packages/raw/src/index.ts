/**
 * Raw and packet sockets for @stack.
 *
 * @example
 * ```ts
 * import { createStack } from '@stack/core'
 * import { ipv4 } from '@stack/ipv4'
 * import { loopback } from '@stack/link-loopback'
 * import { raw } from '@stack/raw'
 *
 * const stack = createStack({ plugins: [ipv4(), raw()] })
 * await stack.addNic(loopback(), { addresses: ['127.0.0.1/8'] })
 * const everything = stack.raw.packet({ cooked: true })
 * everything.setHandler((packet) => console.log(packet.outgoing ? '>' : '<', packet.data.length))
 * stack.raw.open({ protocol: 253 }).send(new Uint8Array(8), '127.0.0.1')
 * stack.destroy()
 * ```
 *
 * @packageDocumentation
 */
export type * from './api.ts'
export { raw } from './raw.ts'
