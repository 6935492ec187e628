import type { CallOptions } from './api.ts'

/** A promise that a caller waits for, with its signal. */
export interface Pending<T> {
  readonly promise: Promise<T>
  /** First settlement counts; detaches from the signal. */
  resolve(value: T): void
  reject(reason: unknown): void
}

/**
 * Makes a {@link Pending}. When the signal fires, `onAbort` runs (take the call out of its queue) and the promise
 * rejects with the signal's reason.
 */
export function pending<T>(options: CallOptions | undefined, onAbort: () => void): Pending<T> {
  const signal = options?.signal
  let settle: (value: T) => void = ignore
  let fail: (reason: unknown) => void = ignore
  const promise = new Promise<T>((resolve, reject) => {
    settle = resolve
    fail = reject
  })
  const aborted = (): void => {
    onAbort()
    fail(signal!.reason)
  }
  signal?.addEventListener('abort', aborted, { once: true })
  return {
    promise,
    resolve(value) {
      signal?.removeEventListener('abort', aborted)
      settle(value)
    },
    reject(reason) {
      signal?.removeEventListener('abort', aborted)
      fail(reason)
    },
  }
}

function ignore(): void {}

/** A rejected promise when the signal has fired already. */
export function abortedAlready(options: CallOptions | undefined): Promise<never> | null {
  const signal = options?.signal
  if (signal?.aborted !== true) return null
  return Promise.reject(signal.reason as Error)
}
