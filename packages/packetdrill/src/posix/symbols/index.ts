import type { System } from '../posix.ts'
import { ERRNO } from './errno.ts'
import { FILE_FLAGS, MESSAGE_FLAGS, POLL_EVENTS, TCP_INFO_VALUES } from './flags.ts'
import { IPV6_OPTIONS, IP_OPTIONS, OPTION_VALUES, SOCKET_OPTIONS, TCP_OPTIONS, UDP_OPTIONS } from './options.ts'
import { LEVELS, SOCKETS } from './sockets.ts'
import { symbolTable, type SymbolTable } from './table.ts'

/** The names of one system, by kind. */
export interface Symbols {
  readonly errno: SymbolTable
  readonly poll: SymbolTable
  readonly levels: SymbolTable
  readonly files: SymbolTable
  readonly messages: SymbolTable
  /** Options of a level by its number; undefined = no such level. */
  options(level: number): SymbolTable | undefined
  /** A name of any kind. */
  numberOf(name: string): number | undefined
}

export function symbolsOf(system: System): Symbols {
  const table = (rows: Parameters<typeof symbolTable>[1]): SymbolTable => symbolTable(system, rows)
  const errno = table(ERRNO)
  const poll = table(POLL_EVENTS)
  const levels = table(LEVELS)
  const files = table(FILE_FLAGS)
  const messages = table(MESSAGE_FLAGS)
  const byLevel = new Map<number, SymbolTable>([
    [levels.numberOf('SOL_SOCKET')!, table(SOCKET_OPTIONS)],
    [levels.numberOf('IPPROTO_TCP')!, table(TCP_OPTIONS)],
    [levels.numberOf('IPPROTO_IP')!, table(IP_OPTIONS)],
    [levels.numberOf('IPPROTO_IPV6')!, table(IPV6_OPTIONS)],
    [levels.numberOf('IPPROTO_UDP')!, table(UDP_OPTIONS)],
  ])
  const all = [table(SOCKETS), levels, files, messages, poll, errno, ...byLevel.values(), table(OPTION_VALUES), table(TCP_INFO_VALUES)]
  return {
    errno, poll, levels, files, messages,
    options: (level) => byLevel.get(level),
    numberOf: (name) => {
      for (const kind of all) {
        const value = kind.numberOf(name)
        if (value !== undefined) return value
      }
      return undefined
    },
  }
}
