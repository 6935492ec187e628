import { addAbortSignal, Duplex } from 'node:stream'
import { checkHandler, StackError } from '@stack/core'
import type { ConnectOptions, Connection, ConnectionOptions, Tcp } from '@stack/tcp'
import { familyOf, type SocketAddress } from './address.ts'
import { checkStack } from './check-stack.ts'

/** A stack with TCP: what this package needs of it. */
export interface TcpStack {
  readonly tcp: Tcp
}

/** Bytes that one read or one joined write moves at most, and that the stream buffers each way. */
const CHUNK = 65_536

/** Options of {@link connect}: where to, and how the stream behaves. */
export interface SocketOptions extends ConnectOptions {
  /** Keep the writing side open after the peer ended. Default false, as in `node:net`. */
  readonly allowHalfOpen?: boolean
}

interface PendingWrite {
  readonly bytes: Uint8Array
  offset: number
  readonly done: (error?: Error | null) => void
}

/**
 * A connection of the stack as the stream that Node's libraries expect of a `net.Socket`: back-pressure both ways,
 * half-close, errors with POSIX codes, timeouts.
 *
 * Events: `connect`, `ready`, `timeout` and those of a Duplex; `close` says whether an error was the reason.
 */
export class StackSocket extends Duplex {
  /** True until the connection is established or failed. */
  connecting: boolean
  /** ms of {@link setTimeout}; 0 = none. */
  timeout = 0
  #connection: Connection | null = null
  readonly #cancel: AbortController | null
  /** What was set before there was a connection to set it on. */
  #settings: ConnectionOptions = {}
  #wantsData = false
  #ended = false
  #pending: PendingWrite | null = null
  #finish: ((error?: Error | null) => void) | null = null
  #timer: NodeJS.Timeout | null = null

  /** @internal Use {@link connect} or {@link fromConnection}. */
  constructor(source: Promise<Connection> | Connection, allowHalfOpen: boolean, cancel: AbortController | null = null) {
    // `close` says more than a stream's: see _destroy.
    super({ allowHalfOpen, highWaterMark: CHUNK, emitClose: false })
    this.#cancel = cancel
    this.connecting = source instanceof Promise
    if (source instanceof Promise) {
      source.then(
        (connection) => {
          this.#opened(connection)
        },
        (error: unknown) => {
          this.connecting = false
          this.destroy(error as Error)
        },
      )
    } else {
      this.#attach(source)
    }
  }

  /** The connection below; null until it is established. */
  get connection(): Connection | null {
    return this.#connection
  }

  /** Bytes that were taken from the stack. */
  get bytesRead(): number {
    return this.#connection?.bytesRead ?? 0
  }

