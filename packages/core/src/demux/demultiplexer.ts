import { GsoType, PacketFlag, PacketList, type Packet } from '@stack/buffer'
import { address, type Address } from '../address/address.ts'
import type { Failure } from '../errors/codes.ts'
import type { TransportError } from '../errors/transport-error.ts'
import type { Host } from '../registration/host.ts'
import type {
  DefaultHandler, DeliveryDisposition, RawTransportEndpoint, RegisterOptions, Registration, TransportDispatcher, TransportEndpoint,
  TransportEndpointId, TransportProtocol, TransportRegistry,
} from '../registration/transport.ts'
import { cutSegments, type SegmentOptions } from '../nic/segmentation.ts'
import { separate } from '../nic/separate.ts'
import { EndpointTable, Entry, hashTuple } from './endpoint-table.ts'

/** Counters of the way from network to transport, under `transport` in the stack's statistics. */
interface DemultiplexerCounters {
  /** Packets given to an endpoint. */
  delivered: number
  /** Packets taken by a default handler (forwarder). */
  forwarded: number
  /** No protocol of that number is installed. */
  dropUnknownProtocol: number
  /** Shorter than the protocol's smallest packet. */
  dropTooShort: number
  /** The protocol could not read ports or checksum. */
  dropMalformed: number
  /** Nobody is registered for the tuple. */
  dropNoEndpoint: number
  /** No packet memory for the clone of a raw or multicast receiver, or for a datagram that came in a super-packet. */
  dropCloneNoMemory: number
  /** ICMP errors that matched no endpoint. */
  errorUnmatched: number
  /** ICMP errors given to an endpoint. */
  errorDelivered: number
}

/** Bytes of a transport header that an ICMP error quotes at least. */
const QUOTED = 8

interface RawEntry {
  readonly nicId: number
  readonly networkProtocol: number
  readonly transportProtocol: number
  readonly endpoint: RawTransportEndpoint
}

/** The demultiplexer of one stack. */
export interface Demultiplexer extends TransportDispatcher, TransportRegistry {
  addProtocol(protocol: TransportProtocol): void
  protocol(number: number): TransportProtocol | null
  readonly protocols: readonly TransportProtocol[]
  registerRaw(nicId: number, networkProtocol: number, transportProtocol: number, endpoint: RawTransportEndpoint): () => void
  /** Every distinct endpoint, for close and listings. */
  endpoints(): Set<TransportEndpoint>
  readonly counters: Readonly<DemultiplexerCounters>
}

/** Makes the demultiplexer of one stack. */
export function createDemultiplexer(host: Pick<Host, 'memory' | 'secureRandom' | 'statistics'>): Demultiplexer {
  return new TupleDemultiplexer(host)
}

/**
 * Exact tuple → wildcards → default handler → the protocol's answer to strangers, on the packet's integers.
 * The packet's destination is the local side.
 */
class TupleDemultiplexer implements Demultiplexer {
  readonly protocols: TransportProtocol[] = []
  readonly counters: DemultiplexerCounters = {
    delivered: 0, forwarded: 0, dropUnknownProtocol: 0, dropTooShort: 0, dropMalformed: 0, dropNoEndpoint: 0,
    dropCloneNoMemory: 0, errorUnmatched: 0, errorDelivered: 0,
  }
  private readonly host: Pick<Host, 'memory'>
  private readonly table = new EndpointTable()
  private readonly seed: number
  private readonly byNumber: (TransportProtocol | null)[] = new Array<TransportProtocol | null>(256).fill(null)
  private readonly handlers: (DefaultHandler | null)[] = new Array<DefaultHandler | null>(256).fill(null)
  private readonly cutting: SegmentOptions
  private raws: readonly RawEntry[] = []
  /** Registrations that are of one NIC. */
  private zoned = 0
  /** What the last packet was for: nearly always the next one is, too. Never a registration that is gone. */
  private last: Entry | null = null
  /** One for all entries. */
  private readonly onRemove = (entry: Entry): void => {
    this.unregister(entry)
  }

