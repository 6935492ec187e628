import { ChecksumState, PacketList, type Packet } from '@stack/buffer'
import { seededRandom, type LinkHost, type Milliseconds, type Random, type Timer } from '@stack/core'
import { createCounters, type NetemCounters } from './counters.ts'
import type { Settings } from './settings.ts'

/** One direction of an impaired link: decides on each packet's fate and holds it, in order of the times when they are due. */
export abstract class Line {
  readonly counters: NetemCounters = createCounters()
  isDown = false
  settings: Settings
  /** Packets held. */
  protected readonly held: PacketList = new PacketList()
  private host: LinkHost | null = null
  private random: Random | null
  private timer: Timer | null = null
  /** When the last packet that kept the order is due. */
  private latest: Milliseconds = 0
  /** When the last bit of the last packet is on the wire. */
  private wireFree: Milliseconds = 0

  constructor(settings: Settings, seed: number | undefined) {
    this.settings = settings
    this.random = seed === undefined ? null : seededRandom(seed)
  }

  /** The first packet is due. */
  abstract expired(): void

  get length(): number {
    return this.held.length
  }

  get now(): Milliseconds {
    return this.host!.scheduler.now
  }

  attach(host: LinkHost | null): void {
    this.held.release()
    this.timer?.cancel()
    this.timer = null
    this.latest = this.wireFree = 0
    this.host = host
    if (host === null) return
    this.random ??= seededRandom(host.random.uint32())
    this.timer = host.scheduler.timers.create(() => this.expired())
  }

  /** A packet comes along. Takes ownership. */
  enter(packet: Packet): void {
    const { counters, settings } = this
    counters.packets++
    counters.bytes += packet.length
    if (this.isDown || this.host === null) {
      counters.droppedDown++
      packet.release()
      return
    }
    if (this.happens(settings.loss)) {
      counters.lost++
      packet.release()
      return
    }
    const copy = this.happens(settings.duplicate) ? this.duplicate(packet) : null
    this.hold(packet)
    if (copy !== null) this.hold(copy)
  }

  /** Takes the first packet out if it is due. */
  takeDue(): Packet | null {
    const { head } = this.held
    if (head === null || head.earliestDeparture > this.now) return null
    head.earliestDeparture = 0
    return this.held.shift()
  }

  /** Comes back when the first packet is due. */
  wait(): void {
    if (this.held.head !== null) this.timer!.arm(this.held.head.earliestDeparture)
  }

  private happens(probability: number): boolean {
    return probability > 0 && this.random!.next() < probability
  }

  private hold(given: Packet): void {
    const { counters, settings } = this
    if (this.length >= settings.limit) {
      counters.droppedQueueFull++
      given.release()
      return
    }
    const packet = this.happens(settings.corrupt) ? this.corrupt(given) : given
    if (packet === null) return
    returnCredit(packet)
    this.insert(packet, this.dueTime(packet.length))
  }

  private dueTime(bytes: number): Milliseconds {
    const { now, settings } = this
    if (this.happens(settings.reorder)) return now
    this.wireFree = Math.max(this.wireFree, now) + (bytes * 8000) / settings.rate
    const spread = settings.jitter === 0 ? 0 : (this.random!.next() * 2 - 1) * settings.jitter
    // Never before the packet ahead: jitter is one path with a queue of changing length.
    this.latest = Math.max(this.latest, this.wireFree + Math.max(0, settings.delay + spread))
    return this.latest
  }

  private insert(packet: Packet, due: Milliseconds): void {
    const { held } = this
    packet.earliestDeparture = due
    if (held.tail === null || held.tail.earliestDeparture <= due) {
      held.push(packet)
      return
    }
    this.counters.reordered++
    let before: Packet | null = null
    for (let after = held.head; after !== null && after.earliestDeparture <= due; after = after.next) before = after
    held.insertAfter(before, packet)
  }

  private duplicate(packet: Packet): Packet | null {
    const copy = packet.clone(this.host!.memory)
    if (copy === null) this.counters.noMemory++
    else this.counters.duplicated++
    return copy
  }

  /** Flips one bit. Null = dropped for want of memory. */
  private corrupt(given: Packet): Packet | null {
    // What is not summed yet would be summed over the flipped bit; what is shared is somebody else's too.
    if (given.checksumState === ChecksumState.Partial) given.finishChecksum()
    const packet = this.host!.memory.flatten(given)
    if (packet === null) {
      this.counters.noMemory++
      given.release()
      return null
    }
    packet.checksumState = ChecksumState.None
    const bits = packet.length * 8
    if (bits > 0) {
      const bit = Math.floor(this.random!.next() * bits)
      const at = packet.start + (bit >>> 3)
      packet.bytes[at] = packet.bytes[at]! ^ (1 << (bit & 7))
      this.counters.corrupted++
    }
    return packet
  }
}

/**
 * Here the packet leaves its host: what is under way in a network must not count as queued in the sender, or a flow would
 * never have more than its local share under way.
 */
function returnCredit(packet: Packet): void {
  const { credit } = packet
  if (credit === null) return
  packet.credit = null
  credit.returned(packet.creditBytes < 0 ? packet.length : packet.creditBytes)
}
