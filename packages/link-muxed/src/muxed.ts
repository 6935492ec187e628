import type { Packet } from '@stack/buffer'
import {
  checkOptions, createLinkInbox, SOFTWARE_GSO_MAX_SIZE, StackError, type Counters, type Framing, type InjectableLinkEndpoint, type LinkCapabilities, type LinkEndpoint,
  type LinkInbox, type NetworkDispatcher, type OptionSchema, type PacketBatch,
} from '@stack/core'
import { Kind, parseDestination, readDestination, type Destination } from './destination.ts'
import { Port, type PortOwner } from './port.ts'
import { DestinationTable } from './table.ts'

/** What is reached over which link. */
export interface MuxedRoute {
  /** IPv4 or IPv6 address, 4 or 16 bytes; for Ethernet framing a link address, 6 bytes. */
  readonly destination: Uint8Array
  readonly link: LinkEndpoint
}

/** Options of {@link muxed}. */
export interface MuxedOptions {
  /** Of all links inside. Default `'ip'`: chosen by network address; `'ethernet'`: by link address. */
  readonly framing?: Framing
  /** Bytes of the largest network packet, 68–65,535, if all links inside can. Default 1,500 without links, else the least of theirs. */
  readonly mtu?: number
  /** Own link address, 6 bytes, for Ethernet framing. Default: that of the first link inside. */
  readonly linkAddress?: Uint8Array
  readonly routes?: readonly MuxedRoute[]
  /** Gets packets to destinations without a route. Default: they are dropped. */
  readonly default?: LinkEndpoint
  /** Destinations at most; more are `ERR_STACK_LIMIT`. Default 1,024. */
  readonly limit?: number
}

/** Packets that a {@link muxed} link dropped. */
export interface MuxedCounters extends Counters {
  /** No route to the destination, and no default. */
  noRoute: number
  /** The link inside was full. */
  refused: number
  /** Too short to have a destination, or neither IPv4 nor IPv6. */
  malformed: number
  /** No packet memory for the copies of a packet to a group. */
  noMemory: number
}

/** The link that {@link muxed} makes. */
export interface MuxedLink extends InjectableLinkEndpoint {
  readonly kind: 'muxed'
  readonly statistics: Readonly<MuxedCounters>
  /** Destinations with a route. */
  readonly size: number
  /**
   * Adds a route. The link inside belongs to this one until its last route is removed. One added after `addNic` that has
   * to be opened is opened by the caller.
   *
   * @throws StackError `ERR_STACK_INVALID_ARGUMENT`: no such kind of address, the destination has a route, or the link has
   * another framing; `ERR_STACK_BUSY`: the link belongs to a NIC; `ERR_STACK_NOT_SUPPORTED`: it has a link header of its
   * own; `ERR_STACK_LIMIT`; `ERR_STACK_CLOSED`
   */
  add(destination: Uint8Array, link: LinkEndpoint): void
  /** Removes a route. A link without routes is detached, not closed: it is the caller's again. Returns false when there was none. */
  remove(destination: Uint8Array): boolean
  /** Sends `bytes` as they are over the link of `destination` (a number is an IPv4 address). Returns false when there is none, or it is full. */
  injectOutbound(destination: Uint8Array | number, bytes: Uint8Array): boolean
}

const SCHEMA: OptionSchema<MuxedOptions> = {
  framing: { type: 'string', oneOf: ['ip', 'ethernet'] },
  mtu: { type: 'number', integer: true, min: 68, max: 65535 },
  linkAddress: { type: 'object' },
  routes: { type: 'array' },
  default: { type: 'object' },
  limit: { type: 'number', integer: true, min: 1 },
}

const DEFAULT_MTU = 1500
const DEFAULT_LIMIT = 1024

/**
 * Makes a link over several others. Packets to groups and to everybody go out on all of them.
 *
 * @throws StackError `ERR_STACK_INVALID_OPTION`, and what {@link MuxedLink.add} throws
 */
export function muxed(options: MuxedOptions = {}): MuxedLink {
  checkOptions('muxed()', options, SCHEMA)
  const link = new Muxed(options)
  if (options.default !== undefined) link.setDefault(options.default)
  for (const route of options.routes ?? []) link.add(route.destination, route.link)
  return link
}

