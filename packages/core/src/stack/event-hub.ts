import { checkHandler } from '../edge/check-handler.ts'
import type { Scheduler, Wakeable } from '../registration/host.ts'
import { Ring } from '../turn/ring.ts'
import type { Events, StackEvents, StackEventType } from './events.ts'

const MAX_PENDING = 1024

/** Events with what their owner needs. */
export interface EventHub extends Events {
  /** Events thrown away because 1,024 newer ones waited for delivery. */
  readonly dropped: number
  /** Removes all listeners and forgets what is pending. */
  clear(): void
}

/** Makes the events of a stack or NIC, delivered in order by wake-ups of `scheduler`. */
export function createEvents(scheduler: Scheduler, onError: (error: unknown) => void): EventHub {
  return new Hub(scheduler, onError)
}

interface Listener {
  readonly call: (event: never) => void
  isRemoved: boolean
}

interface PendingEvent {
  /** Who listened when it happened. Lists are replaced, never changed. */
  readonly listeners: readonly Listener[]
  readonly event: StackEvents[StackEventType]
}

class Hub implements EventHub, Wakeable {
  waking = false
  dropped = 0
  readonly #scheduler: Scheduler
  readonly #onError: (error: unknown) => void
  readonly #listeners = new Map<StackEventType, readonly Listener[]>()
  readonly #pending = new Ring<PendingEvent>()

  constructor(scheduler: Scheduler, onError: (error: unknown) => void) {
    this.#scheduler = scheduler
    this.#onError = onError
  }

  on<T extends StackEventType>(
    type: T,
    call: (event: StackEvents[T]) => void,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): () => void {
    checkHandler('on', call, 'function')
    const listener: Listener = { call, isRemoved: signal?.aborted === true }
    if (listener.isRemoved) return () => {}
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener])
    const remove = (): void => {
      signal?.removeEventListener('abort', remove)
      if (listener.isRemoved) return
      listener.isRemoved = true
      this.#forget(type, listener)
    }
    signal?.addEventListener('abort', remove)
    return remove
  }

  has(type: StackEventType): boolean {
    return this.#listeners.has(type)
  }

  emit<T extends StackEventType>(type: T, event: StackEvents[T]): void {
    const listeners = this.#listeners.get(type)
    if (listeners === undefined) return
    if (this.#pending.length === MAX_PENDING) {
      this.#pending.shift()
      this.dropped++
    }
    this.#pending.push({ listeners, event })
    this.#scheduler.wake(this)
  }

  wake(): void {
    // What listeners cause now is told by the next wake-up, so that they cannot hold up the turn for ever.
    for (let n = this.#pending.length; n > 0; n--) {
      const pending = this.#pending.shift()
      if (pending === undefined) return
      for (const listener of pending.listeners) {
        if (!listener.isRemoved) this.#deliver(listener, pending.event)
      }
    }
  }

  clear(): void {
    for (const listeners of this.#listeners.values()) for (const listener of listeners) listener.isRemoved = true
    this.#listeners.clear()
    this.#pending.clear()
  }

  #deliver(listener: Listener, event: StackEvents[StackEventType]): void {
    try {
      listener.call(event as never)
    } catch (error) {
      this.#onError(error)
    }
  }

  #forget(type: StackEventType, listener: Listener): void {
    const rest = (this.#listeners.get(type) ?? []).filter((other) => other !== listener)
    if (rest.length === 0) this.#listeners.delete(type)
    else this.#listeners.set(type, rest)
  }
}
