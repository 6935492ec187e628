/**
 * ARP for @stack: finds the link addresses of IPv4 hosts on Ethernet links, answers for the stack's own addresses, and
 * sees to it that no two hosts use one address.
 *
 * @example
 * ```ts
 * import { arp } from '@stack/arp'
 * import { createStack } from '@stack/core'
 * import { ipv4 } from '@stack/ipv4'
 * import { channel } from '@stack/link-channel'
 *
 * const stack = createStack({ plugins: [ipv4(), arp()] })
 * const nic = await stack.addNic(channel({ framing: 'ethernet' }), { addresses: ['10.0.0.1/24'], skipDuplicateDetection: true })
 * console.log(nic.neighbors.list())
 * stack.destroy()
 * ```
 *
 * @packageDocumentation
 */
export type { ArpCounters } from './counters.ts'
export type { ArpOptions } from './options.ts'
export { arp, type Arp, type ArpPlugin } from './plugin.ts'
