import { PacketList, type Packet, type PacketPool } from '@stack/buffer'
import type { Failure } from '../errors/codes.ts'
import type { Pollable, Scheduler } from '../registration/host.ts'
import type { NicCounters } from '../stack/types.ts'

/** Looped packets that wait for the run queue, at most; more are dropped and counted. */
const LOOP_QUEUE_LIMIT = 1000

/** What a looped packet is handed to. */
export type LoopReceiver = (protocol: number, packet: Packet) => void

/**
 * Packets that a NIC sends to itself. They never come in from within the sender's call stack: they pass through the run
 * queue, so that no protocol is re-entered in the middle of a state transition.
 */
export class LoopQueue implements Pollable {
  queued = false
  private readonly packets: PacketList = new PacketList()
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
    if (this.packets.length >= LOOP_QUEUE_LIMIT) {
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
    this.packets.push(packet)
    this.scheduler.enqueue(this)
    return null
  }

  poll(budget: number): number {
    let count = 0
    while (count < budget) {
      const packet = this.packets.shift()
      if (packet === null) break
      count++
      this.receive(packet.networkProtocol, packet)
    }
    return count
  }

  clear(): void {
    this.packets.release()
  }
}
