import { checkHandler, errorCodeOf, installAsyncDispose, startCall } from '@stack/core'
import type { ErrorCode, Failure, PendingCall, StackError, Wakeable } from '@stack/core'
import type {
  CallOptions, Connection, ConnectionHandler, ConnectionInfo, ConnectionOptions, Endpoint, TcpState, WriteOptions,
} from './api.ts'
import { checkMax, checkWay, isBytes, readProblem, writeProblem } from './arguments.ts'
import { closeConnection, closeReceiving, closeSending } from './close.ts'
import { configureEndpoint } from './configure.ts'
import type { TcpEndpoint } from './endpoint.ts'
import { tcpError } from './errors.ts'
import { connectionInfo } from './info.ts'
import { checkConnectionOptions } from './options.ts'
import { Milestone } from './milestone.ts'
import { STATE_NAMES } from './state.ts'
import type { ConnectionUser } from './tcb.ts'
import { standsInLine } from './turn.ts'
import { passUrgent, readableLength, readLimit, takeUrgentByte, urgentLength, upToMark } from './urgent.ts'
import { isReadAwaited, isWindowUpdateDue } from './window.ts'
import { WriteQueue } from './write-queue.ts'
import { markWritten, writeRoom, writeText } from './write-text.ts'

const DEFAULT_READ = 65_536
const NO_OPTIONS = {}
/** Bytes of room in the send buffer that a write which waits does not wait any longer for. */
const LEAST_FILL = 65_536

interface Reader {
  readonly into: Uint8Array
  readonly call: PendingCall<number | null>
}

/** A connection as its user sees it: promises and handlers over an endpoint. */
export class TcpConnection implements Connection, ConnectionUser, Wakeable {
  static {
    installAsyncDispose(this.prototype, (connection) => connection.close())
  }

  declare readonly [Symbol.asyncDispose]: () => Promise<void>
  waking = false
  bytesWritten = 0
  bytesRead = 0
  readonly endpoint: TcpEndpoint
  // Made when a write first has to wait, or to end.
  private writes: WriteQueue | null = null
  /** A FIN follows what is written. */
  private isEnded = false
  private reader: Reader | null = null
  private handler: ConnectionHandler | null = null
  // What a handler has still to hear.
  private isReadable = false
  private isUrgent = false
  private isWritable = false
  private wantsRoom = false
  private isOver = false
  private isOverTold = false
  private isReadClosed = false
  private isUserClosed = false
  private failure: StackError | null = null
  private isErrorTaken = false
  // Made when somebody asks.
  private opener: PendingCall<Connection> | null = null
  private opening: Milestone | null = null
  private closing: Milestone | null = null
  private closers: (() => void)[] | null = null
  private stopWaiting: (() => void) | null = null

  constructor(endpoint: TcpEndpoint) {
    this.endpoint = endpoint
    endpoint.user = this
  }

  // --- ConnectionUser: noted now, told when woken ---

  onEstablished(): void {
    this.wakeLater()
  }

  onReadable(): void {
    this.isReadable = true
    if (this.reader !== null || this.handler !== null) this.wakeLater()
  }

  onUrgent(): void {
    this.isUrgent = true
    if (this.handler !== null) this.wakeLater()
  }

  onWritable(): void {
    if (!this.wantsRoom || writeRoom(this.endpoint) === 0) return
    this.wantsRoom = false
    this.isWritable = true
    this.wakeLater()
  }

  onClosed(code: Failure): void {
    if (this.isOver) return
    this.isOver = true
    this.stopWaiting?.()
    if (code !== null) this.failure ??= this.errorOf(code, 'connection')
    this.wakeLater()
  }

  refill(): void {
    const { writes } = this
    if (writes === null || writes.isEmpty || standsInLine(this.endpoint) || !this.isWorthFilling(writes.wanted)) return
    if (writes.fill()) this.wakeLater()
    this.endWhenWritten()
  }

