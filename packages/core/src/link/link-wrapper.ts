import type { Packet } from '@stack/buffer'
import { StackError } from '../errors/stack-error.ts'
import { SOFTWARE_GSO_MAX_SIZE } from '../registration/gso.ts'
import type { Framing, LinkCapabilities, LinkEndpoint, LinkHost, NetworkDispatcher, PacketBatch } from '../registration/link.ts'

/**
 * A link around another link that changes nothing: for authors of wrappers, who override what theirs is about. It stands
 * between the NIC and the inner link with both faces, the link of the one and the dispatcher of the other, and passes on
 * capabilities and optional members as the inner link has them, so that a wrapper hides none by accident.
 *
 * @example
 * ```ts
 * import { LinkWrapper, type PacketBatch } from '@stack/core'
 *
 * class Counting extends LinkWrapper {
 *   packets = 0
 *   override writePackets(batch: PacketBatch): number {
 *     const taken = super.writePackets(batch)
 *     this.packets += taken
 *     return taken
 *   }
 * }
 * ```
 */
export class LinkWrapper<L extends LinkEndpoint = LinkEndpoint> implements LinkEndpoint, NetworkDispatcher {
  readonly apiVersion = 1
  readonly kind: string
  /** The inner link. */
  readonly lower: L
  readonly closed: Promise<void>
  /** The NIC, while attached. */
  dispatcher: NetworkDispatcher | null = null
  // Present only where the inner link has them: NICs and others ask by presence.
  declare open?: (signal?: AbortSignal) => Promise<void>
  declare addHeader?: (packet: Packet) => boolean
  declare parseHeader?: (packet: Packet) => number
  declare setMtu?: (mtu: number) => void
  declare setLinkAddress?: (address: Uint8Array) => void
  declare setPromiscuous?: (on: boolean) => void

  constructor(lower: L) {
    // Called with whatever JavaScript hands in: the two ends of a pipe, most often.
    if (typeof (lower as Partial<L> | null | undefined)?.attach !== 'function') {
      throw new StackError('ERR_STACK_INVALID_ARGUMENT', 'Only a link can be wrapped, such as tun() or one end of a pipe().')
    }
    this.kind = lower.kind
    this.lower = lower
    this.closed = lower.closed
    if (lower.open !== undefined) this.open = (signal) => lower.open!(signal)
    if (lower.addHeader !== undefined) this.addHeader = (packet) => lower.addHeader!(packet)
    if (lower.parseHeader !== undefined) this.parseHeader = (packet) => lower.parseHeader!(packet)
    if (lower.setMtu !== undefined) this.setMtu = (mtu) => lower.setMtu!(mtu)
    if (lower.setLinkAddress !== undefined) this.setLinkAddress = (address) => lower.setLinkAddress!(address)
    if (lower.setPromiscuous !== undefined) this.setPromiscuous = (on) => lower.setPromiscuous!(on)
  }

  // --- the link that the NIC sees ---

  get mtu(): number {
    return this.lower.mtu
  }

  get framing(): Framing {
    return this.lower.framing
  }

  get capabilities(): LinkCapabilities {
    return this.lower.capabilities
  }

  get maxHeaderLength(): number {
    return this.lower.maxHeaderLength
  }

  get linkAddress(): Uint8Array | null {
    return this.lower.linkAddress
  }

  get arpHardwareType(): number {
    return this.lower.arpHardwareType
  }

  get gsoMaxSize(): number {
    return this.lower.gsoMaxSize ?? SOFTWARE_GSO_MAX_SIZE
  }

  get isAttached(): boolean {
    return this.dispatcher !== null
  }

  attach(dispatcher: NetworkDispatcher | null): void {
    this.dispatcher = dispatcher
    this.lower.attach(dispatcher === null ? null : this)
  }

  writePackets(batch: PacketBatch): number {
    return this.lower.writePackets(batch)
  }

  writeRawPacket(packet: Packet): boolean {
    return this.lower.writeRawPacket(packet)
  }

  close(): void {
    this.lower.close()
  }

  // --- the dispatcher that the inner link sees ---

  /** Of the NIC; there only while attached, as the inner link's dispatcher is. */
  get host(): LinkHost {
    return this.dispatcher!.host
  }

  deliverNetworkPacket(protocol: number, packet: Packet): void {
    if (this.dispatcher === null) packet.release()
    else this.dispatcher.deliverNetworkPacket(protocol, packet)
  }

  deliverLinkPacket(protocol: number, packet: Packet): void {
    if (this.dispatcher === null) packet.release()
    else this.dispatcher.deliverLinkPacket(protocol, packet)
  }

  flush(): void {
    this.dispatcher?.flush()
  }

  writable(): void {
    this.dispatcher?.writable()
  }

  setCarrier(up: boolean): void {
    this.dispatcher?.setCarrier(up)
  }
}
