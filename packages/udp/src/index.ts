/**
 * UDP for @stack: sockets with promises, iteration and plain callbacks, over every installed network protocol.
 *
 * @example
 * ```ts
 * import { createStack } from '@stack/core'
 * import { ipv4 } from '@stack/ipv4'
 * import { loopback } from '@stack/link-loopback'
 * import { udp } from '@stack/udp'
 *
 * const stack = createStack({ plugins: [ipv4(), udp()] })
 * await stack.addNic(loopback(), { addresses: ['127.0.0.1/8'] })
 * const server = stack.udp.bind({ port: 7 })
 * const client = stack.udp.connect({ host: '127.0.0.1', port: 7 })
 * client.send(new TextEncoder().encode('hello'))
 * const datagram = await server.receive()
 * console.log(datagram?.remote.host)
 * stack.destroy()
 * ```
 *
 * @packageDocumentation
 */
export type * from './api.ts'
export { udp } from './udp.ts'
