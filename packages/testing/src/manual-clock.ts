import { createScheduler, type Clock, type Milliseconds, type Scheduler } from '@stack/core'

/** A clock that stands still until a test moves it. Drives any number of stacks, exact to the deadline. */
export interface ManualClock extends Clock {
  /**
   * Moves time on by `ms`, stopping at each deadline on the way, and lets promises settle in between: what user code
   * does in answer happens at the instant at which it was woken.
   */
  advance(ms: Milliseconds): Promise<void>
  /** As `advance`, without letting promises settle: for callbacks only, and much faster. */
  advanceSync(ms: Milliseconds): void
  /** Moves time on by `ms` at once, as for a process that was stopped: what was due meanwhile is late, and happens with the next turn. */
  jump(ms: Milliseconds): void
  /** Lets everything happen that needs no time: turns, macrotasks, promises. */
  settle(): Promise<void>
  /** Advances until `promise` settles, at most `limit` ms (default 600,000) of virtual time; then rejects with an Error. */
  until<T>(promise: Promise<T>, limit?: Milliseconds): Promise<T>
  /** ms of the next alarm that the stacks asked for; Infinity = none. */
  readonly nextAlarm: Milliseconds
  /** Is a stack holding the process alive? */
  readonly isHeld: boolean
}

/** Options of {@link manualClock}. */
export interface ManualClockOptions {
  /** Monotonic start, ms. Default 1,000. */
  readonly start?: Milliseconds
  /** Wall time at the start, ms since 1970. Default 2026-01-01T00:00:00Z. */
  readonly wall?: Milliseconds
  /** Gets what protocols, links and handlers threw in a turn. Default: thrown as an uncaught rejection, which test runners report. */
  readonly onError?: (error: unknown) => void
}

/**
 * Makes a {@link ManualClock}.
 *
 * @example
 * ```ts
 * import { createStack } from '@stack/core'
 * import { manualClock } from '@stack/testing'
 *
 * const clock = manualClock()
 * const stack = createStack({ plugins: [], clock })
 * await clock.advance(250)
 * stack.destroy()
 * ```
 */
export function manualClock(options: ManualClockOptions = {}): ManualClock {
  return new Manual(options)
}

class Manual implements ManualClock {
  readonly scheduler: Scheduler
  nextAlarm: Milliseconds = Infinity
  isHeld = false
  private current: Milliseconds
  private readonly wallOffset: Milliseconds
  private readonly turn: () => void
  private macrotasks: (() => void)[] = []

  constructor(options: ManualClockOptions) {
    this.current = options.start ?? 1000
    this.wallOffset = (options.wall ?? Date.UTC(2026, 0, 1)) - this.current
    // As the host would: an error of user code is not swallowed.
    const scheduler = createScheduler(this, options.onError ?? ((error) => {
      void Promise.resolve().then(() => {
        throw error
      })
    }))
    this.scheduler = scheduler
    this.turn = () => {
      scheduler.turn()
    }
  }

  now(): Milliseconds {
    return this.current
  }

  wallNow(): Milliseconds {
    return this.current + this.wallOffset
  }

  setAlarm(deadline: Milliseconds): void {
    this.nextAlarm = deadline
  }

  macrotask(task: () => void): void {
    this.macrotasks.push(task)
  }

  microtask(task: () => void): void {
    void Promise.resolve().then(task)
  }

  hold(on: boolean): void {
    this.isHeld = on
  }

  async advance(ms: Milliseconds): Promise<void> {
    const target = this.current + ms
    await this.settle()
    while (this.nextAlarm <= target) {
      this.ring()
      await this.settle()
    }
    this.current = Math.max(this.current, target)
  }

  advanceSync(ms: Milliseconds): void {
    const target = this.current + ms
    this.runMacrotasks()
    while (this.nextAlarm <= target) {
      this.ring()
      this.runMacrotasks()
    }
    this.current = Math.max(this.current, target)
  }

  jump(ms: Milliseconds): void {
    this.current += ms
  }

  async settle(): Promise<void> {
    do {
      this.runMacrotasks()
      await microtasksDone()
    } while (this.macrotasks.length > 0)
  }

  async until<T>(promise: Promise<T>, limit: Milliseconds = 600_000): Promise<T> {
    const end = this.current + limit
    let settled = false
    const done = (): void => {
      settled = true
    }
    promise.then(done, done)
    await this.settle()
    // `settled` changes in the callbacks above.
    while (!(settled as boolean)) {
      if (this.nextAlarm > end) throw new Error(`The promise did not settle within ${String(limit)} ms of virtual time (next alarm: ${String(this.nextAlarm)}, now ${String(this.current)}).`)
      this.ring()
      await this.settle()
    }
    return promise
  }

  private ring(): void {
    this.current = Math.max(this.current, this.nextAlarm)
    this.nextAlarm = Infinity
    this.turn()
  }

  private runMacrotasks(): void {
    while (this.macrotasks.length > 0) {
      const tasks = this.macrotasks
      this.macrotasks = []
      for (const task of tasks) task()
    }
  }
}

/** Resolves when every microtask, and those that they queue, have run: after a macrotask of the host. */
function microtasksDone(): Promise<void> {
  const host = globalThis as { setImmediate?: (task: () => void) => unknown }
  return new Promise((resolve) => {
    if (host.setImmediate !== undefined) host.setImmediate(resolve)
    else {
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => {
        port1.close()
        resolve()
      }
      port2.postMessage(null)
    }
  })
}
