import { EventEmitter } from 'node:events'
import type { StackError } from '@stack/core'
import type { Datagram, Udp, UdpSocket, UdpSocketOptions } from '@stack/udp'
import { familyOf, type SocketAddress } from './address.ts'
import { checkStack } from './check-stack.ts'
import { sendArguments } from './send-arguments.ts'

/** A stack with UDP: what {@link createSocket} needs of it. */
export interface UdpStack {
  readonly udp: Udp
  /** Finds the NIC of an address, for the interface of a membership. */
  checkLocalAddress(nicId: number, address: string): number
}

/** Options of {@link createSocket}, as those of `dgram.createSocket`. */
export interface DatagramOptions {
  /** `'udp4'` or `'udp6'` takes one family only. Default: every family of the stack. */
  readonly type?: 'udp4' | 'udp6'
  readonly reuseAddr?: boolean
  readonly reusePort?: boolean
  /** Bytes held for reading. Default 212,992. */
  readonly recvBufferSize?: number
  /** Closes the socket. */
  readonly signal?: AbortSignal | undefined
}

/** What a `message` listener learns about a datagram. */
export interface RemoteInfo extends SocketAddress {
  /** Bytes of the message. */
  readonly size: number
}

/**
 * A UDP socket of the stack that looks like a `dgram.Socket`: events `listening`, `message`, `connect`, `error`, `close`.
 * Hosts are addresses. Unlike there, settings may be made before the socket is bound.
 */
export class StackDatagramSocket extends EventEmitter {
  readonly #stack: UdpStack
  readonly #anyHost: string | undefined
  #settings: UdpSocketOptions
  #socket: UdpSocket | null = null
  #isClosed = false
  #isReferenced = true

  /** @internal Use {@link createSocket}. */
  constructor(stack: UdpStack, { type, reuseAddr, reusePort, recvBufferSize, signal }: DatagramOptions) {
    super()
    this.#stack = stack
    this.#anyHost = type === undefined ? undefined : type === 'udp4' ? '0.0.0.0' : '::'
    this.#settings = {
      ...(reuseAddr === undefined ? {} : { reuseAddress: reuseAddr }),
      ...(reusePort === undefined ? {} : { reusePort }),
      ...(recvBufferSize === undefined ? {} : { receiveBuffer: recvBufferSize }),
    }
    if (signal === undefined) return
    const close = (): void => {
      if (!this.#isClosed) this.close()
    }
    if (signal.aborted) process.nextTick(close)
    else signal.addEventListener('abort', close, { once: true })
    this.once('close', () => signal.removeEventListener('abort', close))
  }

