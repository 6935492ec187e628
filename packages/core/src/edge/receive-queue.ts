import { PacketList, type Packet } from '@stack/buffer'

/** Packets that wait for a reader, bounded by the packet memory they hold. */
export class ReceiveQueue {
  /** Bytes of packet memory. */
  held = 0
  readonly packets: PacketList = new PacketList()

  get isEmpty(): boolean {
    return this.packets.head === null
  }

  /** Takes ownership; false = full, the packet stays the caller's. The first always fits: a small limit must not deafen the socket. */
  push(packet: Packet, limit: number): boolean {
    if (this.packets.head !== null && this.held + packet.capacity > limit) return false
    this.packets.push(packet)
    this.held += packet.capacity
    return true
  }

  shift(): Packet | null {
    const packet = this.packets.shift()
    if (packet !== null) this.held -= packet.capacity
    return packet
  }

  /** Releases every packet. */
  clear(): void {
    this.packets.release()
    this.held = 0
  }
}
