import { PacketList, type Packet } from '@stack/buffer'
import { StackError } from '../errors/stack-error.ts'
import type { Qdisc } from './qdisc.ts'
import { segmentCount } from './segmentation.ts'

/** Packets that {@link fifo} holds unless told otherwise. */
const DEFAULT_LIMIT = 1000

/** Options of {@link fifo}. */
export interface FifoOptions {
  /**
   * Packets held at most; a packet too many is refused (tail drop). A super-packet counts as what it will be cut into, and is
   * taken whole while there is room for one. Default 1,000, at least 1.
   */
  readonly limit?: number
}

/**
 * The default queueing discipline: first in, first out, with a limit in packets. It does not pace.
 *
 * @throws StackError `ERR_STACK_INVALID_OPTION` when the limit is not a positive integer
 * @example
 * ```ts
 * await stack.addNic(link, { qdisc: fifo({ limit: 100 }) })
 * ```
 */
export function fifo(options: FifoOptions = {}): Qdisc {
  const limit = options.limit ?? DEFAULT_LIMIT
  if (!Number.isInteger(limit) || limit < 1) {
    throw new StackError('ERR_STACK_INVALID_OPTION', `fifo: limit must be a positive integer (packets), got ${limit}`)
  }
  return new Fifo(limit)
}

class Fifo implements Qdisc {
  readonly name = 'fifo'
  readonly paces = false
  /** Nothing depends on the clock: packets come out whenever the link takes them. */
  readonly nextDeparture: number = Infinity
  /** It refuses (the NIC counts) and never drops. */
  readonly dropped = 0
  readonly limit: number
  readonly packets: PacketList = new PacketList()
  /** Packets on the wire of what is held. */
  private held = 0

  constructor(limit: number) {
    this.limit = limit
  }

  get length(): number {
    return this.packets.length
  }

  attach(): void {}

  enqueue(packet: Packet): boolean {
    if (this.held >= this.limit) return false
    this.held += segmentCount(packet)
    this.packets.push(packet)
    return true
  }

  dequeue(): Packet | null {
    const packet = this.packets.shift()
    if (packet !== null) this.held -= segmentCount(packet)
    return packet
  }

  /** May exceed the limit: what was dequeued once is not lost for want of room. Of several, put the last back first. */
  requeue(packet: Packet): void {
    this.held += segmentCount(packet)
    this.packets.unshift(packet)
  }

  clear(): void {
    this.packets.release()
    this.held = 0
  }
}
