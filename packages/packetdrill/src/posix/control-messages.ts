import type { Expression } from '../language/ast.ts'
import type { Face } from './calls/call.ts'
import type { ErrorQueueEntry } from './error-queue.ts'
import type { OutMismatch } from './posix.ts'
import { field, items, numberOf, type Names } from './values.ts'

/** What recvmsg gives beside the bytes. */
export interface ControlMessage {
  readonly level: number
  readonly type: number
  /** A number, or a struct by its fields. */
  readonly data: number | Readonly<Record<string, number>>
}

const NANOSECONDS = 1e9

/** What MSG_ERRQUEUE gives for an entry: sock_extended_err, and the time before it when it is about one. */
export function errorMessages(entry: ErrorQueueEntry, { symbols, startedAt }: Face): ControlMessage[] {
  const number = (name: string): number => symbols.numberOf(name)!
  const about = { level: number('CMSG_LEVEL_IP'), type: number('CMSG_TYPE_RECVERR') }
  if (entry.kind === 'copied') {
    const { first, last } = entry
    const data = { ee_errno: 0, ee_origin: number('SO_EE_ORIGIN_ZEROCOPY'), ee_type: 0, ee_code: number('SO_EE_CODE_ZEROCOPY_COPIED'), ee_info: first, ee_data: last }
    return [{ ...about, data }]
  }
  const nanoseconds = Math.round((entry.at - startedAt) * 1e6)
  const time = { scm_sec: Math.floor(nanoseconds / NANOSECONDS), scm_nsec: nanoseconds % NANOSECONDS }
  const data = { ee_errno: number('ENOMSG'), ee_origin: number('SO_EE_ORIGIN_TIMESTAMPING'), ee_type: 0, ee_code: 0, ee_info: entry.of, ee_data: entry.id }
  return [{ level: number('SOL_SOCKET'), type: number('SCM_TIMESTAMPING'), data: time }, { ...about, data }]
}

/** What a script says of `msg_control`, beside what came. `...` says nothing. Times may be `tolerance` ms off. */
export function controlMismatches(expected: Expression, actual: readonly ControlMessage[], names: Names, tolerance: number): OutMismatch[] {
  if (expected.kind !== 'array') return []
  const wanted = items(expected)
  if (wanted.length !== actual.length) {
    return [{ what: 'msg_control', expected: count(wanted.length), actual: count(actual.length), at: expected.at }]
  }
  return wanted.flatMap((message, i) =>
    (['level', 'type', 'data'] as const).flatMap((part) => {
      const value = field(message, [`cmsg_${part}`])
      if (value === null || value.kind === 'ellipsis') return []
      const given = actual[i]![part]
      return typeof given === 'number' ? numberMismatch(`cmsg_${part}`, value, given, names) : structMismatches(value, given, names, tolerance)
    }),
  )
}

function numberMismatch(what: string, expected: Expression, actual: number, names: Names): OutMismatch[] {
  const number = numberOf(expected, names)
  return number === actual ? [] : [{ what, expected: String(number), actual: String(actual), at: expected.at }]
}

function structMismatches(expected: Expression, actual: Readonly<Record<string, number>>, names: Names, tolerance: number): OutMismatch[] {
  const parts = Object.entries(actual).flatMap(([name, given]) => {
    const value = field(expected, [name])
    return value === null || value.kind === 'ellipsis' ? [] : [{ name, value, given }]
  })
  const seconds = parts.find(({ name }) => name === 'scm_sec')
  const nanoseconds = parts.find(({ name }) => name === 'scm_nsec')
  if (seconds !== undefined && nanoseconds !== undefined) {
    const off = (numberOf(seconds.value, names) - seconds.given) * 1e3 + (numberOf(nanoseconds.value, names) - nanoseconds.given) / 1e6
    if (Math.abs(off) <= tolerance) return []
  }
  return parts.flatMap(({ name, value, given }) => numberMismatch(name, value, given, names))
}

function count(messages: number): string {
  return messages === 0 ? 'none' : `${String(messages)} control message${messages === 1 ? '' : 's'}`
}
