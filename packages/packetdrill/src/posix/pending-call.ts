import type { Clock } from '@stack/core'
import type { Call, CallResult, OutMismatch } from './posix.ts'

/** What a try gave: a value with out-arguments, or an errno. Null = it would block. */
export type Outcome = { readonly value: number; readonly errno?: string; readonly out?: readonly OutMismatch[] }

export function ok(value = 0, out: readonly OutMismatch[] = []): Outcome {
  return { value, out }
}

export function fail(errno: string): Outcome {
  return { value: -1, errno }
}

/** A call that is tried until it does not block any more, or its time is over. */
export interface Attempt {
  /** Null = it would still block; `isLate` = the last chance. */
  (isLate: boolean): Outcome | null
}

export class PendingCall implements Call {
  result: CallResult | null = null
  doneAt: number | null = null
  readonly deadline: number
  private readonly clock: Clock
  private readonly attempt: Attempt

  /** @param patience - ms after which the last try is made; Infinity = as long as it takes */
  constructor(clock: Clock, attempt: Attempt, patience: number) {
    this.clock = clock
    this.attempt = attempt
    this.deadline = clock.now() + patience
    this.poke()
  }

  get done(): boolean {
    this.poke()
    return this.result !== null
  }

  /** Something may have changed. */
  poke(): void {
    if (this.result !== null) return
    const now = this.clock.now()
    const outcome = this.attempt(now >= this.deadline)
    if (outcome === null) return
    this.doneAt = now
    this.result = { value: outcome.value, errno: outcome.errno ?? null, out: outcome.out ?? [] }
  }
}
