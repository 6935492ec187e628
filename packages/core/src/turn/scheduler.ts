import type { Clock, Dirty, Milliseconds, Pollable, Scheduler, SharedTimerWheel, Wakeable } from '../registration/host.ts'
import { createTimerWheel, type DrivenTimerWheel } from '../time/timing-wheel.ts'
import { Ring } from './ring.ts'

/** Packets of one link or run-queue item before the next one has its turn. */
const BATCH = 64
/** Packets (calls that move none count as one) before the host gets a macrotask. */
const MAX_PACKETS = 4096
/** The same in time, ms. */
const MAX_TIME = 5
/** Calls of endpoints or user code between two looks at the clock. */
const CALLS_PER_LOOK = 8
/** Packets and calls that rounds without user code may handle between two looks at the clock. */
const SPENT_PER_LOOK = 32
/** Who waits to be woken before user code goes first: what more of them are to read would leave the processor's cache. */
const CROWD = 8
/** Macrotasks after which what comes last need not wait any longer for others, who may never be done. */
const PATIENCE = 4
/** Turns that may follow each other before a macrotask is asked for, to learn whether any came in between. */
const MAX_CHAIN = 16

/** The scheduler as its clock sees it. */
export interface TurnScheduler extends Scheduler {
  /**
   * To be called by the clock, from the alarm. Counts as a macrotask: the budget starts afresh, and wake-ups run at
   * the end. Does nothing during a turn.
   */
  turn(): void
  /** True when nothing is queued and no turn runs; timers may be armed. */
  readonly isIdle: boolean
  /** The exact deadline of the next timer, `Infinity` without timers. */
  readonly nextDeadline: Milliseconds
}

/**
 * Makes the scheduler of a clock: for authors of clocks. Everything else gets the one of its clock.
 *
 * @param onError - gets what protocols, links and handlers threw; the loop goes on. Default: thrown from a macrotask,
 * as an uncaught exception
 *
 * @example
 * ```ts
 * import { createScheduler, type Clock } from '@stack/core'
 *
 * let now = 0
 * const tasks: (() => void)[] = []
 * const frozen: Omit<Clock, 'scheduler'> = {
 *   now: () => now,
 *   wallNow: () => now,
 *   setAlarm: () => {},
 *   macrotask: (task) => void tasks.push(task),
 *   microtask: (task) => void tasks.push(task),
 *   hold: () => {},
 * }
 * const scheduler = createScheduler(frozen)
 * scheduler.timers.create(() => console.log('one second')).arm(1000)
 * now = 1000
 * scheduler.turn()
 * ```
 */
export function createScheduler(clock: Omit<Clock, 'scheduler'>, onError?: (error: unknown) => void): TurnScheduler {
  return new Loop(clock, onError)
}

class Loop implements TurnScheduler {
  inTurn = false
  readonly timers: SharedTimerWheel
  private readonly clock: Omit<Clock, 'scheduler'>
  private readonly onError: ((error: unknown) => void) | undefined
  private readonly wheel: DrivenTimerWheel
  private readonly links = new Ring<Pollable>()
  private readonly work = new Ring<Pollable>()
  private readonly dirty = new Ring<Dirty>()
  private readonly wakes = new Ring<Wakeable>()
  /** Becomes dirty behind the wake-ups of this turn. */
  private readonly patient = new Ring<Dirty>()
  /** Becomes dirty behind the promises that were settled. */
  private readonly late = new Ring<Dirty>()
  /** Becomes dirty when nothing else is left to do. */
  private readonly last = new Ring<Dirty>()
  /** Somebody was woken, and what follows a promise may be on its way. */
  private hasWoken = false
  /** Macrotasks that began since `last` was looked at last. */
  private overdue = 0
  // Begun as what is no number, it holds an object: one for each look at the clock, and not one for whoever asks for the time.
  private time: Milliseconds = null as unknown as Milliseconds
  /** The same, so that it is not computed for each packet. */
  private timeMicros = 0
  /** The request that the clock has; NaN = unknown, because it may have been used up. */
  private alarm: Milliseconds = Infinity
  private holds = 0

