/**
 * The protocols that most programs want, in one line: IPv4, ARP, IPv6, TCP, UDP and ICMP echo.
 *
 * @example
 * ```ts
 * import { createStack } from '@stack/core'
 * import { internet } from '@stack/preset-internet'
 *
 * const stack = createStack({ plugins: [internet()] })
 * console.log(Object.keys(stack.tcp.connections()))
 * stack.destroy()
 * ```
 *
 * @packageDocumentation
 */
import { checkOptions, type OptionSchema } from '@stack/core'
import { arp, type ArpOptions, type ArpPlugin } from '@stack/arp'
import { icmp, type IcmpPlugin } from '@stack/icmp'
import { ipv4, type Ipv4Options, type Ipv4Plugin } from '@stack/ipv4'
import { ipv6, type Ipv6Options, type Ipv6Plugin } from '@stack/ipv6'
import { tcp, type TcpOptions, type TcpPlugin } from '@stack/tcp'
import { udp, type UdpOptions, type UdpPlugin } from '@stack/udp'

/** Options of {@link internet}: those of each protocol, under its name. */
export interface InternetOptions {
  readonly ipv4?: Ipv4Options
  readonly arp?: ArpOptions
  readonly ipv6?: Ipv6Options
  readonly tcp?: TcpOptions
  readonly udp?: UdpOptions
}

/** The plugins of {@link internet}, as a tuple, so that `createStack` knows each of them. */
export type Internet = readonly [Ipv4Plugin, ArpPlugin, Ipv6Plugin, TcpPlugin, UdpPlugin, IcmpPlugin]

const SCHEMA: OptionSchema<InternetOptions> = {
  ipv4: { type: 'object' },
  arp: { type: 'object' },
  ipv6: { type: 'object' },
  tcp: { type: 'object' },
  udp: { type: 'object' },
}

/**
 * The six plugins, for one entry of `plugins`.
 *
 * @throws StackError `ERR_STACK_INVALID_OPTION`; what a protocol refuses may show only when the stack is made
 */
export function internet(options: InternetOptions = {}): Internet {
  checkOptions('internet()', options, SCHEMA)
  return [ipv4(options.ipv4), arp(options.arp), ipv6(options.ipv6), tcp(options.tcp), udp(options.udp), icmp()]
}
