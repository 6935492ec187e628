/** Something that happens once: a promise for whoever asks, made when first asked. Not looking is no unhandled rejection. */
export class Milestone {
  private promise: Promise<void> | null = null
  private resolve: () => void = () => undefined
  private reject: (error: unknown) => void = () => undefined
  private isReached = false
  private error: unknown = null

  get reached(): Promise<void> {
    if (this.promise === null) {
      this.promise = new Promise((resolve, reject) => {
        this.resolve = resolve
        this.reject = reject
      })
      this.promise.catch(() => undefined)
      if (this.isReached) this.settle()
    }
    return this.promise
  }

  /** The first call counts; `error` null = it went well. */
  reach(error: unknown): void {
    if (this.isReached) return
    this.isReached = true
    this.error = error
    this.settle()
  }

  private settle(): void {
    if (this.error === null) this.resolve()
    else this.reject(this.error)
  }
}
