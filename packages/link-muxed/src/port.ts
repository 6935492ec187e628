import { ChecksumState, type Packet } from '@stack/buffer'
import type { LinkEndpoint, LinkHost, NetworkDispatcher } from '@stack/core'

/** What a port needs of its mux. */
export interface PortOwner {
  readonly dispatcher: NetworkDispatcher | null
  carrierChanged(): void
}

/** One of the links inside, and what that link sees in place of a NIC. */
export class Port implements NetworkDispatcher {
  readonly link: LinkEndpoint
  /** Destinations behind it; 1 more for the default. */
  references = 0
  hasCarrier = true
  private readonly owner: PortOwner
  private readonly batch: Packet[] = []

  constructor(link: LinkEndpoint, owner: PortOwner) {
    this.link = link
    this.owner = owner
  }

  // --- on the way out ---

  /** Keeps a packet for {@link send}. */
  push(packet: Packet): void {
    this.batch.push(packet)
  }

  /** Gives the link what was pushed. Returns how many packets it did not take: they are released. */
  send(): number {
    const { batch } = this
    if (batch.length === 0) return 0
    const taken = this.link.writePackets(batch)
    const refused = batch.length - taken
    // Waiting for one peer would hold up all others: a full one loses, as a full switch port does.
    for (let i = taken; i < batch.length; i++) batch[i]!.release()
    batch.length = 0
    return refused
  }

  // --- on the way in ---

  get host(): LinkHost {
    return this.owner.dispatcher!.host
  }

  deliverNetworkPacket(protocol: number, packet: Packet): void {
    const { dispatcher } = this.owner
    // The mux says that links verify checksums when one of them does; the word of the others does not count.
    if (this.link.capabilities.rxChecksumOffload !== true) packet.checksumState = ChecksumState.None
    if (dispatcher === null) packet.release()
    else dispatcher.deliverNetworkPacket(protocol, packet)
  }

  deliverLinkPacket(protocol: number, packet: Packet): void {
    const { dispatcher } = this.owner
    if (dispatcher === null) packet.release()
    else dispatcher.deliverLinkPacket(protocol, packet)
  }

  flush(): void {
    this.owner.dispatcher?.flush()
  }

  writable(): void {
    // The mux takes every packet: nobody waits.
  }

  setCarrier(up: boolean): void {
    this.hasCarrier = up
    this.owner.carrierChanged()
  }
}
