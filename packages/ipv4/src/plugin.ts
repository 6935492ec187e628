import { addCounters } from '@stack/ip-common'
import type { ReassemblyCounters } from '@stack/ip-common'
import { StackError } from '@stack/core'
import type { NetworkHost, NetworkPlugin } from '@stack/core'
import { icmpv4Counters, ipv4Counters } from './counters.ts'
import type { Icmpv4Counters, Ipv4Counters } from './counters.ts'
import { resolveOptions } from './options.ts'
import type { Ipv4Options } from './options.ts'
import { Ipv4Protocol } from './protocol.ts'

/** A snapshot of the counters of all NICs, removed ones included. */
export interface Ipv4Statistics {
  readonly ipv4: Readonly<Ipv4Counters>
  readonly icmp: Readonly<Icmpv4Counters>
  readonly reassembly: Readonly<ReassemblyCounters>
}

/** `stack.ipv4` */
export interface Ipv4 {
  /**
   * Time to live of packets whose sender does not say, 1–255.
   *
   * @throws StackError `ERR_STACK_INVALID_ARGUMENT` when set to something else
   */
  defaultTtl: number
  /** Does the stack send on what is not for it? Setting it sets every NIC, those to come included. */
  forwarding: boolean
  /** What was counted until now. */
  readonly statistics: Ipv4Statistics
}

/** The type of `ipv4()`. */
export type Ipv4Plugin = NetworkPlugin<'ipv4', Ipv4>

/**
 * IPv4 with ICMPv4. Ethernet links need `@stack/arp` as well.
 *
 * @throws StackError `ERR_STACK_INVALID_OPTION`
 * @example
 * ```ts
 * import { createStack } from '@stack/core'
 * import { ipv4 } from '@stack/ipv4'
 *
 * const stack = createStack({ plugins: [ipv4({ forwarding: true })] })
 * console.log(stack.ipv4.defaultTtl) // 64
 * stack.destroy()
 * ```
 */
export function ipv4(options: Ipv4Options = {}): Ipv4Plugin {
  resolveOptions(options)
  return {
    kind: 'network',
    name: 'ipv4',
    apiVersion: 1,
    setup(host: NetworkHost): Ipv4 {
      const protocol = new Ipv4Protocol(host, resolveOptions(options))
      host.registerNetworkProtocol(protocol)
      return apiOf(protocol)
    },
  }
}

function apiOf(protocol: Ipv4Protocol): Ipv4 {
  const { settings, reassembler } = protocol.context
  return {
    get defaultTtl() {
      return settings.defaultTtl
    },
    set defaultTtl(ttl) {
      if (!Number.isInteger(ttl) || ttl < 1 || ttl > 255) {
        throw new StackError('ERR_STACK_INVALID_ARGUMENT', `ipv4.defaultTtl is ${ttl}; give an integer from 1 to 255.`)
      }
      settings.defaultTtl = ttl
    },
    get forwarding() {
      return settings.forwarding
    },
    set forwarding(on) {
      settings.forwarding = on
      for (const endpoint of protocol.endpoints.values()) endpoint.setForwarding(on)
    },
    get statistics() {
      const sum = { ipv4: ipv4Counters(), icmp: icmpv4Counters(), reassembly: { ...reassembler.statistics } }
      addCounters(sum.ipv4, protocol.past.ipv4)
      addCounters(sum.icmp, protocol.past.icmp)
      for (const endpoint of protocol.endpoints.values()) {
        addCounters(sum.ipv4, endpoint.statistics)
        addCounters(sum.icmp, endpoint.icmp)
      }
      return sum
    },
  }
}