  // The budget: what happened since the last macrotask.
  private spent = 0
  /** `spent` when the clock was last looked at. */
  private looked = 0
  // A fraction makes the engine keep it as a double from the start.
  private budgetStart: Milliseconds = 0.5
  private chain = 0
  private macrotaskPending = false
  private microtaskPending = false

  constructor(clock: Omit<Clock, 'scheduler'>, onError: ((error: unknown) => void) | undefined) {
    this.clock = clock
    this.onError = onError
    this.time = clock.now()
    this.timeMicros = microsOf(this.time)
    this.wheel = createTimerWheel({
      now: () => this.now,
      earlier: (deadline) => {
        // The clock hears of it once, at the end of the turn.
        if (this.inTurn) this.wheel.alarm = deadline
        else this.setAlarm(deadline)
      },
      onError: (error) => this.report(error),
    })
    this.timers = this.wheel
  }

  // These two are asked for all the time, and inlined everywhere as long as they are this small. What they call is apart, and
  // no getter, because the engine would count it in (docs/decisions/0015).
  get now(): Milliseconds {
    return this.inTurn ? this.time : this.readClock()
  }

  get micros(): number {
    return this.inTurn ? this.timeMicros : this.readMicros()
  }

  private readClock(): Milliseconds {
    return this.clock.now()
  }

  private readMicros(): number {
    return microsOf(this.readClock())
  }

  get isIdle(): boolean {
    return !this.inTurn && !this.hasPackets() && this.wakes.length === 0 && this.last.length === 0
  }

  get nextDeadline(): Milliseconds {
    return this.wheel.nextDeadline
  }

  pollLink(link: Pollable): void {
    if (link.queued) return
    link.queued = true
    this.links.push(link)
    this.ensureTurn()
  }

  enqueue(work: Pollable): void {
    if (work.queued) return
    work.queued = true
    this.work.push(work)
    this.ensureTurn()
  }

  markDirty(endpoint: Dirty): void {
    if (endpoint.dirty) return
    this.setDirty(endpoint)
    this.ensureTurn()
  }

  markPatient(endpoint: Dirty): void {
    if (!this.inTurn) this.markDirty(endpoint)
    else if (endpoint.patient !== true) {
      endpoint.patient = true
      this.patient.push(endpoint)
    }
  }

  markLate(endpoint: Dirty): void {
    if (!this.inTurn) this.markDirty(endpoint)
    else if (endpoint.patient !== true) {
      endpoint.patient = true
      if (this.late.length === 0) this.clock.microtask(this.delay)
      this.late.push(endpoint)
    }
  }

  markLast(endpoint: Dirty): void {
    if (endpoint.patient === true) return
    endpoint.patient = true
    this.last.push(endpoint)
    this.ensureTurn()
  }

  wake(target: Wakeable): void {
    if (target.waking) return
    target.waking = true
    this.wakes.push(target)
    this.ensureTurn()
  }

  run(): void {
    if (this.inTurn || !this.admit()) return
    this.takeTurn(false)
  }

  flush(endpoint: Dirty): void {
    this.setDirty(endpoint)
    this.run()
  }

  private setDirty(endpoint: Dirty): void {
    if (endpoint.dirty) return
    endpoint.dirty = true
    this.dirty.push(endpoint)
  }

  turn(): void {
    this.alarm = NaN
    if (this.inTurn) return
    this.beginBudget()
    this.takeTurn(true)
  }

  ref(): void {
    if (this.holds++ === 0) this.clock.hold(true)
  }

  unref(): void {
    if (this.holds === 0) return
    if (--this.holds === 0) this.clock.hold(false)
  }

  // --- turns ---

  private readonly onMicrotask = (): void => {
    this.microtaskPending = false
    this.runQueued()
  }

  /** A call that began the turn returns before its caller can await it: once more. */
  private readonly delay = (): void => {
    this.clock.microtask(this.endDelay)
  }

  private readonly endDelay = (): void => {
    this.hurry(this.late)
    this.runQueued()
  }