  constructor(host: Pick<Host, 'memory' | 'secureRandom' | 'statistics'>) {
    this.host = host
    this.seed = host.secureRandom.uint32() | 0
    this.cutting = { pool: host.memory, headroom: 0, isScattered: false }
    host.statistics.register('transport', this.counters)
  }

  get size(): number {
    return this.table.size
  }

  addProtocol(protocol: TransportProtocol): void {
    this.byNumber[protocol.number & 0xff] = protocol
    this.protocols.push(protocol)
  }

  protocol(number: number): TransportProtocol | null {
    return this.byNumber[number & 0xff] ?? null
  }

  setDefaultHandler(protocol: number, handler: DefaultHandler | null): void {
    this.handlers[protocol & 0xff] = handler
  }

  registerRaw(nicId: number, networkProtocol: number, transportProtocol: number, endpoint: RawTransportEndpoint): () => void {
    const entry: RawEntry = { nicId, networkProtocol, transportProtocol, endpoint }
    // Replaced, not changed: an endpoint may close itself while packets are being handed out.
    this.raws = [...this.raws, entry]
    return () => {
      this.raws = this.raws.filter((other) => other !== entry)
    }
  }

  has(protocol: number, l: Address, localPort: number, r: Address | null, remotePort: number, zone: number): boolean {
    return this.find(protocol, zone, l.a, l.b, l.c, l.d, localPort, r?.a ?? 0, r?.b ?? 0, r?.c ?? 0, r?.d ?? 0, remotePort) !== null
  }

  endpoints(): Set<TransportEndpoint> {
    const all = new Set<TransportEndpoint>()
    this.table.forEach((entry) => all.add(entry.endpoint))
    return all
  }

  deliverRawPacket(number: number, packet: Packet): void {
    if (this.raws.length !== 0) this.deliverRaw(number, packet)
  }

  deliverTransportPacket(number: number, packet: Packet): DeliveryDisposition {
    if (packet.chain !== null && this.raws.length !== 0) return this.deliverApart(number, packet)
    const toRaw = this.raws.length !== 0 && this.deliverRaw(number, packet)
    const protocol = this.byNumber[number & 0xff] ?? null
    if (protocol === null) {
      if (toRaw) {
        packet.release()
        return 'handled'
      }
      this.counters.dropUnknownProtocol++
      return 'protocolUnreachable'
    }
    return this.deliverTo(protocol, packet)
  }

  private deliverTo(protocol: TransportProtocol, packet: Packet): DeliveryDisposition {
    const { number } = protocol
    if (packet.length < protocol.minimumPacketSize) {
      this.counters.dropTooShort++
      packet.release()
      return 'handled'
    }
    packet.transportProtocol = number
    if (!protocol.parsePorts(packet)) {
      this.counters.dropMalformed++
      packet.release()
      return 'handled'
    }
    if (packet.gsoType === GsoType.Udp && this.isWanted(number, packet)) {
      this.deliverDatagrams(protocol, packet)
      return 'handled'
    }
    if ((packet.flags & (PacketFlag.Broadcast | PacketFlag.Multicast)) !== 0 && this.fanOut(number, packet)) return 'handled'
    const entry = this.match(number, packet)
    if (entry !== null) {
      const chosen = entry.members === 1 ? entry : this.member(entry, packet)
      if (packet.chain !== null && chosen.endpoint.takesChains !== true) return this.deliverApart(number, packet)
      this.counters.delivered++
      chosen.endpoint.handlePacket(chosen.id, packet)
      return 'handled'
    }
    if (packet.chain !== null) return this.deliverApart(number, packet)
    return this.deliverToStranger(protocol, packet)
  }

