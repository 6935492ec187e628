import { StackError, type Clock } from '@stack/core'
import type { Connection, ConnectionOptions, Listener, Tcp } from '@stack/tcp'
import { ErrorQueue } from './error-queue.ts'
import { errnoOf } from './errors.ts'
import { now, Ready, type OpenFile, type Operation, type ReadRequest, type WriteRequest } from './file.ts'
import { fail, ok, type Outcome } from './pending-call.ts'
import type { System } from './posix.ts'
import { SocketSignatures } from './signatures.ts'
import type { SocketAddress } from './structs.ts'
import { FastOpenSettings } from './tcp-fast-open.ts'
import { isFinAcknowledged, isFinReceived, isUnreachable, RST, TIMESTAMPS_LENGTH } from './tcp-ends.ts'

/** What TCP sockets of a script share. */
export interface TcpContext {
  readonly tcp: Tcp
  readonly clock: Clock
  readonly system: System
  /** SHUT_RD: what comes is still taken, and reads find it. */
  readonly readsAfterShutdown: boolean
  /** Options of sockets that settings of the system give: `TCP_KEEPIDLE` and the like. */
  readonly defaults: Readonly<Record<string, number>>
  /** What settings of the system changed since the stack was made. */
  readonly changes: Settings
  /** A file changed: calls that wait are tried again. */
  readonly changed: () => void
  /** At least so many bytes, whose values nobody minds: zero unless something was read into them. */
  readonly scratch: (length: number) => Uint8Array
  /** Key of TCP_MD5SIG where it names none. */
  readonly md5Secret: string | null
  /** The connection that code blocks look at. */
  readonly connected: (connection: Connection) => void
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** What setsockopt said before there was a connection, and of a listener for those it accepts. */
export type Settings = Mutable<ConnectionOptions>

/** A stream socket: fresh or bound, then a listener or a connection. */
export class TcpSocket implements OpenFile {
  readonly kind = 'tcp'
  readonly domain: number
  isNonBlocking: boolean
  settings: Settings
  private readonly settingsSinceListen: Settings = {}
  /** TCP_DEFER_ACCEPT, s. */
  deferAccept = 0
  bound: SocketAddress | null = null
  reusePort = false
  /** SO_LINGER: seconds that `close` waits; null = off. */
  linger: number | null = null
  /** SO_RCVTIMEO and SO_SNDTIMEO, ms. */
  receiveTimeout: number = Infinity
  sendTimeout: number = Infinity
  /** ms that a handshake may take; null = as many SYNs as there may be. */
  connectTimeout: number | null = null
  /** SO_RCVBUF and SO_SNDBUF as they were asked for; null = never. */
  askedReceiveBuffer: number | null = null
  askedSendBuffer: number | null = null
  /** Values of options that are only remembered. */
  readonly remembered: Map<string, number> = new Map<string, number>()
  /** Null = there never was a key, and nobody looks at signatures. */
  signatures: SocketSignatures | null = null
  /** What MSG_ERRQUEUE reads; null = nobody asked for anything that comes there. */
  errorQueue: ErrorQueue | null = null
  connection: Connection | null = null
  listener: Listener | null = null
  readonly fastOpen: FastOpenSettings
  private backlog = 0
  /** A connection of a listener: its handshake may go on, and it can be used (Fast Open). */
  private isAccepted = false
  private readonly context: TcpContext
  /** The `connect` under way was not told its end yet. */
  private isConnecting = false
  /** An error of a connection that is gone. */
  private leftError: string | null = null
  private isErrorTaken = false
  private isRounded = false
  /** A reset came when both sides had closed. */
  private resetWhileClosing = false
  private isReadShut = false
  /** The urgent byte that there is was read. */
  private isUrgentRead = false
  private changes = 0
  private isWriteShut = false

  constructor(context: TcpContext, domain: number, isNonBlocking: boolean) {
    this.context = context
    this.settings = { ...context.changes }
    this.fastOpen = new FastOpenSettings(context)
    this.domain = domain
    this.isNonBlocking = isNonBlocking
    // Linux always looks: what is signed without a key for it is dropped.
    if (context.system === 'linux') this.useSignatures(new SocketSignatures('drop'))
  }

  // --- opening ---

