import type { Position } from '../language/ast.ts'
import { Unsupported } from '../language/error.ts'
import type { CodeExpression, FormatPart } from './syntax.ts'
import { tokenize } from './tokens.ts'
import type { Token } from './tokens.ts'

const DEEPEST = 64

/** Binary operators, the loosest first. */
const LEVELS: readonly (readonly string[])[] = [['|'], ['^'], ['&'], ['<<', '>>'], ['+', '-'], ['*', '/', '//', '%']]
const COMPARISONS = ['==', '!=', '<', '<=', '>', '>=']
const CONSTANTS: Readonly<Record<string, boolean | null>> = { True: true, False: false, None: null }
/** Words that begin or join what is not evaluated here. */
const FOREIGN = ['lambda', 'await', 'yield', 'for', 'import', 'del', 'global', 'class', 'def', 'while', 'try', 'with', 'raise', 'return', 'from']

/** A place among lexemes. */
export interface TokenReader {
  /** What stands here; an `end` without text behind the last lexeme. */
  peek(): Token
  /** Takes a name or an operator, if it is this one. */
  take(text: string): boolean
  next(): Token
  /** What stands here is not part of the Python that is evaluated. */
  unsupported(): never
  /** A level deeper; the returned function leaves it. */
  enter(): () => void
}

const NOTHING: Omit<Token, 'at'> = { kind: 'end', text: '', prefix: '', indent: -1 }

export function createReader(tokens: readonly Token[], at: Position): TokenReader {
  let index = 0
  let depth = 0
  const end: Token = { ...NOTHING, at: tokens.at(-1)?.at ?? at }
  const peek = (): Token => tokens[index] ?? end
  return {
    peek,
    take(text) {
      const token = peek()
      if (token.text !== text || (token.kind !== 'operator' && token.kind !== 'name')) return false
      index++
      return true
    },
    next() {
      const token = peek()
      index++
      return token
    },
    unsupported() {
      const { kind, text, at: place } = peek()
      throw new Unsupported(kind === 'end' ? 'code with an unfinished line' : `code with \`${text}\``, place)
    },
    enter() {
      if (++depth > DEEPEST) throw new Unsupported(`code more than ${DEEPEST} levels deep`, peek().at)
      return () => depth--
    },
  }
}

/** `a`, or the tuple `a, b`. */
export function parseTuple(reader: TokenReader): CodeExpression {
  const { at } = reader.peek()
  const first = parseExpression(reader)
  if (reader.peek().text !== ',' || reader.peek().kind !== 'operator') return first
  const items = [first]
  while (reader.take(',')) {
    if (reader.peek().kind === 'end' || reader.peek().text === ')') break
    items.push(parseExpression(reader))
  }
  return { kind: 'list', items, at }
}

export function parseExpression(reader: TokenReader): CodeExpression {
  const leave = reader.enter()
  const { at } = reader.peek()
  const yes = parseOr(reader)
  let result = yes
  if (reader.take('if')) {
    const test = parseOr(reader)
    if (!reader.take('else')) reader.unsupported()
    result = { kind: 'choice', test, yes, no: parseExpression(reader), at }
  }
  leave()
  return result
}

function parseOr(reader: TokenReader): CodeExpression {
  const { at } = reader.peek()
  let left = parseAnd(reader)
  while (reader.take('or')) left = { kind: 'logical', operator: 'or', left, right: parseAnd(reader), at }
  return left
}

function parseAnd(reader: TokenReader): CodeExpression {
  const { at } = reader.peek()
  let left = parseNot(reader)
  while (reader.take('and')) left = { kind: 'logical', operator: 'and', left, right: parseNot(reader), at }
  return left
}

function parseNot(reader: TokenReader): CodeExpression {
  const { at } = reader.peek()
  if (!reader.take('not')) return parseComparison(reader)
  const leave = reader.enter()
  const operand = parseNot(reader)
  leave()
  return { kind: 'unary', operator: 'not', operand, at }
}

function parseComparison(reader: TokenReader): CodeExpression {
  const { at } = reader.peek()
  const operands = [parseBinary(reader, 0)]
  const operators: string[] = []
  for (let operator = takeComparison(reader); operator !== null; operator = takeComparison(reader)) {
    operators.push(operator)
    operands.push(parseBinary(reader, 0))
  }
  return operators.length === 0 ? operands[0]! : { kind: 'comparison', operands, operators, at }
}

function takeComparison(reader: TokenReader): string | null {
  const operator = COMPARISONS.find((text) => reader.take(text))
  if (operator !== undefined) return operator
  if (reader.take('is')) return reader.take('not') ? '!=' : '=='
  if (reader.take('in')) return 'in'
  if (!reader.take('not')) return null
  if (!reader.take('in')) reader.unsupported()
  return 'not in'
}