  /** What the NIC has merged, segment by segment: the first may be what makes the endpoint that the others are for. */
  private deliverApart(number: number, head: Packet): DeliveryDisposition {
    const packets = new PacketList()
    separate(head, packets)
    packets.shift()
    const disposition = this.deliverTransportPacket(number, head)
    for (let packet = packets.shift(); packet !== null; packet = packets.shift()) {
      if (this.deliverTransportPacket(number, packet) !== 'handled') packet.release()
    }
    return disposition
  }

  private isWanted(number: number, packet: Packet): boolean {
    return this.handlers[number] !== null || (packet.flags & (PacketFlag.Broadcast | PacketFlag.Multicast)) !== 0 || this.match(number, packet) !== null
  }

  /** Datagrams that the link hands in as one, each for itself. */
  private deliverDatagrams(protocol: TransportProtocol, whole: Packet): void {
    const datagrams = new PacketList()
    whole.restart(whole.networkHeader)
    this.counters.dropCloneNoMemory += cutSegments(whole, this.cutting, datagrams)
    for (let packet = datagrams.shift(); packet !== null; packet = datagrams.shift()) {
      packet.start = packet.transportHeader
      packet.transportHeader = -1
      packet.transportHeaderLength = 0
      if (this.deliverTo(protocol, packet) !== 'handled') packet.release()
    }
  }

  /** Nobody is registered: a forwarder may want it, else the protocol answers (RST) or the network layer does. */
  private deliverToStranger(protocol: TransportProtocol, packet: Packet): DeliveryDisposition {
    const id = idOf(packet)
    if (this.handlers[protocol.number]?.(id, packet) === true) {
      this.counters.forwarded++
      return 'handled'
    }
    this.counters.dropNoEndpoint++
    const disposition = protocol.handleUnknownDestinationPacket(id, packet)
    if (disposition === 'malformed') this.counters.dropMalformed++
    if (disposition === 'unhandled') return 'portUnreachable'
    packet.release()
    return 'handled'
  }

  /** The most specific registration for what is in the packet. */
  private match(protocol: number, p: Packet): Entry | null {
    if (this.zoned !== 0) return this.matchIn(protocol, p.nicId, p) ?? this.matchIn(protocol, 0, p)
    const { last } = this
    if (last?.isFor(protocol, 0, p.destinationA, p.destinationB, p.destinationC, p.destinationD, p.destinationPort, p.sourceA, p.sourceB, p.sourceC, p.sourceD, p.sourcePort) === true) return last
    return (this.last = this.matchIn(protocol, 0, p))
  }

  private matchIn(protocol: number, zone: number, p: Packet): Entry | null {
    return (
      this.find(protocol, zone, p.destinationA, p.destinationB, p.destinationC, p.destinationD, p.destinationPort, p.sourceA, p.sourceB, p.sourceC, p.sourceD, p.sourcePort) ??
      this.find(protocol, zone, p.destinationA, p.destinationB, p.destinationC, p.destinationD, p.destinationPort, 0, 0, 0, 0, 0) ??
      (isMappedWords(p.destinationA, p.destinationB, p.destinationC) ? this.find(protocol, zone, 0, 0, 0xffff, 0, p.destinationPort, 0, 0, 0, 0, 0) : null) ??
      this.find(protocol, zone, 0, 0, 0, 0, p.destinationPort, 0, 0, 0, 0, 0)
    )
  }

  private find(protocol: number, zone: number, la: number, lb: number, lc: number, ld: number, lp: number, ra: number, rb: number, rc: number, rd: number, rp: number): Entry | null {
    return this.table.find(hashTuple(this.seed, protocol, zone, la, lb, lc, ld, lp, ra, rb, rc, rd, rp), protocol, zone, la, lb, lc, ld, lp, ra, rb, rc, rd, rp)
  }