  bind(address: SocketAddress): Outcome {
    if (this.bound !== null || this.connection !== null) return fail('EINVAL')
    this.bound = address
    return ok()
  }

  listen(backlog: number): Outcome {
    const { context, bound } = this
    if (this.connection !== null) return fail(context.system === 'freebsd' ? 'EISCONN' : 'EINVAL')
    if (this.listener !== null) return ok()
    this.backlog = backlog
    return this.guard(() => {
      this.listener = context.tcp.listen({
        ...this.settings,
        port: bound?.port ?? 0,
        ...(bound === null ? {} : { host: bound.host }),
        // Linux waits for one more than it was told; so few as none were never meant.
        backlog: Math.max(1, context.system === 'linux' ? backlog + 1 : backlog),
        // Of as many handshakes, too; FreeBSD has one large table for all.
        ...(context.system === 'linux' ? { synBacklog: Math.max(1, backlog + 1) } : {}),
        ...(this.deferAccept === 0 ? {} : { deferAccept: this.deferAccept * 1000 }),
        // TCP_SYNCNT is about SYN-ACKs, too.
        ...(this.settings.synRetries === undefined ? {} : { synAckRetries: this.settings.synRetries }),
        ...(this.reusePort ? { reusePort: true } : {}),
        fastOpen: this.fastOpen.listenOption(backlog),
      })
      return ok()
    })
  }

  /** What was said of Fast Open changed. */
  refreshListener(): Outcome {
    return this.guard(() => {
      this.listener?.configure({ fastOpen: this.fastOpen.listenOption(this.backlog) })
      return ok()
    })
  }

  /** `adopt` gives the accepted socket its descriptor. */
  accept(adopt: (socket: TcpSocket) => number, isNonBlocking: boolean): Operation {
    const attempt = (isLate: boolean): Outcome | null => {
      const { listener } = this
      if (listener === null) return fail('EINVAL')
      const connection = listener.tryAccept()
      if (connection === undefined) return this.isNonBlocking || isLate ? fail('EAGAIN') : null
      const socket = new TcpSocket(this.context, this.domain, isNonBlocking)
      socket.inherit(this)
      socket.isAccepted = true
      socket.take(connection)
      socket.configure(this.settingsSinceListen)
      return ok(adopt(socket))
    }
    return { attempt, patience: this.receiveTimeout }
  }

  connect(address: SocketAddress): Operation {
    const { context } = this
    const isFreeBsd = context.system === 'freebsd'
    if (this.listener !== null) return now(fail(isFreeBsd ? 'EOPNOTSUPP' : 'EISCONN'))
    const { fastOpen } = this
    if (fastOpen.deferred !== null) return now(fail('EISCONN'))
    if (this.connection === null && fastOpen.connects && fastOpen.isReady(address.host, this.bound?.host)) {
      fastOpen.deferred = address
      return now(ok())
    }
    // A socket whose handshake failed may try again.
    if (isFreeBsd && this.isConnecting && this.connection?.error != null) this.forget()
    if (this.connection === null) {
      const outcome = this.open(address, fastOpen.connects)
      if (outcome.errno !== undefined) return now(outcome)
    } else if (this.isOpening) {
      if (this.isNonBlocking || isFreeBsd) return now(fail('EALREADY'))
    } else if (!this.isConnecting || isFreeBsd) return now(fail('EISCONN'))
    const isNonBlocking = this.isNonBlocking
    return {
      attempt: (isLate) => (this.isOpening ? (isNonBlocking || isLate ? fail('EINPROGRESS') : null) : this.connectOutcome()),
      patience: this.sendTimeout,
    }
  }

  /** connect() to AF_UNSPEC: the connection is reset, and the socket may be used for another. */
  disconnect(): Outcome {
    this.fastOpen.deferred = null
    this.isAccepted = this.isConnecting = this.isReadShut = this.isWriteShut = false
    this.abort()
    return ok()
  }

  private open(address: SocketAddress, isFast: boolean): Outcome {
    const { bound, context } = this
    return this.guard(() => {
      const local = bound === null ? {} : { localHost: bound.host, localPort: bound.port }
      const patience = this.defaultOf('TCP_KEEPINIT')
      const limit = this.connectTimeout ?? (patience === undefined ? null : patience * 1000)
      const timeout = limit === null ? {} : { timeout: limit }
      const fastOpen = isFast ? { fastOpen: this.fastOpen.connectOption } : {}
      this.take(context.tcp.open({ ...this.settings, host: address.host, port: address.port, ...local, ...timeout, ...fastOpen }))
      this.isConnecting = true
      return ok()
    })
  }

