import { StackError } from '../errors/stack-error.ts'
import { startCall, type PendingCall } from './pending-call.ts'

/** Where a {@link Mailbox} gets what it hands out: the queue of a socket or link, which stays its owner's. */
export interface MailboxSource<T, H> {
  /** Takes the next item out, for a reader to keep; undefined = none is there. */
  take(): T | undefined
  /** Takes the next item out and calls `handler` with it; false = none is there. When the handler throws, the item is gone. */
  give(handler: H): boolean
  /** Takes out an error that the reader is told instead of an item, once none is left. Absent = there are none. */
  takeError?(): Error | null
  /** What a handler has thrown. What this throws in turn ends the turn of the handler: `wake` must be called again. */
  onError(error: unknown): void
  /** A call begins to wait, or waits no more. */
  waiting?(on: boolean): void
}

/**
 * The reading edge of a socket or a link: one reader at a time, by promise, by iteration or by handler. The owner calls
 * `wake`, from its own turn of the scheduler, when something came and `isWanted`.
 */
export interface Mailbox<T, H> extends AsyncIterable<T> {
  /** Never rejects. */
  readonly closed: Promise<void>
  readonly isClosed: boolean
  /** A call waits, or a handler is there: what comes now must `wake`. */
  readonly isWanted: boolean
  readonly handler: H | null
  /**
   * The next item: what is there at once, else the pending error, else null when closed, else what comes. `ERR_STACK_BUSY`
   * while another waits. Rejects with the signal's reason.
   */
  receive(options?: { readonly signal?: AbortSignal | undefined }, syscall?: string): Promise<T | null>
  /** Null = none. The owner wakes itself when something is there already. @throws StackError `ERR_STACK_BUSY` */
  setHandler(handler: H | null): void
  /** @throws StackError `ERR_STACK_CLOSED` */
  assertOpen(syscall: string): void
  /** Hands out what is there. User code: last in a turn. */
  wake(): void
  /** A waiting call gets null; the handler goes. Idempotent. */
  close(): void
}

/**
 * Makes the reading edge of `source`.
 *
 * @example
 * ```ts
 * import { createMailbox } from '@stack/core'
 *
 * const queue = [1, 2]
 * const mailbox = createMailbox<number, (item: number) => void>({
 *   take: () => queue.shift(),
 *   give(handler) {
 *     const item = queue.shift()
 *     if (item !== undefined) handler(item)
 *     return item !== undefined
 *   },
 *   onError: console.error,
 * })
 * console.log(await mailbox.receive()) // 1
 * ```
 */
export function createMailbox<T, H>(source: MailboxSource<T, H>): Mailbox<T, H> {
  return new ReadingEdge(source)
}

class ReadingEdge<T, H> implements Mailbox<T, H> {
  readonly closed: Promise<void>
  isClosed = false
  handler: H | null = null
  private reader: PendingCall<T | null> | null = null
  private readonly source: MailboxSource<T, H>
  private resolveClosed!: () => void

  constructor(source: MailboxSource<T, H>) {
    this.source = source
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve
    })
  }

  get isWanted(): boolean {
    return this.handler !== null || this.reader !== null
  }

  receive(options: { readonly signal?: AbortSignal | undefined } = {}, syscall = 'receive'): Promise<T | null> {
    const { signal } = options
    if (this.isWanted) return Promise.reject(busy(syscall))
    if (signal?.aborted !== true) {
      const ready = this.source.take()
      if (ready !== undefined) return Promise.resolve(ready)
      const error = this.source.takeError?.() ?? null
      if (error !== null) return Promise.reject(error)
      if (this.isClosed) return Promise.resolve(null)
    }
    return startCall((call) => this.setReader(call), signal, () => this.setReader(null))
  }

  setHandler(handler: H | null): void {
    if (handler !== null && this.reader !== null) throw busy('setHandler')
    this.handler = handler
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for (let item = await this.receive(); item !== null; item = await this.receive()) yield item
  }

  assertOpen(syscall: string): void {
    if (this.isClosed) throw new StackError('ERR_STACK_CLOSED', 'The socket is closed; open another one.', { syscall })
  }

  wake(): void {
    if (this.reader !== null) this.settle(this.reader)
    let more = true
    // A handler may close the socket or take itself away in between.
    while (more && this.handler !== null) {
      try {
        more = this.source.give(this.handler)
      } catch (error) {
        this.source.onError(error)
      }
    }
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.handler = null
    const { reader } = this
    this.setReader(null)
    reader?.resolve(null)
    this.resolveClosed()
  }

  private settle(reader: PendingCall<T | null>): void {
    const item = this.source.take()
    const error = item === undefined ? (this.source.takeError?.() ?? null) : null
    if (item === undefined && error === null) return
    this.setReader(null)
    if (error === null) reader.resolve(item!)
    else reader.reject(error)
  }

  private setReader(reader: PendingCall<T | null> | null): void {
    if (reader === this.reader) return
    this.reader = reader
    this.source.waiting?.(reader !== null)
  }
}

function busy(syscall: string): StackError {
  return new StackError(
    'ERR_STACK_BUSY', 'Another call waits to read here, or a handler takes what comes: wait for that call, or call setHandler(null).', { syscall },
  )
}
