import type { EventTime } from './ast.ts'
import type { Cursor } from './cursor.ts'

/** `0.5`, `+.1`, `*`, `+0~+.1`, `+0...0.2` */
export function parseTime(cursor: Cursor): EventTime {
  const start = cursor.offset
  if (cursor.takeText('*')) return { kind: 'any', seconds: 0, until: null, end: null }
  const kind = cursor.takeText('+') ? 'relative' : 'absolute'
  const seconds = takeSeconds(cursor, 'an event begins with a time')
  let until: number | null = null
  let end: number | null = null
  if (cursor.takeText('~')) {
    const sign = cursor.takeText('+')
    if (sign !== (kind === 'relative')) cursor.fail('the ends of a range are both relative (+a~+b) or both absolute (a~b)', start)
    until = takeSeconds(cursor, 'a range needs its other end')
    if (until < seconds) cursor.fail(`the range ends (${until}) before it begins (${seconds})`, start)
  } else if (cursor.takeText('...')) {
    cursor.takeText('+')
    end = takeSeconds(cursor, 'a blocking call needs the time when it returns')
    if (end < seconds) cursor.fail(`the call returns (${end}) before it begins (${seconds})`, start)
  }
  return { kind, seconds, until, end }
}

function takeSeconds(cursor: Cursor, why: string): number {
  const seconds = cursor.takeDecimal()
  if (seconds === null) cursor.fail(`${why}: expected seconds, not ${cursor.here()}`)
  return seconds
}