  /** How the handshake went; told once. */
  private connectOutcome(): Outcome {
    this.isConnecting = false
    if (this.connection!.error === null) return ok()
    const error = this.takeError() ?? 'ECONNABORTED'
    this.forget()
    return fail(error)
  }

  private get isOpening(): boolean {
    const state = this.connection?.state
    return state === 'syn-sent' || (state === 'syn-received' && !this.isAccepted)
  }

  /** Bytes that wait to be read; the end of the stream, when it is next, counts as one. */
  get unread(): number {
    const { connection } = this
    if (connection === null) return 0
    return connection.readableLength === 0 && isFinReceived(connection) ? 1 : connection.readableLength
  }

  private take(connection: Connection): void {
    const { context } = this
    this.connection = connection
    this.isErrorTaken = false
    const changed = (): void => {
      if (context.system === 'freebsd') this.roundBuffers()
      this.changes++
      context.changed()
    }
    const urgent = (): void => {
      this.isUrgentRead = false
      changed()
    }
    connection.setHandler({ readable: changed, writable: changed, urgent, closed: changed })
    if (context.system === 'freebsd') this.roundBuffers()
    // To kernels a reset is an error as long as our FIN is not acknowledged; RFC 9293 §3.10.7.4 just deletes the TCB.
    if (this.settings.trace === undefined) {
      connection.configure({
        trace: ({ kind, flags, state, time }) => {
          this.errorQueue?.traced(connection, kind, time)
          if (kind === 'receive' && (flags & RST) !== 0 && (state === 'closing' || state === 'last-ack')) this.resetWhileClosing = true
        },
      })
    }
    context.connected(connection)
  }

  private forget(): void {
    this.connection?.setHandler(null)
    this.connection = null
  }

  private inherit(listener: TcpSocket): void {
    this.settings = { ...listener.settings }
    this.signatures = listener.signatures
    this.errorQueue = listener.errorQueue?.inherited() ?? null
    this.linger = listener.linger
    this.receiveTimeout = listener.receiveTimeout
    this.sendTimeout = listener.sendTimeout
    this.askedReceiveBuffer = listener.askedReceiveBuffer
    this.askedSendBuffer = listener.askedSendBuffer
    this.fastOpen.queue = listener.fastOpen.queue
    for (const [name, value] of listener.remembered) this.remembered.set(name, value)
  }

  /** FreeBSD keeps buffers of connections in whole segments. */
  roundedToSegments(bytes: number): number {
    this.roundBuffers()
    return this.inSegments(bytes)
  }

  /** A buffer by now; one that tunes itself begins with 64 KiB. */
  bufferSize(name: 'sendBuffer' | 'receiveBuffer'): number {
    return this.option(name) ?? this.connection?.info()[name] ?? 65_536
  }

  private inSegments(bytes: number): number {
    const info = this.connection?.info()
    if (info === undefined || info.state === 'syn-sent') return bytes
    const segment = info.sendMss + (info.options.timestamps ? TIMESTAMPS_LENGTH : 0)
    return bytes > segment ? Math.ceil(bytes / segment) * segment : bytes
  }

  private roundBuffers(): void {
    const { connection } = this
    if (this.isRounded || connection === null || connection.state === 'syn-sent' || connection.state === 'closed') return
    this.isRounded = true
    connection.configure({ receiveBuffer: this.inSegments(this.bufferSize('receiveBuffer')), sendBuffer: this.inSegments(this.bufferSize('sendBuffer')) })
  }

  // --- TCP_MD5SIG ---

  /** Key of TCP_MD5SIG where it names none. */
  get md5Secret(): string | null {
    return this.context.md5Secret
  }

  /** The key for a peer, '' = all; an empty key takes it away. False: it is too late to begin with signatures. */
  sign(peer: string, key: string): boolean {
    if (this.signatures === null && key === '') return true
    if (this.signatures === null && (this.connection !== null || this.listener !== null)) return false
    if (this.signatures === null) this.useSignatures(new SocketSignatures('accept'))
    this.signatures!.set(peer, key)
    return true
  }

