import type { Clock, StackBase } from '@stack/core'
import type { Connection, Tcp } from '@stack/tcp'
import type { Udp } from '@stack/udp'
import type { Expression, Position } from '../language/ast.ts'
import type { Family } from '../report/result.ts'

/** Whose numbers and habits the calls have, where systems differ. */
export type System = 'linux' | 'freebsd'

/** Options of `createPosix`. */
export interface PosixOptions {
  readonly stack: StackBase & { readonly tcp: Tcp; readonly udp: Udp }
  /** The stack's clock: deadlines of `poll` and of blocking calls. */
  readonly clock: Clock
  readonly family: Family
  /** What `...` means as the address of `bind`. IPv4 text with `ipv4-mapped-ipv6`. */
  readonly localAddress: string
  /** What `...` means as the address of `connect` and `sendto`. */
  readonly remoteAddress: string
  /** What `...` means as the port of `bind`. Default 8080. */
  readonly localPort?: number
  /** What `...` means as the port of `connect` and `sendto`. Default 8080. */
  readonly remotePort?: number
  /** Default `'linux'`. */
  readonly system?: System
  /** SHUT_RD leaves what comes to be read, as Linux does. Default: it is thrown away. */
  readonly readsAfterShutdown?: boolean
  /** Socket options by name that settings of the system give: `{ TCP_KEEPIDLE: 10 }`, in the option's unit. Default: none. */
  readonly defaults?: Readonly<Record<string, number>>
  /** Key that TCP_MD5SIG switches on where it names none, as FreeBSD's does. Default: none. */
  readonly md5Secret?: string
  /** ms that times in control messages may be off. Default 4. */
  readonly tolerance?: number
  /** Symbols of the command line (`-D NAME=value`); they win over the system's. */
  readonly symbols?: ReadonlyMap<string, number>
}

/** What a call gave back. */
export interface CallResult {
  /** −1 with an errno. */
  readonly value: number
  /** `'EAGAIN'`; null = it went well. */
  readonly errno: string | null
  /** Out-arguments that are not what the script says; empty = all are. */
  readonly out: readonly OutMismatch[]
}

/** One out-argument that differs. */
export interface OutMismatch {
  /** Which: `'option value'`, `'revents of fd 4'`. */
  readonly what: string
  readonly expected: string
  readonly actual: string
  readonly at: Position
}

/** A call under way. `done` may turn true whenever the stack had a turn, or time went on. */
export interface Call {
  readonly done: boolean
  /** Null until it is done. */
  readonly result: CallResult | null
  /** ms of the clock at which it was done; null until then. */
  readonly doneAt: number | null
  /** ms of the clock at which it will be done for certain (the timeout of `poll`); Infinity = none. */
  readonly deadline: number
}

/** The system calls of one script over one stack. */
export interface Posix {
  /**
   * Starts a call. `result` is what the script says: the number that a new file descriptor has in the script.
   *
   * @throws ScriptError for an unknown call, a wrong number or kind of arguments, a symbol or descriptor that does not exist
   * @throws Unsupported for what the stack has no notion of
   */
  start(name: string, args: readonly Expression[], result: Expression | null, at: Position): Call
  /** Options of `tcp()` for the sockets made from now on, and for those that there are when `live` says so. False = none of a connection. */
  reconfigure(options: Readonly<Record<string, unknown>>, live: boolean): boolean
  /** The number of an expression: integers, symbols, `|`, `~`, `htons(8080)`. Throws as `start`. */
  evaluate(expression: Expression): number
  /** The connection of a descriptor; without one, that of the latest `connect` or `accept`. Null = there is none. */
  connection(fd?: number): Connection | null
  /** The `tcpi_*` figures of {@link connection}, and symbols that code compares them with; null = there is no connection. */
  tcpInfo(fd?: number): Readonly<Record<string, number>> | null
  /** Closes what is still open, as the end of a process does. */
  end(): void
}
