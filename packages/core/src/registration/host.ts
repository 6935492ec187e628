import type { PacketPool } from '@stack/buffer'
import type { Address } from '../address/address.ts'
import type { Events } from '../stack/events.ts'

/** Milliseconds, a double; monotonic unless said. */
export type Milliseconds = number

/**
 * Where time comes from. The system clock reads the runtime; a manual clock makes a test exact.
 * Only code in `core/src/host` touches the runtime's timers.
 */
export interface Clock {
  /** Monotonic now. */
  now(): Milliseconds
  /** Wall time, ms since 1970. */
  wallNow(): Milliseconds
  /** Asks for one call of `scheduler` at `deadline` (replaces the former request); `Infinity` = none. */
  setAlarm(deadline: Milliseconds): void
  /** Runs `task` as a macrotask, after the host's own timers and I/O had a chance. */
  macrotask(task: () => void): void
  /** Runs `task` as a microtask, after the current call stack. */
  microtask(task: () => void): void
  /** Keeps the host process alive (`true`) or not; counted by the scheduler. */
  hold(on: boolean): void
  /** The run-to-completion scheduler that every stack on this clock shares. */
  readonly scheduler: Scheduler
}

/** Has packets to hand in. `poll` handles at most `budget` of them and returns how many; returning `budget` means more may wait. */
export interface Pollable {
  /** Owned by the scheduler: true while queued. Start with false. */
  queued: boolean
  poll(budget: number): number
}

/** Has output or ACKs to send once the current batch is through. */
export interface Dirty {
  /** Owned by the scheduler: true while queued. Start with false. */
  dirty: boolean
  flushOutput(): void
  /** Owned by the scheduler, for endpoints that call `markPatient`, `markLate` or `markLast`: true while queued there. Start with false. */
  patient?: boolean
}

/** Wants to run user code: settle promises, call handlers. Last in a turn, never inside a state transition. */
export interface Wakeable {
  /** Owned by the scheduler: true while queued. Start with false. */
  waking: boolean
  /**
   * True while `wake` runs no user code and only settles promises: then it may run at the end of a turn that a call of
   * the API started, and need not wait for the next one. Default false.
   */
  readonly settlesOnly?: boolean
  wake(): void
}

/**
 * The run-to-completion loop. Order in a turn: timers, link batches (at most 64 packets a link, round
 * robin), run queue, dirty endpoints, wake-ups. Yields a macrotask after 4,096 packets or 5 ms.
 */
export interface Scheduler {
  /** Monotonic ms, read once at the start of a turn and again before each link batch. */
  readonly now: Milliseconds
  /** The same instant as wrapping int32 microseconds. */
  readonly micros: number
  readonly inTurn: boolean
  readonly timers: SharedTimerWheel
  /** Queue a link that has packets. */
  pollLink(link: Pollable): void
  /** Queue looped packets or other deferred packet work. */
  enqueue(work: Pollable): void
  /** Queue an endpoint for output at the end of the batch. */
  markDirty(endpoint: Dirty): void
  /**
   * As `markDirty`, but behind the wake-ups of this turn: for output that may wait, and may be part of what user code is about
   * to send. `markDirty` does not see it.
   */
  markPatient(endpoint: Dirty): void
  /**
   * As `markPatient`, but behind the promises that this turn settles: who awaits one has gone on by then. For what is worth two
   * microtasks.
   */
  markLate(endpoint: Dirty): void
  /**
   * As `markPatient`, but when there is nothing else to do: no packets, nobody to be woken, and what follows the promises that were
   * settled is through; or after a few macrotasks all the same. For who begins something new.
   */
  markLast(endpoint: Dirty): void
  /** Queue user code for the end of the turn. */
  wake(target: Wakeable): void
  /**
   * Starts a turn now unless one is running. For calls of the API and of links that became readable. Wake-ups that it
   * raises run in a microtask, after the caller's own code, but for those that settle promises only.
   */
  run(): void
  /** `markDirty` and `run` in one, without a microtask that would find nothing left to do. For calls of the API. */
  flush(endpoint: Dirty): void
  /** Counted holds on the host process. */
  ref(): void
  unref(): void
}

/** One armed or idle timer. Made once and kept; arming is O(1); a cancelled timer never fires. */
export interface Timer {
  readonly armed: boolean
  /** Absolute deadline, ms of the clock; meaningful while armed. */
  readonly deadline: Milliseconds
  /** Arms or re-arms at an absolute time; moving a deadline later only stores it. */
  arm(deadline: Milliseconds): void
  /** Arms `delay` ms from the scheduler's now. */
  armAfter(delay: Milliseconds): void
  cancel(): void
}

/** Makes timers that fire in a turn, exactly in order of their deadlines. */
export interface TimerWheel {
  create(fire: (now: Milliseconds) => void): Timer
  /** Timers armed now; leak checks read it. */
  readonly armed: number
}

/** Whose timers they are: one account for each stack on a clock. */
export interface TimerAccount {
  /** Kept by the wheel: how many of the account's timers are armed. Start with 0. */
  armed: number
}

/** The wheel of a clock, which all its stacks share. */
export interface SharedTimerWheel extends TimerWheel {
  create(fire: (now: Milliseconds) => void, account?: TimerAccount): Timer
  /** Cancels every timer of `account`. Looks at all armed timers. */
  cancelAll(account: TimerAccount): void
}

/** Numbers that an attacker must not guess: ISNs, ports, cookies, fragment ids. */
export interface SecureRandom {
  uint32(): number
  fill(bytes: Uint8Array): void
}

/** Numbers for jitter and spreading. */
export interface Random {
  /** A double in [0, 1). */
  next(): number
  uint32(): number
}

/** Where warnings for people go. Never on the packet path. */
export interface Logger {
  debug(message: string, details?: unknown): void
  warn(message: string, details?: unknown): void
}

/** A flat object of counters; every property is a number that only grows (gauges say so in their docstring). */
export type Counters = Record<string, number>

/** Where components hang their counters, so that one call sums them for endpoint, NIC and stack. */
export interface StatisticsRegistry {
  /** Registers `counters` under `path` (`'ipv4'`, `'tcp'`); returns the removal, which keeps the totals. */
  register(path: string, counters: object): () => void
}

/** What every plugin gets: a narrow context, never the whole Stack. */
export interface Host {
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly timers: TimerWheel
  readonly random: Random
  readonly secureRandom: SecureRandom
  /** The stack's account on the packet memory. */
  readonly memory: PacketPool
  readonly log: Logger
  readonly statistics: StatisticsRegistry
  readonly events: Events
  /** Errors thrown by user listeners and handlers end here. */
  onError(error: unknown): void
  /** Keeps the process alive while something is open; pair with `unref`. */
  ref(): void
  unref(): void
  /** Throws `ERR_STACK_INVALID_ADDRESS` unless an installed network protocol reads `text` (a `%zone` of a NIC id or name allowed). */
  parseAddress(text: string): Address
  formatAddress(address: Address): string
}