  /** A little room at a time makes small chunks and a turn for each ACK: a part of the buffer, or what is left to write, is worth it. */
  private isWorthFilling(wanted: number): boolean {
    return writeRoom(this.endpoint) >= Math.min(wanted, this.endpoint.snd.buffer >>> 2, LEAST_FILL)
  }

  get isWaiting(): boolean {
    return this.wantsRoom || !this.isAllWritten
  }

  get isAboutToHear(): boolean {
    return this.waking && this.handler !== null
  }

  get isAwaited(): boolean {
    return this.reader !== null
  }

  // --- opening ---

  get opened(): Promise<void> {
    this.opening ??= new Milestone()
    this.wakeLater()
    return this.opening.reached
  }

  /** The call that opens it; `signal` gives the handshake up. */
  whenOpened(signal: AbortSignal | undefined): Promise<Connection> {
    // A peer in the same program has answered already.
    if (this.endpoint.wasEstablished) return Promise.resolve(this)
    return startCall<Connection>(
      (call) => {
        this.opener = call
        this.wakeLater()
      },
      signal,
      () => {
        // The call ends with the signal's reason, whatever becomes of the connection.
        this.opener = null
        this.abort(signal!.reason)
      },
    )
  }

  // --- reading ---

  read(into: Uint8Array, options?: CallOptions): Promise<number | null> {
    if (!isBytes(into) || into.length === 0) return Promise.reject(readProblem(into, 'read'))
    if (options?.signal?.aborted === true) return Promise.reject(options.signal.reason as Error)
    if (this.reader !== null || this.handler?.readable !== undefined) return Promise.reject(this.busy())
    try {
      const ready = this.isWorthReading(into.length) ? this.tryRead(into) : undefined
      if (ready !== undefined) return Promise.resolve(ready)
    } catch (error) {
      return Promise.reject(error)
    }
    return startCall(
      (call) => {
        this.reader = { into, call }
      },
      options?.signal,
      () => {
        this.reader = null
      },
    )
  }

  async readSome(options: CallOptions & { readonly max?: number } = {}): Promise<Uint8Array | null> {
    const { max = DEFAULT_READ } = options
    checkMax(max, 1, 'readSome')
    if (this.readableLength === 0) {
      // Nothing yet: wait with as little memory as possible.
      const first = new Uint8Array(1)
      const got = await this.read(first, options)
      if (got === null) return null
      const rest = new Uint8Array(Math.min(max - 1, this.readableLength))
      const more = rest.length > 0 ? (this.tryRead(rest) ?? 0) : 0
      const all = new Uint8Array(1 + more)
      all.set(first)
      all.set(rest.subarray(0, more), 1)
      return all
    }
    const bytes = new Uint8Array(Math.min(max, this.readableLength))
    const got = await this.read(bytes, options)
    return got === null ? null : bytes.subarray(0, got)
  }

  tryRead(into: Uint8Array): number | null | undefined {
    if (!isBytes(into) || into.length === 0) throw readProblem(into, 'tryRead')
    if (!this.assertReadable()) return this.whyEmpty()
    return this.taken(this.endpoint.rcv.queue.read(upToMark(this.endpoint, into)))
  }

  peek(into: Uint8Array): number | null | undefined {
    if (!isBytes(into)) throw readProblem(into, 'peek')
    return this.assertReadable() ? this.endpoint.rcv.queue.peek(upToMark(this.endpoint, into)) : this.whyEmpty()
  }

  discard(max: number): number | null | undefined {
    checkMax(max, 0, 'discard')
    return this.assertReadable() ? this.taken(this.endpoint.rcv.queue.skip(Math.min(max, readLimit(this.endpoint)))) : this.whyEmpty()
  }

  get readableLength(): number {
    return readableLength(this.endpoint)
  }

  get urgentLength(): number {
    return urgentLength(this.endpoint)
  }

  readUrgent(): number | undefined {
    return takeUrgentByte(this.endpoint)
  }

  /** Is there text? */
  private assertReadable(): boolean {
    if (this.isUserClosed) throw this.failure ?? this.errorOf('ERR_STACK_CLOSED', 'read')
    return this.readableLength > 0
  }

