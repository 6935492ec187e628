/** Bytes at the end of a memory's buffer, behind its arena. */
export const TRAY_SIZE = 65_536

/**
 * Where pieces of any length stop on their way out of an arena. `set` copies whole views, and a view for each piece would be
 * garbage; of the tray there are views of 1, 2, 4 … bytes, each made once. What is longer than one and shorter than the next
 * goes in two copies that overlap.
 */
export class Tray {
  private readonly all: Uint8Array
  private readonly at: number
  private readonly views: Uint8Array[]

  constructor(buffer: ArrayBufferLike) {
    this.all = new Uint8Array(buffer)
    this.at = buffer.byteLength - TRAY_SIZE
    this.views = Array.from({ length: 1 + Math.log2(TRAY_SIZE) }, (_, power) => new Uint8Array(buffer, this.at, 1 << power))
  }

  /**
   * Copies the bytes from address `from` to `to`, 1 to 2 × TRAY_SIZE − 1 of them, to `target[at…]`.
   *
   * @throws RangeError as `set`
   */
  carry(from: number, to: number, target: Uint8Array, at: number): void {
    const power = 31 - Math.clz32(to - from)
    const size = 1 << power
    const view = this.views[power]!
    this.all.copyWithin(this.at, from, from + size)
    target.set(view, at)
    if (from + size === to) return
    this.all.copyWithin(this.at, to - size, to)
    target.set(view, at + to - from - size)
  }
}
