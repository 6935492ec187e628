import type { Position } from './ast.ts'

/** The text that an error stands in: shown with the error. */
export interface Source {
  readonly path: string
  readonly text: string
}

/**
 * A mistake in the script itself: it cannot be parsed, or it asks for something that does not exist
 * (an unknown call, a bad argument). A run reports it as a failure.
 *
 * With a source the message starts with `path:line:column` and shows the line with a caret below the column.
 *
 * @example
 * ```ts
 * throw new ScriptError('unknown option SO_NONSENSE', call.at)
 * ```
 */
export class ScriptError extends Error {
  override readonly name: string = 'ScriptError'
  /** What is wrong, without the place. */
  readonly reason: string
  /** The script's path; null when the error was thrown by code that does not know it. */
  readonly path: string | null
  /** Counts from 1. */
  readonly line: number
  /** Counts from 1, in UTF-16 units. */
  readonly column: number

  constructor(reason: string, at: Position, source: Source | null = null) {
    super(source === null ? `${at.line}:${at.column}: ${reason}` : `${source.path}:${at.line}:${at.column}: ${reason}\n${excerpt(source.text, at)}`)
    this.reason = reason
    this.path = source?.path ?? null
    this.line = at.line
    this.column = at.column
  }
}

/**
 * The script wants something that this stack has no notion of (zerocopy, a foreign shell command):
 * it is skipped, with this reason.
 */
export class Unsupported extends Error {
  override readonly name: string = 'Unsupported'
  /** Names what is wanted. */
  readonly reason: string
  readonly line: number
  readonly column: number

  constructor(reason: string, at: Position) {
    super(`${at.line}:${at.column}: ${reason}`)
    this.reason = reason
    this.line = at.line
    this.column = at.column
  }
}

/** The line with a caret below the column; tabs stay tabs, so that the caret stands right. */
function excerpt(text: string, at: Position): string {
  const line = text.split(/\r\n|\n|\r/)[at.line - 1] ?? ''
  return `  ${line}\n  ${line.slice(0, at.column - 1).replace(/[^\t]/g, ' ')}^`
}
