import type { Packet } from '@stack/buffer'
import type { NicCounters } from '../stack/types.ts'
import { Run } from './run.ts'
import { Kind, newSegment, readSegment } from './tcp-segment.ts'

/** Flows of which something is held at a time: so many may be overtaken by others. */
const FLOWS = 8

/**
 * Generic receive offload. TCP segments of one flow that come in one batch of the link, and could be cut again exactly,
 * go up as one packet: the first of them whole, the others behind it, through `packet.chain`, with only their text. The
 * order within a flow is kept. Nothing is held over the end of a batch, nor anything that has its push bit set.
 */
export class Coalescer {
  private readonly deliver: (packet: Packet) => void
  private readonly counters: NicCounters
  /** The first packet of a batch. Nobody looks into it before there is a second one. */
  private first: Packet | null = null
  private isInBatch = false
  /** Those that hold something come first, the oldest of them ahead. */
  private readonly runs: Run[]
  private open = 0
  private readonly segment = newSegment()

  constructor(deliver: (packet: Packet) => void, counters: NicCounters) {
    this.deliver = deliver
    this.counters = counters
    this.runs = Array.from({ length: FLOWS }, () => new Run())
  }

  /** A packet of the batch, which begins with its network header. False = it goes up now, by the caller; else it is held, or gone up. */
  takes(packet: Packet): boolean {
    if (!this.isInBatch) {
      this.isInBatch = true
      this.first = packet
      return true
    }
    const { first } = this
    if (first !== null) {
      this.first = null
      if (!this.holds(first)) this.deliver(first)
    }
    return this.holds(packet)
  }

  /** The end of the batch: everything goes up. */
  flush(): void {
    this.isInBatch = false
    const { first } = this
    if (first !== null) {
      this.first = null
      this.deliver(first)
    }
    while (this.open > 0) this.close(0)
  }

  /** Releases what is held, of a NIC that goes down; returns how many packets that were. */
  clear(): number {
    let count = 0
    this.isInBatch = false
    if (this.first !== null) {
      this.first.release()
      this.first = null
      count++
    }
    for (; this.open > 0; count++) this.end(0).release()
    return count
  }

  /** What may not be overtaken by it has gone up. False = it is the next to go up. */
  private holds(packet: Packet): boolean {
    const { segment } = this
    const kind = readSegment(packet, segment)
    if (kind === Kind.Other) return false
    if (kind === Kind.Barrier) {
      while (this.open > 0) this.close(0)
      return false
    }
    const at = this.open === 0 ? -1 : this.find(packet)
    if (at >= 0) {
      const run = this.runs[at]!
      if (kind === Kind.Text && run.take(packet, segment)) {
        this.counters.rxMerged++
        if (run.isEndedBy(segment)) this.close(at)
        return true
      }
      this.close(at)
    }
    // Who was handed something up may have taken the NIC down.
    if (kind !== Kind.Text || segment.isPushed || !this.isInBatch) return false
    this.begin(packet)
    return true
  }

  private find(packet: Packet): number {
    const { runs, open, segment } = this
    for (let i = 0; i < open; i++) {
      const run = runs[i]!
      if (run.ports === segment.ports && run.isFlowOf(packet, segment)) return i
    }
    return -1
  }

  private begin(packet: Packet): void {
    if (this.open === FLOWS) this.close(0)
    this.runs[this.open++]!.begin(packet, this.segment)
  }

  private close(at: number): void {
    this.deliver(this.end(at))
  }

  /** Its place goes behind those of the others that hold something. */
  private end(at: number): Packet {
    const { runs } = this
    const run = runs[at]!
    const last = --this.open
    for (let i = at; i < last; i++) runs[i] = runs[i + 1]!
    runs[last] = run
    return run.end()
  }
}
