import type { Clock } from '@stack/core'
import type { Call, CallResult, OutMismatch } from './posix.ts'

/** What a try gave: a value with out-arguments that differ, or −1 and an errno. */
export interface Outcome {
  readonly value: number
  readonly errno?: string
  readonly out?: readonly OutMismatch[]
}

export function ok(value = 0, out: readonly OutMismatch[] = []): Outcome {
  return { value, out }
}

export function fail(errno: string): Outcome {
  return { value: -1, errno }
}

/** Tries a call; null = it would still block. `isLate`: its time is over, and it must not. */
export type Attempt = (isLate: boolean) => Outcome | null

export class PendingCall implements Call {
  result: CallResult | null = null
  doneAt: number | null = null
  readonly deadline: number
  private readonly clock: Clock
  private readonly attempt: Attempt
  private isTrying = false

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
    // What an attempt does may change something in turn.
    if (this.result !== null || this.isTrying) return
    this.isTrying = true
    const now = this.clock.now()
    const outcome = this.attempt(now >= this.deadline)
    this.isTrying = false
    if (outcome === null) return
    this.doneAt = now
    this.result = { value: outcome.value, errno: outcome.errno ?? null, out: outcome.out ?? [] }
  }
}
