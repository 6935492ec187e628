import { StackError } from '../errors/stack-error.ts'

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
 * reason and `aborted` is told, so that the owner forgets the call. An aborted signal rejects at once, without `begin`, and so
 * does what is no signal (`ERR_STACK_INVALID_ARGUMENT`).
 */
export function startCall<T>(begin: (call: PendingCall<T>) => void, signal?: AbortSignal, aborted?: () => void): Promise<T> {
  if (signal !== undefined) return startAbortable(begin, signal, aborted)
  return new Promise<T>((resolve, reject) => {
    begin({ resolve, reject })
  })
}

/** A function of its own: what its closures share would be made for calls without a signal too. */
function startAbortable<T>(begin: (call: PendingCall<T>) => void, signal: AbortSignal, aborted: (() => void) | undefined): Promise<T> {
  if (!isSignal(signal)) return Promise.reject(new StackError('ERR_STACK_INVALID_ARGUMENT', 'signal must be an AbortSignal: AbortSignal.timeout(1000), or the signal of an AbortController.'))
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

/** Of any realm. What is taken for one most often is its AbortController. */
export function isSignal(value: unknown): value is AbortSignal {
  return typeof (value as Partial<AbortSignal> | null | undefined)?.addEventListener === 'function'
}
