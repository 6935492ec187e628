/**
 * Linux TUN and TAP devices as links, for @stack.
 *
 * @example
 * ```ts
 * import { createStack } from '@stack/core'
 * import { ipv4 } from '@stack/ipv4'
 * import { tun } from '@stack/link-tun'
 *
 * // sudo ip tuntap add dev tun7 mode tun user $USER
 * // sudo ip addr add 10.0.0.1/24 dev tun7; sudo ip link set tun7 up; ping 10.0.0.2
 * const stack = createStack({ plugins: [ipv4()] })
 * await stack.addNic(tun({ name: 'tun7' }), { addresses: ['10.0.0.2/24'], gateway: '10.0.0.1' })
 * ```
 *
 * @packageDocumentation
 */
export { tun, type TunLink, type TunStatistics } from './tun.ts'
export type { TunOptions } from './options.ts'
