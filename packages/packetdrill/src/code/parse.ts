import type { Position } from '../language/ast.ts'
import { Unsupported } from '../language/error.ts'
import { createReader, parseExpression, parseItems, parseTuple } from './parse-expression.ts'
import type { TokenReader } from './parse-expression.ts'
import type { CodeExpression, Statement } from './syntax.ts'
import { tokenize } from './tokens.ts'

const AUGMENTED = /^(\*\*|\/\/|<<|>>|[-+*/%&|^])=$/

/**
 * Parses the text of a code block.
 *
 * @param at where the text begins in the script
 * @throws Unsupported for Python that is not evaluated here
 */
export function parseCode(text: string, at: Position): Statement[] {
  const reader = createReader(tokenize(text, at), at)
  const statements: Statement[] = []
  while (reader.peek().kind !== 'end' || reader.peek().text !== '') {
    if (reader.peek().kind === 'end') reader.next()
    else statements.push(...parseLine(reader, text, at))
  }
  return statements
}

/** A logical line: statements with `;` between them, or an `if` with all that belongs to it. */
function parseLine(reader: TokenReader, text: string, at: Position): Statement[] {
  if (reader.peek().text === 'if') return [parseIf(reader, reader.peek().indent, text, at)]
  const statements: Statement[] = []
  do {
    if (reader.peek().kind === 'end') break
    if (reader.peek().text === 'if') reader.unsupported()
    statements.push(parseSimple(reader, text, at))
  } while (reader.take(';'))
  if (reader.peek().kind !== 'end') reader.unsupported()
  reader.next()
  return statements
}

/** @param indent how far the line of the `if` is indented; its branches are indented further */
function parseIf(reader: TokenReader, indent: number, text: string, at: Position): Statement {
  const leave = reader.enter()
  const position = reader.next().at
  const test = parseExpression(reader)
  const yes = parseBranch(reader, indent, text, at)
  let no: readonly Statement[] = []
  const sameLevel = reader.peek().indent === indent
  if (sameLevel && reader.peek().text === 'elif') no = [parseIf(reader, indent, text, at)]
  else if (sameLevel && reader.take('else')) no = parseBranch(reader, indent, text, at)
  leave()
  return { kind: 'if', test, yes, no, at: position }
}

function parseBranch(reader: TokenReader, indent: number, text: string, at: Position): Statement[] {
  if (!reader.take(':')) reader.unsupported()
  if (reader.peek().kind !== 'end') return parseLine(reader, text, at)
  reader.next()
  const statements: Statement[] = []
  while (reader.peek().kind !== 'end' && reader.peek().indent > indent) statements.push(...parseLine(reader, text, at))
  if (statements.length === 0) throw new Unsupported('code with an empty branch', reader.peek().at)
  return statements
}

function parseSimple(reader: TokenReader, text: string, begin: Position): Statement {
  const { at } = reader.peek()
  if (reader.take('pass')) return { kind: 'pass', at }
  if (reader.take('assert')) {
    const from = reader.peek().at
    const test = parseExpression(reader)
    const source = between(text, begin, from, reader.peek().at)
    return { kind: 'assert', test, message: reader.take(',') ? parseExpression(reader) : null, text: source, at }
  }
  if (reader.take('print')) return { kind: 'print', values: parsePrinted(reader), at }
  const value = parseTuple(reader)
  if (value.kind === 'name') {
    if (reader.take('=')) return { kind: 'assign', name: value.name, value: parseTuple(reader), at }
    const operator = AUGMENTED.exec(reader.peek().text)?.[1]
    if (operator !== undefined) {
      reader.next()
      return { kind: 'assign', name: value.name, value: { kind: 'binary', operator, left: value, right: parseTuple(reader), at }, at }
    }
  }
  return { kind: 'expression', value, at }
}

/** The call of Python 3, or the statement of Python 2. */
function parsePrinted(reader: TokenReader): readonly CodeExpression[] {
  if (reader.peek().kind === 'end' || reader.peek().text === ';') return []
  if (reader.take('(')) {
    const values = parseItems(reader, ')')
    if (reader.peek().kind === 'end' || reader.peek().text === ';') return values
    reader.unsupported()
  }
  const printed = parseTuple(reader)
  return printed.kind === 'list' ? printed.items : [printed]
}

/** The text from one place up to another. */
function between(text: string, begin: Position, from: Position, to: Position): string {
  const lines = text.split('\n')
  const offset = ({ line, column }: Position): number => {
    const row = line - begin.line
    const ahead = lines.slice(0, row).reduce((sum, each) => sum + each.length + 1, 0)
    return ahead + column - (row === 0 ? begin.column : 1)
  }
  return text.slice(offset(from), offset(to)).replace(/\s*\\?\s*\n\s*/g, ' ').trim()
}
