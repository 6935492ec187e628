import { Duplex } from 'node:stream'
import type { StackError } from '@stack/core'
import type { ConnectOptions, Connection, Tcp } from '@stack/tcp'

/** A stack with TCP: what this package needs of it. */
export interface TcpStack {
  readonly tcp: Tcp
}

/** Bytes read from the connection at once. */
const READ_SIZE = 65_536

/** Options of {@link connect}: where to, and how the stream behaves. */
export interface SocketOptions extends ConnectOptions {
  /** Keep the writing side open after the peer ended. Default false, as in `node:net`. */
  readonly allowHalfOpen?: boolean
}

/**
 * A connection of the stack as the stream that Node's libraries expect of a `net.Socket`: back-pressure both ways,
 * half-close, errors with POSIX codes, timeouts.
 *
 * Events: `connect`, `ready`, `timeout` and those of a Duplex.
 */
export class StackSocket extends Duplex {
  /** Bytes as `node:net` counts them. */
  get bytesRead(): number {
    return this.#connection?.bytesRead ?? 0
  }

  get bytesWritten(): number {
    return this.#connection?.bytesWritten ?? 0
  }

  connecting: boolean
  timeout = 0
  #connection: Connection | null = null
  readonly #source: Promise<Connection> | Connection
  readonly #cancel: AbortController | null
  #wantsData = false
  #ended = false
  #pending: { readonly bytes: Uint8Array; offset: number; readonly done: (error?: Error | null) => void } | null = null
  #timer: NodeJS.Timeout | null = null

  /** @internal Use {@link connect} or {@link fromConnection}. */
  constructor(source: Promise<Connection> | Connection, allowHalfOpen: boolean, cancel: AbortController | null = null) {
    super({ allowHalfOpen, emitClose: true, autoDestroy: true })
    this.#source = source
    this.#cancel = cancel
    this.connecting = source instanceof Promise
  }

  /** The connection below; null until it is established. */
  get connection(): Connection | null {
    return this.#connection
  }

  get remoteAddress(): string | undefined {
    return this.#connection?.remote.host
  }

  get remotePort(): number | undefined {
    return this.#connection?.remote.port
  }

  get remoteFamily(): string | undefined {
    return family(this.remoteAddress)
  }

  get localAddress(): string | undefined {
    return this.#connection?.local.host
  }

  get localPort(): number | undefined {
    return this.#connection?.local.port
  }

  get localFamily(): string | undefined {
    return family(this.localAddress)
  }

  get pending(): boolean {
    return this.#connection === null
  }

