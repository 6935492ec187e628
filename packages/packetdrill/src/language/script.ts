import type { Action, ExpectedFailure, Script, ScriptEvent, ScriptOption, ShellCommand } from './ast.ts'
import { selectLines } from './conditions.ts'
import { createCursor } from './cursor.ts'
import type { Cursor } from './cursor.ts'
import { ScriptError } from './error.ts'
import { parseCall } from './expression.ts'
import { parsePacket } from './packet.ts'
import { parseTime } from './time.ts'

/** What {@link parseScript} may be told. */
export interface ParseOptions {
  /**
   * What names stand for wherever the script uses them (`-D NAME=value`): numbers, other names, cookies. Names that are here
   * are those that `#ifdef` asks for. Default: none.
   */
  readonly defines?: Readonly<Record<string, string>>
}

/**
 * Parses a packetdrill script; nothing is interpreted or run.
 *
 * @param path names the script in errors and reports; nothing is read from it
 * @throws {@link ScriptError} with line, column and the line itself; nothing else, whatever the text
 * @example
 * ```ts
 * const script = parseScript('0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3', 'socket.pkt')
 * script.events[0]?.action.kind // 'call'
 * ```
 */
export function parseScript(text: string, path: string, options: ParseOptions = {}): Script {
  const expectedFailure = parseMarker(text, path)
  const defines = options.defines ?? {}
  const cursor = createCursor({ path, text: selectLines({ path, text }, defines) }, defines)
  const scriptOptions = parseOptions(cursor)
  const init = parseShell(cursor)
  scriptOptions.push(...parseOptions(cursor))
  const events: ScriptEvent[] = []
  let latest = 0
  while (!cursor.atEnd && cursor.peek(/`/y) === null) {
    const event = parseEvent(cursor)
    if (event.time.kind === 'absolute') {
      if (event.time.seconds < latest) throw new ScriptError(`absolute times never go back: ${event.time.seconds} behind ${latest}`, event.at, cursor.source)
      latest = event.time.seconds
    }
    events.push(event)
  }
  const cleanup = parseShell(cursor)
  if (!cursor.atEnd) cursor.fail(`nothing stands behind the last command; a command between events begins with a time. This is ${cursor.here()}`)
  return { path, text, expectedFailure, options: scriptOptions, init, events, cleanup }
}

const MARKER = /^\/\/\s*expect-fail\b/
const REASON = /^\/\/\s*expect-fail:\s*((?:issue \d+|later) \(RFC \d+[^()]*\))\s*$/

/** Looks through the comment lines at the head of the script. */
function parseMarker(text: string, path: string): ExpectedFailure | null {
  let line = 0
  for (const row of text.split('\n')) {
    line++
    const comment = row.trim()
    if (comment !== '' && !comment.startsWith('//')) return null
    if (!MARKER.test(comment)) continue
    const at = { line, column: row.indexOf('//') + 1 }
    const why = REASON.exec(comment)?.[1]
    if (why === undefined) throw new ScriptError('an expect-fail marker reads `// expect-fail: issue 3 (RFC 9293)` or `// expect-fail: later (RFC 7413)`', at, { path, text })
    return { why, at }
  }
  return null
}

/** `--name=value`; a value with blanks stands in quotes. */
function parseOptions(cursor: Cursor): ScriptOption[] {
  const options: ScriptOption[] = []
  for (;;) {
    const at = cursor.at()
    if (cursor.peek(/--/y) === null) return options
    const text = cursor.take(/--[A-Za-z][A-Za-z0-9_-]*(?:=(?:"[^"\n]*"|[^\s"]*))?(?=\s|$)/y)
    if (text === null) cursor.fail('an option reads `--name` or `--name=value`')
    const equals = text.indexOf('=')
    const value = equals < 0 ? null : text.slice(equals + 1).replace(/^"(.*)"$/, '$1')
    options.push({ name: text.slice(2, equals < 0 ? undefined : equals), value, at })
  }
}

/** A command in back-quotes; it may go on over lines. */
function parseShell(cursor: Cursor): ShellCommand | null {
  const at = cursor.at()
  if (cursor.peek(/`/y) === null) return null
  return { command: takeQuoted(cursor, /`/y, '`', 'the command'), at }
}

/** The opening mark is left where it is until the closing one was found, so that an error shows where it began. */
function takeQuoted(cursor: Cursor, open: RegExp, close: string, what: string): string {
  const start = cursor.offset
  const mark = cursor.peek(open) ?? ''
  const end = cursor.source.text.indexOf(close, start + mark.length)
  if (end < 0) cursor.fail(`${what} is not closed by ${close}`, start)
  cursor.takeText(cursor.source.text.slice(start, end + close.length))
  return cursor.source.text.slice(start + mark.length, end)
}

function parseEvent(cursor: Cursor): ScriptEvent {
  const start = cursor.offset
  const at = cursor.at()
  if (cursor.peek(/--/y) !== null) cursor.fail('options stand ahead of the events')
  if (cursor.peek(/[+*.\d]/y) === null) cursor.fail(`expected the time of an event (0.5, +.1, *), not ${cursor.here()}`)
  const time = parseTime(cursor)
  const action = parseAction(cursor)
  if (time.end !== null && action.kind !== 'call') cursor.fail('only a call blocks: a time with an end (a...b) needs a call', start)
  return { at, time, action, text: cursor.textFrom(start) }
}

function parseAction(cursor: Cursor): Action {
  const at = cursor.at()
  const command = parseShell(cursor)
  if (command !== null) return { kind: 'shell', ...command }
  if (cursor.peek(/%\{/y) !== null) return { kind: 'code', code: takeQuoted(cursor, /%\{/y, '}%', 'the code'), at }
  return parsePacket(cursor) ?? parseCall(cursor)
}
