import {
  checkHandler, checkOptions, createLinkInbox, createMailbox, StackError, type Framing, type InjectableLinkEndpoint, type LinkCapabilities, type LinkHost,
  type LinkInbox, type Mailbox, type MailboxSource, type NetworkDispatcher, type OptionSchema, type PacketBatch, type Wakeable,
} from '@stack/core'
import { ChecksumState, PacketList, type Packet } from '@stack/buffer'

/** Options of {@link channel}. */
export interface ChannelOptions {
  /** Bytes of the largest network packet, 68–65,535. Default 1,500. */
  readonly mtu?: number
  /** `'ip'` (default): bare network packets. `'ethernet'`: whole frames. */
  readonly framing?: Framing
  /** Own link address, 6 bytes, for Ethernet framing. Default 02:00:00:00:00:01. */
  readonly linkAddress?: Uint8Array
  /** Packets that wait to be taken out; more wait with the stack. Default 1,024. */
  readonly limit?: number
  /** Overrides what the link says it can do. What is read as bytes is whole and finished all the same; `take` gives packets as they come. */
  readonly capabilities?: LinkCapabilities
}

/** The link that {@link channel} makes. */
export interface ChannelLink extends InjectableLinkEndpoint {
  readonly kind: 'channel'
  /** Outgoing packets that wait. */
  readonly pending: number
  /** Packets dropped: written or injected while nobody was attached, or for want of room or memory. */
  readonly dropped: number
  /**
   * A packet from the wire: the bytes are copied. `protocol` is the EtherType; by default it is told from the version
   * nibble (IPv4, IPv6), and for Ethernet framing from the frame. Returns false when it was dropped: nobody attached,
   * queue or memory full, empty or unknown.
   */
  inject(bytes: Uint8Array, protocol?: number): boolean
  /** The next outgoing packet as bytes of your own, or null. */
  tryRead(): Uint8Array | null
  /** The next outgoing packet; null when the link is closed. One read at a time (`ERR_STACK_BUSY`). */
  read(options?: { readonly signal?: AbortSignal | undefined }): Promise<Uint8Array | null>
  /** The next outgoing packet itself, or null; its owner is you: release it. */
  take(): Packet | null
  /**
   * Gets every outgoing packet, last in a turn; the bytes are valid during the call only. Null: packets wait for `read`.
   *
   * @throws StackError `ERR_STACK_BUSY` while a `read` is pending
   */
  setHandler(handler: ChannelHandler | null): void
}

/** Gets an outgoing packet and its EtherType. */
export type ChannelHandler = (bytes: Uint8Array, protocol: number) => void

const SCHEMA: OptionSchema = {
  mtu: { type: 'number', integer: true, min: 68, max: 65535 },
  framing: { type: 'string', oneOf: ['ip', 'ethernet'] },
  linkAddress: { type: 'object' },
  limit: { type: 'number', integer: true, min: 1 },
  capabilities: { type: 'object' },
}

const ETHERNET_HEADER = 14
const LINK_ADDRESS_LENGTH = 6
const IPV4 = 0x0800
const IPV6 = 0x86dd

/**
 * Makes a channel link.
 *
 * @throws StackError `ERR_STACK_INVALID_OPTION`
 */
export function channel(options: ChannelOptions = {}): ChannelLink {
  checkOptions('channel', options, SCHEMA)
  if (options.linkAddress !== undefined && options.linkAddress.length !== LINK_ADDRESS_LENGTH) {
    throw new StackError('ERR_STACK_INVALID_OPTION', 'channel: option \'linkAddress\' must be an array of 6 bytes.')
  }
  return new Channel(options)
}

class Channel implements ChannelLink, Wakeable {
  readonly apiVersion = 1
  readonly kind = 'channel'
  waking = false
  mtu: number
  readonly framing: Framing
  readonly capabilities: LinkCapabilities
  readonly maxHeaderLength: number
  linkAddress: Uint8Array | null
  readonly arpHardwareType: number
  dropped = 0
  private readonly limit: number
  private readonly inbox: LinkInbox
  private dispatcher: NetworkDispatcher | null = null
  private readonly mailbox: Mailbox<Uint8Array, ChannelHandler>
  private isWaiting = false
  /** The host that is held alive for a pending read. */
  private held: LinkHost | null = null
  private readonly outgoing = new PacketList()
  private refused = false

  constructor(options: ChannelOptions) {
    this.mtu = options.mtu ?? 1500
    this.framing = options.framing ?? 'ip'
    const ethernet = this.framing === 'ethernet'
    this.capabilities = options.capabilities ?? { resolutionRequired: ethernet }
    this.maxHeaderLength = ethernet ? ETHERNET_HEADER : 0
    this.linkAddress = ethernet ? (options.linkAddress ?? Uint8Array.of(2, 0, 0, 0, 0, 1)) : null
    this.arpHardwareType = ethernet ? 1 : 0xffff
    this.limit = options.limit ?? 1024
    this.inbox = createLinkInbox({ limit: 1024 })
    this.mailbox = createMailbox(this.source())
  }

  get closed(): Promise<void> {
    return this.mailbox.closed
  }

  get pending(): number {
    return this.outgoing.length
  }

  get isAttached(): boolean {
    return this.dispatcher !== null
  }

