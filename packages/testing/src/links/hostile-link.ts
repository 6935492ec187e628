import { ChecksumState, PacketFlag, PacketList, type Packet } from '@stack/buffer'
import { LinkWrapper, type LinkCapabilities, type LinkEndpoint, type LinkHost, type NetworkDispatcher, type PacketBatch, type Pollable } from '@stack/core'
import { passingPacket, type PacketPattern } from './patterns.ts'

/** Options of every hostile link. */
export interface HostileOptions {
  /** Which packets are hit. Default: all. */
  readonly pattern?: PacketPattern
  /** Those that the stack sends (default), those that it gets, or both. */
  readonly direction?: 'out' | 'in' | 'both'
  /** The MTU that the stack sees, where it is smaller than the inner link's. Default: the inner link's. */
  readonly mtu?: number
}

/** A link around another one that does something to packets. Hostile links nest. */
export interface HostileLink<L extends LinkEndpoint = LinkEndpoint> extends LinkEndpoint {
  /** The link inside. */
  readonly lower: L
  /** Packets that were hit so far. */
  readonly hits: { readonly out: number; readonly in: number }
  /** Packets that came along so far, hit or not. */
  readonly seen: { readonly out: number; readonly in: number }
}

/** One direction, as what happens to its packets sees it. */
export interface Line {
  readonly host: LinkHost
  /** Sends the packet on; takes ownership. */
  emit(packet: Packet): void
  /** Packets were emitted from outside of `pass`, by a timer. */
  emitted(): void
}

/** What happens to the packets of one direction. */
export interface Impairment {
  /** Takes ownership. */
  pass(packet: Packet, isHit: boolean, line: Line): void
  /** Releases what is held: the link goes. */
  clear?(): void
}

const ETHERNET_HEADER = 14

/** Puts an impairment, one made for each direction, around a link. */
export function hostileLink<L extends LinkEndpoint>(lower: L, options: HostileOptions, impair: () => Impairment): HostileLink<L> {
  return new Hostile(lower, options, impair)
}

class Hostile<L extends LinkEndpoint> extends LinkWrapper<L> implements HostileLink<L> {
  readonly hits = { out: 0, in: 0 }
  readonly seen = { out: 0, in: 0 }
  private readonly outLine: OutLine
  private readonly inLine: InLine
  private readonly pattern: PacketPattern
  private readonly mtuLimit: number
  private readonly outImpairment: Impairment | null
  private readonly inImpairment: Impairment | null

  constructor(lower: L, { pattern = () => true, direction = 'out', mtu = Infinity }: HostileOptions, impair: () => Impairment) {
    super(lower)
    this.pattern = pattern
    this.mtuLimit = mtu
    this.outImpairment = direction === 'in' ? null : impair()
    this.inImpairment = direction === 'out' ? null : impair()
    this.outLine = new OutLine(this)
    this.inLine = new InLine(this)
  }

  override get mtu(): number {
    return Math.min(this.mtuLimit, super.mtu)
  }

  /** No offloads: bytes that change must meet real checksums, and sizes be those of the wire. */
  override get capabilities(): LinkCapabilities {
    return { ...super.capabilities, txChecksumOffload: false, rxChecksumOffload: false, hardwareGso: false, softwareGso: false, scatterGather: false }
  }

  override attach(dispatcher: NetworkDispatcher | null): void {
    if (dispatcher === null) this.clear()
    super.attach(dispatcher)
  }

  override writePackets(batch: PacketBatch): number {
    if (this.outImpairment === null) return super.writePackets(batch)
    // The sender's own queue is the place to wait for a full link.
    if (this.outLine.isBlocked) return 0
    for (let i = 0; i < batch.length; i++) this.pass('out', batch[i]!, this.outImpairment, this.outLine)
    this.outLine.emitted()
    return batch.length
  }

