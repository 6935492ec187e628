import { EventEmitter } from 'node:events'
import { StackError } from '@stack/core'
import type { Connection, ConnectionOptions, Listener, ListenOptions } from '@stack/tcp'
import { familyOf, type SocketAddress } from './address.ts'
import { checkStack } from './check-stack.ts'
import { fromConnection, type StackSocket, type TcpStack } from './socket.ts'

/** Options of {@link createServer}; those of connections hold for every socket. */
export interface ServerOptions extends ConnectionOptions {
  /** Keep sockets half open after the peer ended. Default false. */
  readonly allowHalfOpen?: boolean
}

/**
 * A server of the stack that looks like a `net.Server`: events `listening`, `connection`, `close`, `error`.
 */
export class StackServer extends EventEmitter {
  readonly #stack: TcpStack
  readonly #allowHalfOpen: boolean
  readonly #connectionOptions: ConnectionOptions
  readonly #sockets = new Set<StackSocket>()
  #listener: Listener | null = null

  /** @internal Use {@link createServer}. */
  constructor(stack: TcpStack, options: ServerOptions) {
    super()
    const { allowHalfOpen = false, ...connectionOptions } = options
    this.#stack = stack
    this.#allowHalfOpen = allowHalfOpen
    this.#connectionOptions = connectionOptions
  }

  get listening(): boolean {
    return this.#listener !== null
  }

  /**
   * `listen(port, host?, callback?)` or `listen({ port, host, … }, callback?)`. What the stack refuses is emitted as
   * `error`.
   *
   * @throws Error `ERR_SERVER_ALREADY_LISTEN`; StackError `ERR_STACK_NOT_SUPPORTED` for a `path` or `fd`
   */
  listen(...args: readonly unknown[]): this {
    if (this.#listener !== null) throw serverError('ERR_SERVER_ALREADY_LISTEN', 'The server is listening already: close it first, or make another.')
    const { options, callback } = listenArguments(args)
    const { signal, ...where } = options
    if (callback !== undefined) this.once('listening', callback)
    try {
      const listener = this.#stack.tcp.listen({ ...this.#connectionOptions, ...where })
      this.#listener = listener
      listener.setHandler((connection) => {
        this.#accept(connection)
      })
      // Also when the stack ends under it.
      void listener.closed.then(() => {
        this.#stopped(listener)
      })
      process.nextTick(() => this.#listener === listener && this.emit('listening'))
      this.#closeOn(signal)
    } catch (error) {
      if (callback !== undefined) this.off('listening', callback)
      process.nextTick(() => this.emit('error', error))
    }
    return this
  }

  address(): SocketAddress | null {
    const local = this.#listener?.local
    return local === undefined ? null : { address: local.host, port: local.port, family: familyOf(local.host) }
  }

  /** Stops accepting; `close` is emitted when the last socket is gone. */
  close(callback?: (error?: Error) => void): this {
    const listener = this.#listener
    if (listener === null) {
      process.nextTick(() => callback?.(serverError('ERR_SERVER_NOT_RUNNING', 'The server is not listening.')))
      return this
    }
    if (callback !== undefined) this.once('close', () => callback())
    this.#stopped(listener)
    void listener.close()
    return this
  }

  getConnections(callback: (error: Error | null, count: number) => void): this {
    process.nextTick(() => callback(null, this.#sockets.size))
    return this
  }

  ref(): this {
    this.#listener?.ref()
    return this
  }

  unref(): this {
    this.#listener?.unref()
    return this
  }

  #accept(connection: Connection): void {
    const socket = fromConnection(connection, { allowHalfOpen: this.#allowHalfOpen })
    this.#sockets.add(socket)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.#emitCloseIfDone()
    })
    this.emit('connection', socket)
  }

  #closeOn(signal: AbortSignal | undefined): void {
    const close = (): void => {
      this.close()
    }
    if (signal?.aborted === true) process.nextTick(close)
    else signal?.addEventListener('abort', close, { once: true })
    if (signal !== undefined) this.once('close', () => signal.removeEventListener('abort', close))
  }

  #stopped(listener: Listener): void {
    if (this.#listener !== listener) return
    this.#listener = null
    this.#emitCloseIfDone()
  }

  #emitCloseIfDone(): void {
    if (this.#listener === null && this.#sockets.size === 0) process.nextTick(() => this.emit('close'))
  }
}

/**
 * As `net.createServer`, on a stack.
 *
 * @example
 * ```ts
 * import { createServer, type TcpStack } from '@stack/node'
 *
 * export function echo(stack: TcpStack): void {
 *   createServer(stack, (socket) => socket.pipe(socket)).listen(7)
 * }
 * ```
 */
export function createServer(stack: TcpStack, options?: ServerOptions | ((socket: StackSocket) => void), onConnection?: (socket: StackSocket) => void): StackServer {
  checkStack('createServer', stack, 'tcp')
  const handler = typeof options === 'function' ? options : onConnection
  const server = new StackServer(stack, typeof options === 'object' ? options : {})
  if (handler !== undefined) server.on('connection', handler)
  return server
}

/** Reads the argument forms of `net.Server.listen` that make sense on a stack. */
function listenArguments(args: readonly unknown[]): { readonly options: ListenOptions; readonly callback: (() => void) | undefined } {
  const callback = args.find((arg) => typeof arg === 'function') as (() => void) | undefined
  const [first] = args
  if (typeof first === 'object' && first !== null) {
    const { port = 0, host, backlog, signal, path, fd } = first as { port?: number | string; host?: string; backlog?: number; signal?: AbortSignal; path?: unknown; fd?: unknown }
    if (path !== undefined || fd !== undefined) {
      throw new StackError('ERR_STACK_NOT_SUPPORTED', 'A stack has ports, but neither paths nor descriptors to listen on: listen({ port, host }).', { syscall: 'listen' })
    }
    return { options: listenOptions(port, host, backlog, signal), callback }
  }
  const host = args.find((arg, i) => i > 0 && typeof arg === 'string') as string | undefined
  const backlog = args.find((arg, i) => i > 0 && typeof arg === 'number') as number | undefined
  return { options: listenOptions(typeof first === 'function' || first === undefined ? 0 : (first as number | string), host, backlog), callback }
}

function listenOptions(port: number | string, host?: string, backlog?: number, signal?: AbortSignal): ListenOptions {
  return {
    // Node takes '80', too; what is no number is the stack's to refuse as it came.
    port: Number.isNaN(Number(port)) ? (port as number) : Number(port),
    ...(host === undefined ? {} : { host }),
    ...(backlog === undefined ? {} : { backlog }),
    ...(signal === undefined ? {} : { signal }),
  }
}

function serverError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