  attach(dispatcher: NetworkDispatcher | null): void {
    this.dispatcher = dispatcher
    this.inbox.attach(dispatcher)
    if (dispatcher === null) {
      this.outgoing.release()
      this.refused = false
    }
    this.hold()
  }

  writePackets(batch: PacketBatch): number {
    let taken = 0
    if (this.dispatcher === null) {
      while (taken < batch.length) this.drop(batch[taken++]!)
      return taken
    }
    while (taken < batch.length && this.pending < this.limit) this.push(batch[taken++]!)
    if (taken < batch.length) this.refused = true
    return taken
  }

  writeRawPacket(packet: Packet): boolean {
    if (this.dispatcher === null || this.pending >= this.limit) {
      this.drop(packet)
      return false
    }
    this.push(packet)
    return true
  }

  inject(bytes: Uint8Array, protocol = this.framing === 'ethernet' ? 0 : versionProtocol(bytes)): boolean {
    const dispatcher = this.dispatcher
    const packet = protocol < 0 || bytes.length === 0 ? null : this.packetOf(bytes)
    if (dispatcher === null || packet === null) {
      this.dropped++
      return false
    }
    return this.enter(protocol, packet, dispatcher)
  }

  injectInbound(protocol: number, packet: Packet): void {
    if (this.dispatcher === null) this.drop(packet)
    else this.enter(protocol, packet, this.dispatcher)
  }

  /** The wire has one other end: it gets the bytes whoever `destination` is. */
  injectOutbound(_destination: Uint8Array | number, bytes: Uint8Array): boolean {
    const packet = this.pending >= this.limit ? null : this.packetOf(bytes)
    if (packet === null) {
      this.dropped++
      return false
    }
    this.push(packet)
    return true
  }

  take(): Packet | null {
    const packet = this.outgoing.shift()
    if (packet !== null && this.refused && this.pending * 2 <= this.limit) {
      this.refused = false
      this.dispatcher?.writable()
    }
    return packet
  }

  tryRead(): Uint8Array | null {
    const packet = this.takeWhole()
    if (packet === null) return null
    const bytes = packet.bytes.slice(packet.start, packet.end)
    packet.release()
    return bytes
  }

  read(options?: { readonly signal?: AbortSignal | undefined }): Promise<Uint8Array | null> {
    return this.mailbox.receive(options, 'read')
  }

  setHandler(handler: ChannelHandler | null): void {
    if (handler !== null) checkHandler('setHandler', handler, 'function')
    this.mailbox.setHandler(handler)
    if (this.pending > 0) this.notify()
  }

  setMtu(mtu: number): void {
    this.mtu = mtu
  }

  setLinkAddress(address: Uint8Array): void {
    this.linkAddress = address
  }

  /** Gives what waits to whoever takes it; called last in a turn. */
  wake(): void {
    this.mailbox.wake()
  }

  close(): void {
    if (this.mailbox.isClosed) return
    this.attach(null)
    this.mailbox.close()
  }

  private source(): MailboxSource<Uint8Array, ChannelHandler> {
    return {
      take: () => this.tryRead() ?? undefined,
      give: (handler) => {
        const packet = this.takeWhole()
        if (packet === null) return false
        try {
          handler(packet.bytes.subarray(packet.start, packet.end), packet.networkProtocol)
        } finally {
          packet.release()
        }
        return true
      },
      onError: (error) => {
        // It ends this turn of the handler; what is left comes in another.
        if (this.pending > 0) this.notify()
        throw error
      },
      waiting: (on) => {
        this.isWaiting = on
        this.hold()
      },
    }
  }

  /** Readers are user code: they run when the turn is through. */
  private notify(): void {
    if (this.mailbox.isWanted) this.dispatcher?.host.scheduler.wake(this)
  }

  /** A pending read keeps the process alive, as every pending call does. */
  private hold(): void {
    const wanted = this.isWaiting ? (this.dispatcher?.host ?? null) : null
    if (wanted === this.held) return
    this.held?.unref?.()
    this.held = wanted
    wanted?.ref?.()
  }

  /** The next outgoing packet as one run of bytes with its checksum in place, or null. */
  private takeWhole(): Packet | null {
    for (let packet = this.take(); packet !== null; packet = this.take()) {
      if (packet.checksumState === ChecksumState.Partial) packet.finishChecksum()
      const whole = packet.payload === null ? packet : this.dispatcher!.host.memory.flatten(packet)
      if (whole !== null) return whole
      this.drop(packet)
    }
    return null
  }

  private packetOf(bytes: Uint8Array): Packet | null {
    const packet = this.dispatcher?.host.memory.allocate(0, bytes.length) ?? null
    packet?.append(bytes, 0, bytes.length)
    return packet
  }

  private enter(protocol: number, packet: Packet, dispatcher: NetworkDispatcher): boolean {
    if (!this.inbox.push(packet, protocol)) {
      this.drop(packet)
      return false
    }
    dispatcher.host.scheduler.run()
    return true
  }

  private push(packet: Packet): void {
    this.outgoing.push(packet)
    this.notify()
  }

  private drop(packet: Packet): void {
    this.dropped++
    packet.release()
  }
}

function versionProtocol(bytes: Uint8Array): number {
  const version = (bytes[0] ?? 0) >> 4
  if (version === 4) return IPV4
  return version === 6 ? IPV6 : -1
}
