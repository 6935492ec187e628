import { PacketList, type Packet } from '@stack/buffer'
import type { Milliseconds, Pollable, Timer } from '../registration/host.ts'
import type { NetworkDispatcher } from '../registration/link.ts'

/** Options of {@link createLinkInbox}. */
export interface LinkInboxOptions {
  /** Packets held at most. Default 1,024. */
  readonly limit?: number
  /** Called when there is room again after `push` refused: tell the sender `writable`. */
  readonly onRoom?: () => void
}

/**
 * The receiving half of a link that lives in memory: holds packets in order, hands them in from the scheduler's link
 * phase in batches and never from the sender's call stack, each not before its due time. For authors of links.
 *
 * @example
 * ```ts
 * import { createLinkInbox } from '@stack/core'
 * const inbox = createLinkInbox({ limit: 100, onRoom: () => undefined })
 * console.log(inbox.length)
 * ```
 */
export interface LinkInbox {
  readonly length: number
  /** Packets that `push` would still take. */
  readonly room: number
  /** Packets dropped because nobody is attached. */
  readonly dropped: number
  readonly isAttached: boolean
  /** From the link's `attach`; null releases what is held. */
  attach(dispatcher: NetworkDispatcher | null): void
  /**
   * Queues a packet as `protocol` (0 = with link header). `due` is the clock's ms before which it is not handed in;
   * dues must not decrease. Takes ownership when true; false = full.
   */
  push(packet: Packet, protocol: number, due?: Milliseconds): boolean
  /** Releases everything held. */
  clear(): void
}

/** Makes a {@link LinkInbox}. */
export function createLinkInbox(options: LinkInboxOptions = {}): LinkInbox {
  return new Inbox(options.limit ?? 1024, options.onRoom ?? null)
}

class Inbox implements LinkInbox, Pollable {
  queued = false
  dropped = 0
  private readonly limit: number
  private readonly onRoom: (() => void) | null
  private dispatcher: NetworkDispatcher | null = null
  private timer: Timer | null = null
  private readonly packets = new PacketList()
  private refused = false
  /** Packets with a due time: where there are none, nobody looks into packets that left the processor's cache. */
  private delayed = 0

  constructor(limit: number, onRoom: (() => void) | null) {
    this.limit = limit
    this.onRoom = onRoom
  }

  get length(): number {
    return this.packets.length
  }

  get room(): number {
    return this.limit - this.length
  }

  get isAttached(): boolean {
    return this.dispatcher !== null
  }

  attach(dispatcher: NetworkDispatcher | null): void {
    this.timer?.cancel()
    this.timer = null
    this.dispatcher = dispatcher
    // Last: a sender that waits for room may write from within.
    this.clear()
  }

  push(packet: Packet, protocol: number, due = 0): boolean {
    const dispatcher = this.dispatcher
    if (dispatcher === null) {
      this.dropped++
      packet.release()
      return true
    }
    if (this.length >= this.limit) {
      this.refused = true
      return false
    }
    packet.networkProtocol = protocol
    packet.earliestDeparture = due
    if (due > 0) this.delayed++
    this.packets.push(packet)
    if (this.packets.head === packet) this.schedule(dispatcher)
    return true
  }

  poll(budget: number): number {
    const dispatcher = this.dispatcher
    if (dispatcher === null) return 0
    const now = dispatcher.host.scheduler.now
    let count = 0
    while (count < budget) {
      const packet = this.packets.head
      if (packet === null) break
      if (this.delayed > 0) {
        const due = packet.earliestDeparture
        if (due > now) break
        if (due > 0) this.delayed--
        packet.earliestDeparture = 0
      }
      this.packets.shift()
      count++
      dispatcher.deliverNetworkPacket(packet.networkProtocol, packet)
      // Delivery may remove the NIC.
      if (this.dispatcher !== dispatcher) return count
    }
    if (count > 0) dispatcher.flush()
    if (this.refused && this.length * 2 <= this.limit) {
      this.refused = false
      this.onRoom?.()
    }
    if (count < budget && this.length > 0) this.schedule(dispatcher)
    return count
  }

  clear(): void {
    this.packets.release()
    this.delayed = 0
    if (!this.refused) return
    this.refused = false
    this.onRoom?.()
  }

  private schedule(dispatcher: NetworkDispatcher): void {
    const { scheduler } = dispatcher.host
    const due = this.packets.head!.earliestDeparture
    if (due <= scheduler.now) {
      scheduler.pollLink(this)
      return
    }
    this.timer ??= scheduler.timers.create(() => {
      if (this.dispatcher !== null) this.dispatcher.host.scheduler.pollLink(this)
    })
    this.timer.arm(due)
  }
}