  /** Bytes that were given to the stack, and those that wait for it. */
  get bytesWritten(): number {
    // The stream counts a write that is under way as waiting until all of it is accepted.
    return (this.#connection?.bytesWritten ?? 0) + this.writableLength - (this.#pending?.offset ?? 0)
  }

  get remoteAddress(): string | undefined {
    return this.#connection?.remote.host
  }

  get remotePort(): number | undefined {
    return this.#connection?.remote.port
  }

  get remoteFamily(): string | undefined {
    return familyOf(this.remoteAddress)
  }

  get localAddress(): string | undefined {
    return this.#connection?.local.host
  }

  get localPort(): number | undefined {
    return this.#connection?.local.port
  }

  get localFamily(): string | undefined {
    return familyOf(this.localAddress)
  }

  /** True while there is no connection. */
  get pending(): boolean {
    return this.#connection === null
  }

  get readyState(): 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.connecting) return 'opening'
    if (this.readable) return this.writable ? 'open' : 'readOnly'
    return this.writable ? 'writeOnly' : 'closed'
  }

  /** The local end; empty until there is a connection. */
  address(): SocketAddress | Record<string, never> {
    const local = this.#connection?.local
    return local === undefined ? {} : { address: local.host, port: local.port, family: familyOf(local.host) }
  }

  setNoDelay(noDelay = true): this {
    return this.#configure({ noDelay })
  }

  /** `delay` in ms before the first probe; 0 keeps the default of two hours. */
  setKeepAlive(enable = false, delay = 0): this {
    return this.#configure({ keepAlive: enable ? (delay >= 1 ? { idle: delay } : {}) : false })
  }

  /** Emits `timeout` after `ms` without traffic; 0 = never. The socket stays open: that is the listener's to decide. */
  setTimeout(ms: number, listener?: () => void): this {
    this.timeout = ms
    if (listener !== undefined) {
      if (ms === 0) this.off('timeout', listener)
      else this.once('timeout', listener)
    }
    clearTimeout(this.#timer ?? undefined)
    this.#timer = null
    if (ms > 0 && !this.destroyed) {
      this.#timer = setTimeout(() => {
        this.emit('timeout')
      }, ms)
      this.#timer.unref()
    }
    return this
  }

  /** For compatibility: the stack holds the process while a connection is open; `stack.unref()` changes that. */
  ref(): this {
    return this
  }

  /** As {@link ref}. */
  unref(): this {
    return this
  }

  /** Resets the connection. */
  resetAndDestroy(): this {
    this.#connection?.abort()
    return this.destroy()
  }

  /** Sends what is written, then a FIN, then destroys. */
  destroySoon(): void {
    if (this.writable) this.end()
    if (this.writableFinished) this.destroy()
    else this.once('finish', () => this.destroy())
  }

  // --- what a Duplex asks for ---

  override _read(): void {
    this.#wantsData = true
    this.#pump()
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#pending = { bytes: chunk, offset: 0, done }
    this.#flush()
  }

  /** Joins small writes, so that a header and its body do not travel apart. */
  override _writev(chunks: { chunk: Uint8Array }[], done: (error?: Error | null) => void): void {
    const parts = chunks.map(({ chunk }) => chunk)
    this._write(parts.length === 1 ? parts[0]! : Buffer.concat(parts), 'utf8', done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#finish = done
    this.#flush()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#timer ?? undefined)
    this.#timer = null
    this.connecting = false
    const connection = this.#connection
    if (connection === null) {
      this.#cancel?.abort(error ?? undefined)
    } else {
      connection.setHandler(null)
      // What was accepted is still sent; what the peer still sends has nobody to read it and is reset (RFC 2525 §2.17).
      connection.close().catch(() => undefined)
    }
    const pending = this.#pending
    this.#pending = null
    pending?.done(error ?? new StackError('ECONNABORTED', 'The socket was destroyed before the data was sent.', { syscall: 'write' }))
    callback(error)
    // Behind `error`, which the stream emits in a tick of its own.
    process.nextTick(() => {
      this.emit('close', error !== null)
    })
  }

  // --- inside ---

  #opened(connection: Connection): void {
    if (this.destroyed) {
      connection.abort()
      return
    }
    this.connecting = false
    this.#attach(connection)
    this.emit('connect')
    this.emit('ready')
    this.#flush()
  }

  #attach(connection: Connection): void {
    this.#connection = connection
    connection.configure(this.#settings)
    connection.setHandler({
      readable: () => {
        this.#pump()
      },
      writable: () => {
        this.#flush()
      },
      closed: (error) => {
        if (error === null) this.#pump()
        else this.destroy(error)
      },
    })
    this.#timer?.refresh()
  }

  #configure(options: ConnectionOptions): this {
    if (this.#connection === null) this.#settings = { ...this.#settings, ...options }
    else this.#connection.configure(options)
    return this
  }

  // Listeners run within `push` and `done`. What they throw is the program's, and goes where the stack's user code goes:
  // only calls of the connection are guarded here.

  /** From the receive queue into the stream, while the stream wants it. */
  #pump(): void {
    const connection = this.#connection
    if (connection === null) return
    while (this.#wantsData && !this.#ended && !this.destroyed) {
      const chunk = this.#take(connection)
      if (chunk === undefined) return
      this.#timer?.refresh()
      this.#ended = chunk === null
      // `_read` may come, or not, within `push`: it has the last word when it does.
      this.#wantsData = false
      let wantsMore = true
      try {
        wantsMore = this.push(chunk)
      } finally {
        this.#wantsData ||= wantsMore
      }
    }
  }

  /** What is there: null at the end, undefined when there is nothing yet, or nothing any more. */
  #take(connection: Connection): Uint8Array | null | undefined {
    // At least one byte, so that the end of the stream is seen too.
    const into = Buffer.allocUnsafe(Math.min(Math.max(connection.readableLength, 1), CHUNK))
    try {
      const count = connection.tryRead(into)
      if (count === null || count === undefined) return count
      return count === into.length ? into : into.subarray(0, count)
    } catch (error) {
      this.destroy(error as Error)
      return undefined
    }
  }

  /** From the stream into the send buffer, then the FIN. */
  #flush(): void {
    const connection = this.#connection
    if (connection === null || this.destroyed) return
    const pending = this.#pending
    if (pending !== null) {
      const outcome = this.#give(connection, pending)
      if (outcome === 'full') return
      this.#pending = null
      pending.done(outcome)
    }
    const finish = this.#finish
    if (finish === null || this.#pending !== null) return
    this.#finish = null
    connection.shutdown('write')
    finish()
  }

  /** Null when all of it was accepted, or why nothing more will be. */
  #give(connection: Connection, pending: PendingWrite): Error | null | 'full' {
    const { bytes } = pending
    try {
      while (pending.offset < bytes.length) {
        const count = connection.tryWrite(pending.offset === 0 ? bytes : bytes.subarray(pending.offset))
        if (count === 0) return 'full'
        pending.offset += count
        this.#timer?.refresh()
      }
      return null
    } catch (error) {
      return error as Error
    }
  }
}

