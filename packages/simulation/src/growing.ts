/** A list of doubles that grows in a typed array. */
export class Doubles {
  length = 0
  private array = new Float64Array(256)

  push(value: number): void {
    if (this.length === this.array.length) {
      const larger = new Float64Array(this.length * 2)
      larger.set(this.array)
      this.array = larger
    }
    this.array[this.length++] = value
  }

  at(index: number): number {
    return this.array[index]!
  }

  /** Adds to the value at `index`, which may lie beyond the end. */
  add(index: number, value: number): void {
    while (this.length <= index) this.push(0)
    this.array[index] = this.array[index]! + value
  }

  /** A view, valid until the next `push`. */
  values(from = 0, until: number = this.length): Float64Array {
    return this.array.subarray(Math.max(0, from), Math.max(0, Math.min(until, this.length)))
  }
}
