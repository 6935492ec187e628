import type { Packet } from '@stack/buffer'
import { after, before } from './sequence.ts'

/**
 * Segments beyond a gap, sorted by sequence number and free of overlap. Made when the first one comes. The receiver
 * bounds it: no byte beyond the window, and no more held than a multiple of the buffer.
 */
export class OutOfOrderQueue {
  /** Bytes of packet memory held. */
  held = 0
  /** What of the last packet was here already: `[duplicateStart, duplicateEnd)`, empty when it was all new. */
  duplicateStart = 0
  duplicateEnd = 0
  private readonly packets: Packet[] = []
  private readonly sequences: number[] = []

  get isEmpty(): boolean {
    return this.packets.length === 0
  }

  /**
   * Takes a packet whose payload begins at `sequence`; what is here already is cut off it.
   *
   * @returns bytes that were new
   */
  insert(sequence: number, packet: Packet): number {
    const { packets, sequences } = this
    let from = sequence
    const end = (sequence + packet.length) | 0
    this.duplicateStart = this.duplicateEnd = sequence
    const at = this.indexBehind(sequence)
    if (at > 0) {
      const coveredTo = (sequences[at - 1]! + packets[at - 1]!.length) | 0
      const overlap = (coveredTo - from) | 0
      if (overlap > 0) this.duplicateEnd = before(coveredTo, end) ? coveredTo : end
      if (overlap >= packet.length) {
        packet.release()
        return 0
      }
      if (overlap > 0) {
        packet.trimStart(overlap)
        from = coveredTo
      }
    }
    // Those that the new one covers go; the first that reaches beyond it cuts it short.
    while (at < packets.length && after(end, sequences[at]!)) {
      const next = packets[at]!
      const nextEnd = (sequences[at]! + next.length) | 0
      if (this.duplicateStart === this.duplicateEnd) {
        this.duplicateStart = sequences[at]!
        this.duplicateEnd = before(nextEnd, end) ? nextEnd : end
      }
      if (after(nextEnd, end)) {
        packet.trimEnd((sequences[at]! - from) | 0)
        break
      }
      this.remove(at)
      next.release()
    }
    if (packet.length === 0) {
      packet.release()
      return 0
    }
    packets.splice(at, 0, packet)
    sequences.splice(at, 0, from)
    this.held += packet.capacity
    return packet.length
  }

  /** Where the first packet begins. Not of an empty queue. */
  get start(): number {
    return this.sequences[0]!
  }

  /** The end of what is here in one piece from `start` on, at most `limit`. */
  coveredTo(limit: number): number {
    const { packets, sequences } = this
    let end = this.start
    for (let i = 0; i < packets.length && sequences[i] === end && before(end, limit); i++) end = (end + packets[i]!.length) | 0
    return before(end, limit) ? end : limit
  }

  /** The first packet when it begins at or before `next`, cut to begin there; null = there is still a gap. The caller owns it. */
  take(next: number): Packet | null {
    while (this.packets.length > 0) {
      const sequence = this.sequences[0]!
      const overlap = (next - sequence) | 0
      if (overlap < 0) return null
      const packet = this.packets[0]!
      this.remove(0)
      if (overlap < packet.length) {
        if (overlap > 0) packet.trimStart(overlap)
        return packet
      }
      packet.release()
    }
    return null
  }

  clear(): void {
    for (const packet of this.packets) packet.release()
    this.packets.length = 0
    this.sequences.length = 0
    this.held = 0
  }

  /** Index of the first packet that begins behind `sequence`. */
  private indexBehind(sequence: number): number {
    let low = 0
    let high = this.sequences.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (after(this.sequences[middle]!, sequence)) high = middle
      else low = middle + 1
    }
    return low
  }

  private remove(at: number): void {
    this.held -= this.packets[at]!.capacity
    this.packets.splice(at, 1)
    this.sequences.splice(at, 1)
  }
}
