/**
 * Ethernet over anything that moves bytes: framing, address filters and 802.1Q VLAN tags around any link.
 *
 * @example
 * ```ts
 * import { createStack } from '@stack/core'
 * import { arp } from '@stack/arp'
 * import { ipv4 } from '@stack/ipv4'
 * import { ethernet } from '@stack/link-ethernet'
 * import { pipe } from '@stack/link-pipe'
 *
 * const [left, right] = pipe({ mtu: 1514 })
 * const stack = createStack({ plugins: [ipv4(), arp()] })
 * await stack.addNic(ethernet(left), { addresses: ['10.0.0.1/24'] })
 * stack.destroy()
 * right.close()
 * ```
 *
 * @packageDocumentation
 */
export { ethernet, type EthernetCounters, type EthernetLink, type EthernetOptions } from './ethernet.ts'
