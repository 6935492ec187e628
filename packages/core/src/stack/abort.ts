/** Rejects with the signal's reason as soon as it is aborted; otherwise settles as `promise` does. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      reject(reasonOf(signal))
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort)
  })
  try {
    return await Promise.race([aborted, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
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
