/**
 * One call of the API that waits: its promise, and the signal that may end it. Settles once, and takes its listener off
 * the signal when it does.
 *
 * @example
 * ```ts
 * import { startCall, type PendingCall } from '@stack/core'
 *
 * let reader: PendingCall<number> | null = null
 * const promise = startCall<number>((call) => { reader = call }, AbortSignal.timeout(1000))
 * ;(reader as PendingCall<number> | null)?.resolve(42)
 * console.log(await promise)
 * ```
 */
export interface PendingCall<T> {
  resolve(value: T): void
  reject(reason: unknown): void
}

/**
 * Starts a call: `begin` gets the handle to settle it with. When `signal` aborts first, the promise rejects with its
 * reason and `aborted` is told, so that the owner forgets the call. An aborted signal rejects at once, without `begin`.
 */
export function startCall<T>(begin: (call: PendingCall<T>) => void, signal?: AbortSignal, aborted?: () => void): Promise<T> {
  if (signal !== undefined) return startAbortable(begin, signal, aborted)
  return new Promise<T>((resolve, reject) => {
    begin({ resolve, reject })
  })
}

/** A function of its own: what its closures share would be made for calls without a signal too. */
function startAbortable<T>(begin: (call: PendingCall<T>) => void, signal: AbortSignal, aborted: (() => void) | undefined): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason as Error)
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => {
      aborted?.()
      reject(signal.reason as Error)
    }
    const release = (): void => {
      signal.removeEventListener('abort', abort)
    }
    signal.addEventListener('abort', abort, { once: true })
    begin({
      resolve: (value) => {
        release()
        resolve(value)
      },
      reject: (reason) => {
        release()
        reject(reason)
      },
    })
  })
}
