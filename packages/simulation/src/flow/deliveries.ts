import { Doubles } from '../growing.ts'

/** Bits a second that an application got in the interval that begins `at` seconds after the start. */
export interface Interval {
  readonly at: number
  readonly bitsPerSecond: number
}

/** Bytes that arrived, in bins of equal length. */
export class Deliveries {
  bytes = 0
  private readonly interval: number
  private readonly bins = new Doubles()

  /** @param interval - seconds */
  constructor(interval: number) {
    this.interval = interval
  }

  add(at: number, bytes: number): void {
    this.bytes += bytes
    this.bins.add(Math.floor(at / this.interval + 1e-9), bytes)
  }

  /** Mean bits a second in [from, until), seconds; of a bin that is cut, its share. */
  rate(from: number, until: number): number {
    if (!(until > from)) return 0
    let bytes = 0
    const end = Math.min(this.bins.length, Math.ceil(until / this.interval))
    for (let bin = Math.floor(from / this.interval); bin < end; bin++) {
      const start = bin * this.interval
      const share = (Math.min(until, start + this.interval) - Math.max(from, start)) / this.interval
      bytes += this.bins.at(bin) * Math.min(1, share)
    }
    return (bytes * 8) / (until - from)
  }

  intervals(until: number): Interval[] {
    const list: Interval[] = []
    for (let bin = 0; (bin + 0.5) * this.interval < until; bin++) {
      const bytes = bin < this.bins.length ? this.bins.at(bin) : 0
      list.push({ at: bin * this.interval, bitsPerSecond: (bytes * 8) / this.interval })
    }
    return list
  }
}
