import { createScheduler, type Clock, type Milliseconds, type TurnScheduler } from '@stack/core'

/** A clock whose every request is written down and only served when the test says so. */
export class FakeClock implements Clock {
  time = 0
  /** Added to the time by every reading: a host on which work takes time. */
  costOfReading = 0
  alarm: Milliseconds = Infinity
  alarms = 0
  held: boolean[] = []
  macrotasks: (() => void)[] = []
  microtasks: (() => void)[] = []
  readonly errors: unknown[] = []
  readonly scheduler: TurnScheduler

  constructor() {
    this.scheduler = createScheduler(this, (error) => this.errors.push(error))
  }

  now(): Milliseconds {
    return (this.time += this.costOfReading)
  }

  wallNow(): Milliseconds {
    return this.time
  }

  setAlarm(deadline: Milliseconds): void {
    this.alarm = deadline
    this.alarms++
  }

  macrotask(task: () => void): void {
    this.macrotasks.push(task)
  }

  microtask(task: () => void): void {
    this.microtasks.push(task)
  }

  hold(on: boolean): void {
    this.held.push(on)
  }

  /** Serves microtasks until none is left; fails when they go on for ever. */
  runMicrotasks(limit = 100_000): number {
    let count = 0
    for (let task = this.microtasks.shift(); task !== undefined; task = this.microtasks.shift()) {
      if (++count > limit) throw new Error('microtasks without end')
      task()
    }
    return count
  }

  /** One round of the host's loop. */
  runMacrotasks(): void {
    const tasks = this.macrotasks
    this.macrotasks = []
    for (const task of tasks) {
      task()
      this.runMicrotasks()
    }
  }

  /** Lets time pass until `time`, stopping at every alarm. */
  advanceTo(time: Milliseconds): void {
    while (this.alarm <= time) {
      this.time = Math.max(this.time, this.alarm)
      this.alarm = Infinity
      this.scheduler.turn()
      this.runMicrotasks()
    }
    this.time = time
  }
}
