import type { Packet } from '@stack/buffer'
import { StackError, startCall, type PendingCall, type RawHost, type Wakeable } from '@stack/core'
import type { RawCounters } from './send.ts'

/**
 * Packets that wait for a reader: bounded by the memory they hold, read by promise, by iteration or by a handler.
 * `read` turns a packet into what the user gets; the packet is released behind it.
 */
export class Mailbox<T> implements Wakeable {
  waking = false
  dropped = 0
  readonly closed: Promise<void>
  isClosed = false
  private readonly host: RawHost
  private readonly limit: number
  private readonly counters: RawCounters
  private readonly read: (packet: Packet) => T
  private head: Packet | null = null
  private tail: Packet | null = null
  private held = 0
  private reader: PendingCall<T | null> | null = null
  private handler: ((item: T) => void) | null = null
  private resolveClosed!: () => void

  constructor(host: RawHost, limit: number, counters: RawCounters, read: (packet: Packet) => T) {
    this.host = host
    this.limit = limit
    this.counters = counters
    this.read = read
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve
    })
    host.ref()
  }

  /** Takes ownership. The first packet always fits: a small limit must not deafen the socket. */
  put(packet: Packet): void {
    if (this.isClosed || (this.head !== null && this.held + packet.capacity > this.limit)) {
      this.dropped++
      this.counters.dropReceiveBufferFull++
      packet.release()
      return
    }
    packet.next = null
    if (this.tail === null) this.head = packet
    else this.tail.next = packet
    this.tail = packet
    this.held += packet.capacity
    this.counters.received++
    if (this.handler !== null || this.reader !== null) this.host.scheduler.wake(this)
  }

  tryReceive(): T | undefined {
    const packet = this.head
    if (packet === null) return undefined
    this.head = packet.next
    if (this.head === null) this.tail = null
    packet.next = null
    this.held -= packet.capacity
    // What this host sends itself has its checksum unfinished; a reader wants to see it as on a wire.
    packet.finishChecksum()
    const item = this.read(packet)
    packet.release()
    return item
  }

  receive(options: { readonly signal?: AbortSignal } = {}): Promise<T | null> {
    const { signal } = options
    if (this.reader !== null || this.handler !== null) return Promise.reject(busy('receive'))
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error)
    const ready = this.tryReceive()
    if (ready !== undefined) return Promise.resolve(ready)
    if (this.isClosed) return Promise.resolve(null)
    return startCall(
      (call) => {
        this.reader = call
      },
      signal,
      () => {
        this.reader = null
      },
    )
  }

  setHandler(handler: ((item: T) => void) | null): void {
    if (handler !== null) {
      this.assertOpen('setHandler')
      if (this.reader !== null) throw busy('setHandler')
      if (this.head !== null) this.host.scheduler.wake(this)
    }
    this.handler = handler
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for (let item = await this.receive(); item !== null; item = await this.receive()) yield item
  }

  assertOpen(syscall: string): void {
    if (this.isClosed) throw new StackError('ERR_STACK_CLOSED', 'The socket is closed; open another one.', { syscall })
  }

  /** User code, last in a turn. */
  wake(): void {
    const { reader } = this
    if (reader !== null && this.head !== null) {
      this.reader = null
      reader.resolve(this.tryReceive() ?? null)
    }
    while (this.handler !== null && this.head !== null) {
      try {
        this.handler(this.tryReceive()!)
      } catch (error) {
        this.host.onError(error)
      }
    }
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    for (let packet = this.head; packet !== null; ) {
      const next = packet.next
      packet.next = null
      packet.release()
      packet = next
    }
    this.head = this.tail = null
    this.held = 0
    this.handler = null
    this.reader?.resolve(null)
    this.reader = null
    this.host.unref()
    this.resolveClosed()
  }
}

function busy(syscall: string): StackError {
  return new StackError(
    'ERR_STACK_BUSY', 'Another receive() is pending on this socket, or a handler takes its packets: wait for it, or call setHandler(null).', { syscall },
  )
}