  override writeRawPacket(packet: Packet): boolean {
    if (this.outImpairment === null) return super.writeRawPacket(packet)
    packet.flags |= PacketFlag.PacketRaw
    this.pass('out', packet, this.outImpairment, this.outLine)
    this.outLine.emitted()
    return true
  }

  override deliverNetworkPacket(protocol: number, packet: Packet): void {
    if (this.dispatcher === null) {
      packet.release()
      return
    }
    if (packet.checksumState === ChecksumState.Partial) packet.finishChecksum()
    if (this.inImpairment === null) {
      super.deliverNetworkPacket(protocol, packet)
      return
    }
    packet.networkProtocol = protocol
    this.pass('in', packet, this.inImpairment, this.inLine)
    this.inLine.drain()
  }

  override writable(): void {
    if (this.outLine.resume()) super.writable()
  }

  override close(): void {
    this.attach(null)
    super.close()
  }

  private pass(direction: 'in' | 'out', packet: Packet, impairment: Impairment, line: Line): void {
    this.seen[direction]++
    const isFrame = this.framing === 'ethernet'
    const copy = (): Uint8Array => packet.bytes.slice(packet.start, packet.end)
    const isHit = this.pattern(passingPacket(this.seen[direction], direction, packet.length - (isFrame ? ETHERNET_HEADER : 0), isFrame, copy))
    if (isHit) this.hits[direction]++
    impairment.pass(packet, isHit, line)
  }

  private clear(): void {
    this.outImpairment?.clear?.()
    this.inImpairment?.clear?.()
    this.outLine.clear()
    this.inLine.clear()
  }
}

/** To the inner link, which may be full. */
class OutLine implements Line {
  isBlocked = false
  private readonly owner: Hostile<LinkEndpoint>
  private readonly queue = new PacketList()
  private isSending = false

  constructor(owner: Hostile<LinkEndpoint>) {
    this.owner = owner
  }

  get host(): LinkHost {
    return this.owner.host
  }

  emit(packet: Packet): void {
    this.queue.push(packet)
  }

  emitted(): void {
    // The inner link may answer `writable` from within its write.
    if (this.isSending) return
    this.isSending = true
    while (!this.isBlocked && this.queue.head !== null) this.sendOne()
    this.isSending = false
  }

  resume(): boolean {
    this.isBlocked = false
    this.emitted()
    return !this.isBlocked
  }

  clear(): void {
    this.isBlocked = false
    this.queue.release()
  }

  private sendOne(): void {
    const packet = this.queue.shift()!
    if ((packet.flags & PacketFlag.PacketRaw) !== 0) this.owner.lower.writeRawPacket(packet)
    else {
      this.isBlocked = true
      if (this.owner.lower.writePackets([packet]) === 1) this.isBlocked = false
      else this.queue.unshift(packet)
    }
  }
}

/** To the NIC. What is held back goes in from the link phase of a turn, as the rest does. */
class InLine implements Line, Pollable {
  queued = false
  private readonly owner: Hostile<LinkEndpoint>
  private readonly queue = new PacketList()

  constructor(owner: Hostile<LinkEndpoint>) {
    this.owner = owner
  }

  get host(): LinkHost {
    return this.owner.host
  }

  emit(packet: Packet): void {
    this.queue.push(packet)
  }

  emitted(): void {
    if (this.queue.head !== null) this.host.scheduler.pollLink(this)
  }

  poll(budget: number): number {
    const count = this.drain(budget)
    this.owner.flush()
    if (count === budget) this.emitted()
    return count
  }

  /** Hands in what is there. Delivery may take the NIC away. */
  drain(budget = Infinity): number {
    let count = 0
    for (; count < budget && this.owner.dispatcher !== null && this.queue.head !== null; count++) {
      const packet = this.queue.shift()!
      this.owner.dispatcher.deliverNetworkPacket(packet.networkProtocol, packet)
    }
    return count
  }

  clear(): void {
    this.queue.release()
  }
}
