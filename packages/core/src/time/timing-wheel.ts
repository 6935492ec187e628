import type { Milliseconds, SharedTimerWheel, Timer, TimerAccount } from '../registration/host.ts'
import { DueHeap, type Due } from './due-heap.ts'

/*
 * A hierarchical timing wheel (Varghese and Lauck, 1987) of six levels with 32 slots each. A tick is one millisecond.
 *
 * The level of a timer is that of the highest base-32 digit in which its tick differs from the wheel's position, so
 * everything on one level is due before everything on the next, and the first occupied slot of the lowest occupied
 * level is where the next timer waits. Timers of the current tick wait in a heap, which alone decides exact order:
 * arming and cancelling are O(1) except for timers that are due within the millisecond.
 */
const DIGIT_BITS = 5
const SLOTS = 1 << DIGIT_BITS
const LEVELS = 6
/** Ticks that the levels span: 12.4 days. Later timers wait in one list and are sorted in when their span begins. */
const SPAN = 2 ** (DIGIT_BITS * LEVELS)
const FAR = LEVELS * SLOTS

/** Values of {@link WheelTimer.place} that are no slot. */
const IDLE = -1
const DUE = -2

/** What the wheel needs to know and tell. */
export interface TimerWheelOptions {
  /** For `armAfter`. */
  now(): Milliseconds
  /** Called by an arming whose deadline lies before {@link DrivenTimerWheel.alarm}. */
  earlier(deadline: Milliseconds): void
  /** Gets what a timer's callback threw. */
  onError(error: unknown): void
}

/** The wheel as its driver sees it. */
export interface DrivenTimerWheel extends SharedTimerWheel {
  /** The driver will come by itself at this time; armings before it are told to `earlier`. */
  alarm: Milliseconds
  /**
   * A time before which no timer is due, `Infinity` without timers. It is the exact next deadline unless the timer
   * that set it was cancelled or moved; a visit at that time corrects it. O(1).
   */
  readonly bound: Milliseconds
  /** The exact deadline of the next timer, `Infinity` without timers. Looks at the timers of one slot if it must. */
  readonly nextDeadline: Milliseconds
  /** Timers that were moved from slot to slot on their way; for tests of the cost. */
  readonly moves: number
  /**
   * Fires what is due at `now`, in order of deadlines, at most `limit` timers.
   *
   * @returns how many fired
   */
  advance(now: Milliseconds, limit?: number): number
}

/** Makes a wheel that stands at `options.now()`. */
export function createTimerWheel(options: TimerWheelOptions): DrivenTimerWheel {
  return new Wheel(options)
}

class WheelTimer implements Timer, Due {
  deadline: Milliseconds = Infinity
  order = 0
  heapIndex = 0
  /** Slot number, {@link FAR}, {@link DUE} or {@link IDLE}. */
  place: number = IDLE
  /** The deadline by which the slot was chosen; never later than `deadline`. */
  key: Milliseconds = Infinity
  next: WheelTimer | null = null
  previous: WheelTimer | null = null
  readonly fire: (now: Milliseconds) => void
  readonly account: TimerAccount
  private readonly wheel: Wheel

  constructor(wheel: Wheel, fire: (now: Milliseconds) => void, account: TimerAccount) {
    this.wheel = wheel
    this.fire = fire
    this.account = account
  }

  get armed(): boolean {
    return this.place !== IDLE
  }

  arm(deadline: Milliseconds): void {
    this.wheel.arm(this, deadline)
  }

  armAfter(delay: Milliseconds): void {
    this.wheel.arm(this, this.wheel.options.now() + delay)
  }

  cancel(): void {
    this.wheel.cancel(this)
  }
}

class Wheel implements DrivenTimerWheel {
  readonly options: TimerWheelOptions
  armed = 0
  moves = 0
  alarm: Milliseconds = Infinity
  private readonly nobody: TimerAccount = { armed: 0 }
  private readonly due = new DueHeap<WheelTimer>()
  private readonly heads: (WheelTimer | null)[] = new Array<WheelTimer | null>(FAR + 1).fill(null)
  /** Lower bound of the deadlines in each slot. */
  private readonly minimum = new Float64Array(FAR + 1).fill(Infinity)
  /** 1: the timer that set the minimum was moved or cancelled. */
  private readonly isLoose = new Uint8Array(FAR + 1)
  /** A bit for each occupied slot of a level. */
  private readonly slots = new Int32Array(LEVELS)
  /** A bit for each occupied level; bit 6 for the far list. */
  private levels = 0
  /** Tick of position 0: a multiple of the span. */
  private base: number
  /** Ticks since the base, below the span. Timers up to this tick are in the heap. */
  private position: number
  private orders = 0

  constructor(options: TimerWheelOptions) {
    this.options = options
    const tick = Math.floor(options.now())
    this.base = Math.floor(tick / SPAN) * SPAN
    this.position = tick - this.base
  }

  create(fire: (now: Milliseconds) => void, account: TimerAccount = this.nobody): Timer {
    return new WheelTimer(this, fire, account)
  }

  arm(timer: WheelTimer, deadline: Milliseconds): void {
    // Never is not a deadline, nor is NaN.
    if (!(deadline < Infinity)) {
      this.cancel(timer)
      return
    }
    timer.order = ++this.orders
    if (timer.place >= 0 && deadline >= timer.key) {
      // Moved later: it is looked at when its slot comes, which for a retransmission timer is hardly ever.
      timer.deadline = deadline
      if (deadline !== timer.key) this.loosen(timer)
    } else {
      if (timer.place !== IDLE) this.take(timer)
      else {
        this.armed++
        timer.account.armed++
      }
      timer.deadline = deadline
      this.put(timer)
    }
    if (deadline < this.alarm) this.options.earlier(deadline)
  }

