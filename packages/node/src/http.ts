import http from 'node:http'
import type { Duplex } from 'node:stream'
import { createServer } from './server.ts'
import { connect, type TcpStack } from './socket.ts'

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
 * Makes an existing `http.Server` (or any server that takes `connection` events, as that of `node:https`) listen on a
 * stack instead of the host. Returns the same object.
 */
export function listenOn<S extends http.Server>(stack: TcpStack, server: S): S {
  // HTTP decides itself when a half-closed connection is over, and joins its writes itself: as with net sockets.
  const inner = createServer(stack, { allowHalfOpen: true, noDelay: true }, (socket) => {
    server.emit('connection', socket)
  })
  for (const event of ['listening', 'close']) inner.on(event, () => server.emit(event))
  inner.on('error', (error) => server.emit('error', error))
  // Ends the housekeeping of Node's server, which thinks that it does not listen, and must not tell its listeners so.
  const hostClose = (): void => {
    http.Server.prototype.close.call(Object.create(server, { emit: { value: () => false } }) as S)
  }
  inner.on('close', hostClose)
  Object.assign(server, {
    listen(...args: unknown[]): S {
      const callback = args.find((arg) => typeof arg === 'function') as (() => void) | undefined
      inner.listen(...args.filter((arg) => typeof arg !== 'function'))
      // What happens is told later, by an event.
      if (callback !== undefined) server.once('listening', callback)
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
  })
  Object.defineProperty(server, 'listening', { get: () => inner.listening, configurable: true })
  return server
}

/** What `http.Agent` says of the connection that it wants; only what a stack has a use for. */
interface AgentTarget {
  readonly host?: string | null
  readonly port?: number | string | null
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
  readonly noDelay?: boolean | undefined
  readonly keepAlive?: boolean | undefined
  readonly keepAliveInitialDelay?: number | undefined
  readonly timeout?: number | undefined
}

/**
 * An `http.Agent` whose connections go over a stack. Hosts are addresses; those of IPv6 may be in brackets, as in URLs.
 * With `keepAlive: true`, `agent.destroy()` ends the connections that it keeps, and with them what holds the process.
 */
export class StackAgent extends http.Agent {
  readonly #stack: TcpStack

  constructor(stack: TcpStack, options?: http.AgentOptions) {
    super(options)
    this.#stack = stack
  }

  createConnection(target: AgentTarget): Duplex {
    const { host, port, localAddress, localPort, noDelay, keepAlive, keepAliveInitialDelay, timeout } = target
    const socket = connect(this.#stack, {
      host: (host ?? '').replace(/^\[|\]$/g, ''),
      port: Number(port ?? 80),
      ...(localAddress === undefined ? {} : { localHost: localAddress }),
      ...(localPort === undefined ? {} : { localPort }),
      ...(noDelay === undefined ? {} : { noDelay }),
    })
    if (keepAlive === true) socket.setKeepAlive(true, keepAliveInitialDelay)
    if (timeout !== undefined && timeout > 0) socket.setTimeout(timeout)
    return socket
  }
}
