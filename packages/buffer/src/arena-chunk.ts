import type { ArenaMemory } from './arena-memory.ts'
import type { Chunk } from './chunk.ts'
import { copyBytes } from './copy.ts'
import type { Slot } from './slots.ts'

/** The chunk bound to a slot. */
export class ArenaChunk implements Chunk {
  readonly slot: Slot
  readonly memory: ArenaMemory
  readonly bytes: Uint8Array
  readonly base: number
  readonly capacity: number
  length = 0
  next: Chunk | null = null
  references = 0

  constructor(slot: Slot, memory: ArenaMemory) {
    this.slot = slot
    this.memory = memory
    this.bytes = slot.bytes
    this.base = slot.base
    this.capacity = slot.size
  }

  append(source: Uint8Array, from: number, to: number): number {
    // What follows is in the successor: bytes put here now would come before it.
    if (this.next !== null) return 0
    const taken = Math.min(to - from, this.capacity - this.length)
    if (taken <= 0) return 0
    copyBytes(this.bytes, this.length, source, from, from + taken)
    this.length += taken
    return taken
  }

  setNext(next: Chunk): void {
    if (this.next !== null) return
    next.retain()
    this.next = next
  }

  retain(): void {
    this.references++
  }

  release(): void {
    let chunk: Chunk | null = this.drop()
    while (chunk !== null) chunk = chunk.drop()
  }

  drop(): Chunk | null {
    if (this.references === 0) {
      this.memory.statistics.doubleRelease++
      return null
    }
    this.references--
    if (this.references > 0) return null
    const next = this.next
    this.next = null
    this.length = 0
    this.memory.putChunk(this)
    return next
  }
}
