import type { Position } from '../language/ast.ts'
import { Unsupported } from '../language/error.ts'

/** One lexeme of a code block. */
export interface Token {
  /** `end` closes a logical line; an `operator` is punctuation too. */
  readonly kind: 'number' | 'string' | 'name' | 'operator' | 'end'
  readonly text: string
  /** Of a string: letters ahead of its quotes, in lower case. */
  readonly prefix: string
  /** Of the first lexeme of a line: how far it is indented; -1 for others. */
  readonly indent: number
  readonly at: Position
}

const BLANKS = /(?:[ \t\f\r]|\\\r?\n|#[^\n]*)*/y
const NUMBER = /0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y
const NAME = /[A-Za-z_]\w*/y
const STRING = /([fFrRbBuU]{0,2})("""|'''|"|')/y
const OPERATOR = /\*\*=?|\/\/=?|<<=?|>>=?|[-+*/%&|^]=|[=!<>]=|->|:=|[-+*/%&|^~<>=()[\]{},:;.@!]/y

/** Cuts Python into lexemes. `at` is where the text begins in the script. */
export function tokenize(text: string, at: Position): Token[] {
  const tokens: Token[] = []
  let { line, column } = at
  let offset = 0
  let depth = 0
  // The first line stands behind `%{`: its blanks are no indentation.
  let indent = 0
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = offset
    return pattern.exec(text)
  }
  const move = (length: number): string => {
    const piece = text.slice(offset, offset + length)
    const lastLine = piece.lastIndexOf('\n')
    line += piece.split('\n').length - 1
    column = lastLine < 0 ? column + length : length - lastLine
    offset += length
    return piece
  }
  const push = (kind: Token['kind'], length: number, value?: string, prefix = ''): void => {
    const position = { line, column }
    const piece = move(length)
    tokens.push({ kind, text: value ?? piece, prefix, indent, at: position })
    indent = -1
  }
  for (;;) {
    const blanks = match(BLANKS)?.[0].length ?? 0
    if (blanks > 0) move(blanks)
    if (offset >= text.length) break
    if (text[offset] === '\n') {
      if (depth > 0) move(1)
      else {
        if (tokens.length > 0 && tokens.at(-1)!.kind !== 'end') push('end', 1)
        else move(1)
        indent = /[ \t]*/y[Symbol.match](text.slice(offset))?.[0].length ?? 0
      }
      continue
    }
    const quote = match(STRING)
    if (quote !== null) {
      const { length, value } = stringAt(text, offset, quote, { line, column })
      push('string', length, value, quote[1]!.toLowerCase())
      continue
    }
    const number = match(NUMBER)
    if (number !== null) push('number', number[0].length)
    else {
      const name = match(NAME)
      const operator = name ?? match(OPERATOR)
      if (operator === null) throw new Unsupported(`code with \`${text[offset]!}\``, { line, column })
      if (name === null && '([{'.includes(operator[0])) depth++
      if (name === null && ')]}'.includes(operator[0])) depth = Math.max(0, depth - 1)
      push(name === null ? 'operator' : 'name', operator[0].length)
    }
  }
  if (tokens.length > 0 && tokens.at(-1)!.kind !== 'end') push('end', 0)
  return tokens
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\n': '' }

/** A string with its quotes; the value of a raw string keeps its backslashes. */
function stringAt(text: string, offset: number, open: RegExpExecArray, at: Position): { readonly length: number; readonly value: string } {
  const close = open[2]!
  const raw = /r/i.test(open[1]!)
  let value = ''
  for (let i = offset + open[0].length; i < text.length; i++) {
    if (text.startsWith(close, i)) return { length: i + close.length - offset, value }
    if (text[i] === '\n' && close.length === 1) break
    if (text[i] === '\\' && i + 1 < text.length) {
      i++
      value += raw ? `\\${text[i]!}` : (ESCAPES[text[i]!] ?? (/[\\'"]/.test(text[i]!) ? text[i]! : `\\${text[i]!}`))
    } else value += text[i]!
  }
  throw new Unsupported('code with a string that is not closed', at)
}