  private runQueued(): void {
    if (this.isIdle || this.inTurn || !this.admit()) return
    this.takeTurn(true)
  }

  private readonly onMacrotask = (): void => {
    this.macrotaskPending = false
    if (this.inTurn) return
    this.beginBudget()
    if (!this.isIdle || this.wheel.bound <= this.time) this.takeTurn(true)
  }

  /** What is queued outside a turn, and not run by its caller, runs after the caller's own code. */
  private ensureTurn(): void {
    if (this.inTurn || this.microtaskPending) return
    this.microtaskPending = true
    this.clock.microtask(this.onMicrotask)
  }

  private requestMacrotask(): void {
    if (this.macrotaskPending) return
    this.macrotaskPending = true
    this.clock.macrotask(this.onMacrotask)
  }

  private beginBudget(): void {
    this.spent = 0
    this.look()
    this.budgetStart = this.time
    this.chain = 0
    if (this.last.length > 0 && ++this.overdue > PATIENCE) this.beginLast()
  }

  /**
   * May a turn start that no macrotask began? A call may come from anywhere, and the host does not say whether a
   * macrotask has passed since the last one. So after a few such turns ask for one: until it comes, time counts.
   */
  private admit(): boolean {
    this.look()
    if (this.macrotaskPending) return !this.isSpent()
    this.budgetStart = this.time
    if (++this.chain === MAX_CHAIN) this.requestMacrotask()
    return true
  }

  private isSpent(): boolean {
    return this.spent >= MAX_PACKETS || this.time - this.budgetStart >= MAX_TIME
  }

  /** @param wakeHere - run user code at the end; false inside a call that user code made: then promises are settled only */
  private takeTurn(wakeHere: boolean): void {
    this.inTurn = true
    for (;;) {
      if (this.isTimerDue()) this.fireTimers()
      if (this.links.length > 0) this.pollLinks()
      if (this.work.length > 0) this.runQueue()
      if (this.dirty.length > 0) {
        this.flushDirty()
        // What endpoints sent leaves in the same round.
        this.runQueue()
      }
      const isCrowded = this.wakes.length >= CROWD
      if ((this.hasPackets() || this.isTimerDue()) && !this.isSpentByNow() && !isCrowded) continue
      const isWoken = this.wakes.length > 0 && this.wakeAll(wakeHere)
      this.hurry(this.patient)
      if (!isWoken && this.dirty.length === 0 && !(wakeHere && this.isQuiet())) break
      // What waits for a promise goes on when the turn is over; packets that are left come behind it.
      if (isCrowded) break
      // User code takes the time it likes.
      if ((wakeHere ? this.isSpentNow() : this.isSpentByNow()) || this.isDrained()) break
    }
    this.inTurn = false
    // Whoever finds the budget spent relies on a macrotask that renews it.
    if (this.isSpent()) this.requestMacrotask()
    else if (!this.isIdle) this.ensureTurn()
    this.setAlarm(this.wheel.bound)
  }

  /** Nothing is left but what comes last. It begins here, unless what follows a promise comes before it. */
  private isQuiet(): boolean {
    if (this.last.length === 0 || !this.isDrained()) return false
    const isQuiet = !this.hasWoken
    this.hasWoken = false
    if (isQuiet) this.beginLast()
    return isQuiet
  }

  private beginLast(): void {
    this.overdue = 0
    this.hurry(this.last)
  }

  /** In a turn the alarm is not the clock's yet, but as early as that of any timer. */
  private isTimerDue(): boolean {
    return this.wheel.alarm <= this.time
  }

  private fireTimers(): void {
    this.spent += this.wheel.advance(this.time, BATCH)
    this.wheel.alarm = this.wheel.bound
  }

  /** Nobody is about to say more. What left meanwhile need not leave again. */
  private hurry(waiting: Ring<Dirty>): void {
    while (waiting.length > 0) {
      const endpoint = waiting.shift()!
      if (endpoint.patient === true) this.setDirty(endpoint)
      endpoint.patient = false
    }
  }

