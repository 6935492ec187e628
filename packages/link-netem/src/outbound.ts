import { PacketFlag, type Packet } from '@stack/buffer'
import type { LinkEndpoint } from '@stack/core'
import { Line } from './line.ts'
import type { Settings } from './settings.ts'

/** Packets given to the inner link in one call, at most. */
const BATCH = 64

/** From the NIC to the inner link. */
export class OutboundLine extends Line {
  /** The inner link is full. */
  isBlocked = false
  private isSending = false
  private readonly lower: LinkEndpoint
  private readonly batch: Packet[] = []

  constructor(settings: Settings, seed: number | undefined, lower: LinkEndpoint) {
    super(settings, seed)
    this.lower = lower
  }

  override expired(): void {
    this.send()
  }

  /** The inner link takes packets again. Returns false when it was filled up at once. */
  resume(): boolean {
    this.isBlocked = false
    return this.send()
  }

  /** Hands on what is due, as far as the inner link takes it. Returns false when it is full. */
  send(): boolean {
    // The inner link may answer `writable` from within its write.
    if (this.isSending) return true
    this.isSending = true
    while (!this.isBlocked && this.sendSome());
    this.isSending = false
    if (this.isBlocked) return false
    this.wait()
    return true
  }

  private sendSome(): boolean {
    const first = this.takeDue()
    if (first === null) return false
    if (isRaw(first)) {
      if (this.lower.writeRawPacket(first)) this.counters.delivered++
      else this.counters.droppedRefused++
      return true
    }
    const { batch } = this
    batch.push(first)
    while (batch.length < BATCH && this.held.head !== null && !isRaw(this.held.head)) {
      const packet = this.takeDue()
      if (packet === null) break
      batch.push(packet)
    }
    this.isBlocked = true
    const taken = this.lower.writePackets(batch)
    this.counters.delivered += taken
    for (let i = batch.length - 1; i >= taken; i--) this.held.unshift(batch[i]!)
    if (taken === batch.length) this.isBlocked = false
    batch.length = 0
    return true
  }
}

function isRaw(packet: Packet): boolean {
  return (packet.flags & PacketFlag.PacketRaw) !== 0
}
