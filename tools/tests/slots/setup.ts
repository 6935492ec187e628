import { createPacketMemory, type PacketMemory } from '@stack/buffer'

/** Packets and chunks that one stack may hold. */
const SLOTS = 64

// In place of the default packet memory of this realm: every stack that brings none of its own gets a pool of this one.
const realm = globalThis as Record<symbol, PacketMemory | undefined>
const key = Symbol.for('@stack/buffer/memory/1')
if (realm[key] === undefined) {
  const memory = createPacketMemory({ size: 32 << 20 })
  const pool = memory.pool.bind(memory)
  memory.pool = (options) => pool({ slots: SLOTS, ...options })
  realm[key] = memory
}
