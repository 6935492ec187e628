import type { Milliseconds } from '../registration/host.ts'

/** What the heap orders: earliest deadline first, equal ones in the order of arming. */
export interface Due {
  deadline: Milliseconds
  /** Grows with every arming. */
  order: number
  /** Owned by the heap: where the item is. */
  heapIndex: number
}

/** A binary heap whose items know their place, so that any of them can leave in O(log n). */
export class DueHeap<T extends Due> {
  readonly #items: T[] = []

  get length(): number {
    return this.#items.length
  }

  get first(): T | undefined {
    return this.#items[0]
  }

  /** A copy in no order. */
  items(): T[] {
    return [...this.#items]
  }

  push(item: T): void {
    this.#items.push(item)
    this.#up(item, this.#items.length - 1)
  }

  remove(item: T): void {
    const items = this.#items
    const last = items.pop()!
    if (last === item) return
    last.heapIndex = item.heapIndex
    items[last.heapIndex] = last
    this.update(last)
  }

  /** To be called when the item's deadline or order has changed. */
  update(item: T): void {
    this.#up(item, item.heapIndex)
    this.#down(item, item.heapIndex)
  }

  #up(item: T, from: number): void {
    const items = this.#items
    let index = from
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = items[parent]!
      if (!isBefore(item, above)) break
      items[index] = above
      above.heapIndex = index
      index = parent
    }
    items[index] = item
    item.heapIndex = index
  }

  #down(item: T, from: number): void {
    const items = this.#items
    let index = from
    for (;;) {
      let child = 2 * index + 1
      if (child >= items.length) break
      if (child + 1 < items.length && isBefore(items[child + 1]!, items[child]!)) child++
      const below = items[child]!
      if (!isBefore(below, item)) break
      items[index] = below
      below.heapIndex = index
      index = child
    }
    items[index] = item
    item.heapIndex = index
  }
}

function isBefore(x: Due, y: Due): boolean {
  return x.deadline < y.deadline || (x.deadline === y.deadline && x.order < y.order)
}
