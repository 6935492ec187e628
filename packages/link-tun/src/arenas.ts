import type { PacketMemory } from '@stack/buffer'
import type { TunSystem } from './system.ts'

/** Where packet memories lie in the address space of the process. Asking costs more than a system call, so answers are kept. */
export class Arenas {
  readonly #system: TunSystem
  readonly #known = new WeakMap<PacketMemory, number>()
  #memory: PacketMemory | null = null
  #address = 0

  constructor(system: TunSystem) {
    this.#system = system
  }

  addressOf(memory: PacketMemory): number {
    if (memory !== this.#memory) {
      this.#memory = memory
      this.#address = this.#known.get(memory) ?? this.#ask(memory)
    }
    return this.#address
  }

  #ask(memory: PacketMemory): number {
    const address = this.#system.addressOf(memory.bytes)
    this.#known.set(memory, address)
    return address
  }
}