  private useSignatures(signatures: SocketSignatures): void {
    this.signatures = signatures
    this.settings.authentication = signatures.authentication
  }

  /** What the system has for an option that nobody set, if a setting says; in the option's unit. */
  defaultOf(name: string): number | undefined {
    return this.context.defaults[name]
  }

  /** The value of an option now. */
  option<K extends keyof ConnectionOptions>(name: K): Required<ConnectionOptions>[K] {
    const { connection, settings, context } = this
    const own = connection?.options ?? settings
    return (own[name] ?? context.tcp.defaults[name]) as Required<ConnectionOptions>[K]
  }

  /** Changes options of the connection, now or when there is one. */
  configure(options: Settings): Outcome {
    return this.guard(() => {
      this.connection?.configure(options)
      Object.assign(this.settings, options)
      // The stack's listener was given its options when it was made.
      if (this.listener !== null) Object.assign(this.settingsSinceListen, options)
      return ok()
    })
  }

  // --- reading and writing ---

  read(request: ReadRequest): Operation {
    const isNonBlocking = this.isNonBlocking || request.dontWait
    let done = 0
    const attempt = (isLate: boolean): Outcome | null => {
      const refusal = this.readRefusal()
      if (refusal !== null) return refusal
      const { connection } = this
      if (this.connection === null || this.isOpening) return isNonBlocking || isLate ? fail('EAGAIN') : null
      const least = Math.min(request.length, request.waitAll ? request.length : this.option('receiveLowWater'))
      const isEnough = connection!.readableLength + done >= least
      if (!isEnough && !isNonBlocking && !isLate && !this.isEnded && connection!.readableLength < this.bufferSize('receiveBuffer') / 2) return null
      const outcome = this.guard(() => {
        const count = this.readSome(request, request.peek ? request.length : request.length - done)
        if (count === null) return ok(done)
        if (count !== undefined) {
          done = request.peek ? count : done + count
          if (done >= least || this.isEnded || isLate) return ok(done)
        }
        return { value: -1, errno: 'EAGAIN' }
      })
      if (outcome.errno !== 'EAGAIN') return outcome
      if (done > 0 && (isNonBlocking || isLate)) return ok(done)
      return isNonBlocking || isLate ? outcome : null
    }
    return { attempt, patience: this.receiveTimeout }
  }

  private readSome(request: ReadRequest, length: number): number | null | undefined {
    const connection = this.connection!
    if (length === 0) return 0
    if (request.truncate && !request.peek) return connection.discard(length)
    const into = this.context.scratch(length).subarray(0, length)
    return request.peek ? connection.peek(into) : connection.tryRead(into)
  }

  /** recv() of MSG_OOB: the urgent byte, once; not when it is in line. */
  readUrgent(): Outcome {
    const { connection } = this
    if (connection === null) return fail('ENOTCONN')
    if (connection.readUrgent() !== undefined) {
      this.isUrgentRead = true
      return ok(1)
    }
    return this.hasUrgent && !this.option('urgentInline') ? fail('EAGAIN') : fail('EINVAL')
  }

  private get hasUrgent(): boolean {
    return !this.isUrgentRead && (this.connection?.urgentLength ?? 0) > 0
  }

  private readRefusal(): Outcome | null {
    if (this.fastOpen.deferred !== null) return this.isNonBlocking ? fail('EAGAIN') : null
    if (this.connection === null) return fail('ENOTCONN')
    return this.isReadShut && this.connection.readableLength === 0 ? ok(0) : null
  }

  /** Nothing more will come than is there. */
  private get isEnded(): boolean {
    if (this.isReadShut) return true
    try {
      return this.connection!.readableLength === 0 ? this.connection!.peek(this.context.scratch(1)) === null : isFinReceived(this.connection!)
    } catch {
      return true
    }
  }

