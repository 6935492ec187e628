import type { Dirty, Scheduler } from '../registration/host.ts'
import type { TurnTaker } from '../registration/network.ts'

/** Who begins a turn together: enough to keep a link busy while promises settle, few enough to stay in the processor's cache. */
const AT_ONCE = 4
/** Bytes of a turn: reading a connection into the processor's cache costs as much as sending 30 KB of one that is there. */
const LONG = 131_072
/** The same while it is the link that is waited for, and not the processor: everybody has a turn sooner. */
const SHORT = 16_384

/**
 * The line of those who have sent their share and want to send more. A few of them go on at a time, and the next ones when there
 * is nothing else to do: each connection that is visited anew costs what it takes to read it into the processor's cache
 * (docs/decisions/0012), so those who were let in go first, down to their users.
 */
export class Turns implements Dirty {
  dirty = false
  patient = false
  private readonly scheduler: Scheduler
  private readonly isOpen: () => boolean
  private readonly isLinkSlow: () => boolean
  private readonly waiting = new Set<TurnTaker>()

  /**
   * @param isOpen - may anybody be let in now? When that changes, call {@link next}
   * @param isLinkSlow - does the link take nothing now, although there was nothing else to do?
   */
  constructor(scheduler: Scheduler, isOpen: () => boolean, isLinkSlow: () => boolean) {
    this.scheduler = scheduler
    this.isOpen = isOpen
    this.isLinkSlow = isLinkSlow
  }

  get isEmpty(): boolean {
    return this.waiting.size === 0
  }

  /** At the end of the line; who stands in it keeps the place. */
  add(taker: TurnTaker): void {
    this.waiting.add(taker)
    this.next()
  }

  /** Those who are next, when nothing else is left to do. */
  next(): void {
    if (this.waiting.size > 0) this.scheduler.markLast(this)
  }

  flushOutput(): void {
    if (!this.isOpen()) return
    this.letIn(AT_ONCE)
    this.next()
  }

  /** Nobody waits for a NIC that is down. */
  clear(): void {
    this.letIn(this.waiting.size)
  }

  private letIn(count: number): void {
    let left = count
    const bytes = this.isLinkSlow() ? SHORT : LONG
    for (const taker of this.waiting) {
      if (left-- === 0) return
      this.waiting.delete(taker)
      taker.takeTurn(bytes)
      this.scheduler.markDirty(taker)
    }
  }
}
