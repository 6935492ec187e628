import type { Connection } from '@stack/tcp'
import type { Expression, Position } from '../language/ast.ts'
import { ScriptError, Unsupported } from '../language/error.ts'
import type { CallTable, Face } from './calls/call.ts'
import { OPTION_CALLS } from './calls/options.ts'
import { POLLING_CALLS } from './calls/polling.ts'
import { SOCKET_CALLS } from './calls/sockets.ts'
import { TRANSFER_CALLS } from './calls/transfer.ts'
import { FileTable } from './files.ts'
import { PendingCall } from './pending-call.ts'
import type { Call, Posix, PosixOptions } from './posix.ts'
import { symbolsOf } from './symbols/index.ts'
import { tcpInfoOf, unconnectedInfo } from './tcp-info.ts'
import { TcpSocket } from './tcp-socket.ts'
import { Arguments, numberOf, type Names } from './values.ts'

const CALLS: CallTable = { ...SOCKET_CALLS, ...TRANSFER_CALLS, ...OPTION_CALLS, ...POLLING_CALLS }

/** Calls of the language that a stack in user space has no notion of. */
const FOREIGN = new Map<string, string>([
  ['splice', 'pipes (splice)'], ['tee', 'pipes (tee)'], ['vmsplice', 'pipes (vmsplice)'], ['pipe', 'pipes (pipe)'],
  ['fork', 'processes (fork)'], ['kqueue', 'kqueue'], ['kevent', 'kqueue'], ['mmap', 'memory maps (mmap)'],
])

const DEFAULT_PORT = 8080

/**
 * System calls over a stack: descriptors, errno, blocking calls in virtual time. Calls that wait are tried again when the
 * stack tells that something changed, and when their `done` is looked at.
 */
export function createPosix(options: PosixOptions): Posix {
  return new PosixFace(options)
}

class PosixFace implements Posix {
  private readonly face: Face
  private readonly pending = new Set<PendingCall>()
  private readonly leave: readonly (() => void)[]
  private latest: Connection | null = null
  private zeros = new Uint8Array(0)

  constructor(options: PosixOptions) {
    const { stack, clock, system = 'linux', localAddress, remoteAddress } = options
    const symbols = symbolsOf(system)
    const names: Names = (name) => options.symbols?.get(name) ?? symbols.numberOf(name)
    const changed = (): void => {
      this.poke()
    }
    this.face = {
      options, system, clock, symbols, names, startedAt: clock.now(),
      files: new FileTable(),
      local: { host: localAddress, port: options.localPort ?? DEFAULT_PORT },
      remote: { host: remoteAddress, port: options.remotePort ?? DEFAULT_PORT },
      tcp: {
        tcp: stack.tcp, clock, system, changed, changes: {}, defaults: options.defaults ?? {}, readsAfterShutdown: options.readsAfterShutdown ?? false, md5Secret: options.md5Secret ?? null,
        scratch: (length) => this.scratch(length),
        connected: (connection) => {
          this.latest = connection
        },
      },
      udp: { udp: stack.udp, changed },
    }
    this.leave = [stack.on('connection-opened', changed), stack.on('connection-closed', changed)]
  }

  start(name: string, args: readonly Expression[], result: Expression | null, at: Position): Call {
    const foreign = FOREIGN.get(name)
    if (foreign !== undefined) throw new Unsupported(foreign, at)
    const handler = Object.hasOwn(CALLS, name) ? CALLS[name] : undefined
    if (handler === undefined) throw new ScriptError(`unknown call ${name}()`, at)
    const { face } = this
    const operation = handler(face, new Arguments(name, args, face.names, at), result)
    const call = new PendingCall(face.clock, operation.attempt, operation.patience ?? Infinity)
    if (call.result === null) this.pending.add(call)
    return call
  }

  reconfigure(options: Readonly<Record<string, unknown>>, live: boolean): boolean {
    const { tcp } = this.face
    if (!Object.keys(options).every((name) => Object.hasOwn(tcp.tcp.defaults, name))) return false
    Object.assign(tcp.changes, options)
    if (live) this.latest?.configure(options)
    return true
  }

  evaluate(expression: Expression): number {
    return numberOf(expression, this.face.names)
  }

  connection(fd?: number): Connection | null {
    if (fd === undefined) return this.latest
    const file = this.face.files.get(fd)
    return file instanceof TcpSocket ? file.connection : null
  }

  tcpInfo(fd?: number): Readonly<Record<string, number>> | null {
    const connection = this.connection(fd)
    if (connection !== null) return tcpInfoOf(connection.info())
    const { files } = this.face
    const file = fd === undefined ? files.latest : files.get(fd)
    return file instanceof TcpSocket ? unconnectedInfo(file.listener !== null) : null
  }

  end(): void {
    for (const leave of this.leave) leave()
    this.pending.clear()
    for (const file of this.face.files.clear()) file.abort()
  }

  private poke(): void {
    for (const call of this.pending) {
      call.poke()
      if (call.result !== null) this.pending.delete(call)
    }
  }

  private scratch(length: number): Uint8Array<ArrayBuffer> {
    if (this.zeros.length < length) this.zeros = new Uint8Array(length)
    return this.zeros
  }
}