  get readyState(): 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.connecting) return 'opening'
    if (this.readable) return this.writable ? 'open' : 'readOnly'
    return this.writable ? 'writeOnly' : 'closed'
  }

  address(): { address: string; port: number; family: string } | Record<string, never> {
    const local = this.#connection?.local
    return local === undefined ? {} : { address: local.host, port: local.port, family: family(local.host)! }
  }

  setNoDelay(noDelay = true): this {
    this.#connection?.configure({ noDelay })
    return this
  }

  /** `delay` in ms before the first probe; 0 keeps the default. */
  setKeepAlive(enable = false, delay = 0): this {
    this.#connection?.configure({ keepAlive: enable ? (delay > 0 ? { idle: delay } : {}) : false })
    return this
  }

  /** Emits `timeout` after `ms` without traffic; 0 = never. */
  setTimeout(ms: number, listener?: () => void): this {
    this.timeout = ms
    if (listener !== undefined) {
      if (ms === 0) this.off('timeout', listener)
      else this.once('timeout', listener)
    }
    this.#touch()
    return this
  }

  ref(): this {
    return this
  }

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

  override _construct(callback: (error?: Error | null) => void): void {
    if (!(this.#source instanceof Promise)) {
      this.#attach(this.#source)
      callback()
      return
    }
    this.#source.then(
      (connection) => {
        this.connecting = false
        if (this.destroyed) connection.abort()
        else this.#attach(connection)
        callback()
        if (this.destroyed) return
        this.emit('connect')
        this.emit('ready')
      },
      (error: unknown) => {
        this.connecting = false
        callback(error as Error)
      },
    )
  }

  override _read(): void {
    this.#wantsData = true
    this.#pump()
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#pending = { bytes: chunk, offset: 0, done }
    this.#flush()
  }

  override _final(done: (error?: Error | null) => void): void {
    try {
      this.#connection?.shutdown('write')
      done()
    } catch (error) {
      done(error as Error)
    }
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#pending = null
    const connection = this.#connection
    if (connection === null) this.#cancel?.abort(error ?? undefined)
    else if (error !== null) connection.abort(error)
    // Orderly from both sides needs nothing; else what the peer still sends has nobody to read it (RFC 2525 §2.17).
    else connection.close().catch(() => undefined)
    callback(error)
  }

  // --- inside ---

  #attach(connection: Connection): void {
    this.#connection = connection
    connection.setHandler({
      readable: () => {
        this.#pump()
      },
      writable: () => {
        this.#flush()
      },
      closed: (error) => {
        this.#closed(error)
      },
    })
    this.#touch()
  }

  #pump(): void {
    const connection = this.#connection
    if (connection === null || this.#ended) return
    try {
      while (this.#wantsData) {
        // At least one byte, so that the end of the stream is seen too.
        const into = Buffer.allocUnsafe(Math.min(Math.max(connection.readableLength, 1), READ_SIZE))
        const count = connection.tryRead(into)
        if (count === undefined) return
        this.#touch()
        if (count === null) {
          this.#ended = true
          this.push(null)
          return
        }
        this.#wantsData = this.push(count === into.length ? into : into.subarray(0, count))
      }
    } catch (error) {
      this.destroy(error as Error)
    }
  }

  #flush(): void {
    const connection = this.#connection
    const pending = this.#pending
    if (connection === null || pending === null) return
    try {
      while (pending.offset < pending.bytes.length) {
        const rest = pending.offset === 0 ? pending.bytes : pending.bytes.subarray(pending.offset)
        const count = connection.tryWrite(rest)
        if (count === 0) return
        pending.offset += count
        this.#touch()
      }
    } catch (error) {
      this.#pending = null
      pending.done(error as Error)
      return
    }
    this.#pending = null
    pending.done()
  }

  #closed(error: StackError | null): void {
    if (error !== null) {
      this.destroy(error)
      return
    }
    this.#pump()
  }

  #touch(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.timeout <= 0 || this.destroyed) return
    this.#timer = setTimeout(() => {
      this.emit('timeout')
    }, this.timeout)
    this.#timer.unref()
  }
}

/**
 * Connects over `stack`; the stream can be written to at once. Hosts are addresses.
 *
 * @throws nothing: failures arrive as `error` events, with the codes of `StackError`
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
  const { allowHalfOpen = false, signal, ...target } = options
  const cancel = new AbortController()
  const abort = (): void => {
    cancel.abort(signal?.reason)
  }
  if (signal?.aborted === true) abort()
  else signal?.addEventListener('abort', abort, { once: true })
  const socket = new StackSocket(stack.tcp.connect({ ...target, signal: cancel.signal }), allowHalfOpen, cancel)
  if (onConnect !== undefined) socket.once('connect', onConnect)
  socket.once('close', () => signal?.removeEventListener('abort', abort))
  return socket
}

/** Wraps an established connection. The connection's handler is the stream's from now on. */
export function fromConnection(connection: Connection, options: { readonly allowHalfOpen?: boolean } = {}): StackSocket {
  return new StackSocket(connection, options.allowHalfOpen ?? false)
}

function family(host: string | undefined): string | undefined {
  if (host === undefined) return undefined
  return host.includes(':') ? 'IPv6' : 'IPv4'
}

