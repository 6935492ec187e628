import type { Packet } from '@stack/buffer'

/** Datagrams that wait for a reader, bounded by the packet memory they hold. */
export class ReceiveQueue {
  private head: Packet | null = null
  private tail: Packet | null = null
  private held = 0

  get isEmpty(): boolean {
    return this.head === null
  }

  /** Takes ownership; false = full, the packet stays the caller's. The first always fits: a small limit must not deafen the socket. */
  push(packet: Packet, limit: number): boolean {
    if (this.tail === null) this.head = packet
    else if (this.held + packet.capacity > limit) return false
    else this.tail.next = packet
    packet.next = null
    this.tail = packet
    this.held += packet.capacity
    return true
  }

  shift(): Packet | null {
    const packet = this.head
    if (packet === null) return null
    this.head = packet.next
    if (this.head === null) this.tail = null
    packet.next = null
    this.held -= packet.capacity
    return packet
  }

  clear(): void {
    for (let packet = this.shift(); packet !== null; packet = this.shift()) packet.release()
  }
}
