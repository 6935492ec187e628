import { ChecksumState, GsoType, PacketList, type Packet, type PacketPool } from '@stack/buffer'
import type { Failure } from '../errors/codes.ts'
import { StackError } from '../errors/stack-error.ts'
import { SOFTWARE_GSO_MAX_SIZE } from '../registration/gso.ts'
import type { Dirty, Host, Pollable, Timer } from '../registration/host.ts'
import type { LinkEndpoint } from '../registration/link.ts'
import type { NetworkInterface, TurnTaker } from '../registration/network.ts'
import type { NicCounters } from '../stack/types.ts'
import { addEthernetHeader, ETHERNET_HEADER_LENGTH } from './ethernet.ts'
import { makeHeadroom } from './headroom.ts'
import type { Observers } from './observers.ts'
import type { Qdisc } from './qdisc.ts'
import { segmentCount, superHeaderLength, superTextLength, takeSegment, type SegmentOptions } from './segmentation.ts'
import { separate } from './separate.ts'
import { Turns } from './turns.ts'

/** Packets given to a link in one call, at most. */
const BATCH = 64
/** Packets in the queue that are enough: more would only leave the processor's cache before they leave the stack. */
const ENOUGH = 256
/** Packets that left for each endpoint that gets its turn. */
const TURN = 16
/** Own bit of `packet.flags`: finished and seen by taps, but the link did not take it yet. */
const FINISHED = 1 << 30

/** What {@link Egress} needs of its NIC. */
export interface EgressOptions {
  readonly host: Host
  readonly link: LinkEndpoint
  readonly qdisc: Qdisc
  readonly counters: NicCounters
  readonly observers: Observers
  /** Offer transports to cut super-packets for a link that does not. */
  readonly softwareGso: boolean
  /** What it is asked for may change at any time. */
  readonly nic: Pick<NetworkInterface, 'mtu' | 'linkHeaderLength'>
}

/**
 * The last steps of a packet: queue, then, when the link can take it, cutting, link header, contiguous bytes, checksum, and
 * the link itself. Packets of one turn leave in one batch, in order.
 */
export class Egress implements Pollable {
  queued = false
  /** The queue refused a packet, and nothing has left it since. */
  private isRefusing = false
  private blocked = false
  private readonly waiting = new Set<Dirty>()
  private readonly turns: Turns
  private readonly batch: Packet[] = []
  /** What is left of a super-packet that is being cut; in the queue again between polls. */
  private rest: Packet | null = null
  private restHeaders = 0
  private readonly cutting: SegmentOptions
  private readonly o: EgressOptions
  private readonly link: LinkEndpoint
  private readonly qdisc: Qdisc
  private readonly pool: PacketPool
  private readonly counters: NicCounters
  private readonly departure: Timer
  private qdiscDrops: number

  constructor(options: EgressOptions) {
    this.o = options
    this.link = options.link
    this.qdisc = options.qdisc
    this.pool = options.host.memory
    this.counters = options.counters
    this.cutting = { pool: this.pool, headroom: 0, isScattered: false }
    this.turns = new Turns(options.host.scheduler, () => !this.isFull && this.waiting.size === 0, () => this.blocked)
    this.departure = options.host.timers.create(() => {
      this.schedule()
    })
    this.qdisc.attach(options.host.clock)
    this.qdiscDrops = this.qdisc.dropped
  }

  /** Largest super-packet that transports may build now, bytes with network header; 0 = none. */
  get gsoMaxSize(): number {
    return this.linkGsoMaxSize() || (this.o.softwareGso ? SOFTWARE_GSO_MAX_SIZE : 0)
  }

  /** Queues a network packet whose next hop is known. Takes ownership. */
  send(packet: Packet): Failure {
    if (packet.chain !== null) return this.sendMerged(packet)
    if (packet.gsoType !== GsoType.None) {
      const headers = superHeaderLength(packet)
      if (headers < 0) {
        this.counters.dropBadOffload++
        packet.release()
        return 'EINVAL'
      }
      if (headers + packet.gsoMss < packet.length) {
        if (headers + packet.gsoMss > this.o.nic.mtu) return this.tooLarge(packet)
      } else packet.gsoType = GsoType.None
    }
    if (packet.gsoType === GsoType.None && packet.length > this.o.nic.mtu) return this.tooLarge(packet)
    if (!this.qdisc.enqueue(packet)) {
      this.isRefusing = true
      this.counters.dropQueueFull++
      packet.release()
      return 'ENOBUFS'
    }
    this.schedule()
    return null
  }

  /** What another NIC has merged leaves as it came. */
  private sendMerged(head: Packet): Failure {
    const packets = new PacketList()
    separate(head, packets)
    let failure: Failure = null
    for (let packet = packets.shift(); packet !== null; packet = packets.shift()) failure = this.send(packet) ?? failure
    return failure
  }

