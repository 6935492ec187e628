import {
  checkOptions, createLinkInbox, detachPacket, StackError, type Framing, type LinkCapabilities, type LinkEndpoint, type LinkInbox, type Milliseconds,
  type NetworkDispatcher, type OptionSchema, type PacketBatch,
} from '@stack/core'
import type { Packet } from '@stack/buffer'

/** Options of {@link pipe}. */
export interface PipeOptions {
  /** Bytes of the largest network packet, 68–65,535. Default 1,500. */
  readonly mtu?: number
  /** `'ip'` (default): bare packets, no addresses, no resolution. `'ethernet'`: frames, each end with an address of its own. */
  readonly framing?: Framing
  /** ms each way, on the receiver's clock. Default 0. */
  readonly latency?: Milliseconds
  /** Packets under way in one direction; more wait with the sender. Default 1,024; 256 without latency. */
  readonly limit?: number
  /** The wire computes no checksums: they travel unfinished, as inside one host. Default false: all are computed and verified. */
  readonly trustChecksums?: boolean
  /** Link addresses of the two ends for Ethernet framing, 6 bytes each. Default 02:00:00:00:00:01 and :02. */
  readonly linkAddresses?: readonly [Uint8Array, Uint8Array]
}

/** One end of a {@link pipe}. */
export interface PipeEnd extends LinkEndpoint {
  readonly kind: 'pipe'
  /** Packets on their way to this end. */
  readonly pending: number
  /** Packets that were written while nobody was attached at the other end, or this end was closed. */
  readonly dropped: number
}

const SCHEMA: OptionSchema = {
  mtu: { type: 'number', integer: true, min: 68, max: 65535 },
  framing: { type: 'string', oneOf: ['ip', 'ethernet'] },
  latency: { type: 'number', min: 0 },
  limit: { type: 'number', integer: true, min: 1 },
  trustChecksums: { type: 'boolean' },
  linkAddresses: { type: 'array' },
}

const LIMIT = 1024
// What is taken in the same turn needs no more, and stays in the processor's cache.
const NEAR_LIMIT = 256
const ETHERNET_HEADER = 14
const LINK_ADDRESS_LENGTH = 6
const ARP_ETHERNET = 1
const ARP_NONE = 0xffff

/**
 * Makes a pair of links.
 *
 * @throws StackError `ERR_STACK_INVALID_OPTION`
 */
export function pipe(options: PipeOptions = {}): [PipeEnd, PipeEnd] {
  checkOptions('pipe', options, SCHEMA)
  const addresses = options.linkAddresses ?? [Uint8Array.of(2, 0, 0, 0, 0, 1), Uint8Array.of(2, 0, 0, 0, 0, 2)]
  if (addresses.some((address) => address.length !== LINK_ADDRESS_LENGTH)) {
    throw new StackError('ERR_STACK_INVALID_OPTION', 'pipe: option \'linkAddresses\' must be two arrays of 6 bytes.')
  }
  const left = new End(options, addresses[0])
  const right = new End(options, addresses[1])
  left.peer = right
  right.peer = left
  return [left, right]
}

class End implements PipeEnd {
  readonly apiVersion = 1
  readonly kind = 'pipe'
  mtu: number
  readonly framing: Framing
  readonly capabilities: LinkCapabilities
  readonly maxHeaderLength: number
  linkAddress: Uint8Array | null
  readonly arpHardwareType: number
  readonly closed: Promise<void>
  peer!: End
  private readonly inbox: LinkInbox
  private readonly latency: Milliseconds
  private dispatcher: NetworkDispatcher | null = null
  private isClosed = false
  private droppedHere = 0
  private resolveClosed!: () => void

  constructor(options: PipeOptions, linkAddress: Uint8Array) {
    this.mtu = options.mtu ?? 1500
    this.framing = options.framing ?? 'ip'
    const ethernet = this.framing === 'ethernet'
    const trusted = options.trustChecksums ?? false
    this.capabilities = { resolutionRequired: ethernet, txChecksumOffload: trusted, rxChecksumOffload: trusted }
    this.maxHeaderLength = ethernet ? ETHERNET_HEADER : 0
    this.linkAddress = ethernet ? linkAddress : null
    this.arpHardwareType = ethernet ? ARP_ETHERNET : ARP_NONE
    this.latency = options.latency ?? 0
    this.inbox = createLinkInbox({ limit: options.limit ?? (this.latency === 0 ? NEAR_LIMIT : LIMIT), onRoom: () => this.peer.dispatcher?.writable() })
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve
    })
  }

  get isAttached(): boolean {
    return this.dispatcher !== null
  }

  get pending(): number {
    return this.inbox.length
  }

  get dropped(): number {
    return this.peer.inbox.dropped + this.droppedHere
  }

  attach(dispatcher: NetworkDispatcher | null): void {
    this.dispatcher = dispatcher
    this.inbox.attach(dispatcher)
    if (this.peer.isClosed) dispatcher?.setCarrier(false)
  }

  writePackets(batch: PacketBatch): number {
    let taken = 0
    while (taken < batch.length && this.send(batch[taken]!)) taken++
    return taken
  }

  writeRawPacket(packet: Packet): boolean {
    if (this.send(packet)) return true
    packet.release()
    return false
  }

  setMtu(mtu: number): void {
    this.mtu = mtu
  }

  setLinkAddress(address: Uint8Array): void {
    this.linkAddress = address
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.attach(null)
    this.peer.dispatcher?.setCarrier(false)
    this.resolveClosed()
  }

  private send(packet: Packet): boolean {
    if (!this.isClosed) return this.peer.receive(packet)
    this.droppedHere++
    packet.release()
    return true
  }

  /** From the peer: false = full, the packet stays the caller's. */
  private receive(packet: Packet): boolean {
    // Refuse before touching the packet: the sender keeps it as it is.
    if (this.inbox.room === 0 && this.inbox.isAttached) return this.inbox.push(packet, 0)
    detachPacket(packet)
    const due = this.latency === 0 ? 0 : (this.dispatcher?.host.scheduler.now ?? 0) + this.latency
    return this.inbox.push(packet, this.framing === 'ethernet' ? 0 : packet.networkProtocol, due)
  }
}
