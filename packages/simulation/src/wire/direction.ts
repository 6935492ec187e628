import type { Packet } from '@stack/buffer'
import type { Milliseconds, Random } from '@stack/core'
import { Doubles } from '../growing.ts'
import type { LossDecision } from './loss.ts'
import { isMarkDue, markCongestion } from './mark.ts'
import type { DirectionSettings } from './options.ts'
import { WireQueue } from './queue.ts'

/** What happened to the packets of one direction. */
export interface DirectionCounters {
  /** Packets that came, and their bytes with the wire's overhead. */
  packets: number
  bytes: number
  /** Packets that arrived, and their bytes. */
  delivered: number
  deliveredBytes: number
  /** Dropped because the queue was full. */
  droppedQueueFull: number
  /** Marked by the queue (RFC 3168). */
  marked: number
  /** Dropped where others are marked: not capable of ECN. */
  droppedNotCapable: number
  /** Dropped by the loss model. */
  lost: number
  /** Dropped in an outage. */
  droppedOutage: number
  /** Held back so that others overtook them. */
  reordered: number
  /** Dropped because the other end has no NIC. */
  droppedDetached: number
}

/** Decides what becomes of each packet that goes one way. */
export class Direction {
  readonly counters: DirectionCounters = {
    packets: 0, bytes: 0, delivered: 0, deliveredBytes: 0, droppedQueueFull: 0, marked: 0, droppedNotCapable: 0, lost: 0, droppedOutage: 0, reordered: 0, droppedDetached: 0,
  }
  /** Seconds at which packets were dropped, for whatever reason but a missing NIC. */
  readonly drops: Doubles = new Doubles()
  readonly settings: DirectionSettings
  readonly queue: WireQueue
  private readonly random: Random
  private readonly isLost: LossDecision | null
  /** When the packet that entered last arrives. */
  arrival: Milliseconds = 0
  /** Others may overtake the packet that entered last. */
  isLate = false
  private start: Milliseconds = Infinity
  /** When the last packet that kept the order arrives. */
  private latest: Milliseconds = 0

  constructor(settings: DirectionSettings, random: Random) {
    this.settings = settings
    this.random = random
    this.queue = new WireQueue(settings.rate, settings.limitBytes, settings.limitPackets)
    this.isLost = settings.loss?.(random) ?? null
  }

  /** Time zero of the simulation. Until then, while the nodes come up, packets pass at once and are not counted. */
  begin(start: Milliseconds): void {
    this.start = start
    this.queue.begin(start)
  }

  /** A packet enters now; false = it is lost, else `arrival` and `isLate` say what becomes of it. */
  enter(packet: Packet, now: Milliseconds): boolean {
    const { counters, settings, queue } = this
    if (this.start === Infinity) {
      this.arrival = now
      return true
    }
    const bytes = packet.length + settings.overhead
    const at = (now - this.start) / 1000
    counters.packets++
    counters.bytes += bytes
    if (this.isDown(at)) counters.droppedOutage++
    else if (!this.passes(packet, now)) counters.droppedNotCapable++
    else if (!queue.enter(now, bytes)) counters.droppedQueueFull++
    else if (this.isLost?.(packet.length, at) === true) counters.lost++
    else {
      this.travel(Math.max(queue.isEndless ? now : queue.free, this.heldUntil(at)))
      return true
    }
    this.drops.push(at)
    return false
  }

  /** False = it would be marked, and cannot be. */
  private passes(packet: Packet, now: Milliseconds): boolean {
    const { mark } = this.settings
    if (mark === null || !isMarkDue(mark, this.queue.backlog(now), this.random)) return true
    const isCapable = markCongestion(packet)
    if (isCapable) this.counters.marked++
    return isCapable
  }

  arrived(bytes: number): void {
    if (this.start === Infinity) return
    this.counters.delivered++
    this.counters.deliveredBytes += bytes + this.settings.overhead
  }

  private travel(departure: Milliseconds): void {
    const { settings, random, counters } = this
    const { reorder } = settings
    const spread = settings.jitter === 0 ? 0 : random.next() * settings.jitter
    const arrival = departure + settings.delay + spread
    this.isLate = reorder !== null && random.next() < reorder.probability
    if (this.isLate) {
      const [least, most] = reorder!.delay
      counters.reordered++
      this.arrival = arrival + least + random.next() * (most - least)
    } else this.arrival = this.latest = Math.max(this.latest, arrival)
  }

  private isDown(at: number): boolean {
    for (const { from, until, holds } of this.settings.outages) if (at >= from && at < until && holds !== true) return true
    return false
  }

  private heldUntil(at: number): Milliseconds {
    for (const { from, until, holds } of this.settings.outages) if (at >= from && at < until && holds === true) return this.start + until * 1000
    return 0
  }
}
