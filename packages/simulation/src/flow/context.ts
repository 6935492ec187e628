import type { Clock, Milliseconds } from '@stack/core'

/** What flows need of their simulation. */
export interface FlowContext {
  readonly clock: Clock
  /** ms of the clock at time zero. */
  readonly origin: Milliseconds
  /** Seconds since the start. */
  readonly now: number
  /** The stacks were destroyed: connections end with it. */
  readonly isDestroyed: boolean
  /** Calls `action` at `seconds` since the start, or soon when that is past. */
  at(seconds: number, action: () => unknown): void
}
