import type { Packet, PacketPool } from '@stack/buffer'
import type { Failure } from '../errors/codes.ts'
import type { Pollable, Scheduler } from '../registration/host.ts'
import type { NicCounters } from '../stack/types.ts'

/** Looped packets that wait for the run queue, at most; more are dropped and counted. */
export const LOOP_QUEUE_LIMIT = 1000

/** What a looped packet is handed to. */
export type LoopReceiver = (protocol: number, packet: Packet) => void

/**
 * Packets that a NIC sends to itself. They never come in from within the sender's call stack: they pass through the run
 * queue, so that no protocol is re-entered in the middle of a state transition.
 */
export class LoopQueue implements Pollable {
  queued = false
  private head: Packet | null = null
  private tail: Packet | null = null
  private length = 0
  private readonly scheduler: Scheduler
  private readonly pool: PacketPool
  private readonly counters: NicCounters
  private readonly receive: LoopReceiver

  constructor(scheduler: Scheduler, pool: PacketPool, counters: NicCounters, receive: LoopReceiver) {
    this.scheduler = scheduler
    this.pool = pool
    this.counters = counters
    this.receive = receive
  }

  /** Takes ownership; `packet.start` is at the network header. */
  push(protocol: number, given: Packet): Failure {
    if (this.length >= LOOP_QUEUE_LIMIT) {
      this.counters.dropLoopFull++
      given.release()
      return 'ENOBUFS'
    }
    // The receiver may keep it, and the sender's stream bytes go on being charged to their writer: no shared range.
    const packet = this.pool.flatten(given)
    if (packet === null) {
      this.counters.dropNoMemory++
      given.release()
      return 'ENOBUFS'
    }
    packet.networkProtocol = protocol
    packet.next = null
    if (this.tail === null) this.head = packet
    else this.tail.next = packet
    this.tail = packet
    this.length++
    this.scheduler.enqueue(this)
    return null
  }

  poll(budget: number): number {
    let count = 0
    while (count < budget) {
      const packet = this.head
      if (packet === null) break
      this.head = packet.next
      if (this.head === null) this.tail = null
      packet.next = null
      this.length--
      count++
      this.receive(packet.networkProtocol, packet)
    }
    return count
  }

  clear(): void {
    for (let packet = this.head; packet !== null; ) {
      const next = packet.next
      packet.next = null
      packet.release()
      packet = next
    }
    this.head = this.tail = null
    this.length = 0
  }
}
