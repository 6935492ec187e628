import { ArenaMemory } from './arena-memory.ts'
import { reserveArena } from './arena.ts'
import type { PacketMemory, PacketMemoryOptions } from './memory.ts'
import { SPAN_SIZE } from './slots.ts'

const MIB = 1 << 20
const DEFAULT_SIZE = 128 * MIB
const BROWSER_SIZE = 32 * MIB
const LARGEST = 1024 * MIB

/** Where the memory of a realm lives, shared by all copies of this package with this layout. */
const REALM_KEY = Symbol.for('@stack/buffer/memory/1')

/** The global object as this file uses it. */
interface Realm {
  readonly WebAssembly?: typeof WebAssembly
  [key: symbol]: PacketMemory | undefined
}

/**
 * Reserves a packet memory: a WebAssembly memory of fixed size with SIMD kernels; where those are
 * not to be had, a smaller plain buffer with JavaScript kernels (see `simd` and `size` of the
 * result).
 *
 * @throws RangeError when the size is not an integer from 68 KiB to 1 GiB, or nothing can be
 * reserved
 *
 * @example
 * const pool = createPacketMemory({ size: 16 << 20 }).pool({ quota: 4 << 20 })
 */
export function createPacketMemory(options: PacketMemoryOptions = {}): PacketMemory {
  const size = options.size ?? (inBrowser() ? BROWSER_SIZE : DEFAULT_SIZE)
  if (!Number.isInteger(size) || size < SPAN_SIZE || size > LARGEST) {
    throw new RangeError(`size must be an integer from ${SPAN_SIZE} to ${LARGEST} bytes, not ${size}`)
  }
  return new ArenaMemory(reserveArena(size, options.simd ?? true, (globalThis as Realm).WebAssembly))
}

/** The packet memory of this realm, made at the first call and shared by all copies of this package. */
export function defaultPacketMemory(): PacketMemory {
  const realm = globalThis as Realm
  return (realm[REALM_KEY] ??= createPacketMemory())
}

function inBrowser(): boolean {
  return 'document' in globalThis || 'WorkerGlobalScope' in globalThis
}