  /** null = nothing will come, undefined = not yet. */
  private whyEmpty(): null | undefined {
    if (this.endpoint.rcv.finished || this.isReadClosed) return null
    if (this.isOver) {
      if (this.failure !== null && !this.isErrorTaken) throw this.failure
      return null
    }
    this.isReadable = false
    return undefined
  }

  private taken(count: number): number {
    const { endpoint } = this
    const { rcv } = endpoint
    this.bytesRead += count
    if (rcv.urgent !== null) passUrgent(endpoint)
    if (endpoint.finished) {
      if (rcv.queue.length === 0) endpoint.drain()
    } else if (isWindowUpdateDue(endpoint)) {
      rcv.ackNow = true
      this.output()
    }
    return count
  }

  /** Is the low-water mark reached, or all that will come, for a read of at most `room` bytes? */
  private isWorthReading(room: number): boolean {
    const { endpoint, readableLength } = this
    const { rcv, settings } = endpoint
    return readableLength >= Math.min(settings.receiveLowWater, room) || rcv.finished || this.isReadClosed || this.isOver || (readableLength > 0 && isReadAwaited(endpoint))
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    for (let chunk = await this.readSome(); chunk !== null; chunk = await this.readSome()) yield chunk
  }

  // --- writing ---

  write(bytes: Uint8Array | readonly Uint8Array[], options: CallOptions & WriteOptions & { readonly end?: boolean } = NO_OPTIONS): Promise<void> {
    if (options.signal?.aborted === true) return Promise.reject(options.signal.reason as Error)
    const refusal = this.writeRefusal() ?? (isBytes(bytes) ? null : writeProblem(bytes, this.remote))
    if (refusal !== null) return Promise.reject(refusal)
    const promise = this.copyOrQueue(bytes, options)
    if (options.end === true) this.isEnded = true
    this.endWhenWritten()
    if (!standsInLine(this.endpoint)) this.output()
    return promise
  }

  /** What does not fit waits in the queue; nearly always all of it fits. */
  private copyOrQueue(bytes: Uint8Array | readonly Uint8Array[], options: CallOptions & WriteOptions): Promise<void> {
    let taken = 0
    if (isBytes(bytes) && this.isAllWritten) {
      taken = this.put(bytes, 0)
      if (taken === bytes.length) {
        markWritten(this.endpoint, options)
        return Promise.resolve()
      }
    }
    return this.writeQueue.add(isBytes(bytes) ? [bytes] : bytes, taken, options, options.signal)
  }

  tryWrite(bytes: Uint8Array, options?: WriteOptions): number {
    const refusal = this.writeRefusal()
    if (refusal !== null) throw refusal
    if (!isBytes(bytes)) throw writeProblem(undefined, this.remote)!
    const count = this.isAllWritten ? this.put(bytes, 0) : 0
    if (count < bytes.length) this.wantsRoom = true
    else if (options !== undefined || this.endpoint.snd.more) markWritten(this.endpoint, options)
    if (count > 0 && !standsInLine(this.endpoint)) this.output()
    return count
  }

  get unackedLength(): number {
    return this.endpoint.snd.queue.length
  }

  get writableLength(): number {
    if (this.writeRefusal() !== null || !this.isAllWritten) return 0
    return writeRoom(this.endpoint)
  }

  private get writeQueue(): WriteQueue {
    return (this.writes ??= new WriteQueue(
      (bytes, from) => this.put(bytes, from),
      (options) => {
        markWritten(this.endpoint, options)
      },
      () => {
        // The FIN that was to follow it follows what is there.
        this.endWhenWritten()
        this.output()
      },
    ))
  }

  /** No write waits for room. */
  private get isAllWritten(): boolean {
    return this.writes === null || this.writes.isEmpty
  }

