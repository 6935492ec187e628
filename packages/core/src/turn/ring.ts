/** A queue in an array that is reused: no allocation once it has grown to the load. */
export class Ring<T extends object> {
  private slots: (T | undefined)[]
  private head = 0
  private mask: number
  length = 0

  /** @param capacity - a power of two to start with */
  constructor(capacity = 16) {
    this.slots = new Array<T | undefined>(capacity).fill(undefined)
    this.mask = capacity - 1
  }

  push(item: T): void {
    if (this.length > this.mask) this.grow()
    this.slots[(this.head + this.length++) & this.mask] = item
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined
    const item = this.slots[this.head]
    this.slots[this.head] = undefined
    this.head = (this.head + 1) & this.mask
    this.length--
    return item
  }

  clear(): void {
    while (this.shift() !== undefined);
  }

  private grow(): void {
    const slots = new Array<T | undefined>(this.slots.length * 2).fill(undefined)
    for (let i = 0; i < this.length; i++) slots[i] = this.slots[(this.head + i) & this.mask]
    this.slots = slots
    this.head = 0
    this.mask = slots.length - 1
  }
}
