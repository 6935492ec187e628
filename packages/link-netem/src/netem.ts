import { ChecksumState, PacketFlag, type Packet } from '@stack/buffer'
import { LinkWrapper, type LinkCapabilities, type LinkEndpoint, type NetworkDispatcher, type PacketBatch } from '@stack/core'
import type { NetemCounters } from './counters.ts'
import { InboundLine } from './inbound.ts'
import { OutboundLine } from './outbound.ts'
import { changedSettings, firstSettings, type NetemOptions, type NetemSettings, type Settings } from './settings.ts'

/** The link that {@link netem} makes. Its kind, MTU, framing and capabilities are those of the link inside. */
export interface NetemLink<L extends LinkEndpoint = LinkEndpoint> extends LinkEndpoint {
  /** The link inside. */
  readonly lower: L
  /** The settings now. */
  readonly settings: Readonly<Required<NetemSettings>>
  /** What happened so far, for each direction as the stack sees it. */
  readonly statistics: { readonly out: Readonly<NetemCounters>; readonly in: Readonly<NetemCounters> }
  /** Packets held now. */
  readonly pending: { readonly out: number; readonly in: number }
  readonly isDown: boolean
  /**
   * Changes settings for the packets that come from now on; those that wait keep their times.
   *
   * @throws StackError `ERR_STACK_INVALID_OPTION`
   */
  configure(changes: NetemSettings): void
  /** An outage, in both directions and without a word to the stack: packets vanish until `down(false)`. What is under way arrives. */
  down(on?: boolean): void
}

/**
 * Puts a bad network around `lower`. Order of the steps: outage, loss, duplication, queue limit, corruption, rate, delay.
 *
 * @throws StackError `ERR_STACK_INVALID_OPTION`
 */
export function netem<L extends LinkEndpoint>(lower: L, options: NetemOptions = {}): NetemLink<L> {
  return new Netem(lower, firstSettings(options), options)
}

/** Keeps the decisions of the two directions apart, so that traffic one way does not change what happens the other way. */
const SEED_OF_INBOUND = 0x9e3779b9

class Netem<L extends LinkEndpoint> extends LinkWrapper<L> implements NetemLink<L> {
  settings: Settings
  readonly statistics: { readonly out: NetemCounters; readonly in: NetemCounters }
  private readonly outbound: OutboundLine
  private readonly inbound: InboundLine
  private readonly impairsOutbound: boolean
  private readonly impairsInbound: boolean
  /** The inner link's capabilities when {@link bare} was made of them. */
  private seen: LinkCapabilities | null = null
  private bare: LinkCapabilities = {}

  constructor(lower: L, settings: Settings, { seed, direction = 'out' }: NetemOptions) {
    super(lower)
    this.settings = settings
    this.outbound = new OutboundLine(settings, seed, lower)
    this.inbound = new InboundLine(settings, seed === undefined ? undefined : seed ^ SEED_OF_INBOUND)
    this.impairsOutbound = direction !== 'in'
    this.impairsInbound = direction !== 'out'
    this.statistics = { out: this.outbound.counters, in: this.inbound.counters }
    this.configure({})
  }

  /** A flipped bit must meet a real checksum. */
  override get capabilities(): LinkCapabilities {
    const capabilities = super.capabilities
    if (this.settings.corrupt === 0) return capabilities
    if (this.seen !== capabilities) {
      this.seen = capabilities
      this.bare = withoutOffloads(capabilities)
    }
    return this.bare
  }

  get pending(): { readonly out: number; readonly in: number } {
    return { out: this.outbound.length, in: this.inbound.length }
  }

  get isDown(): boolean {
    return this.outbound.isDown
  }

  configure(changes: NetemSettings): void {
    this.settings = changedSettings(this.settings, changes)
    this.outbound.settings = this.settings
    this.inbound.settings = this.settings
    this.inbound.finishes = this.settings.corrupt > 0
  }

  down(on = true): void {
    this.outbound.isDown = on
    this.inbound.isDown = on
  }

  override attach(dispatcher: NetworkDispatcher | null): void {
    this.outbound.isBlocked = false
    this.outbound.attach(dispatcher === null ? null : dispatcher.host)
    this.inbound.connect(dispatcher)
    super.attach(dispatcher)
  }

  override writePackets(batch: PacketBatch): number {
    if (!this.impairsOutbound && !this.isDown) return super.writePackets(batch)
    // The sender's own queue is the place to wait for a full link.
    if (this.outbound.isBlocked) return 0
    for (let i = 0; i < batch.length; i++) this.outbound.enter(batch[i]!)
    this.outbound.send()
    return batch.length
  }

  override writeRawPacket(packet: Packet): boolean {
    if (!this.impairsOutbound && !this.isDown) return super.writeRawPacket(packet)
    packet.flags |= PacketFlag.PacketRaw
    this.outbound.enter(packet)
    this.outbound.send()
    return true
  }

  override deliverNetworkPacket(protocol: number, packet: Packet): void {
    if (!this.impairsInbound && !this.isDown) {
      if (this.inbound.finishes && packet.checksumState === ChecksumState.Partial) packet.finishChecksum()
      super.deliverNetworkPacket(protocol, packet)
      return
    }
    packet.networkProtocol = protocol
    this.inbound.enter(packet)
    this.inbound.deliver(Infinity)
  }

  override writable(): void {
    if (this.outbound.resume()) super.writable()
  }

  override close(): void {
    this.attach(null)
    super.close()
  }
}

function withoutOffloads(capabilities: LinkCapabilities): LinkCapabilities {
  return { ...capabilities, txChecksumOffload: false, rxChecksumOffload: false, hardwareGso: false, softwareGso: false, scatterGather: false }
}
