/** What an {@link AgeList} links. Null = no neighbour. */
interface Linked<T> {
  older: T | null
  newer: T | null
}

/** Things in order of age, linked through themselves: a set of what comes and goes would be rebuilt again and again. */
export class AgeList<T extends Linked<T>> {
  size = 0
  oldest: T | null = null
  private newest: T | null = null

  /** Adds what is in no list. */
  add(item: T): void {
    item.older = this.newest
    if (this.newest === null) this.oldest = item
    else this.newest.newer = item
    this.newest = item
    this.size++
  }

  has(item: T): boolean {
    return item.older !== null || this.oldest === item
  }

  /** False when it was not there. */
  delete(item: T): boolean {
    if (!this.has(item)) return false
    const { older, newer } = item
    if (older === null) this.oldest = newer
    else older.newer = newer
    if (newer === null) this.newest = older
    else newer.older = older
    item.older = item.newer = null
    this.size--
    return true
  }

  /** What is in it is not linked any more, and goes nowhere else. */
  clear(): void {
    this.oldest = this.newest = null
    this.size = 0
  }

  /** As it is now. */
  toArray(): T[] {
    const all: T[] = []
    for (let item = this.oldest; item !== null; item = item.newer) all.push(item)
    return all
  }
}
