import type { Cursor } from './cursor.ts'

/** The packet that is being parsed. */
export interface PacketContext {
  readonly cursor: Cursor
  /** The first thing in it that this stack has no notion of. */
  foreign: string | null
  /** Takes an integer, or a name that stands for one. */
  integer(what: string, largest: number): number
}

export function createPacketContext(cursor: Cursor): PacketContext {
  return {
    cursor,
    foreign: null,
    integer(what, largest) {
      const start = cursor.offset
      const value = cursor.takeInteger() ?? named(this)
      if (value === null) cursor.fail(`${what} needs a number, not ${cursor.here()}`)
      if (value > largest) cursor.fail(`${what} is at most ${largest}, not ${value}`, start)
      return value
    },
  }
}

function named(context: PacketContext): number | null {
  const { cursor } = context
  const start = cursor.offset
  const name = cursor.take(/[A-Z][A-Z0-9_]*\b/y)
  if (name === null) return null
  const text = cursor.valueOf(name)
  if (text === null) {
    context.foreign ??= `the name ${name}, which nothing defines (-D ${name}=value)`
    return 0
  }
  const value = /^(?:0[xX][0-9a-fA-F]+|\d+)$/.test(text) ? Number(text) : null
  if (value === null) cursor.fail(`${name} is defined as ${text}, and a number is needed`, start)
  return value
}
