import { ArenaChunk } from './arena-chunk.ts'
import { ArenaPacket } from './arena-packet.ts'
import type { Arena } from './arena.ts'
import type { ChecksumKernels } from './checksum.ts'
import { MemoryLevel, SLOT_SIZES } from './constants.ts'
import { Gauge } from './gauge.ts'
import type { PacketMemory, PacketMemoryStatistics } from './memory.ts'
import type { PacketPool, PacketPoolOptions } from './pool.ts'
import { QuotaPool } from './quota-pool.ts'
import { SlotTable } from './slots.ts'
import type { Slot, SlotKind } from './slots.ts'
import { Tray } from './tray.ts'

class MemoryStatistics implements PacketMemoryStatistics {
  packetsOut = 0
  chunksOut = 0
  leaked = 0
  doubleRelease = 0
  headerMisuse = 0
  exhausted = 0
  private readonly gauge: Gauge

  constructor(gauge: Gauge) {
    this.gauge = gauge
  }

  get bytesHeld(): number {
    return this.gauge.held
  }
}

/** A packet memory over an arena. */
export class ArenaMemory implements PacketMemory {
  readonly layout = 1
  readonly simd: boolean
  readonly size: number
  readonly bytes: Uint8Array
  readonly kernels: ChecksumKernels
  readonly statistics: MemoryStatistics
  readonly tray: Tray
  /** What the pools hold together. */
  readonly gauge: Gauge
  /** Callbacks waiting in all pools. */
  waiting = 0
  private readonly slots: SlotTable
  private readonly pools = new Set<QuotaPool>()
  private readonly registry: FinalizationRegistry<Slot> | null

  constructor(arena: Arena) {
    this.simd = arena.simd
    this.size = arena.bytes.length
    this.bytes = arena.bytes
    this.kernels = arena.kernels
    this.tray = new Tray(arena.bytes.buffer)
    this.slots = new SlotTable(arena.bytes)
    this.gauge = new Gauge(this.slots.usable)
    this.statistics = new MemoryStatistics(this.gauge)
    this.registry = typeof FinalizationRegistry === 'function' ? new FinalizationRegistry((slot) => this.collected(slot)) : null
  }

  pool(options: PacketPoolOptions = {}): PacketPool {
    const pool = new QuotaPool(this, options)
    this.pools.add(pool)
    return pool
  }

  forget(pool: QuotaPool): void {
    this.pools.delete(pool)
  }

  /** A clean packet in a slot of this kind, charged to `pool`; null when there is none. */
  takePacket(kind: SlotKind, control: boolean, pool: PacketPool): ArenaPacket | null {
    const slot = this.take(kind, control)
    if (slot === null) return null
    let packet = slot.packet
    if (packet === null) {
      packet = new ArenaPacket(slot, this)
      this.registry?.register(packet, slot)
    } else {
      slot.packet = null
    }
    slot.isChunk = false
    slot.pool = pool
    this.statistics.packetsOut++
    if (this.gauge.add(slot.size)) this.levelChanged()
    return packet
  }

  /** As takePacket. */
  takeChunk(kind: SlotKind, pool: PacketPool): ArenaChunk | null {
    const slot = this.take(kind, false)
    if (slot === null) return null
    let chunk = slot.chunk
    if (chunk === null) {
      chunk = new ArenaChunk(slot, this)
      this.registry?.register(chunk, slot)
    } else {
      slot.chunk = null
    }
    chunk.references = 1
    slot.isChunk = true
    slot.pool = pool
    this.statistics.chunksOut++
    if (this.gauge.add(slot.size)) this.levelChanged()
    return chunk
  }

  private take(kind: SlotKind, control: boolean): Slot | null {
    const { held, limit, ordinary } = this.gauge
    return held + SLOT_SIZES[kind] > (control ? limit : ordinary) ? null : this.slots.take(kind, control)
  }

  putPacket(packet: ArenaPacket): void {
    packet.slot.packet = packet
    this.put(packet.slot)
  }

  putChunk(chunk: ArenaChunk): void {
    chunk.slot.chunk = chunk
    this.put(chunk.slot)
  }

  private put(slot: Slot): void {
    const pool = slot.pool!
    slot.pool = null
    if (slot.isChunk) this.statistics.chunksOut--
    else this.statistics.packetsOut--
    this.slots.put(slot)
    const changed = this.gauge.remove(slot.size)
    pool.discharge(slot.size, slot.isChunk)
    if (changed) this.levelChanged()
    if (this.waiting > 0 && this.gauge.level < MemoryLevel.Critical) {
      for (const waiter of this.pools) waiter.wake()
    }
  }

  /**
   * A packet or chunk object has been collected. If its slot is in use, nobody released it: the
   * object in use is the only one the slot does not refer to. Otherwise the slot went with a span
   * that was given to another kind.
   */
  private collected(slot: Slot): void {
    if (slot.pool === null) return
    this.statistics.leaked++
    this.put(slot)
  }

  private levelChanged(): void {
    for (const pool of this.pools) pool.levelChanged()
  }
}
