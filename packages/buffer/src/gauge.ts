import { MemoryLevel } from './constants.ts'

/** Shares of the limit at which the levels begin, and an end that is never reached. */
const BEGINS = [0, 0.5, 0.75, 0.9, 2] as const
/** What ordinary packets may fill; the rest serves control segments. */
const ORDINARY = 0.95

/** How much of a limit is held. */
export class Gauge {
  readonly limit: number
  /** Up to here for everybody, from here to `limit` for control only. */
  readonly ordinary: number
  held = 0
  level: MemoryLevel = MemoryLevel.Low
  private rise: number
  private fall = 0

  constructor(limit: number) {
    this.limit = limit
    this.ordinary = Math.floor(limit * ORDINARY)
    this.rise = Math.ceil(limit * BEGINS[1])
  }

  /** @returns whether the level changed */
  add(bytes: number): boolean {
    this.held += bytes
    return this.held >= this.rise && this.settle()
  }

  /** @returns whether the level changed */
  remove(bytes: number): boolean {
    this.held -= bytes
    return this.held < this.fall && this.settle()
  }

  private settle(): boolean {
    const share = this.held / this.limit
    const level = share < BEGINS[1] ? MemoryLevel.Low : share < BEGINS[2] ? MemoryLevel.Pressure : share < BEGINS[3] ? MemoryLevel.High : MemoryLevel.Critical
    const changed = level !== this.level
    this.level = level
    this.fall = Math.ceil(this.limit * BEGINS[level])
    this.rise = Math.ceil(this.limit * BEGINS[(level + 1) as 1 | 2 | 3 | 4])
    return changed
  }
}
