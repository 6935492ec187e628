/**
 * A link without a device: your code puts packets in and takes packets out. For tests, tunnels and every medium that
 * moves whole packets.
 *
 * @example
 * ```ts
 * import { createStack } from '@stack/core'
 * import { ipv4 } from '@stack/ipv4'
 * import { channel } from '@stack/link-channel'
 *
 * const link = channel({ mtu: 1280 })
 * const stack = createStack({ plugins: [ipv4()] })
 * await stack.addNic(link, { addresses: ['10.0.0.1/24'] })
 * link.setHandler((bytes) => console.log('to the wire:', bytes.length))
 * link.inject(new Uint8Array(20))
 * stack.destroy()
 * ```
 *
 * @packageDocumentation
 */
export { channel, type ChannelHandler, type ChannelLink, type ChannelOptions } from './channel.ts'
