import type { Milliseconds } from '@stack/core'
import { Doubles } from '../growing.ts'

/** How full a queue was, in bytes. */
export interface QueueFigures {
  readonly mean: number
  readonly p95: number
  readonly max: number
}

/** ms between two samples. */
export const SAMPLE_INTERVAL = 1

/**
 * A queue before a wire of a constant rate, as arithmetic: what is in it is the time until the wire is free. Nothing
 * happens when a packet leaves it, so it costs no timer; samples are taken when somebody comes by.
 */
export class WireQueue {
  /** When the last bit that was accepted is on the wire. */
  free: Milliseconds = 0
  /** The wire has no rate: nothing waits. */
  readonly isEndless: boolean
  /** Bytes at the end of each ms. */
  readonly samples: Doubles = new Doubles()
  /** The most bytes in each ms. */
  readonly peaks: Doubles = new Doubles()
  private readonly rate: number
  private readonly limitBytes: number
  private readonly limitPackets: number
  private peak = 0
  private nextSample: Milliseconds = Infinity
  // When each packet that is in the queue has left it; kept where packets are counted.
  private readonly leaving: Milliseconds[] = []
  private gone = 0

  constructor(rate: number, limitBytes: number, limitPackets: number) {
    this.isEndless = rate === Infinity
    this.rate = rate
    this.limitBytes = limitBytes
    this.limitPackets = limitPackets
  }

  begin(start: Milliseconds): void {
    this.free = start
    this.nextSample = start + SAMPLE_INTERVAL
  }

  /** Bytes in it. */
  backlog(now: Milliseconds): number {
    return this.isEndless ? 0 : (Math.max(0, this.free - now) * this.rate) / 8000
  }

  /** A packet comes; false = no room. When it is through is `free` then. */
  enter(now: Milliseconds, bytes: number): boolean {
    if (this.isEndless) return true
    this.sampleUntil(now)
    const before = this.backlog(now)
    if (before + bytes > this.limitBytes || !this.hasPlace(now)) return false
    this.free = Math.max(this.free, now) + (bytes * 8000) / this.rate
    if (this.limitPackets !== Infinity) this.leaving.push(this.free)
    this.peak = Math.max(this.peak, this.backlog(now))
    return true
  }

  sampleUntil(now: Milliseconds): void {
    if (this.isEndless) return
    while (this.nextSample <= now) {
      this.samples.push(this.backlog(this.nextSample))
      this.peaks.push(this.peak)
      this.peak = this.backlog(this.nextSample)
      this.nextSample += SAMPLE_INTERVAL
    }
  }

  /** Between two seconds since the start. */
  figures(from: number, until: number): QueueFigures {
    const first = Math.floor((from * 1000) / SAMPLE_INTERVAL)
    const end = until === Infinity ? this.samples.length : Math.ceil((until * 1000) / SAMPLE_INTERVAL)
    const samples = this.samples.values(first, end)
    if (samples.length === 0) return { mean: 0, p95: 0, max: 0 }
    const sorted = samples.slice().sort()
    return {
      mean: samples.reduce((sum, value) => sum + value, 0) / samples.length,
      p95: sorted[Math.ceil(sorted.length * 0.95) - 1]!,
      max: this.peaks.values(first, end).reduce((most, value) => Math.max(most, value), 0),
    }
  }

  private hasPlace(now: Milliseconds): boolean {
    if (this.limitPackets === Infinity) return true
    while (this.gone < this.leaving.length && this.leaving[this.gone]! <= now) this.gone++
    const isWasteful = this.gone > 1024
    if (isWasteful) this.leaving.splice(0, this.gone)
    if (isWasteful) this.gone = 0
    return this.leaving.length - this.gone < this.limitPackets
  }
}
