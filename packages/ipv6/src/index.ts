/**
 * IPv6 (RFC 8200) with ICMPv6 (RFC 4443) and Neighbour Discovery (RFC 4861, RFC 4862) for @stack.
 *
 * @example
 * ```ts
 * import { createStack } from '@stack/core'
 * import { ipv6 } from '@stack/ipv6'
 *
 * const stack = createStack({ plugins: [ipv6({ defaultHopLimit: 64 })] })
 * console.log(stack.ipv6.statistics.received)
 * stack.destroy()
 * ```
 *
 * @packageDocumentation
 */
import { StackError } from '@stack/core'
import type { NetworkPlugin } from '@stack/core'
import type { Ipv6 } from './api.ts'
import { checkIpv6Options } from './options.ts'
import type { Ipv6Options } from './options.ts'
import { Ipv6Protocol } from './protocol.ts'

export type { Ipv6 } from './api.ts'
export type { Ipv6Options } from './options.ts'
export type { Ipv6Counters } from './statistics.ts'

/** The plugin that {@link ipv6} makes. */
export type Ipv6Plugin = NetworkPlugin<'ipv6', Ipv6>

/**
 * IPv6 for a stack.
 *
 * @throws StackError `ERR_STACK_INVALID_OPTION` for an option that is unknown, of the wrong type or out of range
 *
 * @example
 * ```ts
 * import { createStack } from '@stack/core'
 * import { ipv6 } from '@stack/ipv6'
 *
 * const stack = createStack({ plugins: [ipv6({ linkLocal: 'stable' })] })
 * stack.ipv6.defaultHopLimit = 32
 * stack.destroy()
 * ```
 */
export function ipv6(options: Ipv6Options = {}): Ipv6Plugin {
  checkIpv6Options(options)
  return {
    kind: 'network',
    name: 'ipv6',
    apiVersion: 1,
    setup(host) {
      const protocol = new Ipv6Protocol(host, options)
      host.registerNetworkProtocol(protocol)
      return apiOf(protocol)
    },
  }
}

function apiOf(protocol: Ipv6Protocol): Ipv6 {
  const { settings } = protocol
  return {
    get defaultHopLimit() {
      return settings.defaultHopLimit
    },
    set defaultHopLimit(value) {
      if (!Number.isInteger(value) || value < 1 || value > 255) {
        throw new StackError('ERR_STACK_INVALID_ARGUMENT', `the hop limit must be an integer of 1 to 255, got ${value}`)
      }
      settings.defaultHopLimit = value
    },
    get forwarding() {
      return settings.forwarding
    },
    set forwarding(value) {
      settings.forwarding = value
    },
    get statistics() {
      return protocol.counters()
    },
  }
}
