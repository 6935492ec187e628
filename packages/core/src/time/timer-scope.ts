import type { Milliseconds, Timer, TimerWheel } from '../registration/host.ts'

/** One stack's view of the wheel that all stacks on a clock share. */
export interface TimerScope extends TimerWheel {
  /** Cancels every timer made here. */
  cancelAll(): void
}

/** Makes a view of `wheel` that counts, and can cancel, the timers made through it. */
export function createTimerScope(wheel: TimerWheel): TimerScope {
  return new Scope(wheel)
}

class Scope implements TimerScope {
  armed = 0
  /** The armed timers. Idle ones are not held, so that they go with their owner. */
  first: ScopedTimer | null = null
  readonly #wheel: TimerWheel

  constructor(wheel: TimerWheel) {
    this.#wheel = wheel
  }

  create(fire: (now: Milliseconds) => void): Timer {
    return new ScopedTimer(this, this.#wheel, fire)
  }

  cancelAll(): void {
    while (this.first !== null) this.first.cancel()
  }
}

class ScopedTimer implements Timer {
  next: ScopedTimer | null = null
  previous: ScopedTimer | null = null
  readonly #scope: Scope
  readonly #timer: Timer
  readonly #fire: (now: Milliseconds) => void
  #isListed = false

  constructor(scope: Scope, wheel: TimerWheel, fire: (now: Milliseconds) => void) {
    this.#scope = scope
    this.#fire = fire
    this.#timer = wheel.create((now) => {
      this.#unlist()
      this.#fire(now)
    })
  }

  get armed(): boolean {
    return this.#timer.armed
  }

  get deadline(): Milliseconds {
    return this.#timer.deadline
  }

  arm(deadline: Milliseconds): void {
    this.#timer.arm(deadline)
    this.#settle()
  }

  armAfter(delay: Milliseconds): void {
    this.#timer.armAfter(delay)
    this.#settle()
  }

  cancel(): void {
    this.#timer.cancel()
    this.#unlist()
  }

  #settle(): void {
    if (!this.#timer.armed) this.#unlist()
    else if (!this.#isListed) this.#list()
  }

  #list(): void {
    const scope = this.#scope
    this.#isListed = true
    this.next = scope.first
    if (this.next !== null) this.next.previous = this
    scope.first = this
    scope.armed++
  }

  #unlist(): void {
    if (!this.#isListed) return
    const { next, previous } = this
    this.#isListed = false
    if (next !== null) next.previous = previous
    if (previous !== null) previous.next = next
    else this.#scope.first = next
    this.next = null
    this.previous = null
    this.#scope.armed--
  }
}