class Muxed implements MuxedLink, PortOwner {
  readonly apiVersion = 1
  readonly kind = 'muxed'
  readonly framing: Framing
  readonly arpHardwareType: number
  readonly closed: Promise<void>
  readonly statistics: MuxedCounters = { noRoute: 0, refused: 0, malformed: 0, noMemory: 0 }
  dispatcher: NetworkDispatcher | null = null
  mtu = DEFAULT_MTU
  maxHeaderLength = 0
  gsoMaxSize = SOFTWARE_GSO_MAX_SIZE
  linkAddress: Uint8Array | null
  capabilities: LinkCapabilities = {}
  private readonly options: MuxedOptions
  private readonly table = new DestinationTable()
  private readonly inbox: LinkInbox = createLinkInbox()
  private readonly found: Destination = { a: 0, b: 0, c: 0, d: 0 }
  private ports: readonly Port[] = []
  private defaultPort: Port | null = null
  private carrier = true
  private isClosed = false
  private resolveClosed!: (closed: Promise<void>) => void

  constructor(options: MuxedOptions) {
    this.options = options
    this.framing = options.framing ?? 'ip'
    this.arpHardwareType = this.framing === 'ethernet' ? 1 : 0xffff
    this.linkAddress = this.framing === 'ethernet' ? (options.linkAddress ?? null) : null
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve
    })
    this.summarize()
  }

  get isAttached(): boolean {
    return this.dispatcher !== null
  }

  get size(): number {
    return this.table.size
  }

  // --- routes ---

  add(address: Uint8Array, link: LinkEndpoint): void {
    const destination = this.parse(address)
    if (destination === null) {
      throw new StackError('ERR_STACK_INVALID_ARGUMENT', `muxed: a destination is ${this.framing === 'ethernet' ? 'a link address, 6 bytes' : 'an IPv4 or IPv6 address, 4 or 16 bytes'}, not ${address.length}.`)
    }
    if (this.table.get(destination) !== null) throw new StackError('ERR_STACK_INVALID_ARGUMENT', 'muxed: there is a route to this destination; remove it first.')
    const limit = this.options.limit ?? DEFAULT_LIMIT
    if (this.table.size >= limit) throw new StackError('ERR_STACK_LIMIT', `muxed: there are ${limit} routes already; raise 'limit'.`)
    this.table.add(destination, this.use(link))
  }

  remove(address: Uint8Array): boolean {
    const destination = this.parse(address)
    const port = destination === null ? null : this.table.remove(destination)
    if (port === null) return false
    if (--port.references === 0) {
      this.ports = this.ports.filter((other) => other !== port)
      port.link.attach(null)
      this.summarize()
      this.carrierChanged()
    }
    return true
  }

  setDefault(link: LinkEndpoint): void {
    this.defaultPort = this.use(link)
  }

  // --- the link ---

  async open(signal?: AbortSignal): Promise<void> {
    // Links inside that need no opening would not notice.
    signal?.throwIfAborted()
    await Promise.all(this.ports.map((port) => port.link.open?.(signal) ?? Promise.resolve()))
  }

  attach(dispatcher: NetworkDispatcher | null): void {
    this.dispatcher = dispatcher
    this.carrier = true
    this.inbox.attach(dispatcher)
    for (const port of this.ports) port.link.attach(dispatcher === null ? null : port)
    this.carrierChanged()
  }

  writePackets(batch: PacketBatch): number {
    for (let i = 0; i < batch.length; i++) this.route(batch[i]!)
    this.send()
    return batch.length
  }

  writeRawPacket(packet: Packet): boolean {
    const port = this.portOf(packet)
    if (port === 'all') {
      this.flood(packet)
      this.send()
      return true
    }
    if (port !== null) return port.link.writeRawPacket(packet)
    packet.release()
    return false
  }

  injectInbound(protocol: number, packet: Packet): void {
    if (!this.inbox.push(packet, protocol)) {
      this.statistics.refused++
      packet.release()
    }
    this.dispatcher?.host.scheduler.run()
  }

  injectOutbound(address: Uint8Array | number, bytes: Uint8Array): boolean {
    const destination = this.parse(address)
    const port = destination === null ? null : (this.table.get(destination) ?? this.defaultPort)
    const packet = port === null ? null : (this.dispatcher?.host.memory.allocate(0, bytes.length) ?? null)
    if (port === null || packet === null) return false
    packet.append(bytes, 0, bytes.length)
    return port.link.writeRawPacket(packet)
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.attach(null)
    for (const port of this.ports) port.link.close()
    this.resolveClosed(Promise.all(this.ports.map((port) => port.link.closed)).then(() => undefined))
  }

  /** There is a carrier as long as one link has it; without links too. */
  carrierChanged(): void {
    const carrier = this.ports.length === 0 || this.ports.some((port) => port.hasCarrier)
    if (carrier === this.carrier || this.dispatcher === null) return
    this.carrier = carrier
    this.dispatcher.setCarrier(carrier)
  }

  // --- inside ---

  private parse(address: Uint8Array | number): Destination | null {
    const isLinkAddress = typeof address !== 'number' && address.length === 6
    return isLinkAddress === (this.framing === 'ethernet') ? parseDestination(address) : null
  }

  /** The port of `link`, made when it is new here, with one more reference. */
  private use(link: LinkEndpoint): Port {
    let port = this.ports.find((other) => other.link === link)
    if (port === undefined) {
      this.check(link)
      port = new Port(link, this)
      this.ports = [...this.ports, port]
      this.summarize()
      if (this.dispatcher !== null) link.attach(port)
    }
    port.references++
    return port
  }

  private check(link: LinkEndpoint): void {
    if (this.isClosed) throw new StackError('ERR_STACK_CLOSED', 'muxed: the link is closed.')
    if (link.framing !== this.framing) throw new StackError('ERR_STACK_INVALID_ARGUMENT', `muxed: the link '${link.kind}' has framing '${link.framing}', this one '${this.framing}'.`)
    if (link.isAttached) throw new StackError('ERR_STACK_BUSY', `muxed: the link '${link.kind}' belongs to a NIC or another link.`)
    if (link.addHeader !== undefined || link.parseHeader !== undefined) {
      throw new StackError('ERR_STACK_NOT_SUPPORTED', `muxed: the link '${link.kind}' has a link header of its own, which packets for other links would have too.`)
    }
  }

  /** What all links together can do. */
  private summarize(): void {
    const links = this.ports.map((port) => port.link)
    const { mtu, linkAddress } = this.options
    this.mtu = Math.min(mtu ?? (links.length === 0 ? DEFAULT_MTU : Infinity), ...links.map((link) => link.mtu))
    this.maxHeaderLength = Math.max(0, ...links.map((link) => link.maxHeaderLength))
    this.gsoMaxSize = Math.min(SOFTWARE_GSO_MAX_SIZE, ...links.map((link) => link.gsoMaxSize ?? Infinity))
    if (this.framing === 'ethernet') this.linkAddress = linkAddress ?? links[0]?.linkAddress ?? null
    const all = (name: keyof LinkCapabilities): boolean => links.length > 0 && links.every((link) => link.capabilities[name] === true)
    this.capabilities = {
      resolutionRequired: this.framing === 'ethernet',
      txChecksumOffload: all('txChecksumOffload'),
      rxChecksumOffload: links.some((link) => link.capabilities.rxChecksumOffload === true),
      hardwareGso: all('hardwareGso'),
      softwareGso: all('softwareGso'),
      scatterGather: all('scatterGather'),
      disconnectOk: all('disconnectOk'),
    }
  }

  private send(): void {
    const { ports } = this
    for (let i = 0; i < ports.length; i++) this.statistics.refused += ports[i]!.send()
  }

  /** The port that a packet goes out on, null = none. */
  private portOf(packet: Packet): Port | 'all' | null {
    const kind = readDestination(packet, this.framing, this.found)
    if (kind === Kind.Group) return 'all'
    if (kind === Kind.Malformed) {
      this.statistics.malformed++
      return null
    }
    const port = this.table.get(this.found) ?? this.defaultPort
    if (port === null) this.statistics.noRoute++
    return port
  }

  private route(packet: Packet): void {
    const port = this.portOf(packet)
    if (port === null) packet.release()
    else if (port === 'all') this.flood(packet)
    else port.push(packet)
  }

  /** A copy for every link; the last one gets the packet itself. */
  private flood(packet: Packet): void {
    const { ports, statistics, dispatcher } = this
    const last = ports.length - 1
    if (last < 0 || dispatcher === null) {
      statistics.noRoute++
      packet.release()
      return
    }
    for (let i = 0; i < last; i++) {
      const copy = packet.clone(dispatcher.host.memory)
      if (copy === null) statistics.noMemory++
      else ports[i]!.push(copy)
    }
    ports[last]!.push(packet)
  }
}
