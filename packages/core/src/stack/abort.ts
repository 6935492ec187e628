/** Rejects with the signal's reason as soon as it is aborted; otherwise settles as `promise` does. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => {
      reject(reasonOf(signal))
    }
    if (signal.aborted) {
      onAbort()
      // Its own failure, if any, has nobody left to hear of it.
      promise.catch(() => undefined)
      return
    }
    signal.addEventListener('abort', onAbort)
    const done = (): void => {
      signal.removeEventListener('abort', onAbort)
    }
    promise.then(
      (value) => {
        done()
        resolve(value)
      },
      (error: unknown) => {
        done()
        reject(error)
      },
    )
  })
}

/** Why the signal was aborted: an Error unless somebody chose to give something else, which is handed on as it is. */
export function reasonOf(signal: AbortSignal): Error {
  return signal.reason as Error
}

/** Aborts `controller` when `signal` is; returns what undoes that. */
export function follow(controller: AbortController, signal: AbortSignal | undefined): () => void {
  if (signal === undefined) return () => undefined
  const onAbort = (): void => {
    controller.abort(signal.reason)
  }
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort)
  return () => {
    signal.removeEventListener('abort', onAbort)
  }
}
