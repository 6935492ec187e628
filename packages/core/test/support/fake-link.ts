import type { Packet } from '@stack/buffer'
import type { Framing, LinkCapabilities, LinkEndpoint, NetworkDispatcher, PacketBatch, Pollable } from '@stack/core'

export interface FakeLinkOptions {
  readonly framing?: Framing
  readonly mtu?: number
  readonly capabilities?: LinkCapabilities
  readonly linkAddress?: Uint8Array
  readonly open?: (signal?: AbortSignal) => Promise<void>
  readonly gsoMaxSize?: number
}

export const OWN_LINK_ADDRESS: Uint8Array = Uint8Array.of(2, 0, 0, 0, 0, 1)

/** A link that writes down what it is given, and takes as many packets as the test says. */
export class FakeLink implements LinkEndpoint, Pollable {
  readonly apiVersion = 1
  readonly kind = 'fake'
  readonly framing: Framing
  readonly capabilities: LinkCapabilities
  readonly maxHeaderLength: number
  readonly linkAddress: Uint8Array | null
  readonly arpHardwareType: number
  readonly closed: Promise<void>
  readonly gsoMaxSize?: number
  readonly open?: (signal?: AbortSignal) => Promise<void>
  mtu: number
  queued = false
  dispatcher: NetworkDispatcher | null = null
  isClosed = false
  /** Packets it still takes. */
  room = Infinity
  /** Frames written, link header included. */
  readonly sent: Uint8Array[] = []
  readonly states: number[] = []
  readonly batches: number[] = []
  /** Called within `writePackets`, with the batch. */
  onWrite: ((batch: PacketBatch) => void) | null = null
  private resolveClosed!: () => void
  private inbox: { readonly protocol: number; readonly packet: Packet }[] = []

  constructor(options: FakeLinkOptions = {}) {
    this.framing = options.framing ?? 'ip'
    const ethernet = this.framing === 'ethernet'
    this.mtu = options.mtu ?? 1000
    this.capabilities = options.capabilities ?? {}
    this.maxHeaderLength = ethernet ? 14 : 0
    this.linkAddress = ethernet ? (options.linkAddress ?? OWN_LINK_ADDRESS) : null
    this.arpHardwareType = ethernet ? 1 : 0xffff
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
  }

  writePackets(batch: PacketBatch): number {
    this.batches.push(batch.length)
    this.onWrite?.(batch)
    const taken = Math.min(batch.length, this.room)
    this.room -= taken
    for (let i = 0; i < taken; i++) this.take(batch[i]!)
    return taken
  }

  writeRawPacket(packet: Packet): boolean {
    this.take(packet)
    return true
  }

  close(): void {
    this.isClosed = true
    this.resolveClosed()
  }

  /** A frame (protocol 0) or packet comes in, in a turn of its own. */
  receive(protocol: number, bytes: ArrayLike<number>): void {
    const { memory } = this.dispatcher!.host
    const packet = memory.allocate(16, bytes.length)!
    packet.append(Uint8Array.from(bytes), 0, bytes.length)
    this.receivePacket(protocol, packet)
  }

  receivePacket(protocol: number, packet: Packet): void {
    const { scheduler } = this.dispatcher!.host
    this.inbox.push({ protocol, packet })
    scheduler.pollLink(this)
    scheduler.run()
  }

  poll(): number {
    const inbox = this.inbox
    this.inbox = []
    for (const { protocol, packet } of inbox) this.dispatcher!.deliverNetworkPacket(protocol, packet)
    this.dispatcher?.flush()
    return inbox.length
  }

  private take(packet: Packet): void {
    const whole = new Uint8Array(packet.length)
    whole.set(packet.bytes.subarray(packet.start, packet.end))
    this.sent.push(whole)
    this.states.push(packet.checksumState)
    packet.release()
  }
}

/** Two links joined: frames of one come in at the other. */
export function join(left: FakeLink, right: FakeLink): void {
  for (const [from, to] of [[left, right], [right, left]] as const) {
    from.onWrite = (batch) => {
      for (const packet of batch) {
        const copy = packet.clone(to.dispatcher!.host.memory)!
        copy.resetHeaders()
        to.receivePacket(from.framing === 'ethernet' ? 0 : packet.networkProtocol, copy)
      }
    }
  }
}