  private isDrained(): boolean {
    return !this.hasPackets() && this.wakes.length === 0 && !this.isTimerDue()
  }

  private isSpentNow(): boolean {
    this.look()
    return this.isSpent()
  }

  /** As {@link isSpentNow}; after few packets the time of the last look will do. */
  private isSpentByNow(): boolean {
    return this.spent - this.looked >= SPENT_PER_LOOK ? this.isSpentNow() : this.isSpent()
  }

  private look(): void {
    const now = this.clock.now()
    this.time = now
    this.timeMicros = microsOf(now)
    this.looked = this.spent
  }

  private hasPackets(): boolean {
    return this.links.length > 0 || this.work.length > 0 || this.dirty.length > 0
  }

  /** One batch of each link that is queued. */
  private pollLinks(): void {
    for (let n = this.links.length; n > 0; n--) {
      this.poll(this.links)
      // For the next batch; the first one has the time of the round.
      if (n > 1 && this.isSpentNow()) return
    }
  }

  /** Until it is empty: what loops back belongs to the batch that caused it. */
  private runQueue(): void {
    for (let n = 1; this.work.length > 0; n++) {
      if (n % CALLS_PER_LOOK === 0 ? this.isSpentNow() : this.isSpent()) return
      this.poll(this.work)
    }
  }

  private poll(queue: Ring<Pollable>): void {
    const item = take(queue)
    let packets = 0
    try {
      packets = item.poll(BATCH)
    } catch (error) {
      this.report(error)
    }
    this.spent += packets > 0 ? packets : 1
    if (packets >= BATCH && !item.queued) {
      item.queued = true
      queue.push(item)
    }
  }

  /** Runs in a slice of its own even when the budget is spent: packets that come in must not hold back ACKs. */
  private flushDirty(): void {
    const end = this.time + MAX_TIME
    for (let n = this.dirty.length; n > 0; n--) {
      const endpoint = this.dirty.shift()
      if (endpoint === undefined) return
      endpoint.dirty = false
      // Whatever waited leaves now.
      if (endpoint.patient === true) endpoint.patient = false
      this.spent++
      try {
        endpoint.flushOutput()
      } catch (error) {
        this.report(error)
      }
      if (n % CALLS_PER_LOOK === 0 && this.isPast(end)) return
    }
  }

  /**
   * In a slice of its own too: packets must not starve user code, which alone takes load away.
   *
   * @param wakeHere - false: only who settles promises; the others keep their order
   * @returns whether anybody was woken
   */
  private wakeAll(wakeHere: boolean): boolean {
    const end = this.time + MAX_TIME
    let isAny = false
    for (let n = this.wakes.length; n > 0; n--) {
      const target = this.wakes.shift()
      if (target === undefined) break
      if (!wakeHere && target.settlesOnly !== true) {
        this.wakes.push(target)
        continue
      }
      isAny = this.hasWoken = true
      target.waking = false
      this.spent++
      try {
        target.wake()
      } catch (error) {
        this.report(error)
      }
      if (n % CALLS_PER_LOOK === 0 && this.isPast(end)) break
    }
    return isAny
  }

  private isPast(end: Milliseconds): boolean {
    this.look()
    return this.time >= end
  }

  private setAlarm(deadline: Milliseconds): void {
    this.wheel.alarm = deadline
    if (deadline === this.alarm) return
    this.alarm = deadline
    this.clock.setAlarm(deadline)
  }

  private report(error: unknown): void {
    try {
      if (this.onError === undefined) this.throwLater(error)
      else this.onError(error)
    } catch (second) {
      this.throwLater(second)
    }
  }

  private throwLater(error: unknown): void {
    this.clock.macrotask(() => {
      throw error
    })
  }
}

/** int32, which wraps. */
function microsOf(now: Milliseconds): number {
  return (now * 1000) | 0
}

/** The next item of a queue that is not empty. From now on it may queue itself again. */
function take(queue: Ring<Pollable>): Pollable {
  const item = queue.shift()!
  item.queued = false
  return item
}
