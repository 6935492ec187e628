import type { Host } from '@stack/core'

/** Calls user code that may be async: what it throws goes to the stack's `onError`, and so does what its promise rejects with. */
export function callHandler<T>(host: Pick<Host, 'onError'>, handler: (given: T) => unknown, given: T): void {
  try {
    const promise = handler(given)
    if (promise instanceof Promise) {
      promise.catch((error: unknown) => {
        host.onError(error)
      })
    }
  } catch (error) {
    host.onError(error)
  }
}