  /** A member of a reuse-port group by flow, so that a flow stays with one. */
  private member(first: Entry, p: Packet): Entry {
    const flow = hashTuple(this.seed, 0, 0, p.destinationA, p.destinationB, p.destinationC, p.destinationD, p.destinationPort, p.sourceA, p.sourceB, p.sourceC, p.sourceD, p.sourcePort)
    let entry = first
    for (let skip = (flow >>> 0) % first.members; skip > 0; skip--) entry = entry.sibling!
    return entry
  }

  /** Broadcast and multicast datagrams go to every matching endpoint (RFC 1122 §4.1.3.6 leaves it open; LESSONS §7). True = taken. */
  private fanOut(protocol: number, p: Packet): boolean {
    let last: Entry | null = null
    for (let zone = this.zoned === 0 ? 0 : p.nicId; ; zone = 0) {
      const exact = this.find(protocol, zone, p.destinationA, p.destinationB, p.destinationC, p.destinationD, p.destinationPort, p.sourceA, p.sourceB, p.sourceC, p.sourceD, p.sourcePort)
      const group = this.find(protocol, zone, p.destinationA, p.destinationB, p.destinationC, p.destinationD, p.destinationPort, 0, 0, 0, 0, 0)
      const family = isMappedWords(p.destinationA, p.destinationB, p.destinationC) ? this.find(protocol, zone, 0, 0, 0xffff, 0, p.destinationPort, 0, 0, 0, 0, 0) : null
      const any = this.find(protocol, zone, 0, 0, 0, 0, p.destinationPort, 0, 0, 0, 0, 0)
      last = this.offer(any, p, this.offer(family, p, this.offer(group, p, this.offer(exact, p, last))))
      if (zone === 0) break
    }
    if (last === null) return false
    this.counters.delivered++
    last.endpoint.handlePacket(last.id, p)
    return true
  }

  /** Gives a clone to the one before as soon as there is another: the last gets the packet itself. */
  private offer(first: Entry | null, packet: Packet, waiting: Entry | null): Entry | null {
    for (let entry = first; entry !== null; entry = entry.sibling) {
      if (!entry.fanOut) continue
      if (waiting !== null) {
        const copy = packet.clone(this.host.memory)
        if (copy === null) this.counters.dropCloneNoMemory++
        else {
          this.counters.delivered++
          waiting.endpoint.handlePacket(waiting.id, copy)
        }
      }
      waiting = entry
    }
    return waiting
  }

  private deliverRaw(number: number, packet: Packet): boolean {
    let taken = false
    for (const raw of this.raws) {
      if (raw.transportProtocol !== 0 && raw.transportProtocol !== number) continue
      if (raw.networkProtocol !== packet.networkProtocol || (raw.nicId !== 0 && raw.nicId !== packet.nicId)) continue
      taken = true
      const copy = packet.clone(this.host.memory)
      if (copy === null) this.counters.dropCloneNoMemory++
      else raw.endpoint.handlePacket(copy)
    }
    return taken
  }

  deliverTransportError(local: Address, remote: Address, networkProtocol: number, transportProtocol: number, error: TransportError, packet: Packet): void {
    const toRaw = this.raws.length !== 0 && this.deliverRawError(local, remote, networkProtocol, transportProtocol, error, packet)
    const protocol = this.byNumber[transportProtocol & 0xff]
    // The quoted packet is one of ours: its source is the local side. RFC 792 promises 8 bytes of it; with less nobody is found.
    if (packet.end - packet.start < QUOTED || protocol?.parsePorts(packet) !== true) {
      if (toRaw) this.counters.errorDelivered++
      else this.counters.errorUnmatched++
      return
    }
    const zone = packet.nicId
    const entry = (this.zoned === 0 ? null : this.errorMatch(transportProtocol, zone, local, remote, packet)) ?? this.errorMatch(transportProtocol, 0, local, remote, packet)
    if (entry === null) {
      if (toRaw) this.counters.errorDelivered++
      else this.counters.errorUnmatched++
      return
    }
    this.counters.errorDelivered++
    // A wildcard endpoint must learn whom it is about, to see whether it can be true.
    const id = { localAddress: local, localPort: packet.sourcePort, remoteAddress: remote, remotePort: packet.destinationPort }
    entry.endpoint.handleError(id, error, packet)
  }

