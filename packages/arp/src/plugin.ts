import { addCounters } from '@stack/ip-common'
import type { Address, NetworkHost, NetworkInterface, NetworkPlugin, NetworkProtocol, ParseResult } from '@stack/core'
import type { Packet } from '@stack/buffer'
import { arpCounters } from './counters.ts'
import type { ArpCounters } from './counters.ts'
import { ArpEndpoint, ARP_PROTOCOL } from './endpoint.ts'
import { resolveOptions } from './options.ts'
import type { ArpOptions, ArpSettings } from './options.ts'
import { ARP_LENGTH } from './wire.ts'

/** `stack.arp` */
export interface Arp {
  /** A snapshot of the counters of all NICs, removed ones included. */
  readonly statistics: Readonly<ArpCounters>
}

/** The type of `arp()`. */
export type ArpPlugin = NetworkPlugin<'arp', Arp, 'ipv4'>

/**
 * ARP: link addresses of IPv4 hosts on Ethernet links, and duplicate detection for own addresses.
 *
 * @throws StackError `ERR_STACK_INVALID_OPTION`
 * @example
 * ```ts
 * import { arp } from '@stack/arp'
 * import { createStack } from '@stack/core'
 * import { ipv4 } from '@stack/ipv4'
 *
 * const stack = createStack({ plugins: [ipv4(), arp({ probe: false })] })
 * console.log(stack.arp.statistics.conflicts) // 0
 * stack.destroy()
 * ```
 */
export function arp(options: ArpOptions = {}): ArpPlugin {
  const settings = resolveOptions(options)
  return {
    kind: 'network',
    name: 'arp',
    apiVersion: 1,
    needs: ['ipv4'],
    setup(host: NetworkHost): Arp {
      const protocol = new ArpProtocol(settings)
      host.registerNetworkProtocol(protocol)
      return {
        get statistics() {
          return protocol.statistics
        },
      }
    },
  }
}

/** ARP as the stack sees it: a network protocol without addresses of its own. */
class ArpProtocol implements NetworkProtocol {
  readonly number: number = ARP_PROTOCOL
  readonly name: string = 'arp'
  readonly minimumPacketSize: number = ARP_LENGTH
  readonly defaultPrefixLength: number = 0
  readonly closed: Promise<void> = Promise.resolve()
  readonly #settings: ArpSettings
  readonly #endpoints = new Set<ArpEndpoint>()
  readonly #past: ArpCounters = arpCounters()

  constructor(settings: ArpSettings) {
    this.#settings = settings
  }

  get statistics(): ArpCounters {
    const sum = arpCounters()
    addCounters(sum, this.#past)
    for (const endpoint of this.#endpoints) addCounters(sum, endpoint.statistics)
    return sum
  }

  parseAddresses(): boolean {
    return false
  }

  parseAddress(): null {
    return null
  }

  formatAddress(_address: Address): string {
    return ''
  }

  newEndpoint(nic: NetworkInterface): ArpEndpoint {
    const endpoint = new ArpEndpoint(nic, this.#settings, (closed) => {
      if (this.#endpoints.delete(closed)) addCounters(this.#past, closed.statistics)
    })
    this.#endpoints.add(endpoint)
    return endpoint
  }

  parse(packet: Packet, result: ParseResult): boolean {
    result.ok = packet.consumeNetworkHeader(ARP_LENGTH) >= 0
    result.transportProtocol = 0
    result.hasTransportHeader = false
    return result.ok
  }

  close(): void {
    for (const endpoint of this.#endpoints) endpoint.close()
  }
}
