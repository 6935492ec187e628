import type { Packet } from '@stack/buffer'
import { ANY_ADDRESS, address, createSipHash, isMapped, sipHashWithKey } from '@stack/core'
import type { Address, NetworkEndpoint, NetworkHost, NetworkInterface, NetworkProtocol, ParseResult, SipHash, TransportDispatcher } from '@stack/core'
import { createFragmentIds, createIcmpErrorLimiter, createReassembler } from '@stack/ip-common'
import { isLinkLocalWord, isLoopbackAddress, isMulticastWord } from './address/scope.ts'
import type { Shared } from './endpoint/context.ts'
import { createFlowLabels } from './endpoint/flow-label.ts'
import { Ipv6Endpoint } from './endpoint/ipv6-endpoint.ts'
import { settingsOf } from './options.ts'
import type { Ipv6Options, Settings } from './options.ts'
import { addCounters, newCounters } from './statistics.ts'
import type { Ipv6Counters } from './statistics.ts'
import { ChainEnd, newChain, walkChain } from './wire/chain.ts'
import { HeaderCheck, IPV6_ETHERTYPE, IPV6_HEADER_LENGTH, Ipv6Field, checkIpv6Header, hopLimit, trafficClass } from './wire/header.ts'
import { formatIpv6, parseIpv6 } from './wire/text.ts'

/** RFC 8200 §4.5 */
const REASSEMBLY_TIMEOUT = 60_000

/** IPv6 of one stack. */
export class Ipv6Protocol implements NetworkProtocol {
  readonly number: number = IPV6_ETHERTYPE
  readonly name = 'ipv6'
  readonly minimumPacketSize: number = IPV6_HEADER_LENGTH
  readonly defaultPrefixLength: number = 64
  readonly anyAddress: Address = ANY_ADDRESS
  readonly closed: Promise<void> = Promise.resolve()
  readonly settings: Settings
  private readonly shared: Shared
  private readonly endpoints = new Map<number, Ipv6Endpoint>()
  /** What endpoints that are gone had counted. */
  private readonly past: Ipv6Counters = newCounters()
  private readonly chain = newChain()

  constructor(host: NetworkHost, options: Ipv6Options) {
    this.settings = settingsOf(options)
    const reassembler = createReassembler(host, { timeout: REASSEMBLY_TIMEOUT, ...options.reassembly }, (first) => {
      this.endpoints.get(first.nicId)?.reassemblyTimedOut(first)
    })
    host.statistics.register('ipv6.reassembly', reassembler.statistics)
    this.shared = {
      host,
      settings: this.settings,
      reassembler,
      errorLimiter: createIcmpErrorLimiter(host.scheduler, options.icmpErrors),
      fragmentIds: createFragmentIds(host.secureRandom),
      flowLabels: createFlowLabels(host.secureRandom),
      identifiers: options.secret === undefined ? createSipHash(host.secureRandom) : keyedWith(options.secret),
    }
  }

  /** Sums over the NICs, those that are gone included. */
  counters(): Ipv6Counters {
    const sum = newCounters()
    addCounters(sum, this.past)
    for (const endpoint of this.endpoints.values()) addCounters(sum, endpoint.statistics)
    return sum
  }

  ownsAddress(x: Address): boolean {
    return !isMapped(x)
  }

  parseAddresses(packet: Packet): boolean {
    const o = packet.start
    if (packet.end - o < IPV6_HEADER_LENGTH) return false
    const view = packet.view
    packet.sourceA = view.getInt32(o + Ipv6Field.Source)
    packet.sourceB = view.getInt32(o + Ipv6Field.Source + 4)
    packet.sourceC = view.getInt32(o + Ipv6Field.Source + 8)
    packet.sourceD = view.getInt32(o + Ipv6Field.Source + 12)
    packet.destinationA = view.getInt32(o + Ipv6Field.Destination)
    packet.destinationB = view.getInt32(o + Ipv6Field.Destination + 4)
    packet.destinationC = view.getInt32(o + Ipv6Field.Destination + 8)
    packet.destinationD = view.getInt32(o + Ipv6Field.Destination + 12)
    return true
  }

  parseAddress(text: string): Address | null {
    const words = parseIpv6(text)
    return words === null ? null : address(words.a, words.b, words.c, words.d)
  }

  formatAddress(x: Address): string {
    return formatIpv6(x)
  }

  isMulticast(x: Address): boolean {
    return isMulticastWord(x.a)
  }

  isLinkLocal(x: Address): boolean {
    return isLinkLocalWord(x.a)
  }

  isLoopback(x: Address): boolean {
    return isLoopbackAddress(x)
  }

  newEndpoint(nic: NetworkInterface, dispatcher: TransportDispatcher): NetworkEndpoint {
    const endpoint = new Ipv6Endpoint(this.shared, nic, dispatcher, () => {
      if (this.endpoints.delete(nic.id)) addCounters(this.past, endpoint.statistics)
    })
    this.endpoints.set(nic.id, endpoint)
    return endpoint
  }

  parse(packet: Packet, result: ParseResult): boolean {
    const { chain } = this
    const o = packet.start
    result.ok = false
    result.hasTransportHeader = false
    if (checkIpv6Header(packet.view, o, packet.end - o, packet.length) !== HeaderCheck.Ok) return false
    this.parseAddresses(packet)
    walkChain(packet.view, o, packet.end, false, chain)
    if (chain.end === ChainEnd.Truncated || packet.consumeNetworkHeader(chain.offset - o) < 0) return false
    packet.tos = trafficClass(packet.view, o)
    packet.ttl = hopLimit(packet.view, o)
    packet.transportProtocol = chain.nextHeader
    result.ok = true
    result.transportProtocol = chain.nextHeader
    result.hasTransportHeader = chain.end === ChainEnd.Upper
    return true
  }

  close(): void {
    this.shared.reassembler.clear()
  }
}

function keyedWith(secret: Uint8Array): SipHash {
  const word = (i: number): number => secret[i]! | (secret[i + 1]! << 8) | (secret[i + 2]! << 16) | (secret[i + 3]! << 24)
  return sipHashWithKey(word(0), word(4), word(8), word(12))
}
