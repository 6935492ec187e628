import type { Pollable, Scheduler } from '../registration/host.ts'

/** Small pieces of packet work that continue from the run queue: reinjected packets. */
export class DeferredWork implements Pollable {
  queued = false
  private tasks: (() => void)[] = []
  private readonly scheduler: Scheduler

  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler
  }

  readonly add = (task: () => void): void => {
    this.tasks.push(task)
    this.scheduler.enqueue(this)
  }

  poll(budget: number): number {
    const tasks = this.tasks.splice(0, budget)
    for (const task of tasks) task()
    return tasks.length
  }

  clear(): void {
    this.tasks = []
  }
}
