import { createPacketMemory, type PacketMemory } from '@stack/buffer'
import type { NicOptions, StackBase } from '@stack/core'
import { vi } from 'vitest'

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

/** Fast paths off, unless a test says otherwise. */
const PLAIN: NicOptions = { softwareGso: false, gro: false }

// Every stack of this run has NICs without offloads: what passes in the main run with them passes here without.
vi.mock('@stack/core', async (importOriginal) => {
  const core = await importOriginal<{ createStack: (options: never) => StackBase }>()
  return {
    ...core,
    createStack: (options: never): StackBase => {
      const stack = core.createStack(options)
      const addNic = stack.addNic.bind(stack)
      return Object.assign(stack, { addNic: (link: never, given: NicOptions = {}) => addNic(link, { ...PLAIN, ...given }) })
    },
  }
})
