import type { ArenaMemory } from './arena-memory.ts'
import type { Chunk } from './chunk.ts'
import { MAX_SLOT_SIZE, MemoryLevel, SLOT_SIZES } from './constants.ts'
import { duplicate } from './duplicate.ts'
import { Gauge } from './gauge.ts'
import type { Packet } from './packet.ts'
import { copyRange } from './payload.ts'
import type { PacketPool, PacketPoolOptions, PacketPoolStatistics } from './pool.ts'
import { slotKind } from './slots.ts'
import type { SlotKind } from './slots.ts'

/** Slots that no memory has; a small integer to the engine. */
const NO_LIMIT = 2 ** 30
/** Fewer slots than this are a test's way to make memory run out, and have no levels. */
const LEVELLED_SLOTS = 16

class PoolStatistics implements PacketPoolStatistics {
  allocated = 0
  chunksAllocated = 0
  adopted = 0
  refused = 0
}

/** A pool with a quota on one memory. */
export class QuotaPool implements PacketPool {
  readonly memory: ArenaMemory
  readonly quota: number
  readonly statistics: PoolStatistics = new PoolStatistics()
  packets = 0
  chunks = 0
  level: MemoryLevel = MemoryLevel.Low
  private readonly gauge: Gauge
  private readonly slots: number
  /** How full the slots are; a limit of a few says nothing about levels. */
  private readonly slotGauge: Gauge | null
  /** Chunks stop earlier: what waits in them needs packets to leave. */
  private readonly chunkSlots: number
  private closed = false
  private listeners: readonly ((level: MemoryLevel) => void)[] = []
  private announcing = false
  private waiters: (() => void)[] = []

  constructor(memory: ArenaMemory, options: PacketPoolOptions) {
    this.memory = memory
    this.gauge = new Gauge(positive('quota', options.quota ?? memory.size))
    this.slots = positive('slots', options.slots ?? NO_LIMIT)
    this.quota = Math.min(this.gauge.limit, this.slots * SLOT_SIZES[1])
    this.chunkSlots = this.slots - Math.floor(this.slots / 16)
    this.slotGauge = this.slots < LEVELLED_SLOTS || this.slots >= NO_LIMIT ? null : new Gauge(this.slots)
    this.relevel()
  }

  get held(): number {
    return this.gauge.held
  }

  onLevel(listener: (level: MemoryLevel) => void): () => void {
    this.listeners = [...this.listeners, listener]
    return () => {
      this.listeners = this.listeners.filter((each) => each !== listener)
    }
  }

  allocate(headroom: number, capacity: number): Packet | null {
    return this.packet(headroom, capacity, false)
  }

  allocateControl(headroom: number, capacity: number): Packet | null {
    return this.packet(headroom, capacity, true)
  }

  private packet(headroom: number, capacity: number, control: boolean): Packet | null {
    let kind = slotKind(headroom + capacity)
    while (kind !== -1 && this.admits(SLOT_SIZES[kind], control)) {
      const packet = this.memory.takePacket(kind, control, this)
      if (packet !== null) {
        packet.start = packet.end = headroom
        this.statistics.allocated++
        this.packets++
        this.charge(packet.capacity)
        return packet
      }
      kind = this.larger(kind)
    }
    this.statistics.refused++
    return null
  }

  chunk(size: number): Chunk | null {
    let kind = slotKind(Math.min(size, MAX_SLOT_SIZE))
    while (kind !== -1 && this.admits(SLOT_SIZES[kind], false) && this.packets + this.chunks < this.chunkSlots) {
      const chunk = this.memory.takeChunk(kind, this)
      if (chunk !== null) {
        this.statistics.chunksAllocated++
        this.chunks++
        this.charge(chunk.capacity)
        return chunk
      }
      kind = this.larger(kind)
    }
    this.statistics.refused++
    return null
  }

  /** Whether this pool may hold one more slot. */
  private admits(size: number, control: boolean): boolean {
    const { held, limit, ordinary } = this.gauge
    return held + size <= (control ? limit : ordinary) && this.packets + this.chunks < this.slots && !this.closed
  }

  /** The kind that serves when one has run out. */
  private larger(kind: SlotKind): SlotKind | -1 {
    if (kind < SLOT_SIZES.length - 1) return (kind + 1) as SlotKind
    this.memory.statistics.exhausted++
    return -1
  }

  adopt(packet: Packet): boolean {
    const previous = packet.pool
    if (previous === this) return true
    // The smallest slots carry ACKs: what they acknowledge is how memory comes free.
    if (!this.admits(packet.capacity, packet.capacity <= SLOT_SIZES[0])) {
      this.statistics.refused++
      return false
    }
    packet.pool = this
    previous?.discharge(packet.capacity, false)
    this.statistics.adopted++
    this.packets++
    this.charge(packet.capacity)
    return true
  }

  flatten(packet: Packet): Packet | null {
    if (packet.makeContiguous()) return packet
    const larger = duplicate(packet, this, packet.end + packet.payloadLength)
    if (larger === null) return null
    copyRange(larger, larger.end, packet.payload!, packet.payloadOffset, packet.payloadLength)
    larger.end += packet.payloadLength
    larger.chain = packet.chain
    larger.credit = packet.credit
    larger.creditBytes = packet.creditBytes
    packet.chain = null
    packet.credit = null
    packet.release()
    return larger
  }

  waiter(callback: () => void): () => void {
    this.waiters.push(callback)
    this.memory.waiting++
    return () => {
      const index = this.waiters.indexOf(callback)
      if (index < 0) return
      this.waiters.splice(index, 1)
      this.memory.waiting--
    }
  }

  /** Calls the waiters when there is room again. */
  wake(): void {
    if (this.waiters.length === 0 || this.gauge.level === MemoryLevel.Critical || this.slotGauge?.level === MemoryLevel.Critical) return
    if (this.memory.gauge.level === MemoryLevel.Critical || this.packets + this.chunks >= this.slots) return
    const waiters = this.waiters
    this.waiters = []
    this.memory.waiting -= waiters.length
    for (const waiter of waiters) waiter()
  }

  close(): void {
    this.closed = true
    this.listeners = []
    this.memory.waiting -= this.waiters.length
    this.waiters = []
    this.memory.forget(this)
  }

  discharge(bytes: number, isChunk: boolean): void {
    if (isChunk) this.chunks--
    else this.packets--
    const changed = this.gauge.remove(bytes)
    if (this.slotGauge?.remove(1) === true || changed) this.levelChanged()
    this.wake()
  }

  /** One more slot of `bytes` is held. */
  private charge(bytes: number): void {
    const changed = this.gauge.add(bytes)
    if (this.slotGauge?.add(1) === true || changed) this.levelChanged()
  }

  /** Recomputes the level after the pool's own or the memory's changed, and says so. */
  levelChanged(): void {
    // A listener that frees memory comes back here; the call further out goes on announcing.
    if (!this.relevel() || this.announcing) return
    this.announcing = true
    let announced: MemoryLevel
    do {
      announced = this.level
      for (const listener of this.listeners) listener(announced)
    } while (announced !== this.level)
    this.announcing = false
  }

  private relevel(): boolean {
    const before = this.level
    const own = this.gauge.level
    const shared = this.memory.gauge.level
    const slots = this.slotGauge?.level ?? MemoryLevel.Low
    this.level = Math.max(own, shared, slots) as MemoryLevel
    return this.level !== before
  }
}

function positive(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new RangeError(`${name} must be a positive integer, not ${value}`)
}
