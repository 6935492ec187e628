import type { ChecksumState, Packet } from '@stack/buffer'
import {
  createLinkInbox, type Framing, type LinkCapabilities, type LinkEndpoint, type LinkInbox, type Milliseconds, type NetworkDispatcher, type PacketBatch,
} from '@stack/core'
import { linkBytes, STACK } from '../packets/addresses.ts'

/** Options of {@link fakeLink}. */
export interface FakeLinkOptions {
  /** Bytes of the largest network packet. Default 1,500. */
  readonly mtu?: number
  /** Default `'ip'`. */
  readonly framing?: Framing
  /** What the link says it can do. It does nothing about it: packets are written down as they come. Default: nothing. */
  readonly capabilities?: LinkCapabilities
  /** Own link address of an Ethernet link. Default 02:00:00:00:00:01. */
  readonly linkAddress?: Uint8Array
  readonly gsoMaxSize?: number
  /** Called by `addNic`: fail or wait here. */
  readonly open?: (signal?: AbortSignal) => Promise<void>
}

/** A packet that the stack sent. */
export interface SentPacket {
  /** Link header included. */
  readonly bytes: Uint8Array
  /** EtherType as the stack noted it. */
  readonly protocol: number
  readonly checksumState: ChecksumState
  /** ms of the clock. */
  readonly at: Milliseconds
}

/** What {@link fakeLink} makes: a link whose other end is the test. */
export interface FakeLink extends LinkEndpoint {
  /** The NIC, while attached. */
  readonly dispatcher: NetworkDispatcher | null
  readonly isClosed: boolean
  /** Everything that was sent, in order; `tryRead` takes from its front. */
  readonly sent: SentPacket[]
  /** Length of each batch that was offered. */
  readonly batches: readonly number[]
  /** Packets that the link still takes; Infinity at first. */
  readonly room: number
  /** Changes `room`; the NIC hears of it when there is some. */
  setRoom(packets: number): void
  /** The carrier goes or comes back. */
  setCarrier(up: boolean): void
  /** A packet (or frame) comes in, in a turn of its own. The protocol is told from its version, 0 for frames. False = nobody is attached, or no memory. */
  inject(bytes: Uint8Array, protocol?: number): boolean
  /** As {@link FakeLink.inject}, with a packet of your own making; takes ownership. */
  injectInbound(protocol: number, packet: Packet): void
  /** The bytes of the next packet that the stack sent, or null. */
  tryRead(): Uint8Array | null
}

/**
 * Makes a link that writes down what it is given, and takes as many packets as the test says.
 *
 * @example
 * ```ts
 * import { createStack } from '@stack/core'
 * import { ipv4 } from '@stack/ipv4'
 * import { fakeLink, icmpv4, ipv4 as ipv4Layer, manualClock, packet } from '@stack/testing'
 *
 * const clock = manualClock()
 * const stack = createStack({ plugins: [ipv4()], clock })
 * const link = fakeLink()
 * await stack.addNic(link, { addresses: ['10.0.0.1/24'] })
 * link.inject(packet(ipv4Layer(), icmpv4({ type: 'echo-request' })))
 * await clock.settle()
 * console.log(link.tryRead()) // the echo reply
 * stack.destroy()
 * ```
 */
export function fakeLink(options: FakeLinkOptions = {}): FakeLink {
  return new Fake(options)
}

const IPV4 = 0x0800
const IPV6 = 0x86dd
const ETHERNET_HEADER = 14

class Fake implements FakeLink {
  readonly apiVersion = 1
  readonly kind = 'fake'
  readonly framing: Framing
  readonly capabilities: LinkCapabilities
  readonly maxHeaderLength: number
  linkAddress: Uint8Array | null
  readonly arpHardwareType: number
  readonly closed: Promise<void>
  declare readonly gsoMaxSize?: number
  declare readonly open?: (signal?: AbortSignal) => Promise<void>
  mtu: number
  dispatcher: NetworkDispatcher | null = null
  isClosed = false
  room = Infinity
  readonly sent: SentPacket[] = []
  readonly batches: number[] = []
  private readonly inbox: LinkInbox = createLinkInbox()
  private resolveClosed!: () => void

  constructor(options: FakeLinkOptions) {
    const isEthernet = options.framing === 'ethernet'
    this.framing = options.framing ?? 'ip'
    this.mtu = options.mtu ?? 1500
    this.capabilities = options.capabilities ?? {}
    this.maxHeaderLength = isEthernet ? ETHERNET_HEADER : 0
    this.linkAddress = isEthernet ? (options.linkAddress ?? linkBytes(STACK.link)) : null
    this.arpHardwareType = isEthernet ? 1 : 0xffff
    if (options.open !== undefined) this.open = options.open
    if (options.gsoMaxSize !== undefined) this.gsoMaxSize = options.gsoMaxSize
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

  setMtu(mtu: number): void {
    this.mtu = mtu
  }

  setLinkAddress(address: Uint8Array): void {
    this.linkAddress = address
  }

  writePackets(batch: PacketBatch): number {
    this.batches.push(batch.length)
    const taken = Math.min(batch.length, this.room)
    this.room -= taken
    for (let i = 0; i < taken; i++) this.take(batch[i]!)
    return taken
  }

  writeRawPacket(packet: Packet): boolean {
    if (this.room < 1) {
      packet.release()
      return false
    }
    this.room--
    this.take(packet)
    return true
  }

  setRoom(packets: number): void {
    this.room = packets
    if (packets > 0) this.dispatcher?.writable()
  }

  setCarrier(up: boolean): void {
    this.dispatcher?.setCarrier(up)
  }

  inject(bytes: Uint8Array, protocol: number = this.framing === 'ethernet' ? 0 : versionProtocol(bytes)): boolean {
    const packet = this.dispatcher?.host.memory.allocate(0, bytes.length) ?? null
    if (packet === null) return false
    packet.append(bytes, 0, bytes.length)
    this.injectInbound(protocol, packet)
    return true
  }

  injectInbound(protocol: number, packet: Packet): void {
    if (!this.inbox.push(packet, protocol)) packet.release()
    else this.dispatcher?.host.scheduler.run()
  }

  tryRead(): Uint8Array | null {
    return this.sent.shift()?.bytes ?? null
  }

  close(): void {
    this.isClosed = true
    this.attach(null)
    this.resolveClosed()
  }

  private take(packet: Packet): void {
    const { networkProtocol: protocol, checksumState } = packet
    const whole = packet.payload === null ? packet : this.dispatcher!.host.memory.flatten(packet)
    if (whole === null) throw new Error('The fake link has no packet memory left to look at a packet: was something not released?')
    this.sent.push({ bytes: whole.bytes.slice(whole.start, whole.end), protocol, checksumState, at: this.dispatcher?.host.scheduler.now ?? 0 })
    whole.release()
  }
}

function versionProtocol(bytes: Uint8Array): number {
  return (bytes[0] ?? 0) >> 4 === 6 ? IPV6 : IPV4
}
