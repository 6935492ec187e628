import type { Clock } from '@stack/core'
import type { Expression } from '../../language/ast.ts'
import type { FileTable } from '../files.ts'
import type { Operation } from '../file.ts'
import type { SocketAddress } from '../structs.ts'
import type { PosixOptions, System } from '../posix.ts'
import type { Symbols } from '../symbols/index.ts'
import type { TcpContext } from '../tcp-socket.ts'
import type { UdpContext } from '../udp-socket.ts'
import type { Arguments, Names } from '../values.ts'

/** What the calls of one script share. */
export interface Face {
  readonly options: PosixOptions
  readonly system: System
  readonly clock: Clock
  /** ms of the clock at which the script began. */
  readonly startedAt: number
  readonly files: FileTable
  readonly symbols: Symbols
  readonly names: Names
  readonly tcp: TcpContext
  readonly udp: UdpContext
  /** What `...` means. */
  readonly local: SocketAddress
  readonly remote: SocketAddress
}

/** One system call. `result` is what the script says that it gives. */
type CallHandler = (face: Face, args: Arguments, result: Expression | null) => Operation

export type CallTable = Readonly<Record<string, CallHandler>>
