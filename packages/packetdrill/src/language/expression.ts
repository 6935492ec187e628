import type { CallAction, Expression, Field } from './ast.ts'
import type { Cursor } from './cursor.ts'

/** Arrays in structs in arrays: no call needs as many, and a hostile script must not exhaust the call stack. */
const DEEPEST = 32

const NUMBER = /[+-]?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?|\.\d+)/y
const ERRNO = /E[A-Z0-9]+\b/y
const FIELD_NAME = /[A-Za-z_]\w*(?=\s*=)/y
/** The rest of a string, with its closing quote. */
const STRING = /((?:[^"\\\n]|\\[^\n])*)"/y
const ESCAPE = /\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)/g
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b', f: '\f', v: '\v' }

/** `name(arguments) = result ERRNO (text)`; the name stands at the cursor. */
export function parseCall(cursor: Cursor): CallAction {
  const at = cursor.at()
  const name = cursor.takeWord()
  if (name === null) cursor.fail(`expected a call, a packet, a command or code behind the time, not ${cursor.here()}`)
  if (!cursor.takeText('(')) cursor.fail(`expected \`(\` behind the call ${name}, not ${cursor.here()}`)
  const args = parseList(cursor, ')', `the arguments of ${name}`, 0)
  let result: Expression | null = null
  let errno: string | null = null
  let note: string | null = null
  if (cursor.takeText('=')) {
    result = parseExpression(cursor, 'a result behind `=`', 0)
    errno = cursor.take(ERRNO)
    note = parseNote(cursor)
  }
  return { kind: 'call', name, arguments: args, result, errno, note, at }
}

/** `(Operation now in progress)`, `(flags O_RDWR)` */
function parseNote(cursor: Cursor): string | null {
  const open = cursor.offset
  if (!cursor.takeText('(')) return null
  const note = cursor.take(/[^()\n]*(?:\([^()\n]*\)[^()\n]*)*/y) ?? ''
  if (!cursor.takeText(')')) cursor.fail('the text behind the result is not closed by )', open)
  return note.trim()
}

function parseList(cursor: Cursor, close: string, what: string, depth: number): Expression[] {
  const items: Expression[] = []
  if (cursor.takeText(close)) return items
  for (;;) {
    items.push(parseExpression(cursor, `an item of ${what}`, depth))
    if (cursor.takeText(close)) return items
    if (!cursor.takeText(',')) cursor.fail(`expected \`,\` or \`${close}\` in ${what}, not ${cursor.here()}`)
  }
}

/** One value, or several joined by `|`. */
function parseExpression(cursor: Cursor, what: string, depth: number): Expression {
  if (depth > DEEPEST) cursor.fail(`more than ${DEEPEST} lists within lists`)
  const at = cursor.at()
  const first = parseOperand(cursor, what, depth)
  if (cursor.peek(/\|/y) === null) return first
  const operands = [first]
  while (cursor.takeText('|')) operands.push(parseOperand(cursor, 'a value behind `|`', depth))
  return { kind: 'or', operands, at }
}

function parseOperand(cursor: Cursor, what: string, depth: number): Expression {
  const at = cursor.at()
  if (cursor.takeText('...')) return { kind: 'ellipsis', at }
  const digits = cursor.take(NUMBER)
  if (digits !== null) return number(digits, at)
  if (cursor.takeText('"')) return { kind: 'string', value: parseString(cursor, at), at }
  if (cursor.takeText('[')) return { kind: 'array', items: parseList(cursor, ']', 'the array', depth + 1), at }
  if (cursor.takeText('{')) return { kind: 'struct', fields: parseFields(cursor, depth + 1), at }
  if (cursor.takeText('~')) return { kind: 'not', operand: parseExpression(cursor, 'a value behind `~`', depth + 1), at }
  if (cursor.takeText('(')) {
    const inner = parseExpression(cursor, 'a value behind `(`', depth + 1)
    cursor.expect(')', 'behind the value')
    return inner
  }
  const name = cursor.takeWord()
  if (name === null) cursor.fail(`expected ${what}, not ${cursor.here()}`)
  if (!cursor.takeText('(')) return symbol(cursor.valueOf(name) ?? name, at)
  return { kind: 'function', name, arguments: parseList(cursor, ')', `the arguments of ${name}`, depth + 1), at }
}

/** A name, or the number that it was defined as. */
function symbol(text: string, at: Expression['at']): Expression {
  return /^[+-]?(?:0[xX][0-9a-fA-F]+|\d+)$/.test(text) ? number(text, at) : { kind: 'symbol', name: text, at }
}

function number(digits: string, at: Expression['at']): Expression {
  const negative = digits.startsWith('-')
  const value = Number(digits.replace(/^[+-]/, ''))
  const kind = /^[+-]?0[xX]/.test(digits) || !digits.includes('.') ? 'integer' : 'decimal'
  return { kind, value: negative ? -value : value, at }
}

/** Each character of the value is one byte. */
function parseString(cursor: Cursor, at: Expression['at']): string {
  const text = cursor.take(STRING)
  if (text === null) cursor.fail(`the string that begins in column ${at.column} is not closed by "`)
  return text.slice(0, -1).replace(ESCAPE, (_, escape: string) => {
    if (/^x./.test(escape)) return String.fromCharCode(parseInt(escape.slice(1), 16))
    if (/^[0-7]/.test(escape)) return String.fromCharCode(parseInt(escape, 8) & 0xff)
    return CONTROLS[escape] ?? escape
  })
}

/** The fields of a struct, behind its `{`. */
function parseFields(cursor: Cursor, depth: number): Field[] {
  const fields: Field[] = []
  if (cursor.takeText('}')) return fields
  for (;;) {
    fields.push(parseField(cursor, depth))
    if (cursor.takeText('}')) return fields
    if (!cursor.takeText(',')) cursor.fail(`expected \`,\` or \`}\` in the struct, not ${cursor.here()}`)
  }
}

/** `name=value`, `name(size)=value` or `value`: the name of a field is no value, whatever else it is defined as. */
function parseField(cursor: Cursor, depth: number): Field {
  const start = cursor.offset
  const value = (): Expression => {
    cursor.expect('=', 'behind the name of a field')
    return parseExpression(cursor, 'a value behind `=`', depth)
  }
  const name = cursor.take(FIELD_NAME)
  if (name !== null) return { name, size: null, value: value() }
  const first = parseExpression(cursor, 'a field of the struct', depth)
  if (cursor.peek(/=/y) === null) return { name: null, size: null, value: first }
  if (first.kind === 'function' && first.arguments.length === 1) return { name: first.name, size: first.arguments[0]!, value: value() }
  return cursor.fail('expected the name of a field ahead of `=`', start)
}
