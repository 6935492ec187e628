import type { Packet } from './packet.ts'

/**
 * A queue of packets through `packet.next`: nothing is allocated to hold one more. It owns what it holds.
 *
 * @example
 * ```ts
 * import { PacketList, defaultPacketMemory } from '@stack/buffer'
 *
 * const list = new PacketList()
 * const packet = defaultPacketMemory().pool().allocate(0, 100)
 * if (packet !== null) list.push(packet)
 * console.log(list.release()) // 1
 * ```
 */
export class PacketList {
  length = 0
  head: Packet | null = null
  tail: Packet | null = null

  /** Puts `packet` last. */
  push(packet: Packet): void {
    packet.next = null
    if (this.tail === null) this.head = packet
    else this.tail.next = packet
    this.tail = packet
    this.length++
  }

  /** Puts `packet` first. */
  unshift(packet: Packet): void {
    packet.next = this.head
    this.head = packet
    this.tail ??= packet
    this.length++
  }

  /** Puts `packet` behind `before`, which is in the list; null = first. */
  insertAfter(before: Packet | null, packet: Packet): void {
    if (before === null) this.unshift(packet)
    else if (before === this.tail) this.push(packet)
    else {
      packet.next = before.next
      before.next = packet
      this.length++
    }
  }

  /** Takes the first packet out. */
  shift(): Packet | null {
    const packet = this.head
    if (packet === null) return null
    this.head = packet.next
    if (this.head === null) this.tail = null
    packet.next = null
    this.length--
    return packet
  }

  /** Takes over all of `other`, which is empty then. */
  append(other: PacketList): void {
    if (other.head === null) return
    if (this.tail === null) this.head = other.head
    else this.tail.next = other.head
    this.tail = other.tail
    this.length += other.length
    other.head = null
    other.tail = null
    other.length = 0
  }

  /** Releases every packet; returns how many. */
  release(): number {
    const count = this.length
    for (let packet = this.shift(); packet !== null; packet = this.shift()) packet.release()
    return count
  }
}
