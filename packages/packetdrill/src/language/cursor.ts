import type { Position } from './ast.ts'
import { ScriptError } from './error.ts'
import type { Source } from './error.ts'

const BLANK = /(?:\s+|\/\/[^\n]*)+/y
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y
const DECIMAL = /\d+(?:\.\d+)?|\.\d+/y
const INTEGER = /0[xX][0-9a-fA-F]+|\d+/y
/** What an error message quotes. */
const LEXEME = /[A-Za-z0-9_.]+|[^\s]/y

/**
 * A place in the text of a script. Each `take…` reads one lexeme at the place, and then moves over the blanks
 * and comments behind it; so between two calls the place is always at a lexeme or at the end.
 *
 * packetdrill cannot be cut into lexemes ahead of parsing: `5.` is a number of seconds in one place and the
 * flags of a segment in another, and `>` ends an option list or begins a packet.
 */
export interface Cursor {
  readonly source: Source
  /** What a name stands for (`-D NAME=value`); null = itself. */
  valueOf(name: string): string | null
  /** In UTF-16 units. */
  readonly offset: number
  readonly atEnd: boolean
  /** Where the place is, or where an earlier offset was. */
  at(offset?: number): Position
  /** The text from an offset up to the last lexeme that was taken. */
  textFrom(offset: number): string
  /** Matches a sticky expression here, without moving. */
  peek(pattern: RegExp): string | null
  /** Takes what a sticky expression matches here; null = nothing. */
  take(pattern: RegExp): string | null
  /** Takes these characters, if they stand here. */
  takeText(text: string): boolean
  /** Takes a name: letters, digits and `_`. */
  takeWord(): string | null
  /** Takes just this name, not the beginning of a longer one. */
  takeKeyword(keyword: string): boolean
  /** Takes an integer, decimal or hexadecimal, without a sign. */
  takeInteger(): number | null
  /** Takes `1`, `1.5` or `.5`. */
  takeDecimal(): number | null
  /** Takes these characters, or fails. */
  expect(text: string, where: string): void
  /** Throws a {@link ScriptError} here, or at an earlier offset. */
  fail(reason: string, offset?: number): never
  /** What stands here, to be quoted by an error. */
  here(): string
}

/** @param defines what names stand for, wherever the script uses them */
export function createCursor(source: Source, defines: Readonly<Record<string, string>>): Cursor {
  return new TextCursor(source, defines)
}

class TextCursor implements Cursor {
  readonly source: Source
  offset = 0
  /** Where the last lexeme ended, ahead of the blanks. */
  private end = 0
  private readonly defines: Readonly<Record<string, string>>
  private readonly lineStarts: number[] = [0]

  constructor(source: Source, defines: Readonly<Record<string, string>>) {
    this.source = source
    this.defines = defines
    const { text } = source
    for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) this.lineStarts.push(i + 1)
    this.skipBlanks()
  }

  valueOf(name: string): string | null {
    return Object.hasOwn(this.defines, name) ? this.defines[name]! : null
  }

  get atEnd(): boolean {
    return this.offset >= this.source.text.length
  }

  at(offset: number = this.offset): Position {
    let low = 0
    let high = this.lineStarts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.lineStarts[middle]! <= offset) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: offset - this.lineStarts[low]! + 1 }
  }

  textFrom(offset: number): string {
    return this.source.text.slice(offset, this.end)
  }

  peek(pattern: RegExp): string | null {
    pattern.lastIndex = this.offset
    return pattern.exec(this.source.text)?.[0] ?? null
  }

  take(pattern: RegExp): string | null {
    const text = this.peek(pattern)
    if (text !== null) this.advance(text.length)
    return text
  }

  takeText(text: string): boolean {
    if (!this.source.text.startsWith(text, this.offset)) return false
    this.advance(text.length)
    return true
  }

  takeWord(): string | null {
    return this.take(WORD)
  }

  takeKeyword(keyword: string): boolean {
    if (this.peek(WORD) !== keyword) return false
    this.advance(keyword.length)
    return true
  }

  takeInteger(): number | null {
    const digits = this.take(INTEGER)
    return digits === null ? null : Number(digits)
  }

  takeDecimal(): number | null {
    const digits = this.take(DECIMAL)
    return digits === null ? null : Number(digits)
  }

  expect(text: string, where: string): void {
    if (!this.takeText(text)) this.fail(`expected \`${text}\` ${where}, not ${this.here()}`)
  }

  fail(reason: string, offset: number = this.offset): never {
    throw new ScriptError(reason, this.at(offset), this.source)
  }

  here(): string {
    return this.atEnd ? 'the end of the script' : `\`${this.peek(LEXEME) ?? ''}\``
  }

  private advance(length: number): void {
    this.offset += length
    this.end = this.offset
    this.skipBlanks()
  }

  private skipBlanks(): void {
    for (;;) {
      BLANK.lastIndex = this.offset
      this.offset += BLANK.exec(this.source.text)?.[0].length ?? 0
      if (!this.source.text.startsWith('/*', this.offset)) return
      const close = this.source.text.indexOf('*/', this.offset + 2)
      if (close < 0) this.fail('the comment is not closed by */')
      this.offset = close + 2
    }
  }
}