  /** Enough is queued to keep the link busy, or more than the queue takes: who can wait keeps its text where it was written. */
  get isFull(): boolean {
    return this.isRefusing || this.qdisc.length >= ENOUGH
  }

  /** Marks `endpoint` dirty when there is room. */
  awaitRoom(endpoint: Dirty): void {
    this.waiting.add(endpoint)
  }

  /** Does anybody wait to send, or would have to? */
  get isContended(): boolean {
    return !this.turns.isEmpty || this.waiting.size > 0 || this.isFull
  }

  /** Calls `takeTurn` and marks `endpoint` dirty, when those before it had their turn. */
  awaitTurn(endpoint: TurnTaker): void {
    this.turns.add(endpoint)
  }

  /** Sends a packet that begins with its link header, past the queue. Takes ownership. */
  writeRaw(protocol: number, given: Packet): Failure {
    const packet = this.link.capabilities.scatterGather === true ? given : this.pool.flatten(given)
    if (packet === null) {
      this.counters.dropNoMemory++
      given.release()
      return 'ENOBUFS'
    }
    if (!this.o.observers.isEmpty) this.o.observers.sent(protocol, packet, this.link.linkAddress)
    const bytes = packet.length
    if (!this.link.writeRawPacket(packet)) {
      this.counters.dropQueueFull++
      return 'ENOBUFS'
    }
    this.counters.txPackets++
    this.counters.txBytes += bytes
    return null
  }

  /** The link can take more. */
  writable(): void {
    this.blocked = false
    this.schedule()
  }

  /** From the run queue. Counts packets as the wire does. */
  poll(budget: number): number {
    let handled = 0
    let left = 0
    while (handled < budget && !this.blocked) {
      const wanted = Math.min(BATCH, budget - handled)
      while (this.batch.length < wanted) {
        if (this.rest === null) {
          const packet = this.qdisc.dequeue(this.o.host.scheduler.now)
          if (packet === null) break
          left++
          if (this.mustCut(packet)) continue
          this.enter(packet)
        } else this.cut(this.rest)
        handled++
      }
      if (this.batch.length === 0) break
      this.writeBatch()
    }
    this.putBackRest()
    if (left > 0) this.makeRoom(left)
    const dropped = this.qdisc.dropped - this.qdiscDrops
    this.qdiscDrops += dropped
    this.counters.dropQueueFull += dropped
    if (!this.blocked && this.qdisc.length > 0 && handled < budget) this.awaitDeparture()
    return handled
  }

  /**
   * Fewer of who waits have their turn than packets left, so that each sends several together; all of them when there are no
   * more that could leave later.
   */
  private makeRoom(left: number): void {
    this.isRefusing = false
    this.turns.next()
    if (this.waiting.size === 0) return
    let count = this.qdisc.length === 0 ? this.waiting.size : Math.ceil(left / TURN)
    for (const endpoint of this.waiting) {
      if (count-- === 0) return
      this.waiting.delete(endpoint)
      this.o.host.scheduler.markDirty(endpoint)
    }
  }

  /** Writes what the link takes, now. For a NIC that is about to go. */
  drain(): void {
    while (!this.blocked && this.poll(BATCH) === BATCH);
  }

  /** Releases what waits. */
  clear(): void {
    this.counters.dropDisabled += this.qdisc.length
    this.qdisc.clear()
    this.departure.cancel()
    this.blocked = false
    // Who waits learns from its next packet that the NIC is down.
    this.makeRoom(0)
    this.turns.clear()
  }

  private schedule(): void {
    if (!this.queued && !this.blocked) this.o.host.scheduler.enqueue(this)
  }

  /** The discipline holds packets back: come again when it lets one go. */
  private awaitDeparture(): void {
    const at = this.qdisc.nextDeparture
    if (at <= this.o.host.scheduler.now) this.schedule()
    else if (at !== Infinity) this.departure.arm(at)
  }

  /** Is it a super-packet that the link does not take whole? Then its segments come next. */
  private mustCut(packet: Packet): boolean {
    if (packet.gsoType === GsoType.None || (packet.flags & FINISHED) !== 0) return false
    const { udpGso, scatterGather } = this.link.capabilities
    if (packet.length <= this.linkGsoMaxSize() && (packet.gsoType !== GsoType.Udp || udpGso !== false)) return false
    this.rest = packet
    this.restHeaders = superHeaderLength(packet)
    this.cutting.headroom = this.o.nic.linkHeaderLength
    this.cutting.isScattered = scatterGather === true
    return true
  }