  private deliverRawError(local: Address, remote: Address, networkProtocol: number, number: number, error: TransportError, packet: Packet): boolean {
    let taken = false
    for (const raw of this.raws) {
      if (raw.transportProtocol !== 0 && raw.transportProtocol !== number) continue
      if (raw.networkProtocol !== networkProtocol || (raw.nicId !== 0 && raw.nicId !== packet.nicId)) continue
      if (raw.endpoint.handleError?.(local, remote, error, packet) === true) taken = true
    }
    return taken
  }

  private errorMatch(protocol: number, zone: number, l: Address, r: Address, p: Packet): Entry | null {
    return (
      this.find(protocol, zone, l.a, l.b, l.c, l.d, p.sourcePort, r.a, r.b, r.c, r.d, p.destinationPort) ??
      this.find(protocol, zone, l.a, l.b, l.c, l.d, p.sourcePort, 0, 0, 0, 0, 0) ??
      (isMappedWords(l.a, l.b, l.c) ? this.find(protocol, zone, 0, 0, 0xffff, 0, p.sourcePort, 0, 0, 0, 0, 0) : null) ??
      this.find(protocol, zone, 0, 0, 0, 0, p.sourcePort, 0, 0, 0, 0, 0)
    )
  }

  register(protocol: number, id: TransportEndpointId, endpoint: TransportEndpoint, options: RegisterOptions = {}): Registration | Failure {
    const l = id.localAddress
    const r = id.remoteAddress
    const zone = options.nicId ?? 0
    const hash = hashTuple(this.seed, protocol, zone, l.a, l.b, l.c, l.d, id.localPort, r?.a ?? 0, r?.b ?? 0, r?.c ?? 0, r?.d ?? 0, id.remotePort)
    const first = this.table.find(hash, protocol, zone, l.a, l.b, l.c, l.d, id.localPort, r?.a ?? 0, r?.b ?? 0, r?.c ?? 0, r?.d ?? 0, id.remotePort)
    const shared = options.reusePort ?? false
    const entry = new Entry(id, endpoint, protocol, zone, shared, options.fanOut ?? false, hash, this.onRemove)
    if (first === null) this.table.insert(entry)
    else {
      if (!shared || !first.shared) return 'EADDRINUSE'
      let end = first
      while (end.sibling !== null) end = end.sibling
      end.sibling = entry
      first.members++
    }
    if (zone !== 0) this.zoned++
    return entry
  }

  private unregister(entry: Entry): void {
    this.last = null
    if (entry.zone !== 0) this.zoned--
    const l = entry.id.localAddress
    const r = entry.id.remoteAddress
    const first = this.table.find(entry.hash, entry.protocol, entry.zone, l.a, l.b, l.c, l.d, entry.id.localPort, r?.a ?? 0, r?.b ?? 0, r?.c ?? 0, r?.d ?? 0, entry.id.remotePort)!
    if (first === entry) {
      const next = entry.sibling
      if (next === null) this.table.remove(entry)
      else {
        next.members = entry.members - 1
        this.table.replace(entry, next)
      }
      return
    }
    let before = first
    while (before.sibling !== entry) before = before.sibling!
    before.sibling = entry.sibling
    first.members--
  }
}

function idOf(p: Packet): TransportEndpointId {
  return {
    localAddress: address(p.destinationA, p.destinationB, p.destinationC, p.destinationD),
    localPort: p.destinationPort,
    remoteAddress: address(p.sourceA, p.sourceB, p.sourceC, p.sourceD),
    remotePort: p.sourcePort,
  }
}

function isMappedWords(a: number, b: number, c: number): boolean {
  return c === 0xffff && a === 0 && b === 0
}