  write(request: WriteRequest): Operation {
    const isNonBlocking = this.isNonBlocking || request.dontWait
    const { more, endOfRecord, urgent, length, zeroCopy } = request
    let done = 0
    let isOpening = false
    if (this.isConnectedByWrites && request.to !== null) {
      const opened = this.connectWith(request, request.to)
      if (opened.errno !== undefined || opened.value === length || isNonBlocking) return now(opened)
      done = opened.value
      isOpening = true
    } else if (request.fastOpen === true || this.fastOpen.deferred !== null) {
      const opened = this.openWith(request, isNonBlocking)
      if (typeof opened !== 'number') return now(opened)
      // What a write that may not wait has sent is all that it took.
      if (opened >= 0 && isNonBlocking) return now(opened > 0 || length === 0 ? ok(opened) : fail('EINPROGRESS'))
      done = Math.max(0, opened)
      isOpening = opened >= 0
    }
    const attempt = (isLate: boolean): Outcome | null => {
      const { connection } = this
      if (connection === null) return fail(this.context.system === 'freebsd' ? 'ENOTCONN' : 'EPIPE')
      if (this.isWriteShut) return fail('EPIPE')
      if (this.isOpening) {
        if (this.context.system === 'freebsd' && !isOpening) return fail('ENOTCONN')
        return isNonBlocking || isLate ? fail('EAGAIN') : null
      }
      if (isOpening) {
        isOpening = false
        const failure = this.connectOutcome()
        if (failure.errno !== undefined) return failure
      }
      const outcome = this.guard(() => {
        done += connection.tryWrite(this.context.scratch(length).subarray(done, length), { more, endOfRecord, urgent })
        return ok(done)
      })
      if (done < length && outcome.errno === undefined && !isNonBlocking && !isLate) return null
      if (done > 0) this.errorQueue?.written(connection, zeroCopy === true)
      if (outcome.errno !== undefined) return done > 0 ? ok(done) : outcome
      return done > 0 || length === 0 ? ok(done) : fail('EAGAIN')
    }
    return { attempt, patience: this.sendTimeout }
  }

  /** FreeBSD: a write to an address opens the connection. */
  get isConnectedByWrites(): boolean {
    return this.context.system === 'freebsd' && this.connection === null && this.listener === null
  }

  /** With Fast Open where TCP_FASTOPEN was set; the bytes wait in the send buffer, those that the SYN does not take. */
  private connectWith({ length, more, endOfRecord }: WriteRequest, to: SocketAddress): Outcome {
    const opened = this.open(to, this.fastOpen.queue > 0 && this.fastOpen.isClientEnabled)
    if (opened.errno !== undefined) return opened
    return this.guard(() => ok((this.connection)?.tryWrite(this.context.scratch(length).subarray(0, length), { more, endOfRecord }) ?? 0))
  }

  /** A write that opens the connection (MSG_FASTOPEN, or the first one after a connect that waits): bytes taken, −1 = it is open already. */
  private openWith(request: WriteRequest, isNonBlocking: boolean): number | Outcome {
    const { fastOpen } = this
    if (!fastOpen.isClientEnabled) return fail('EOPNOTSUPP')
    if (this.isOpening) return fail('EALREADY')
    if (this.connection !== null) return -1
    const address = fastOpen.deferred ?? request.to
    if (address === null) return fail('EOPNOTSUPP')
    fastOpen.deferred = null
    const opened = this.open(address, true)
    if (opened.errno !== undefined) return opened
    const connection = this.connection as Connection | null
    const info = connection?.info().fastOpen
    const { length, more, endOfRecord } = request
    const room = info?.state === 'waiting' ? info.room : 0
    if (connection === null || length === 0 || (isNonBlocking && room === 0)) return isNonBlocking ? fail('EINPROGRESS') : 0
    // Who may wait has it all in the send buffer: what the SYN leaves follows with the last ACK of the handshake.
    const bytes = this.context.scratch(length).subarray(0, isNonBlocking ? Math.min(length, room) : length)
    const outcome = this.guard(() => ok(connection.tryWrite(bytes, { more, endOfRecord })))
    if (outcome.errno !== undefined) return outcome
    if (isNonBlocking || bytes.length === outcome.value) this.errorQueue?.written(connection, request.zeroCopy === true)
    return outcome.value
  }

  // --- the end ---

