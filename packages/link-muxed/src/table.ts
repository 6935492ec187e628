import { same, type Destination } from './destination.ts'
import type { Port } from './port.ts'

interface Entry {
  readonly destination: Destination
  readonly port: Port
  next: Entry | null
}

/** Which port a destination is behind. Hashed by the last word, which costs the packet path neither string nor object. */
export class DestinationTable {
  size = 0
  private readonly buckets = new Map<number, Entry>()

  get(destination: Destination): Port | null {
    for (let entry = this.buckets.get(destination.d) ?? null; entry !== null; entry = entry.next) {
      if (same(entry.destination, destination)) return entry.port
    }
    return null
  }

  /** The destination must not be there. */
  add(destination: Destination, port: Port): void {
    this.buckets.set(destination.d, { destination, port, next: this.buckets.get(destination.d) ?? null })
    this.size++
  }

  /** Returns the port that it was behind. */
  remove(destination: Destination): Port | null {
    let before: Entry | null = null
    for (let entry = this.buckets.get(destination.d) ?? null; entry !== null; before = entry, entry = entry.next) {
      if (!same(entry.destination, destination)) continue
      if (before !== null) before.next = entry.next
      else if (entry.next !== null) this.buckets.set(destination.d, entry.next)
      else this.buckets.delete(destination.d)
      this.size--
      return entry.port
    }
    return null
  }
}
