import {
  checkOptions, createLinkInbox, detachPacket, type LinkCapabilities, type LinkEndpoint, type LinkInbox, type NetworkDispatcher, type OptionSchema,
  type PacketBatch,
} from '@stack/core'
import type { Packet } from '@stack/buffer'

/** Options of {@link loopback}. */
export interface LoopbackOptions {
  /** Bytes of the largest network packet, 68–65,535. Default 65,535. */
  readonly mtu?: number
  /** Packets under way; more wait in the NIC's queue. Default 1,024. */
  readonly limit?: number
}

/** The link that {@link loopback} makes. */
export interface LoopbackLink extends LinkEndpoint {
  readonly kind: 'loopback'
}

const SCHEMA: OptionSchema = {
  mtu: { type: 'number', integer: true, min: 68, max: 65535 },
  limit: { type: 'number', integer: true, min: 1 },
}

/**
 * Makes a loopback link. Checksums are neither computed nor verified on it.
 *
 * @throws StackError `ERR_STACK_INVALID_OPTION`
 */
export function loopback(options: LoopbackOptions = {}): LoopbackLink {
  checkOptions('loopback', options, SCHEMA)
  return new Loopback(options)
}

class Loopback implements LoopbackLink {
  readonly apiVersion = 1
  readonly kind = 'loopback'
  mtu: number
  readonly framing = 'ip'
  readonly capabilities: LinkCapabilities = {
    loopback: true, resolutionRequired: false, txChecksumOffload: true, rxChecksumOffload: true, saveRestore: true,
  }
  readonly maxHeaderLength = 0
  readonly linkAddress = null
  readonly arpHardwareType = 0xffff
  readonly closed: Promise<void>
  private readonly inbox: LinkInbox
  private dispatcher: NetworkDispatcher | null = null
  private resolveClosed!: () => void

  constructor(options: LoopbackOptions) {
    this.mtu = options.mtu ?? 65535
    this.inbox = createLinkInbox({ limit: options.limit ?? 1024, onRoom: () => this.dispatcher?.writable() })
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve
    })
  }

  get isAttached(): boolean {
    return this.dispatcher !== null
  }

  attach(dispatcher: NetworkDispatcher | null): void {
    this.dispatcher = dispatcher
    this.inbox.attach(dispatcher)
  }

  writePackets(batch: PacketBatch): number {
    let taken = 0
    while (taken < batch.length && this.turnAround(batch[taken]!)) taken++
    return taken
  }

  writeRawPacket(packet: Packet): boolean {
    if (this.turnAround(packet)) return true
    packet.release()
    return false
  }

  setMtu(mtu: number): void {
    this.mtu = mtu
  }

  close(): void {
    this.attach(null)
    this.resolveClosed()
  }

  private turnAround(packet: Packet): boolean {
    // Refuse before touching the packet: the sender keeps it as it is.
    if (this.inbox.room === 0 && this.inbox.isAttached) return this.inbox.push(packet, 0)
    detachPacket(packet)
    return this.inbox.push(packet, packet.networkProtocol)
  }
}