  /** Copies into the send buffer what fits; waits for memory when there is none. */
  private put(bytes: Uint8Array, from: number): number {
    const { endpoint } = this
    if (endpoint.finished) return 0
    const to = Math.min(bytes.length, from + writeRoom(endpoint))
    if (to <= from) return 0
    const count = writeText(endpoint, bytes, from, to)
    this.bytesWritten += count
    if (count < to - from) this.awaitMemory()
    return count
  }

  private awaitMemory(): void {
    this.stopWaiting ??= this.endpoint.context.host.memory.waiter(() => {
      this.stopWaiting = null
      this.onWritable()
      this.endpoint.context.host.scheduler.markDirty(this.endpoint)
      this.wakeLater()
    })
  }

  private writeRefusal(): StackError | null {
    if (this.isOver) return (this.isErrorTaken ? null : this.failure) ?? this.errorOf('EPIPE', 'write')
    if (this.isUserClosed) return this.errorOf('ERR_STACK_CLOSED', 'write')
    return this.isEnded || this.endpoint.snd.finQueued ? this.errorOf('EPIPE', 'write') : null
  }

  private endWhenWritten(): void {
    if (this.isEnded && this.isAllWritten) closeSending(this.endpoint)
  }

  // --- the end ---

  shutdown(how: 'write' | 'read' | 'both'): void {
    checkWay(how)
    if (this.isOver) return
    if (how !== 'write' && !this.isReadClosed) {
      this.isReadClosed = true
      closeReceiving(this.endpoint)
      this.onReadable()
    }
    if (how !== 'read') {
      this.isEnded = true
      this.endWhenWritten()
    }
    this.output()
  }

  close(): Promise<void> {
    if (!this.isUserClosed) {
      this.isUserClosed = true
      if (!this.isOver) {
        this.isEnded = true
        // Unread text resets at once; else what is being written goes first.
        closeConnection(this.endpoint, this.isAllWritten)
      }
      this.endpoint.drain()
      this.wakeLater()
      this.output()
    }
    if (this.isOver && this.isOverTold) return Promise.resolve()
    return new Promise((resolve) => {
      this.closers ??= []
      this.closers.push(resolve)
      this.wakeLater()
    })
  }

  abort(reason?: unknown): void {
    if (!this.isOver) this.failure = tcpError('ECONNABORTED', 'connection', this.remote, undefined, reason)
    this.isUserClosed = true
    this.endpoint.abort()
    this.output()
  }

  get closed(): Promise<void> {
    this.closing ??= new Milestone()
    if (this.isOver) this.wakeLater()
    return this.closing.reached
  }

  get error(): StackError | null {
    return this.failure
  }

  takeError(): StackError | null {
    const { endpoint } = this
    const soft = endpoint.softError
    endpoint.softError = null
    if (this.failure !== null && !this.isErrorTaken) {
      this.isErrorTaken = true
      return this.failure
    }
    return soft === null ? null : this.errorOf(soft, 'connection')
  }

  // --- looking and configuring ---

  get local(): Endpoint {
    return { host: this.format(this.endpoint.localAddress), port: this.endpoint.localPort }
  }

  get remote(): Endpoint {
    return { host: this.format(this.endpoint.remoteAddress), port: this.endpoint.remotePort }
  }

  get state(): TcpState {
    return STATE_NAMES[this.endpoint.state]!
  }

  get options(): Required<ConnectionOptions> {
    return this.endpoint.settings
  }

  configure(options: ConnectionOptions): void {
    checkConnectionOptions(options)
    const { endpoint } = this
    const { congestionControl } = options
    if (congestionControl !== undefined && !endpoint.context.algorithms.has(congestionControl)) {
      throw tcpError('ERR_STACK_INVALID_OPTION', 'configure', this.remote, `there is no congestion control '${congestionControl}'; installed are: ${[...endpoint.context.algorithms.keys()].join(', ')}`)
    }
    if (options.authentication !== undefined && options.authentication !== endpoint.settings.authentication) {
      throw tcpError('ERR_STACK_NOT_SUPPORTED', 'configure', this.remote, 'authentication is chosen when the connection is made; change its keys with setKeys')
    }
    configureEndpoint(endpoint, options)
    if (!endpoint.finished) this.output()
  }

