import { EventEmitter } from 'node:events'
import type { Connection, Listener, ListenOptions } from '@stack/tcp'
import { fromConnection, type StackSocket, type TcpStack } from './socket.ts'

/** Options of {@link createServer}. */
export interface ServerOptions {
  /** Keep sockets half open after the peer ended. Default false. */
  readonly allowHalfOpen?: boolean
}

/**
 * A server of the stack that looks like a `net.Server`: events `listening`, `connection`, `close`, `error`.
 */
export class StackServer extends EventEmitter {
  readonly #stack: TcpStack
  readonly #options: ServerOptions
  readonly #sockets = new Set<StackSocket>()
  #listener: Listener | null = null

  /** @internal Use {@link createServer}. */
  constructor(stack: TcpStack, options: ServerOptions) {
    super()
    this.#stack = stack
    this.#options = options
  }

  get listening(): boolean {
    return this.#listener !== null
  }

  /** Sockets that are open. */
  get connections(): number {
    return this.#sockets.size
  }

  /** `listen(port, host?, callback?)` or `listen({ port, host, … }, callback?)`. Errors are emitted as `error`. */
  listen(...args: readonly unknown[]): this {
    const { options, callback } = listenArguments(args)
    if (callback !== undefined) this.once('listening', callback)
    try {
      const listener = this.#stack.tcp.listen(options)
      this.#listener = listener
      listener.setHandler((connection) => {
        this.#accept(connection)
      })
      process.nextTick(() => this.#listener !== null && this.emit('listening'))
    } catch (error) {
      process.nextTick(() => this.emit('error', error))
    }
    return this
  }

  address(): { address: string; port: number; family: string } | null {
    const local = this.#listener?.local
    return local === undefined ? null : { address: local.host, port: local.port, family: local.host.includes(':') ? 'IPv6' : 'IPv4' }
  }

  /** Stops accepting; `close` is emitted when the last socket is gone. */
  close(callback?: (error?: Error) => void): this {
    if (this.#listener === null) {
      process.nextTick(() => callback?.(Object.assign(new Error('The server is not listening.'), { code: 'ERR_SERVER_NOT_RUNNING' })))
      return this
    }
    if (callback !== undefined) this.once('close', () => callback())
    void this.#listener.close()
    this.#listener = null
    this.#emitCloseIfDone()
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
    const socket = fromConnection(connection, this.#options)
    this.#sockets.add(socket)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.#emitCloseIfDone()
    })
    this.emit('connection', socket)
  }

  #emitCloseIfDone(): void {
    if (this.#listener === null && this.#sockets.size === 0) process.nextTick(() => this.emit('close'))
  }
}

/** As `net.createServer`, on a stack. */
export function createServer(stack: TcpStack, options?: ServerOptions | ((socket: StackSocket) => void), onConnection?: (socket: StackSocket) => void): StackServer {
  const handler = typeof options === 'function' ? options : onConnection
  const server = new StackServer(stack, typeof options === 'object' ? options : {})
  if (handler !== undefined) server.on('connection', handler)
  return server
}

/** Reads the argument forms of `net.Server.listen` that make sense on a stack. */
export function listenArguments(args: readonly unknown[]): { readonly options: ListenOptions; readonly callback: (() => void) | undefined } {
  const callback = args.find((arg) => typeof arg === 'function') as (() => void) | undefined
  const first = args[0]
  if (typeof first === 'object' && first !== null) {
    const { port = 0, host, backlog, signal } = first as { port?: number; host?: string; backlog?: number; signal?: AbortSignal }
    return { options: listenOptions(Number(port), host, backlog, signal), callback }
  }
  const host = args.find((arg, i) => i > 0 && typeof arg === 'string') as string | undefined
  const backlog = args.find((arg, i) => i > 0 && typeof arg === 'number') as number | undefined
  return { options: listenOptions(typeof first === 'function' || first === undefined ? 0 : Number(first), host, backlog), callback }
}

function listenOptions(port: number, host?: string, backlog?: number, signal?: AbortSignal): ListenOptions {
  return {
    port,
    ...(host === undefined ? {} : { host }),
    ...(backlog === undefined ? {} : { backlog }),
    ...(signal === undefined ? {} : { signal }),
  }
}