  cancel(timer: WheelTimer): void {
    if (timer.place === IDLE) return
    this.take(timer)
    timer.place = IDLE
    this.armed--
    timer.account.armed--
  }

  cancelAll(account: TimerAccount): void {
    for (const head of this.heads) {
      for (let timer = head; timer !== null; ) {
        const next = timer.next
        if (timer.account === account) this.cancel(timer)
        timer = next
      }
    }
    for (const timer of this.due.items()) if (timer.account === account) this.cancel(timer)
  }

  get bound(): Milliseconds {
    const first = this.due.first
    if (first !== undefined) return first.deadline
    const slot = this.firstSlot()
    return slot < 0 ? Infinity : this.minimum[slot]!
  }

  get nextDeadline(): Milliseconds {
    for (;;) {
      const slot = this.due.length > 0 ? -1 : this.firstSlot()
      if (slot < 0 || this.isLoose[slot] === 0) return this.bound
      this.tighten(slot)
    }
  }

  advance(now: Milliseconds, limit = Infinity): number {
    const target = Math.floor(now) - this.base
    if (target > this.position) this.moveTo(target)
    let fired = 0
    for (; fired < limit; fired++) {
      const timer = this.due.first
      if (timer === undefined || timer.deadline > now) break
      this.cancel(timer)
      try {
        timer.fire(now)
      } catch (error) {
        this.options.onError(error)
      }
    }
    return fired
  }

  /** Moves on, emptying every slot on the way into lower levels and at last into the heap. */
  private moveTo(target: number): void {
    for (;;) {
      const slot = this.firstSlot()
      if (slot < 0 || slot === FAR) break
      const shift = (slot >> DIGIT_BITS) * DIGIT_BITS
      const above = shift + DIGIT_BITS
      const start = ((this.position >> above) << above) | ((slot & (SLOTS - 1)) << shift)
      if (start > target) break
      this.position = start
      this.empty(slot)
    }
    if (target < SPAN) {
      this.position = target
      return
    }
    // All levels are empty now: a new span begins.
    this.base += Math.floor(target / SPAN) * SPAN
    this.position = 0
    this.empty(FAR)
    this.moveTo(target % SPAN)
  }

  private empty(slot: number): void {
    let timer = this.heads[slot] ?? null
    this.vacate(slot)
    while (timer !== null) {
      const next = timer.next
      this.moves++
      this.put(timer)
      timer = next
    }
  }

  /** Moves the timers of a slot that were re-armed to where they belong, and finds the exact minimum of the rest. */
  private tighten(slot: number): void {
    let minimum = Infinity
    let timer = this.heads[slot] ?? null
    while (timer !== null) {
      const next = timer.next
      if (timer.deadline !== timer.key) {
        this.moves++
        this.take(timer)
        this.put(timer)
      }
      if (timer.place === slot) minimum = Math.min(minimum, timer.deadline)
      timer = next
    }
    if (this.heads[slot] === null) return
    this.minimum[slot] = minimum
    this.isLoose[slot] = 0
  }

  /** The slot where the next timer waits, -1 = none. */
  private firstSlot(): number {
    if (this.levels === 0) return -1
    const level = lowestBit(this.levels)
    return level === LEVELS ? FAR : (level << DIGIT_BITS) | lowestBit(this.slots[level]!)
  }

  private put(timer: WheelTimer): void {
    timer.key = timer.deadline
    const ticks = Math.floor(timer.deadline) - this.base
    if (ticks <= this.position) {
      timer.place = DUE
      // Out of its slot: who keeps a timer that has fired must not keep those that waited beside it.
      timer.next = timer.previous = null
      this.due.push(timer)
      return
    }
    let slot = FAR
    let level = LEVELS
    if (ticks < SPAN) {
      level = ((31 - Math.clz32(ticks ^ this.position)) / DIGIT_BITS) | 0
      const digit = (ticks >> (level * DIGIT_BITS)) & (SLOTS - 1)
      slot = (level << DIGIT_BITS) | digit
      this.slots[level]! |= 1 << digit
    }
    this.levels |= 1 << level
    if (timer.key <= this.minimum[slot]!) {
      this.minimum[slot] = timer.key
      this.isLoose[slot] = 0
    }
    const head = this.heads[slot] ?? null
    timer.place = slot
    timer.previous = null
    timer.next = head
    if (head !== null) head.previous = timer
    this.heads[slot] = timer
  }

  /** Takes the timer out of the heap or its slot. */
  private take(timer: WheelTimer): void {
    const slot = timer.place
    if (slot === DUE) {
      this.due.remove(timer)
      return
    }
    this.loosen(timer)
    const { next, previous } = timer
    if (next !== null) next.previous = previous
    if (previous !== null) previous.next = next
    else if (next !== null) this.heads[slot] = next
    else this.vacate(slot)
    timer.next = null
    timer.previous = null
  }

  private loosen(timer: WheelTimer): void {
    if (timer.key === this.minimum[timer.place]) this.isLoose[timer.place] = 1
  }

  private vacate(slot: number): void {
    this.heads[slot] = null
    this.minimum[slot] = Infinity
    this.isLoose[slot] = 0
    const level = slot >> DIGIT_BITS
    if (level < LEVELS) {
      const rest = this.slots[level]! & ~(1 << (slot & (SLOTS - 1)))
      this.slots[level] = rest
      if (rest !== 0) return
    }
    this.levels &= ~(1 << level)
  }
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits)
}