  /** The next segment of what is being cut enters the batch. */
  private cut(rest: Packet): void {
    const segment = takeSegment(rest, this.restHeaders, this.cutting)
    if (segment === null) this.counters.dropNoMemory += segmentCount(rest)
    else this.enter(segment)
    if (segment !== null && rest.length > this.restHeaders) return
    this.rest = null
    rest.release()
  }

  private putBackRest(): void {
    const { rest } = this
    if (rest === null) return
    this.rest = null
    this.qdisc.requeue(rest)
  }

  private enter(packet: Packet): void {
    const finished = this.finish(packet)
    // `push` would be a call into the engine.
    if (finished !== null) this.batch[this.batch.length] = finished
  }

  private writeBatch(): void {
    const { batch, counters } = this
    const count = batch.length
    let [bytes, packets] = [0, 0]
    // Before they are gone.
    for (let i = 0; i < count; i++) {
      bytes += bytesOnWire(batch[i]!)
      packets += segmentCount(batch[i]!)
    }
    counters.txBytes += bytes
    counters.txPackets += packets
    // Before the call: a link may answer `writable` from within it.
    this.blocked = true
    let taken = this.handOver(batch)
    if (taken < 0) {
      counters.txBytes -= bytes
      counters.txPackets -= packets
      counters.dropLinkFailed += packets
      taken = count
    }
    // What is behind the batch is behind what goes back of it.
    if (taken < count) this.putBackRest()
    for (let i = count - 1; i >= taken; i--) {
      const packet = batch[i]!
      counters.txBytes -= bytesOnWire(packet)
      counters.txPackets -= segmentCount(packet)
      packet.flags |= FINISHED
      this.qdisc.requeue(packet)
    }
    if (taken === count) this.blocked = false
    // One by one: an array that is cut to nothing gives its memory back, and asks for it again with the next batch.
    for (let i = 0; i < count; i++) batch.pop()
  }

  /** How many packets the link took; -1 = nobody knows. What was released by it must not be released again, so those are left to the collector. */
  private handOver(batch: Packet[]): number {
    const count = batch.length
    try {
      const taken = this.link.writePackets(batch)
      if (taken >= 0 && taken <= count) return Math.floor(taken)
      throw new StackError('ERR_STACK_INVALID_ARGUMENT', `writePackets of the ${this.link.kind} link must return how many of ${count} packets it took, not ${String(taken)}.`)
    } catch (error) {
      this.o.host.onError(error)
      return -1
    }
  }

  /** Makes a packet what its link wants. Null = dropped and counted. */
  private finish(given: Packet): Packet | null {
    if ((given.flags & FINISHED) !== 0) {
      given.flags &= ~FINISHED
      return given
    }
    let packet = given
    const { link, counters } = this
    const { capabilities } = link
    if (packet.checksumState === ChecksumState.Partial && capabilities.txChecksumOffload !== true && !packet.finishChecksum()) {
      counters.dropBadOffload++
      packet.release()
      return null
    }
    if (packet.payload !== null && capabilities.scatterGather !== true) {
      const flat = this.pool.flatten(packet)
      if (flat === null) {
        counters.dropNoMemory++
        packet.release()
        return null
      }
      packet = flat
    }
    if (!this.addLinkHeader(packet)) {
      counters.dropLinkHeader++
      packet.release()
      return null
    }
    const { observers } = this.o
    if (!observers.isEmpty) observers.sent(packet.networkProtocol, packet, link.linkAddress)
    return packet
  }

  private addLinkHeader(packet: Packet): boolean {
    const { link } = this
    if (link.addHeader !== undefined) {
      return link.addHeader(packet) || (makeHeadroom(packet, link.maxHeaderLength) && link.addHeader(packet))
    }
    if (link.framing !== 'ethernet') return true
    if (addEthernetHeader(packet, link.linkAddress)) return true
    return makeHeadroom(packet, ETHERNET_HEADER_LENGTH) && addEthernetHeader(packet, link.linkAddress)
  }

  /** Largest super-packet of the link now; 0 = it carries none. */
  private linkGsoMaxSize(): number {
    const { hardwareGso, softwareGso } = this.link.capabilities
    return hardwareGso === true || softwareGso === true ? (this.link.gsoMaxSize ?? SOFTWARE_GSO_MAX_SIZE) : 0
  }

  private tooLarge(packet: Packet): Failure {
    this.counters.dropTooLarge++
    packet.release()
    return 'EMSGSIZE'
  }
}

function bytesOnWire(packet: Packet): number {
  return packet.gsoType === GsoType.None ? packet.length : superBytesOnWire(packet)
}

/** Each segment of a super-packet has headers of its own. */
function superBytesOnWire(packet: Packet): number {
  const { length } = packet
  const headers = superHeaderLength(packet)
  return headers < 0 ? length : length + (segmentCount(packet) - 1) * (length - superTextLength(packet, headers))
}
