import http from 'node:http'
import type { Duplex } from 'node:stream'
import { createServer, type StackServer } from './server.ts'
import { connect, type StackSocket, type TcpStack } from './socket.ts'

/**
 * As `http.createServer`, listening on a stack: `listen`, `close` and `address` mean the stack's ports, all the rest is
 * Node's own server, so that frameworks work unchanged.
 *
 * @example
 * ```ts
 * import { createHttpServer, type TcpStack } from '@stack/node'
 *
 * export function serve(stack: TcpStack): void {
 *   createHttpServer(stack, (_request, response) => response.end('hello')).listen(80)
 * }
 * ```
 */
export function createHttpServer(stack: TcpStack, options?: http.ServerOptions | http.RequestListener, listener?: http.RequestListener): http.Server {
  const server = typeof options === 'object' ? http.createServer(options, listener) : http.createServer(options)
  return listenOn(stack, server)
}

/**
 * Makes an existing `http.Server` (or any server that takes `connection` events) listen on a stack.
 * Returns the same object.
 */
export function listenOn<S extends http.Server>(stack: TcpStack, server: S): S {
  // HTTP decides itself when a half-closed connection is over, as with net sockets.
  const inner: StackServer = createServer(stack, { allowHalfOpen: true }, (socket) => {
    server.emit('connection', socket)
  })
  inner.on('error', (error) => server.emit('error', error))
  inner.on('listening', () => server.emit('listening'))
  inner.on('close', () => server.emit('close'))
  const face = {
    listen(...args: unknown[]): S {
      const callback = args.find((arg) => typeof arg === 'function') as (() => void) | undefined
      if (callback !== undefined) server.once('listening', callback)
      inner.listen(...args.filter((arg) => typeof arg !== 'function'))
      return server
    },
    close(callback?: (error?: Error) => void): S {
      inner.close(callback)
      server.closeIdleConnections()
      return server
    },
    address: () => inner.address(),
    getConnections: (callback: (error: Error | null, count: number) => void) => (inner.getConnections(callback), server),
    ref: () => (inner.ref(), server),
    unref: () => (inner.unref(), server),
  }
  Object.assign(server, face)
  Object.defineProperty(server, 'listening', { get: () => inner.listening, configurable: true })
  return server
}

/** An `http.Agent` whose connections go over a stack. Hosts are addresses. */
export class StackAgent extends http.Agent {
  readonly #stack: TcpStack

  constructor(stack: TcpStack, options?: http.AgentOptions) {
    super(options)
    this.#stack = stack
  }

  createConnection(options: { host?: string | null; port?: number | string | null; signal?: AbortSignal }): Duplex {
    const socket: StackSocket = connect(this.#stack, {
      host: (options.host ?? '127.0.0.1').replace(/^\[|\]$/g, ''),
      port: Number(options.port ?? 80),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    })
    return socket
  }
}
