import { ChecksumState } from '@stack/buffer'
import type { Packet } from '@stack/buffer'
import { addCounters } from '@stack/ip-common'
import { ANY_MAPPED_ADDRESS, isMapped, mappedAddress } from '@stack/core'
import type { Address, NetworkHost, NetworkInterface, NetworkProtocol, ParseResult, TransportDispatcher } from '@stack/core'
import { createContext } from './context.ts'
import type { Ipv4Context } from './context.ts'
import { icmpv4Counters, ipv4Counters } from './counters.ts'
import type { Icmpv4Counters, Ipv4Counters } from './counters.ts'
import { Ipv4Endpoint } from './endpoint.ts'
import { IPV4_PROTOCOL } from './numbers.ts'
import { markHeader, readAddresses } from './header-edit.ts'
import { sendIcmpError } from './icmp-error.ts'
import type { Ipv4Settings } from './options.ts'
import { isLinkLocal, isLoopback, isMulticast } from './scope.ts'
import { formatIpv4Address, parseIpv4Address } from './wire/address.ts'
import { IPV4_MIN_HEADER, parseIpv4Header } from './wire/header.ts'
import { IcmpType } from './wire/icmp.ts'

const TIME_EXCEEDED_IN_REASSEMBLY = 1

/** IPv4 as the stack sees it. */
export class Ipv4Protocol implements NetworkProtocol {
  readonly number: number = IPV4_PROTOCOL
  readonly name: string = 'ipv4'
  readonly minimumPacketSize: number = IPV4_MIN_HEADER
  readonly defaultPrefixLength: number = 32
  readonly anyAddress: Address = ANY_MAPPED_ADDRESS
  readonly closed: Promise<void> = Promise.resolve()
  readonly endpoints: Map<number, Ipv4Endpoint> = new Map<number, Ipv4Endpoint>()
  readonly context: Ipv4Context
  /** What endpoints of removed NICs had counted. */
  readonly past: { ipv4: Ipv4Counters; icmp: Icmpv4Counters } = { ipv4: ipv4Counters(), icmp: icmpv4Counters() }
  readonly #host: NetworkHost
  readonly #unregister = new Map<Ipv4Endpoint, () => void>()

  constructor(host: NetworkHost, settings: Ipv4Settings) {
    this.#host = host
    this.context = createContext(host, settings, (first) => this.#timeExceeded(first))
    host.statistics.register('ipv4.reassembly', this.context.reassembler.statistics)
  }

  ownsAddress(address: Address): boolean {
    return isMapped(address)
  }

  parseAddress(text: string): Address | null {
    const word = parseIpv4Address(text)
    return word === null ? null : mappedAddress(word)
  }

  formatAddress(address: Address): string {
    return formatIpv4Address(address.d)
  }

  isMulticast(address: Address): boolean {
    return isMapped(address) && isMulticast(address.d)
  }

  isLinkLocal(address: Address): boolean {
    return isMapped(address) && isLinkLocal(address.d)
  }

  isLoopback(address: Address): boolean {
    return isMapped(address) && isLoopback(address.d)
  }

  parseAddresses(packet: Packet): boolean {
    if (packet.end - packet.start < IPV4_MIN_HEADER) return false
    const known = packet.networkHeader
    packet.networkHeader = packet.start
    readAddresses(packet)
    packet.networkHeader = known
    return true
  }

  parse(packet: Packet, result: ParseResult): boolean {
    result.ok = false
    result.transportProtocol = 0
    result.hasTransportHeader = false
    const header = this.context.received
    const at = packet.start
    if (packet.end - at < IPV4_MIN_HEADER || parseIpv4Header(packet.view, at, packet.length, header) !== null) return false
    if (header.totalLength < packet.length) {
      packet.trimEnd(header.totalLength)
      if (packet.checksumState === ChecksumState.Complete) packet.checksumState = ChecksumState.None
    }
    if (packet.consumeNetworkHeader(header.headerLength) < 0) return false
    packet.transportProtocol = header.protocol
    packet.ttl = header.ttl
    packet.tos = header.tos
    readAddresses(packet)
    result.transportProtocol = header.protocol
    result.hasTransportHeader = header.fragmentOffset === 0 && packet.length > 0
    result.ok = true
    return true
  }

  newEndpoint(nic: NetworkInterface, dispatcher: TransportDispatcher): Ipv4Endpoint {
    const endpoint = new Ipv4Endpoint(this.context, nic, dispatcher, (closed) => this.#forget(closed))
    this.endpoints.set(nic.id, endpoint)
    // The NIC registers the endpoint's own counters.
    this.#unregister.set(endpoint, this.#host.statistics.register('icmpv4', endpoint.icmp))
    return endpoint
  }

  close(): void {
    this.context.reassembler.clear()
  }

  #forget(endpoint: Ipv4Endpoint): void {
    const unregister = this.#unregister.get(endpoint)
    if (unregister === undefined) return
    unregister()
    this.#unregister.delete(endpoint)
    this.endpoints.delete(endpoint.nicId)
    addCounters(this.past.ipv4, endpoint.statistics)
    addCounters(this.past.icmp, endpoint.icmp)
  }

  #timeExceeded(first: Packet): void {
    const endpoint = this.endpoints.get(first.nicId)
    if (endpoint === undefined) return
    markHeader(first)
    sendIcmpError(endpoint, IcmpType.TimeExceeded, TIME_EXCEEDED_IN_REASSEMBLY, 0, first)
  }
}
