import type { Scheduler } from '../registration/host.ts'

/** Keeps the process alive while the stack has something open, unless its user said otherwise. */
export class ProcessHold {
  private count = 0
  private wanted = true
  private held = false
  private readonly scheduler: Scheduler

  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler
  }

  /** Something was opened. */
  readonly ref = (): void => {
    this.count++
    this.update()
  }

  readonly unref = (): void => {
    if (this.count > 0) this.count--
    this.update()
  }

  /** `stack.ref()` and `stack.unref()`; false also when the stack ends. */
  setWanted(wanted: boolean): void {
    this.wanted = wanted
    this.update()
  }

  private update(): void {
    const hold = this.wanted && this.count > 0
    if (hold === this.held) return
    this.held = hold
    if (hold) this.scheduler.ref()
    else this.scheduler.unref()
  }
}
