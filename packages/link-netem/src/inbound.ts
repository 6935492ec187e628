import { ChecksumState } from '@stack/buffer'
import type { NetworkDispatcher, Pollable } from '@stack/core'
import { Line } from './line.ts'

/** From the inner link to the NIC. */
export class InboundLine extends Line implements Pollable {
  queued = false
  /** The NIC believes in no checksum but its own: what the inner link left unfinished is finished. */
  finishes = false
  private dispatcher: NetworkDispatcher | null = null

  connect(dispatcher: NetworkDispatcher | null): void {
    this.dispatcher = dispatcher
    this.attach(dispatcher === null ? null : dispatcher.host)
  }

  /** Packets go in from the link phase of a turn, not from among the timers. */
  override expired(): void {
    this.dispatcher?.host.scheduler.pollLink(this)
  }

  poll(budget: number): number {
    const count = this.deliver(budget)
    this.dispatcher?.flush()
    return count
  }

  /** Hands in what is due, inside a turn. */
  deliver(budget: number): number {
    let count = 0
    // Delivery may take the NIC away, and then nothing is held any more.
    while (count < budget && this.dispatcher !== null) {
      const packet = this.takeDue()
      if (packet === null) break
      count++
      this.counters.delivered++
      if (this.finishes && packet.checksumState === ChecksumState.Partial) packet.finishChecksum()
      this.dispatcher.deliverNetworkPacket(packet.networkProtocol, packet)
    }
    if (count < budget && this.dispatcher !== null) this.wait()
    return count
  }
}
