import type { Packet } from '@stack/buffer'
import { StackError, startCall, type PendingCall, type RawHost, type Wakeable } from '@stack/core'

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
  private readonly read: (packet: Packet) => T
  private head: Packet | null = null
  private tail: Packet | null = null
  private held = 0
  private reader: PendingCall<T | null> | null = null
  private handler: ((item: T) => void) | null = null
  private resolveClosed!: () => void

  constructor(host: RawHost, limit: number, read: (packet: Packet) => T) {
    this.host = host
    this.limit = limit
    this.read = read
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve
    })
    host.ref()
  }

  /** Takes ownership. */
  put(packet: Packet): void {
    if (this.isClosed || (this.head !== null && this.held + packet.capacity > this.limit)) {
      this.dropped++
      packet.release()
      return
    }
    packet.next = null
    if (this.tail === null) this.head = packet
    else this.tail.next = packet
    this.tail = packet
    this.held += packet.capacity
    if (this.handler !== null || this.reader !== null) this.host.scheduler.wake(this)
  }

  tryReceive(): T | undefined {
    const packet = this.head
    if (packet === null) return undefined
    this.head = packet.next
    if (this.head === null) this.tail = null
    packet.next = null
    this.held -= packet.capacity
    const item = this.read(packet)
    packet.release()
    return item
  }

  receive(options: { readonly signal?: AbortSignal } = {}): Promise<T | null> {
    if (this.reader !== null || this.handler !== null) {
      return Promise.reject(new StackError('ERR_STACK_BUSY', 'Another receive() is pending on this socket, or a handler takes its packets; wait for it or call setHandler(null).', { syscall: 'receive' }))
    }
    if (options.signal?.aborted === true) return Promise.reject(options.signal.reason as Error)
    const ready = this.tryReceive()
    if (ready !== undefined) return Promise.resolve(ready)
    if (this.isClosed) return Promise.resolve(null)
    return startCall(
      (call) => {
        this.reader = call
      },
      options.signal,
      () => {
        this.reader = null
      },
    )
  }

  setHandler(handler: ((item: T) => void) | null): void {
    this.handler = handler
    if (handler !== null && this.head !== null) this.host.scheduler.wake(this)
  }

  wake(): void {
    const { reader } = this
    if (reader !== null && this.head !== null) {
      this.reader = null
      reader.resolve(this.tryReceive() ?? null)
    }
    while (this.handler !== null && this.head !== null) {
      try {
        this.handler(this.tryReceive()!)
      } finally {
        // One that throws must not cost the others their turn.
        if (this.head !== null) this.host.scheduler.wake(this)
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
