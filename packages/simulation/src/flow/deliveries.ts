import { Doubles } from '../growing.ts'

/** Bits a second that an application got in the interval that begins `at` seconds after the start. */
export interface Interval {
  readonly at: number
  readonly bitsPerSecond: number
}

/** Bytes that arrived, for each millisecond. */
export class Deliveries {
  bytes = 0
  /** Seconds. */
  private readonly interval: number
  private readonly perMs = new Doubles()

  constructor(interval: number) {
    this.interval = interval
  }

  add(at: number, bytes: number): void {
    this.bytes += bytes
    this.perMs.add(Math.floor(at * 1000 + 1e-6), bytes)
  }

  /** Mean bits a second in [from, until), seconds; exact to the ms. */
  rate(from: number, until: number): number {
    return until > from ? (this.between(from, until) * 8) / (until - from) : 0
  }

  intervals(until: number): Interval[] {
    const list: Interval[] = []
    for (let i = 0; (i + 1) * this.interval <= until + 1e-9; i++) {
      const at = i * this.interval
      list.push({ at, bitsPerSecond: (this.between(at, at + this.interval) * 8) / this.interval })
    }
    return list
  }

  private between(from: number, until: number): number {
    // A ms that has begun counts.
    return this.perMs.values(Math.round(from * 1000), Math.ceil(until * 1000 - 1e-6)).reduce((sum, bytes) => sum + bytes, 0)
  }
}
