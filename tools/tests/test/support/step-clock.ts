import { createScheduler, type Clock, type TurnScheduler } from '@stack/core'

/** ms that a look at the clock takes: work costs time, exactly so much in every run. */
const LOOK = 0.02

/** A host whose event loop the test turns by hand, and whose time passes as work is done. */
export class StepClock implements Clock {
  readonly scheduler: TurnScheduler
  /** What the host could not do because one task did not end. */
  longest = 0
  private current = 1000
  private alarm = Infinity
  private readonly macrotasks: (() => void)[] = []
  private readonly microtasks: (() => void)[] = []

  constructor() {
    this.scheduler = createScheduler(this)
  }

  now(): number {
    return (this.current += LOOK)
  }

  wallNow(): number {
    return this.current
  }

  setAlarm(deadline: number): void {
    this.alarm = deadline
  }

  macrotask(task: () => void): void {
    this.macrotasks.push(task)
  }

  microtask(task: () => void): void {
    this.microtasks.push(task)
  }

  hold(): void {}

  /** One round of the event loop: the alarm if it is due, one macrotask, and after each the microtasks. */
  step(): void {
    this.drain()
    if (this.alarm <= this.current) {
      this.alarm = Infinity
      this.measure(() => {
        this.scheduler.turn()
      })
    } else if (this.macrotasks.length === 0) this.current = Math.min(this.alarm, this.current + 1)
    const task = this.macrotasks.shift()
    if (task !== undefined) this.measure(task)
  }

  private measure(task: () => void): void {
    const start = this.current
    task()
    this.drain()
    this.longest = Math.max(this.longest, this.current - start)
  }

  private drain(): void {
    for (let n = 0; this.microtasks.length > 0; n++) {
      if (n === 100_000) throw new Error('Microtasks chain for ever: the host is starved.')
      this.microtasks.shift()!()
    }
  }
}
