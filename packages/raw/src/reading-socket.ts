import type { Packet } from '@stack/buffer'
import { checkHandler, createMailbox, installAsyncDispose, ReceiveQueue, type Mailbox, type MailboxSource, type RawHost, type Wakeable } from '@stack/core'
import type { ReadCalls } from './api.ts'
import type { RawCounters } from './send.ts'

/** The reading half of raw and packet sockets: packets wait here, bounded by the memory they hold. */
export abstract class ReadingSocket<T> implements ReadCalls<T>, MailboxSource<T, (item: T) => void>, Wakeable {
  static {
    installAsyncDispose(this.prototype, (socket) => {
      socket.close()
      return socket.closed
    })
  }

  declare readonly [Symbol.asyncDispose]: () => Promise<void>
  waking = false
  dropped = 0
  protected readonly host: RawHost
  protected readonly counters: RawCounters
  protected readonly mailbox: Mailbox<T, (item: T) => void>
  private readonly queue = new ReceiveQueue()
  private readonly limit: number

  constructor(host: RawHost, limit: number, counters: RawCounters) {
    this.host = host
    this.limit = limit
    this.counters = counters
    this.mailbox = createMailbox(this)
    host.ref()
  }

  get closed(): Promise<void> {
    return this.mailbox.closed
  }

  receive(options?: { readonly signal?: AbortSignal | undefined }): Promise<T | null> {
    return this.mailbox.receive(options)
  }

  tryReceive(): T | undefined {
    return this.take()
  }

  setHandler(handler: ((item: T) => void) | null): void {
    if (handler !== null) {
      this.mailbox.assertOpen('setHandler')
      checkHandler('setHandler', handler, 'function')
    }
    this.mailbox.setHandler(handler)
    if (handler !== null && !this.queue.isEmpty) this.host.scheduler.wake(this)
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return this.mailbox[Symbol.asyncIterator]()
  }

  close(): void {
    if (this.mailbox.isClosed) return
    this.queue.clear()
    this.mailbox.close()
    this.host.unref()
  }

  /** What the user gets of a packet, which is released behind it. */
  protected abstract datagram(packet: Packet): T

  /** Takes ownership. */
  protected put(packet: Packet): void {
    if (this.mailbox.isClosed || !this.queue.push(packet, this.limit)) {
      this.dropped++
      this.counters.dropReceiveBufferFull++
      packet.release()
      return
    }
    this.counters.received++
    if (this.mailbox.isWanted) this.host.scheduler.wake(this)
  }

  // --- what the mailbox and the scheduler call ---

  take(): T | undefined {
    const packet = this.queue.shift()
    if (packet === null) return undefined
    // What this host sends itself has its checksum unfinished; a reader wants to see it as on a wire.
    packet.finishChecksum()
    const item = this.datagram(packet)
    packet.release()
    return item
  }

  give(handler: (item: T) => void): boolean {
    const item = this.take()
    if (item === undefined) return false
    handler(item)
    return true
  }

  onError(error: unknown): void {
    this.host.onError(error)
  }

  wake(): void {
    this.mailbox.wake()
  }
}