function parseBinary(reader: TokenReader, level: number): CodeExpression {
  const operators = LEVELS[level]
  if (operators === undefined) return parseUnary(reader)
  const { at } = reader.peek()
  let left = parseBinary(reader, level + 1)
  for (;;) {
    const operator = operators.find((text) => reader.take(text))
    if (operator === undefined) return left
    left = { kind: 'binary', operator, left, right: parseBinary(reader, level + 1), at }
  }
}

function parseUnary(reader: TokenReader): CodeExpression {
  const { at } = reader.peek()
  const operator = ['-', '+', '~'].find((text) => reader.take(text))
  if (operator === undefined) return parsePower(reader)
  const leave = reader.enter()
  const operand = parseUnary(reader)
  leave()
  return { kind: 'unary', operator, operand, at }
}

/** `**` binds tighter than a sign on its left, looser than one on its right. */
function parsePower(reader: TokenReader): CodeExpression {
  const { at } = reader.peek()
  const left = parseOperand(reader)
  if (!reader.take('**')) return left
  const leave = reader.enter()
  const right = parseUnary(reader)
  leave()
  return { kind: 'binary', operator: '**', left, right, at }
}

function parseOperand(reader: TokenReader): CodeExpression {
  const token = reader.peek()
  const { at } = token
  let operand: CodeExpression
  if (token.kind === 'number') operand = { kind: 'literal', value: Number(reader.next().text.replaceAll('_', '')), at }
  else if (token.kind === 'string') operand = parseStrings(reader)
  else if (token.kind === 'name') operand = parseName(reader)
  else if (reader.take('(')) operand = parseParentheses(reader, at)
  else if (reader.take('[')) operand = { kind: 'list', items: parseItems(reader, ']'), at }
  else return reader.unsupported()
  // Attributes, subscripts and calls of values.
  if (reader.peek().kind === 'operator' && ['.', '[', '('].includes(reader.peek().text)) reader.unsupported()
  return operand
}

function parseParentheses(reader: TokenReader, at: Position): CodeExpression {
  if (reader.take(')')) return { kind: 'list', items: [], at }
  const inner = parseTuple(reader)
  if (!reader.take(')')) reader.unsupported()
  return inner
}

export function parseItems(reader: TokenReader, close: string): CodeExpression[] {
  const items: CodeExpression[] = []
  while (!reader.take(close)) {
    items.push(parseExpression(reader))
    if (reader.take(close)) break
    if (!reader.take(',')) reader.unsupported()
  }
  return items
}

function parseName(reader: TokenReader): CodeExpression {
  if (FOREIGN.includes(reader.peek().text)) reader.unsupported()
  const { text: name, at } = reader.next()
  if (Object.hasOwn(CONSTANTS, name)) return { kind: 'literal', value: CONSTANTS[name]!, at }
  if (!reader.take('(')) return { kind: 'name', name, at }
  return { kind: 'call', name, arguments: parseItems(reader, ')'), at }
}

/** Strings that stand beside each other are one. */
function parseStrings(reader: TokenReader): CodeExpression {
  const { at } = reader.peek()
  const parts: FormatPart[] = []
  while (reader.peek().kind === 'string') {
    const token = reader.next()
    if (token.prefix.includes('b')) throw new Unsupported('code with bytes', token.at)
    parts.push(...(token.prefix.includes('f') ? parseFormat(token) : [{ text: token.text, value: null, spec: '' }]))
  }
  if (parts.every((part) => part.value === null)) return { kind: 'literal', value: parts.map((part) => part.text).join(''), at }
  return { kind: 'format', parts, at }
}

/** The parts of an f-string. */
function parseFormat(token: Token): FormatPart[] {
  return token.text.split(/(\{\{|\}\}|\{[^{}]*\})/).map((piece) => {
    if (piece === '{{' || piece === '}}') return { text: piece[0]!, value: null, spec: '' }
    if (/[{}]/.test(piece.replace(/^\{(.*)\}$/s, '$1'))) throw new Unsupported('code with braces within braces in an f-string', token.at)
    if (!piece.startsWith('{')) return { text: piece, value: null, spec: '' }
    const [, text, echo, spec] = /^\{([^:!=]*(?:[!=]=[^:!=]*)*)(=?)(?::([^{}]*))?\}$/.exec(piece) ?? []
    if (text === undefined || text.trim() === '') throw new Unsupported(`code with \`${piece}\` in an f-string`, token.at)
    const reader = createReader(tokenize(text, token.at), token.at)
    const value = parseTuple(reader)
    if (reader.peek().kind !== 'end') reader.unsupported()
    return { text: echo === '=' ? `${text}=` : '', value, spec: spec ?? '' }
  })
}
