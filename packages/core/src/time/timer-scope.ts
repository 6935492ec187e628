import type { Milliseconds, SharedTimerWheel, Timer, TimerAccount, TimerWheel } from '../registration/host.ts'

/** One stack's view of the wheel that all stacks on a clock share. */
export interface TimerScope extends TimerWheel {
  /** Cancels every timer made here. */
  cancelAll(): void
}

/** Makes a view of `wheel` that counts, and can cancel, the timers made through it. */
export function createTimerScope(wheel: SharedTimerWheel): TimerScope {
  return new Scope(wheel)
}

class Scope implements TimerScope, TimerAccount {
  armed = 0
  readonly #wheel: SharedTimerWheel

  constructor(wheel: SharedTimerWheel) {
    this.#wheel = wheel
  }

  create(fire: (now: Milliseconds) => void): Timer {
    return this.#wheel.create(fire, this)
  }

  cancelAll(): void {
    this.#wheel.cancelAll(this)
  }
}
