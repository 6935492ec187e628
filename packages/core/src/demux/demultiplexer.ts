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

/**
 * Exact tuple → wildcards → default handler → the protocol's answer to strangers, on the packet's integers.
 * The packet's destination is the local side.
 */
export function createDemultiplexer(host: Pick<Host, 'memory' | 'secureRandom' | 'statistics'>): Demultiplexer {
  const table = new EndpointTable()
  const seed = host.secureRandom.uint32() | 0
  const protocols: (TransportProtocol | null)[] = new Array<TransportProtocol | null>(256).fill(null)
  const installed: TransportProtocol[] = []
  const handlers: (DefaultHandler | null)[] = new Array<DefaultHandler | null>(256).fill(null)
  const cutting: SegmentOptions = { pool: host.memory, headroom: 0, isScattered: false }
  let raws: readonly RawEntry[] = []
  let zoned = 0
  const counters: DemultiplexerCounters = {
    delivered: 0, forwarded: 0, dropUnknownProtocol: 0, dropTooShort: 0, dropMalformed: 0, dropNoEndpoint: 0,
    dropCloneNoMemory: 0, errorUnmatched: 0, errorDelivered: 0,
  }
  host.statistics.register('transport', counters)

  function deliverTransportPacket(number: number, packet: Packet): DeliveryDisposition {
    if (packet.chain !== null && raws.length !== 0) return deliverApart(number, packet)
    const toRaw = raws.length !== 0 && deliverRaw(number, packet)
    const protocol = protocols[number & 0xff] ?? null
    if (protocol === null) {
      if (toRaw) {
        packet.release()
        return 'handled'
      }
      counters.dropUnknownProtocol++
      return 'protocolUnreachable'
    }
    return deliverTo(protocol, packet)
  }

  function deliverTo(protocol: TransportProtocol, packet: Packet): DeliveryDisposition {
    const { number } = protocol
    if (packet.length < protocol.minimumPacketSize) {
      counters.dropTooShort++
      packet.release()
      return 'handled'
    }
    packet.transportProtocol = number
    if (!protocol.parsePorts(packet)) {
      counters.dropMalformed++
      packet.release()
      return 'handled'
    }
    if (packet.gsoType === GsoType.Udp && isWanted(number, packet)) {
      deliverDatagrams(protocol, packet)
      return 'handled'
    }
    if ((packet.flags & (PacketFlag.Broadcast | PacketFlag.Multicast)) !== 0 && fanOut(number, packet)) return 'handled'
    const entry = match(number, packet)
    if (entry !== null) {
      const chosen = entry.members === 1 ? entry : member(entry, packet)
      if (packet.chain !== null && chosen.endpoint.takesChains !== true) return deliverApart(number, packet)
      counters.delivered++
      chosen.endpoint.handlePacket(chosen.id, packet)
      return 'handled'
    }
    if (packet.chain !== null) return deliverApart(number, packet)
    return deliverToStranger(protocol, packet)
  }

  /** What the NIC has merged, segment by segment: the first may be what makes the endpoint that the others are for. */
  function deliverApart(number: number, head: Packet): DeliveryDisposition {
    const packets = new PacketList()
    separate(head, packets)
    packets.shift()
    const disposition = deliverTransportPacket(number, head)
    for (let packet = packets.shift(); packet !== null; packet = packets.shift()) {
      if (deliverTransportPacket(number, packet) !== 'handled') packet.release()
    }
    return disposition
  }

  function isWanted(number: number, packet: Packet): boolean {
    return handlers[number] !== null || (packet.flags & (PacketFlag.Broadcast | PacketFlag.Multicast)) !== 0 || match(number, packet) !== null
  }

  /** Datagrams that the link hands in as one, each for itself. */
  function deliverDatagrams(protocol: TransportProtocol, whole: Packet): void {
    const datagrams = new PacketList()
    whole.restart(whole.networkHeader)
    counters.dropCloneNoMemory += cutSegments(whole, cutting, datagrams)
    for (let packet = datagrams.shift(); packet !== null; packet = datagrams.shift()) {
      packet.start = packet.transportHeader
      packet.transportHeader = -1
      packet.transportHeaderLength = 0
      if (deliverTo(protocol, packet) !== 'handled') packet.release()
    }
  }

  /** Nobody is registered: a forwarder may want it, else the protocol answers (RST) or the network layer does. */
  function deliverToStranger(protocol: TransportProtocol, packet: Packet): DeliveryDisposition {
    const id = idOf(packet)
    if (handlers[protocol.number]?.(id, packet) === true) {
      counters.forwarded++
      return 'handled'
    }
    counters.dropNoEndpoint++
    const disposition = protocol.handleUnknownDestinationPacket(id, packet)
    if (disposition === 'malformed') counters.dropMalformed++
    if (disposition === 'unhandled') return 'portUnreachable'
    packet.release()
    return 'handled'
  }

  /** The most specific registration for what is in the packet. */
  function match(protocol: number, p: Packet): Entry | null {
    if (zoned !== 0) {
      const entry = matchIn(protocol, p.nicId, p)
      if (entry !== null) return entry
    }
    return matchIn(protocol, 0, p)
  }

  function matchIn(protocol: number, zone: number, p: Packet): Entry | null {
    return (
      find(protocol, zone, p.destinationA, p.destinationB, p.destinationC, p.destinationD, p.destinationPort, p.sourceA, p.sourceB, p.sourceC, p.sourceD, p.sourcePort) ??
      find(protocol, zone, p.destinationA, p.destinationB, p.destinationC, p.destinationD, p.destinationPort, 0, 0, 0, 0, 0) ??
      (isMappedWords(p.destinationA, p.destinationB, p.destinationC) ? find(protocol, zone, 0, 0, 0xffff, 0, p.destinationPort, 0, 0, 0, 0, 0) : null) ??
      find(protocol, zone, 0, 0, 0, 0, p.destinationPort, 0, 0, 0, 0, 0)
    )
  }

  function find(protocol: number, zone: number, la: number, lb: number, lc: number, ld: number, lp: number, ra: number, rb: number, rc: number, rd: number, rp: number): Entry | null {
    return table.find(hashTuple(seed, protocol, zone, la, lb, lc, ld, lp, ra, rb, rc, rd, rp), protocol, zone, la, lb, lc, ld, lp, ra, rb, rc, rd, rp)
  }

  /** A member of a reuse-port group by flow, so that a flow stays with one. */
  function member(first: Entry, p: Packet): Entry {
    const flow = hashTuple(seed, 0, 0, p.destinationA, p.destinationB, p.destinationC, p.destinationD, p.destinationPort, p.sourceA, p.sourceB, p.sourceC, p.sourceD, p.sourcePort)
    let entry = first
    for (let skip = (flow >>> 0) % first.members; skip > 0; skip--) entry = entry.sibling!
    return entry
  }

  /** Broadcast and multicast datagrams go to every matching endpoint (RFC 1122 §4.1.3.6 leaves it open; LESSONS §7). True = taken. */
  function fanOut(protocol: number, p: Packet): boolean {
    let last: Entry | null = null
    for (let zone = zoned === 0 ? 0 : p.nicId; ; zone = 0) {
      const exact = find(protocol, zone, p.destinationA, p.destinationB, p.destinationC, p.destinationD, p.destinationPort, p.sourceA, p.sourceB, p.sourceC, p.sourceD, p.sourcePort)
      const group = find(protocol, zone, p.destinationA, p.destinationB, p.destinationC, p.destinationD, p.destinationPort, 0, 0, 0, 0, 0)
      const family = isMappedWords(p.destinationA, p.destinationB, p.destinationC) ? find(protocol, zone, 0, 0, 0xffff, 0, p.destinationPort, 0, 0, 0, 0, 0) : null
      const any = find(protocol, zone, 0, 0, 0, 0, p.destinationPort, 0, 0, 0, 0, 0)
      last = offer(any, p, offer(family, p, offer(group, p, offer(exact, p, last))))
      if (zone === 0) break
    }
    if (last === null) return false
    counters.delivered++
    last.endpoint.handlePacket(last.id, p)
    return true
  }

  /** Gives a clone to the one before as soon as there is another: the last gets the packet itself. */
  function offer(first: Entry | null, packet: Packet, waiting: Entry | null): Entry | null {
    for (let entry = first; entry !== null; entry = entry.sibling) {
      if (!entry.fanOut) continue
      if (waiting !== null) {
        const copy = packet.clone(host.memory)
        if (copy === null) counters.dropCloneNoMemory++
        else {
          counters.delivered++
          waiting.endpoint.handlePacket(waiting.id, copy)
        }
      }
      waiting = entry
    }
    return waiting
  }

  function deliverRaw(number: number, packet: Packet): boolean {
    let taken = false
    for (const raw of raws) {
      if (raw.transportProtocol !== 0 && raw.transportProtocol !== number) continue
      if (raw.networkProtocol !== packet.networkProtocol || (raw.nicId !== 0 && raw.nicId !== packet.nicId)) continue
      taken = true
      const copy = packet.clone(host.memory)
      if (copy === null) counters.dropCloneNoMemory++
      else raw.endpoint.handlePacket(copy)
    }
    return taken
  }

  function deliverTransportError(local: Address, remote: Address, networkProtocol: number, transportProtocol: number, error: TransportError, packet: Packet): void {
    const toRaw = raws.length !== 0 && deliverRawError(local, remote, networkProtocol, transportProtocol, error, packet)
    const protocol = protocols[transportProtocol & 0xff]
    // The quoted packet is one of ours: its source is the local side. RFC 792 promises 8 bytes of it; with less nobody is found.
    if (packet.end - packet.start < QUOTED || protocol?.parsePorts(packet) !== true) {
      if (toRaw) counters.errorDelivered++
      else counters.errorUnmatched++
      return
    }
    const zone = packet.nicId
    const entry = (zoned === 0 ? null : errorMatch(transportProtocol, zone, local, remote, packet)) ?? errorMatch(transportProtocol, 0, local, remote, packet)
    if (entry === null) {
      if (toRaw) counters.errorDelivered++
      else counters.errorUnmatched++
      return
    }
    counters.errorDelivered++
    // A wildcard endpoint must learn whom it is about, to see whether it can be true.
    const id = { localAddress: local, localPort: packet.sourcePort, remoteAddress: remote, remotePort: packet.destinationPort }
    entry.endpoint.handleError(id, error, packet)
  }

  function deliverRawError(local: Address, remote: Address, networkProtocol: number, number: number, error: TransportError, packet: Packet): boolean {
    let taken = false
    for (const raw of raws) {
      if (raw.transportProtocol !== 0 && raw.transportProtocol !== number) continue
      if (raw.networkProtocol !== networkProtocol || (raw.nicId !== 0 && raw.nicId !== packet.nicId)) continue
      if (raw.endpoint.handleError?.(local, remote, error, packet) === true) taken = true
    }
    return taken
  }

  function errorMatch(protocol: number, zone: number, l: Address, r: Address, p: Packet): Entry | null {
    return (
      find(protocol, zone, l.a, l.b, l.c, l.d, p.sourcePort, r.a, r.b, r.c, r.d, p.destinationPort) ??
      find(protocol, zone, l.a, l.b, l.c, l.d, p.sourcePort, 0, 0, 0, 0, 0) ??
      (isMappedWords(l.a, l.b, l.c) ? find(protocol, zone, 0, 0, 0xffff, 0, p.sourcePort, 0, 0, 0, 0, 0) : null) ??
      find(protocol, zone, 0, 0, 0, 0, p.sourcePort, 0, 0, 0, 0, 0)
    )
  }

  function register(protocol: number, id: TransportEndpointId, endpoint: TransportEndpoint, options: RegisterOptions = {}): Registration | Failure {
    const l = id.localAddress
    const r = id.remoteAddress
    const zone = options.nicId ?? 0
    const hash = hashTuple(seed, protocol, zone, l.a, l.b, l.c, l.d, id.localPort, r?.a ?? 0, r?.b ?? 0, r?.c ?? 0, r?.d ?? 0, id.remotePort)
    const first = table.find(hash, protocol, zone, l.a, l.b, l.c, l.d, id.localPort, r?.a ?? 0, r?.b ?? 0, r?.c ?? 0, r?.d ?? 0, id.remotePort)
    const shared = options.reusePort ?? false
    const entry = new Entry(id, endpoint, protocol, zone, shared, options.fanOut ?? false, hash, unregister)
    if (first === null) table.insert(entry)
    else {
      if (!shared || !first.shared) return 'EADDRINUSE'
      let end = first
      while (end.sibling !== null) end = end.sibling
      end.sibling = entry
      first.members++
    }
    if (zone !== 0) zoned++
    return entry
  }

  function unregister(entry: Entry): void {
    if (entry.zone !== 0) zoned--
    const l = entry.id.localAddress
    const r = entry.id.remoteAddress
    const first = table.find(entry.hash, entry.protocol, entry.zone, l.a, l.b, l.c, l.d, entry.id.localPort, r?.a ?? 0, r?.b ?? 0, r?.c ?? 0, r?.d ?? 0, entry.id.remotePort)!
    if (first === entry) {
      const next = entry.sibling
      if (next === null) table.remove(entry)
      else {
        next.members = entry.members - 1
        table.replace(entry, next)
      }
      return
    }
    let before = first
    while (before.sibling !== entry) before = before.sibling!
    before.sibling = entry.sibling
    first.members--
  }

  return {
    deliverTransportPacket,
    deliverRawPacket(number, packet) {
      if (raws.length !== 0) deliverRaw(number, packet)
    },
    deliverTransportError,
    register,
    has: (protocol, l, localPort, r, remotePort, zone) =>
      find(protocol, zone, l.a, l.b, l.c, l.d, localPort, r?.a ?? 0, r?.b ?? 0, r?.c ?? 0, r?.d ?? 0, remotePort) !== null,
    counters,
    protocols: installed,
    get size() {
      return table.size
    },
    setDefaultHandler(protocol, handler) {
      handlers[protocol & 0xff] = handler
    },
    addProtocol(protocol) {
      protocols[protocol.number & 0xff] = protocol
      installed.push(protocol)
    },
    protocol: (number) => protocols[number & 0xff] ?? null,
    registerRaw(nicId, networkProtocol, transportProtocol, endpoint) {
      const entry: RawEntry = { nicId, networkProtocol, transportProtocol, endpoint }
      // Replaced, not changed: an endpoint may close itself while packets are being handed out.
      raws = [...raws, entry]
      return () => {
        raws = raws.filter((other) => other !== entry)
      }
    },
    endpoints() {
      const all = new Set<TransportEndpoint>()
      table.forEach((entry) => all.add(entry.endpoint))
      return all
    },
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