/**
 * Connects over `stack`; the stream can be written to at once. Hosts are addresses. The `signal` destroys the socket, at
 * any time.
 *
 * @throws StackError `ERR_STACK_INVALID_ARGUMENT` for what is no stack with TCP or no object of options. All other failures arrive as
 * `error` events, with the codes of `StackError`
 *
 * @example
 * ```ts
 * import { connect, type TcpStack } from '@stack/node'
 *
 * export function hello(stack: TcpStack): void {
 *   const socket = connect(stack, { host: '10.0.0.1', port: 7 })
 *   socket.end('hello')
 *   socket.pipe(process.stdout)
 * }
 * ```
 */
export function connect(stack: TcpStack, options: SocketOptions, onConnect?: () => void): StackSocket {
  checkStack('connect', stack, 'tcp')
  // Before there is a socket that could fail: `net.connect(port, host)` is a habit.
  if (typeof options !== 'object' || (options as object | null) === null) {
    throw new StackError('ERR_STACK_INVALID_ARGUMENT', 'connect takes (stack, { host, port }, onConnect): what came second is no object of options.', { syscall: 'connect' })
  }
  if (onConnect !== undefined) checkHandler('connect', onConnect, 'function')
  const { allowHalfOpen = false, signal, ...target } = options
  const cancel = new AbortController()
  const socket = new StackSocket(stack.tcp.connect({ ...target, signal: cancel.signal }), allowHalfOpen, cancel)
  if (onConnect !== undefined) socket.once('connect', onConnect)
  return signal === undefined ? socket : addAbortSignal(signal, socket)
}

/** Wraps an established connection. The connection's handler is the stream's from now on. */
export function fromConnection(connection: Connection, options: { readonly allowHalfOpen?: boolean } = {}): StackSocket {
  return new StackSocket(connection, options.allowHalfOpen ?? false)
}
