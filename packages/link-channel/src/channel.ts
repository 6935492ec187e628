import {
  checkOptions, createLinkInbox, StackError, startCall, type Framing, type InjectableLinkEndpoint, type LinkCapabilities, type LinkInbox, type NetworkDispatcher,
  type OptionSchema, type PacketBatch, type PendingCall, type Wakeable,
} from '@stack/core'
import type { Packet } from '@stack/buffer'

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
  /** Overrides what the link says it can do. */
  readonly capabilities?: LinkCapabilities
}

/** The link that {@link channel} makes. */
export interface ChannelLink extends InjectableLinkEndpoint {
  readonly kind: 'channel'
  /** Outgoing packets that wait. */
  readonly pending: number
  /**
   * A packet from the wire: the bytes are copied. `protocol` is the EtherType; by default it is told from the version
   * nibble (IPv4, IPv6), and for Ethernet framing from the frame. Returns false when it was dropped: nobody attached,
   * queue or memory full, empty or unknown.
   */
  inject(bytes: Uint8Array, protocol?: number): boolean
  /** The next outgoing packet as bytes of your own, or null. */
  tryRead(): Uint8Array | null
  /** The next outgoing packet; null when the link is closed. One read at a time (`ERR_STACK_BUSY`). */
  read(options?: { readonly signal?: AbortSignal }): Promise<Uint8Array | null>
  /** The next outgoing packet itself, or null; its owner is you: release it. */
  take(): Packet | null
  /** Gets every outgoing packet, last in a turn; the bytes are valid during the call only. Null: packets wait for `read`. */
  setHandler(handler: ((bytes: Uint8Array, protocol: number) => void) | null): void
}

const SCHEMA: OptionSchema = {
  mtu: { type: 'number', integer: true, min: 68, max: 65535 },
  framing: { type: 'string', oneOf: ['ip', 'ethernet'] },
  linkAddress: { type: 'object' },
  limit: { type: 'number', integer: true, min: 1 },
  capabilities: { type: 'object' },
}

const ETHERNET_HEADER = 14
const IPV4 = 0x0800
const IPV6 = 0x86dd

/**
 * Makes a channel link.
 *
 * @throws StackError `ERR_STACK_INVALID_OPTION`
 */
export function channel(options: ChannelOptions = {}): ChannelLink {
  checkOptions('channel', options, SCHEMA)
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
  readonly closed: Promise<void>
  pending = 0
  private readonly limit: number
  private readonly inbox: LinkInbox
  private dispatcher: NetworkDispatcher | null = null
  private handler: ((bytes: Uint8Array, protocol: number) => void) | null = null
  private reader: PendingCall<Uint8Array | null> | null = null
  private head: Packet | null = null
  private tail: Packet | null = null
  private refused = false
  private isClosed = false
  private resolveClosed!: () => void

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
    if (dispatcher === null) this.drop()
  }

  writePackets(batch: PacketBatch): number {
    let taken = 0
    while (taken < batch.length && this.pending < this.limit) this.push(batch[taken++]!)
    if (taken < batch.length) this.refused = true
    return taken
  }

  writeRawPacket(packet: Packet): boolean {
    if (this.pending >= this.limit) {
      packet.release()
      return false
    }
    this.push(packet)
    return true
  }

  inject(bytes: Uint8Array, protocol = this.framing === 'ethernet' ? 0 : versionProtocol(bytes)): boolean {
    const dispatcher = this.dispatcher
    if (dispatcher === null || protocol < 0) return false
    const packet = dispatcher.host.memory.allocate(0, bytes.length)
    if (packet === null) return false
    packet.append(bytes, 0, bytes.length)
    return this.enter(protocol, packet, dispatcher)
  }

  injectInbound(protocol: number, packet: Packet): void {
    if (this.dispatcher === null) packet.release()
    else this.enter(protocol, packet, this.dispatcher)
  }

  /** The wire has one other end: it gets the bytes whoever `destination` is. */
  injectOutbound(_destination: Uint8Array | number, bytes: Uint8Array): boolean {
    const packet = this.pending >= this.limit ? null : (this.dispatcher?.host.memory.allocate(0, bytes.length) ?? null)
    if (packet === null) return false
    packet.append(bytes, 0, bytes.length)
    this.push(packet)
    return true
  }

  take(): Packet | null {
    const packet = this.head
    if (packet === null) return null
    this.head = packet.next
    if (this.head === null) this.tail = null
    packet.next = null
    this.pending--
    if (this.refused && this.pending * 2 <= this.limit) {
      this.refused = false
      this.dispatcher?.writable()
    }
    return packet
  }

  tryRead(): Uint8Array | null {
    const packet = this.take()
    if (packet === null) return null
    const bytes = packet.bytes.slice(packet.start, packet.end)
    packet.release()
    return bytes
  }

  read(options: { readonly signal?: AbortSignal } = {}): Promise<Uint8Array | null> {
    const { signal } = options
    if (this.reader !== null || this.handler !== null) {
      return Promise.reject(new StackError('ERR_STACK_BUSY', 'Another read of this channel is pending, or a handler takes its packets; wait for it or call setHandler(null).', { syscall: 'read' }))
    }
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error)
    const bytes = this.tryRead()
    if (bytes !== null || this.isClosed) return Promise.resolve(bytes)
    return startCall(
      (call) => {
        this.reader = call
      },
      signal,
      () => {
        this.reader = null
      },
    )
  }

  setHandler(handler: ((bytes: Uint8Array, protocol: number) => void) | null): void {
    this.handler = handler
    if (handler !== null && this.head !== null) this.dispatcher?.host.scheduler.wake(this)
  }

  setMtu(mtu: number): void {
    this.mtu = mtu
  }

  setLinkAddress(address: Uint8Array): void {
    this.linkAddress = address
  }

  /** Gives what waits to whoever takes it; called last in a turn. */
  wake(): void {
    while (this.handler !== null && this.head !== null) {
      const packet = this.take()!
      try {
        this.handler(packet.bytes.subarray(packet.start, packet.end), packet.networkProtocol)
      } finally {
        packet.release()
      }
    }
    if (this.reader !== null && this.head !== null) {
      const { reader } = this
      this.reader = null
      reader.resolve(this.tryRead())
    }
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.attach(null)
    this.reader?.resolve(null)
    this.reader = null
    this.resolveClosed()
  }

  private enter(protocol: number, packet: Packet, dispatcher: NetworkDispatcher): boolean {
    if (!this.inbox.push(packet, protocol)) {
      packet.release()
      return false
    }
    dispatcher.host.scheduler.run()
    return true
  }

  private push(packet: Packet): void {
    packet.next = null
    if (this.tail === null) this.head = packet
    else this.tail.next = packet
    this.tail = packet
    this.pending++
    // Readers are user code: they run when the turn is through.
    if (this.handler !== null || this.reader !== null) this.dispatcher?.host.scheduler.wake(this)
  }

  private drop(): void {
    for (let packet = this.take(); packet !== null; packet = this.take()) packet.release()
  }
}

function versionProtocol(bytes: Uint8Array): number {
  const version = (bytes[0] ?? 0) >> 4
  if (version === 4) return IPV4
  return version === 6 ? IPV6 : -1
}