  /**
   * `bind(port?, address?, callback?)` or `bind({ port, address }, callback?)`. What the stack refuses is emitted as
   * `error`.
   *
   * @throws Error `ERR_SOCKET_ALREADY_BOUND`, `ERR_SOCKET_DGRAM_NOT_RUNNING`
   */
  bind(...args: readonly unknown[]): this {
    this.#assertOpen()
    if (this.#socket !== null) throw dgramError('ERR_SOCKET_ALREADY_BOUND', 'The socket is bound already.')
    const callback = args.find((arg) => typeof arg === 'function') as (() => void) | undefined
    const [first, second] = args
    const { port, address } = typeof first === 'object' && first !== null
      ? (first as { port?: number; address?: string })
      : { port: typeof first === 'number' ? first : 0, address: typeof second === 'string' ? second : undefined }
    if (callback !== undefined) this.once('listening', callback)
    try {
      this.#bind(port ?? 0, address)
    } catch (error) {
      if (callback !== undefined) this.off('listening', callback)
      this.#emitLater('error', error)
    }
    return this
  }

  /**
   * `send(message, port, address?, callback?)`, `send(message, offset, length, port, address?, callback?)`; a connected
   * socket leaves port and address out. The message is copied before this returns. Without a callback what goes wrong is
   * emitted as `error`, but a full queue is not: UDP may lose a datagram.
   */
  send(message: string | Uint8Array | readonly (string | Uint8Array)[], ...args: readonly unknown[]): void {
    this.#assertOpen()
    const { bytes, to, callback } = sendArguments(message, args, this.#socket?.remote != null, this.#anyHost === '::' ? '::1' : '127.0.0.1')
    try {
      const socket = this.#socket ?? this.#bind(0, undefined)
      const sent = to === undefined ? socket.send(bytes) : socket.send(bytes, to)
      if (callback !== undefined) {
        process.nextTick(callback, sent ? null : dgramError('ENOBUFS', 'The queue is full: the datagram was not sent.'), sent ? bytes.length : undefined)
      }
    } catch (error) {
      if (callback !== undefined) process.nextTick(callback, error)
      else this.#emitLater('error', error)
    }
  }

  /** Sends to and receives from one peer only, from now on. Emits `connect`, or `error` unless there is a callback. */
  connect(port: number, address?: string | ((error?: Error) => void), callback?: (error?: Error) => void): void {
    this.#assertOpen()
    const done = typeof address === 'function' ? address : callback
    const host = typeof address === 'string' ? address : this.#anyHost === '::' ? '::1' : '127.0.0.1'
    try {
      const socket = this.#socket ?? this.#bind(0, undefined)
      if (socket.remote !== null) throw dgramError('ERR_SOCKET_DGRAM_IS_CONNECTED', 'The socket is connected already: disconnect it first.')
      socket.reconnect({ host, port })
      if (done !== undefined) this.once('connect', done)
      this.#emitLater('connect')
    } catch (error) {
      if (done !== undefined) process.nextTick(done, error)
      else this.#emitLater('error', error)
    }
  }

  /** @throws Error `ERR_SOCKET_DGRAM_NOT_CONNECTED` */
  disconnect(): void {
    this.#assertOpen()
    this.#connected().reconnect(null)
  }

  /** @throws Error `ERR_SOCKET_DGRAM_NOT_RUNNING` unless bound */
  address(): SocketAddress {
    const { host, port } = this.#bound().local
    return { address: host, port, family: familyOf(host) }
  }

  /** @throws Error `ERR_SOCKET_DGRAM_NOT_CONNECTED` */
  remoteAddress(): SocketAddress {
    const { host, port } = this.#connected().remote!
    return { address: host, port, family: familyOf(host) }
  }

  setBroadcast(on: boolean): void {
    this.#configure({ broadcast: on })
  }

  setTTL(ttl: number): number {
    this.#configure({ ttl })
    return ttl
  }

  setMulticastTTL(multicastTtl: number): number {
    this.#configure({ multicastTtl })
    return multicastTtl
  }

  setMulticastLoopback(on: boolean): boolean {
    this.#configure({ multicastLoop: on })
    return on
  }

  setRecvBufferSize(size: number): void {
    this.#configure({ receiveBuffer: size })
  }

  /**
   * Joins a group; binds the socket unless it is. `multicastInterface` is an address of the NIC, or `'%name'`, as in
   * `'::%eth0'`. Default: where the route leads.
   */
  addMembership(group: string, multicastInterface?: string): void {
    this.#assertOpen()
    const socket = this.#socket ?? this.#bind(0, undefined)
    socket.joinGroup(group, this.#interfaceOf(multicastInterface))
  }

  dropMembership(group: string, multicastInterface?: string): void {
    this.#bound().leaveGroup(group, this.#interfaceOf(multicastInterface))
  }

  /** @throws Error `ERR_SOCKET_DGRAM_NOT_RUNNING` */
  close(callback?: () => void): this {
    this.#assertOpen()
    if (callback !== undefined) this.once('close', callback)
    this.#isClosed = true
    this.#socket?.close()
    process.nextTick(() => this.emit('close'))
    return this
  }

  ref(): this {
    this.#isReferenced = true
    this.#socket?.ref()
    return this
  }

  unref(): this {
    this.#isReferenced = false
    this.#socket?.unref()
    return this
  }

  // --- inside ---

  #bind(port: number, address: string | undefined): UdpSocket {
    const host = address ?? this.#anyHost
    const socket = this.#stack.udp.bind({ ...this.#settings, port, ...(host === undefined ? {} : { host }) })
    this.#socket = socket
    if (!this.#isReferenced) socket.unref()
    socket.setHandler({
      datagram: (data, _remote, info) => {
        this.#received(data, info)
      },
      error: (error: StackError) => {
        this.emit('error', error)
      },
    })
    // Also when the stack ends under it.
    void socket.closed.then(() => {
      if (!this.#isClosed) this.close()
    })
    this.#emitLater('listening')
    return socket
  }

  #received(data: Uint8Array, { remote }: Datagram): void {
    const rinfo: RemoteInfo = { address: remote.host, port: remote.port, family: familyOf(remote.host), size: data.length }
    // The stack's bytes are ours during this call only.
    this.emit('message', Buffer.from(data), rinfo)
  }

  #configure(options: UdpSocketOptions): void {
    this.#assertOpen()
    if (this.#socket === null) this.#settings = { ...this.#settings, ...options }
    else this.#socket.configure(options)
  }

  #interfaceOf(text: string | undefined): { readonly nic?: number | string } {
    if (text === undefined) return {}
    const zone = text.indexOf('%')
    if (zone >= 0) return { nic: text.slice(zone + 1) }
    const nic = this.#stack.checkLocalAddress(0, text)
    if (nic === 0) throw dgramError('EADDRNOTAVAIL', `No NIC of the stack has the address ${text}. Name one that has it, or write '%name'.`)
    return { nic }
  }

  #bound(): UdpSocket {
    this.#assertOpen()
    if (this.#socket === null) throw dgramError('ERR_SOCKET_DGRAM_NOT_RUNNING', 'The socket is not bound: call bind() first.')
    return this.#socket
  }

  #connected(): UdpSocket {
    const socket = this.#socket
    if (socket?.remote == null) throw dgramError('ERR_SOCKET_DGRAM_NOT_CONNECTED', 'The socket is not connected: call connect() first.')
    return socket
  }

  #assertOpen(): void {
    if (this.#isClosed) throw dgramError('ERR_SOCKET_DGRAM_NOT_RUNNING', 'The socket is closed: make another.')
  }

  #emitLater(event: string, ...args: readonly unknown[]): void {
    process.nextTick(() => {
      if (!this.#isClosed) this.emit(event, ...args)
    })
  }
}

/**
 * As `dgram.createSocket`, on a stack.
 *
 * @example
 * ```ts
 * import { createSocket, type UdpStack } from '@stack/node'
 *
 * export function echo(stack: UdpStack): void {
 *   const socket = createSocket(stack, {}, (message, { address, port }) => {
 *     socket.send(message, port, address)
 *   })
 *   socket.bind(7)
 * }
 * ```
 */
export function createSocket(
  stack: UdpStack, options: 'udp4' | 'udp6' | DatagramOptions = {}, onMessage?: (message: Buffer, remote: RemoteInfo) => void,
): StackDatagramSocket {
  checkStack('createSocket', stack, 'udp')
  const socket = new StackDatagramSocket(stack, typeof options === 'string' ? { type: options } : options)
  if (onMessage !== undefined) socket.on('message', onMessage)
  return socket
}

function dgramError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
