import type { Packet } from '@stack/buffer'
import { isWasteful } from './receive-queue.ts'
import { after, before } from './sequence.ts'

/** Ranges with a gap before each. What begins one more is not taken: half of 11 MiB in full segments, every second one lost. */
const MOST_RANGES = 4096

/** Text in one piece: packets in order, linked by `next`. */
export class Range {
  start: number
  end: number
  head: Packet
  tail: Packet
  /** Packet memory that it holds. */
  held: number
  /** A packet among them is worth copying out of. */
  isWasteful: boolean

  constructor(start: number, end: number, packet: Packet) {
    this.start = start
    this.end = end
    this.head = this.tail = packet
    this.held = packet.capacity
    this.isWasteful = isWasteful(packet)
    packet.next = null
  }

  /** `packet` follows. */
  append(packet: Packet): void {
    packet.next = null
    this.tail.next = packet
    this.tail = packet
    this.end = (this.end + packet.length) | 0
    this.count(packet)
  }

  /** `packet` comes before the rest. */
  prepend(packet: Packet): void {
    packet.next = this.head
    this.head = packet
    this.start = (this.start - packet.length) | 0
    this.count(packet)
  }

  /** `range` follows, and is no more. */
  join(range: Range): void {
    this.tail.next = range.head
    this.tail = range.tail
    this.end = range.end
    this.held += range.held
    this.isWasteful ||= range.isWasteful
  }

  /** The first packet; the range is no more when it was the last one. */
  shift(): Packet {
    const packet = this.head
    this.start = (this.start + packet.length) | 0
    // Of the last packet nobody asks any more.
    if (packet.next !== null) this.head = packet.next
    packet.next = null
    this.held -= packet.capacity
    return packet
  }

  private count(packet: Packet): void {
    this.held += packet.capacity
    this.isWasteful ||= isWasteful(packet)
  }
}

/**
 * Segments beyond a gap, as ranges sorted by sequence number with gaps between them: a loss makes one, however much follows it.
 * Made when the first one comes. The receiver bounds the memory: no byte beyond the window, and no more held than a multiple
 * of the buffer.
 */
export class OutOfOrderQueue {
  /** Bytes of packet memory held. */
  held = 0
  /** What of the last packet was here already: `[duplicateStart, duplicateEnd)`, empty when it was all new. */
  duplicateStart = 0
  duplicateEnd = 0
  private readonly ranges: Range[] = []

  get isEmpty(): boolean {
    return this.ranges.length === 0
  }

  /** Is there no room for a packet at `sequence`, because it would begin one range too many? */
  isFull(sequence: number): boolean {
    const { ranges } = this
    if (ranges.length < MOST_RANGES) return false
    const at = this.indexBehind(sequence)
    return at === 0 || before(ranges[at - 1]!.end, sequence)
  }

  /**
   * Takes a packet whose payload begins at `sequence`; what is here already is cut off it.
   *
   * @returns bytes that were new
   */
  insert(sequence: number, packet: Packet): number {
    const { ranges } = this
    const end = (sequence + packet.length) | 0
    this.duplicateStart = this.duplicateEnd = sequence
    const newest = ranges.length > 0 ? ranges[ranges.length - 1]! : null
    // Nearly everything follows the newest.
    if (newest !== null && newest.end === sequence) {
      this.held += packet.capacity
      newest.append(packet)
      return packet.length
    }
    const at = this.indexBehind(sequence)
    const previous = at > 0 ? ranges[at - 1]! : null
    let from = sequence
    if (previous !== null && after(previous.end, sequence)) {
      from = previous.end
      if (!before(from, end)) {
        this.duplicateEnd = end
        packet.release()
        return 0
      }
      this.duplicateEnd = from
      packet.trimStart((from - sequence) | 0)
    }
    // Those that the new one covers go; the first that reaches beyond it cuts it short.
    for (let next = ranges[at]; next !== undefined && after(end, next.start); next = ranges[at]) {
      if (this.duplicateStart === this.duplicateEnd) {
        this.duplicateStart = next.start
        this.duplicateEnd = before(next.end, end) ? next.end : end
      }
      if (after(next.end, end)) {
        packet.trimEnd((next.start - from) | 0)
        break
      }
      ranges.splice(at, 1)
      this.release(next)
    }
    const { length } = packet
    this.held += packet.capacity
    this.link(at, from, packet)
    return length
  }

  /** Where the first range begins. Not of an empty queue. */
  get start(): number {
    return this.ranges[0]!.start
  }

  /** The end of what is here in one piece from `start` on, at most `limit`. */
  coveredTo(limit: number): number {
    const { end } = this.ranges[0]!
    return before(end, limit) ? end : limit
  }

  /** The first packet when it begins at or before `next`, cut to begin there; null = there is still a gap. The caller owns it. */
  take(next: number): Packet | null {
    const { ranges } = this
    for (let range = ranges[0]; range !== undefined; range = ranges[0]) {
      const overlap = (next - range.start) | 0
      if (overlap < 0) return null
      const packet = range.shift()
      this.held -= packet.capacity
      if (range.start === range.end) ranges.shift()
      if (overlap < packet.length) {
        if (overlap > 0) packet.trimStart(overlap)
        return packet
      }
      packet.release()
    }
    return null
  }

  /** The first range when it begins at `next`, and no packet in it is worth copying out of; the caller owns what it holds. */
  takeRange(next: number): Range | null {
    const { ranges } = this
    if (ranges.length === 0) return null
    const range = ranges[0]!
    if (range.start !== next || range.isWasteful) return null
    ranges.shift()
    this.held -= range.held
    return range
  }

  /** Releases everything; returns how many packets that were. */
  clear(): number {
    let count = 0
    for (const range of this.ranges) count += this.release(range)
    this.ranges.length = 0
    return count
  }

  /** Packets that touch become one range. */
  private link(at: number, from: number, packet: Packet): void {
    const { ranges } = this
    const end = (from + packet.length) | 0
    const previous = ranges[at - 1]
    const next = ranges[at]
    if (previous?.end === from) {
      previous.append(packet)
      if (next?.start !== end) return
      previous.join(next)
      ranges.splice(at, 1)
    } else if (next?.start === end) next.prepend(packet)
    else ranges.splice(at, 0, new Range(from, end, packet))
  }

  /** Index of the first range that begins behind `sequence`. */
  private indexBehind(sequence: number): number {
    const { ranges } = this
    let low = 0
    let high = ranges.length
    if (high > 0 && !after(ranges[high - 1]!.start, sequence)) return high
    while (low < high) {
      const middle = (low + high) >>> 1
      if (after(ranges[middle]!.start, sequence)) high = middle
      else low = middle + 1
    }
    return low
  }

  private release(range: Range): number {
    let count = 0
    for (; range.start !== range.end; count++) {
      const packet = range.shift()
      this.held -= packet.capacity
      packet.release()
    }
    return count
  }
}
