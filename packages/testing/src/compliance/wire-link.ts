import { ChecksumState, type Packet, type PacketPool } from '@stack/buffer'
import { createLinkInbox, type Framing, type LinkCapabilities, type LinkEndpoint, type LinkInbox, type NetworkDispatcher, type PacketBatch } from '@stack/core'

/** The link of a suite's stack: keeps what is sent, puts in what a case gives it. */
export class WireLink implements LinkEndpoint {
  readonly apiVersion = 1
  readonly kind = 'wire'
  readonly mtu = 1500
  readonly framing: Framing
  readonly capabilities: LinkCapabilities
  readonly maxHeaderLength: number
  readonly linkAddress: Uint8Array | null
  readonly arpHardwareType: number
  readonly closed: Promise<void> = Promise.resolve()
  /** Every packet sent, as bytes, with its link header. */
  readonly sent: Uint8Array[] = []
  private readonly inbox: LinkInbox = createLinkInbox()
  private dispatcher: NetworkDispatcher | null = null

  constructor(framing: Framing) {
    const ethernet = framing === 'ethernet'
    this.framing = framing
    this.capabilities = { resolutionRequired: ethernet }
    this.maxHeaderLength = ethernet ? 14 : 0
    this.linkAddress = ethernet ? Uint8Array.of(2, 0, 0, 0, 0, 1) : null
    this.arpHardwareType = ethernet ? 1 : 0xffff
  }

  get isAttached(): boolean {
    return this.dispatcher !== null
  }

  attach(dispatcher: NetworkDispatcher | null): void {
    this.dispatcher = dispatcher
    this.inbox.attach(dispatcher)
  }

  writePackets(batch: PacketBatch): number {
    for (const packet of batch) this.writeRawPacket(packet)
    return batch.length
  }

  writeRawPacket(packet: Packet): boolean {
    if (packet.checksumState === ChecksumState.Partial) packet.finishChecksum()
    this.sent.push(packet.bytes.slice(packet.start, packet.end))
    packet.release()
    return true
  }

  close(): void {
    this.attach(null)
  }

  /** A packet from the wire; `protocol` 0 = with link header. */
  arrive(pool: PacketPool, protocol: number, bytes: Uint8Array): void {
    const packet = pool.allocate(64, bytes.length)
    if (packet === null) return
    packet.append(bytes, 0, bytes.length)
    if (!this.inbox.push(packet, protocol)) packet.release()
  }
}
