import type { Expression } from '../language/ast.ts'
import type { OutMismatch } from './posix.ts'
import { field, items, numberOf, type Names } from './values.ts'

/** What recvmsg gives beside the bytes. */
export interface ControlMessage {
  readonly level: number
  readonly type: number
  readonly data: number
}

/** What a script says of `msg_control`, beside what came. `...` says nothing. */
export function controlMismatches(expected: Expression, actual: readonly ControlMessage[], names: Names): OutMismatch[] {
  if (expected.kind !== 'array') return []
  const wanted = items(expected)
  if (wanted.length !== actual.length) {
    return [{ what: 'msg_control', expected: count(wanted.length), actual: count(actual.length), at: expected.at }]
  }
  return wanted.flatMap((message, i) =>
    (['level', 'type', 'data'] as const).flatMap((part) => {
      const value = field(message, [`cmsg_${part}`])
      if (value === null || value.kind === 'ellipsis') return []
      const number = numberOf(value, names)
      return number === actual[i]![part] ? [] : [{ what: `cmsg_${part}`, expected: String(number), actual: String(actual[i]![part]), at: value.at }]
    }),
  )
}

function count(messages: number): string {
  return messages === 0 ? 'none' : `${String(messages)} control message${messages === 1 ? '' : 's'}`
}