  info(): ConnectionInfo {
    return connectionInfo(this.endpoint)
  }

  setHandler(handler: ConnectionHandler | null): void {
    if (handler !== null) checkHandler('setHandler', handler, 'object')
    if (handler !== null && this.reader !== null) throw this.busy()
    this.handler = handler
    if (handler === null) return
    this.isUrgent = this.urgentLength > 0
    this.isReadable = this.readableLength > 0 || this.isReadClosed || this.endpoint.rcv.finished || this.isOver
    if (this.isOver) this.isOverTold = false
    this.wakeLater()
  }

  // --- user code, last in a turn ---

  get settlesOnly(): boolean {
    return this.handler === null
  }

  wake(): void {
    this.settleOpening()
    this.settleReader()
    this.writes?.settle(this.isOver ? (this.failure ?? this.errorOf('EPIPE', 'write')) : null)
    this.callHandler()
    if (this.isOver) this.tellOver()
  }

  private settleOpening(): void {
    const { opener, opening } = this
    if (opener === null && opening === null) return
    if (this.endpoint.wasEstablished) {
      opener?.resolve(this)
      opening?.reach(null)
    } else if (this.failure !== null) {
      const error = this.errorOf(this.failure.code, 'connect')
      opener?.reject(error)
      opening?.reach(error)
    } else return
    this.opener = null
  }

  private settleReader(): void {
    const { reader } = this
    if (reader === null || !this.isWorthReading(reader.into.length)) return
    try {
      const count = this.tryRead(reader.into)
      if (count === undefined) return
      this.reader = null
      reader.call.resolve(count)
    } catch (error) {
      this.reader = null
      reader.call.reject(error)
    }
  }

  private callHandler(): void {
    if (this.isUrgent && this.handler !== null) {
      this.isUrgent = false
      this.tellUrgent()
    }
    if (this.isReadable && this.handler?.readable !== undefined && this.isWorthReading(Infinity)) {
      this.isReadable = false
      this.tellReadable()
    }
    if (this.isWritable && !this.isOver && this.handler?.writable !== undefined) {
      this.isWritable = false
      this.tellWritable()
    }
  }

  private tellUrgent(): void {
    try {
      this.handler?.urgent?.()
    } catch (error) {
      this.thrown(error)
    }
  }

  private tellReadable(): void {
    try {
      this.handler?.readable?.()
    } catch (error) {
      this.thrown(error)
    }
  }

  private tellWritable(): void {
    try {
      this.handler?.writable?.()
    } catch (error) {
      this.thrown(error)
    }
  }

  private tellOver(): void {
    if (!this.isOverTold) {
      this.isOverTold = true
      try {
        this.handler?.closed?.(this.failure)
      } catch (error) {
        this.thrown(error)
      }
    }
    this.closing?.reach(this.failure)
    const { closers } = this
    this.closers = null
    if (closers !== null) for (const resolve of closers) resolve()
  }

  /** By user code. */
  private thrown(error: unknown): void {
    this.endpoint.context.host.onError(error)
  }

  private wakeLater(): void {
    this.endpoint.context.host.scheduler.wake(this)
  }

  /** Something is to be sent: at the end of this turn, or in one of its own. */
  private output(): void {
    const { scheduler } = this.endpoint.context.host
    if (this.endpoint.finished) scheduler.run()
    else scheduler.flush(this.endpoint)
  }

  private format(address: TcpEndpoint['localAddress']): string {
    return this.endpoint.context.host.formatAddress(address)
  }

  private errorOf(code: ErrorCode, syscall: string): StackError {
    const { reported, remoteAddress } = this.endpoint
    const isReported = reported !== null && errorCodeOf(reported, remoteAddress) === code
    return tcpError(code, syscall, this.remote, undefined, isReported ? reported : undefined)
  }

  private busy(): StackError {
    return tcpError('ERR_STACK_BUSY', 'read', this.remote, 'another read is pending, or a handler reads; wait for it, or call setHandler(null)')
  }
}
