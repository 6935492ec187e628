interface Entry {
  readonly at: number
  readonly action: () => unknown
}

/** What is to happen at which second. */
export class Agenda {
  /** Promises of actions that have not settled. */
  pending = 0
  // By time; those of one instant in the order in which they came.
  private readonly entries: Entry[] = []

  /** Seconds at which the next entry is due; Infinity = none. */
  get next(): number {
    return this.entries[0]?.at ?? Infinity
  }

  add(at: number, action: () => unknown): void {
    let index = this.entries.length
    while (index > 0 && this.entries[index - 1]!.at > at) index--
    this.entries.splice(index, 0, { at, action })
  }

  runDue(now: number, onError: (error: unknown) => void): void {
    // A millisecond is not a binary fraction of a second.
    while (this.next <= now + 1e-9) {
      const { action } = this.entries.shift()!
      try {
        const result = action()
        if (result instanceof Promise) this.follow(result, onError)
      } catch (error) {
        onError(error)
      }
    }
  }

  private follow(promise: Promise<unknown>, onError: (error: unknown) => void): void {
    this.pending++
    promise.catch(onError).finally(() => this.pending--).catch(onError)
  }
}