  shutdown(how: 'read' | 'write' | 'both'): Outcome {
    const { connection, listener, context } = this
    if (listener !== null && context.system === 'linux') {
      if (how !== 'write') this.stopListening()
      return ok()
    }
    if (connection === null || connection.state === 'closed' || connection.state === 'time-wait') return fail('ENOTCONN')
    if (this.isOpening && context.system === 'linux') {
      this.forget()
      connection.abort()
      this.leftError = 'ECONNRESET'
      return ok()
    }
    if (how !== 'write') this.isReadShut = true
    if (how !== 'read') this.isWriteShut = true
    if (!context.readsAfterShutdown) connection.shutdown(how)
    else if (how !== 'read') connection.shutdown('write')
    return ok()
  }

  close(): Operation {
    this.stopListening()
    const { connection, linger } = this
    if (connection === null) return now(ok())
    this.forget()
    // RFC 9293 §3.10.4 with SO_LINGER: 0 resets, more waits for what is written to be acknowledged.
    if (linger === 0) connection.configure({ lingerTimeout: 0 })
    // FreeBSD forgets what was not read and sends a FIN; RFC 2525 §2.17 wants a reset.
    if (this.context.system === 'freebsd' && connection.readableLength > 0) connection.discard(connection.readableLength)
    connection.close().catch(() => undefined)
    if (linger === null || linger === 0) return now(ok())
    return {
      attempt: (isLate) => (isLate || connection.unackedLength === 0 && isFinAcknowledged(connection) ? ok() : null),
      patience: linger * 1000,
    }
  }

  abort(): void {
    this.stopListening()
    const { connection } = this
    this.forget()
    connection?.abort()
  }

  private stopListening(): void {
    const { listener } = this
    this.listener = null
    if (listener !== null) void listener.close()
  }

  // --- looking ---

  get edges(): number {
    return this.changes + (this.refreshedQueue?.count ?? 0)
  }

  /** The error queue as it is now. */
  get refreshedQueue(): ErrorQueue | null {
    if (this.connection !== null) this.errorQueue?.refresh(this.connection)
    return this.errorQueue
  }

  /** The error queue, made if need be. */
  useErrorQueue(): ErrorQueue {
    return (this.errorQueue ??= new ErrorQueue())
  }

  /** SO_ERROR: the errno, and forgets it. */
  takeError(): string | null {
    const { leftError } = this
    this.leftError = null
    if (leftError !== null) return leftError
    // FreeBSD tells soft errors only once they end the connection.
    if (this.context.system === 'freebsd' && this.connection?.error === null && this.connection.state !== 'closed') return null
    const error = this.connection?.takeError() ?? null
    if (error === null && this.resetWhileClosing && this.connection?.state === 'closed') {
      this.resetWhileClosing = false
      return 'ECONNRESET'
    }
    if (error === null) return null
    if (this.connection!.error !== null) this.isErrorTaken = true
    const errno = errnoOf(error)
    // FreeBSD has one name for whatever is unreachable in a handshake.
    return this.context.system === 'freebsd' && this.isConnecting && isUnreachable(error) ? 'ECONNREFUSED' : errno
  }

  poll(): number {
    const { connection, listener } = this
    if (listener !== null) return listener.pending > 0 ? Ready.In : 0
    if (this.fastOpen.deferred !== null) return Ready.Out
    if (connection === null) return Ready.Out | Ready.Hup | (this.leftError === null ? 0 : Ready.Err)
    if (this.isOpening) return 0
    let mask = this.refreshedQueue?.isEmpty === false ? Ready.Err : 0
    const isOver = connection.state === 'closed' || connection.state === 'time-wait'
    const hasEnded = isOver || this.isReadShut || isFinReceived(connection)
    if (connection.error !== null && !this.isErrorTaken) mask |= Ready.Err
    if (hasEnded) mask |= Ready.In | Ready.ReadHup
    if (isOver || (hasEnded && this.isWriteShut)) mask |= Ready.Hup
    if (connection.readableLength >= this.option('receiveLowWater')) mask |= Ready.In
    if (this.hasUrgent) mask |= Ready.Pri
    if (isOver || this.isWriteShut || connection.writableLength > 0) mask |= Ready.Out
    return mask
  }

  /** Runs what may throw the connection's error, which is then taken: the next call finds the end of the stream. */
  private guard<T>(call: () => T): T | Outcome {
    try {
      return call()
    } catch (error) {
      if (!(error instanceof StackError)) throw error
      if (this.connection?.error === error) this.takeError()
      return fail(errnoOf(error))
    }
  }
}
