import type { Clock, Milliseconds } from '../registration/host.ts'
import { createScheduler, type TurnScheduler } from '../turn/scheduler.ts'

/** The version is that of {@link Clock}'s and its scheduler's shape: copies of core with the same share turns. */
const KEY = Symbol.for('@stack/core/clock/1')

/** What a timer handle of Node can do; in browsers handles are numbers. */
interface HostHandle {
  ref?(): unknown
  unref?(): unknown
}

/** The functions that the clock takes from its host. Which of them exist decides how it works. */
export interface HostFunctions {
  readonly performance: { now(): number }
  readonly Date: { now(): number }
  setTimeout(task: () => void, delay: number): unknown
  clearTimeout(handle: never): void
  readonly setImmediate?: ((task: () => void) => unknown) | undefined
  readonly MessageChannel?: (new () => HostChannel) | undefined
}

interface HostChannel {
  readonly port1: { onmessage: ((event: never) => void) | null } & HostHandle
  readonly port2: { postMessage(message: null): void }
}

/** Longer delays overflow the host's 32-bit counter and fire at once. */
const MAX_DELAY = 0x7fff_ffff

/**
 * The clock of the runtime, one for all stacks of the realm, with the scheduler that they share.
 *
 * It keeps a Node process alive only while its scheduler is held (`ref`).
 */
export function systemClock(): Clock {
  const realm = globalThis as unknown as Record<symbol, Clock | undefined>
  return (realm[KEY] ??= createHostClock(globalThis))
}

/** A clock on the given host functions. */
export function createHostClock(host: HostFunctions): Clock & { readonly scheduler: TurnScheduler } {
  return new HostClock(host)
}

class HostClock implements Clock {
  readonly scheduler: TurnScheduler
  private readonly host: HostFunctions
  /** Kept, because Node has a getter where browsers have an object. */
  private readonly performance: HostFunctions['performance']
  private readonly post: ((task: () => void) => void) | null
  private deadline: Milliseconds = Infinity
  /** When the host's timeout fires, as asked; Infinity without one. */
  private timeoutAt: Milliseconds = Infinity
  private timeout: unknown = null
  private isHeld = false
  private keepAlive: unknown = null
  private readonly settled = Promise.resolve()

  constructor(host: HostFunctions) {
    this.host = host
    this.performance = host.performance
    this.post = host.setImmediate === undefined ? messagePost(host) : null
    this.scheduler = createScheduler(this)
  }

  now(): Milliseconds {
    return this.performance.now()
  }

  wallNow(): Milliseconds {
    return this.host.Date.now()
  }

  setAlarm(deadline: Milliseconds): void {
    this.deadline = deadline
    // A timeout that fires too early costs less than a new one for every move of the deadline.
    if (this.timeoutAt <= deadline) return
    if (this.timeout !== null) this.host.clearTimeout(this.timeout as never)
    this.startTimeout()
  }

  macrotask(task: () => void): void {
    const host = this.host
    if (this.post !== null) {
      this.post(task)
    } else if (this.isHeld && host.setImmediate !== undefined) {
      host.setImmediate(task)
    } else {
      // Node runs an immediate without a ref only when something else wakes its loop, but a timeout in time.
      unref(host.setTimeout(task, 0))
    }
  }

  microtask(task: () => void): void {
    // A reaction of a promise that is there costs a fifth of `queueMicrotask`, which keeps async context in Node.
    void this.settled.then(task)
  }

  hold(on: boolean): void {
    this.isHeld = on
    if (!on) unref(this.keepAlive)
    else if (this.keepAlive === null) this.startKeepAlive()
    else (this.keepAlive as HostHandle).ref?.()
  }

  private readonly onTimeout = (): void => {
    this.timeout = null
    this.timeoutAt = Infinity
    // It may be early, because the deadline moved or the host rounds: then nothing is due, and the turn asks again.
    this.scheduler.turn()
  }

  private startTimeout(): void {
    this.timeout = null
    this.timeoutAt = this.deadline
    if (this.deadline === Infinity) return
    const delay = Math.min(Math.max(Math.ceil(this.deadline - this.now()), 0), MAX_DELAY)
    this.timeout = this.host.setTimeout(this.onTimeout, delay)
    unref(this.timeout)
  }

  /** A timeout that does nothing but hold Node's event loop; browsers need none. */
  private startKeepAlive(): void {
    const handle = this.host.setTimeout(() => {
      this.keepAlive = null
      if (this.isHeld) this.startKeepAlive()
    }, MAX_DELAY)
    if (typeof (handle as HostHandle).ref === 'function') this.keepAlive = handle
    else this.host.clearTimeout(handle as never)
  }
}

function unref(handle: unknown): void {
  ;(handle as HostHandle | null)?.unref?.()
}

/** Browsers clamp nested timeouts to 4 ms; a message to oneself is a macrotask without delay. */
function messagePost(host: HostFunctions): ((task: () => void) => void) | null {
  if (host.MessageChannel === undefined) return null
  const { port1, port2 } = new host.MessageChannel()
  const tasks: (() => void)[] = []
  port1.onmessage = () => tasks.shift()?.()
  port1.unref?.()
  return (task) => {
    tasks.push(task)
    port2.postMessage(null)
  }
}
