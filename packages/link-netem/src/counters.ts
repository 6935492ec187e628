import type { Counters } from '@stack/core'

/** What happened to the packets of one direction. */
export interface NetemCounters extends Counters {
  /** Packets that came in, duplicates not counted. */
  packets: number
  /** Their bytes, link header included. */
  bytes: number
  /** Packets handed on, duplicates included. */
  delivered: number
  /** Dropped by `loss`. */
  lost: number
  /** Dropped because `limit` packets were held. */
  droppedQueueFull: number
  /** Dropped during an outage, or because no NIC is attached. */
  droppedDown: number
  /** Raw packets that the inner link did not take. */
  droppedRefused: number
  /** Second copies made. */
  duplicated: number
  /** Packets with a bit flipped. */
  corrupted: number
  /** Packets that overtook others. */
  reordered: number
  /** Copies not made, and packets dropped, for want of packet memory. */
  noMemory: number
}

export function createCounters(): NetemCounters {
  return {
    packets: 0, bytes: 0, delivered: 0, lost: 0, droppedQueueFull: 0, droppedDown: 0, droppedRefused: 0, duplicated: 0, corrupted: 0,
    reordered: 0, noMemory: 0,
  }
}
