import { ScriptError } from './error.ts'
import type { Source } from './error.ts'

const DIRECTIVE = /^[ \t]*#[ \t]*(ifdef|ifndef|else|endif)\b[ \t]*(\w*)[^\n]*/

interface Block {
  readonly line: number
  readonly wasOn: boolean
  isOn: boolean
}

/**
 * The text without the lines that `#ifdef NAME`, `#ifndef NAME`, `#else` and `#endif` leave out; suites say so where
 * systems differ. Blanks stand in their place, so that lines and columns stay what they are.
 *
 * @throws ScriptError for a directive without its other half
 */
export function selectLines(source: Source, defines: Readonly<Record<string, string>>): string {
  if (!/^[ \t]*#[ \t]*if/m.test(source.text)) return source.text
  const blocks: Block[] = []
  const rows = source.text.split('\n')
  for (const [index, row] of rows.entries()) {
    const [, directive, name] = DIRECTIVE.exec(row) ?? []
    if (directive !== undefined) apply(directive, name!, blocks, index + 1, source, defines)
    if (directive !== undefined || blocks.at(-1)?.isOn === false) rows[index] = ' '.repeat(row.length)
  }
  const open = blocks.at(-1)
  if (open !== undefined) throw new ScriptError('this condition is not closed by #endif', { line: open.line, column: 1 }, source)
  return rows.join('\n')
}

function apply(directive: string, name: string, blocks: Block[], line: number, source: Source, defines: Readonly<Record<string, string>>): void {
  const wasOn = blocks.at(-1)?.isOn ?? true
  if (directive === 'ifdef' || directive === 'ifndef') {
    if (name === '') throw new ScriptError(`#${directive} needs a name`, { line, column: 1 }, source)
    blocks.push({ line, wasOn, isOn: wasOn && Object.hasOwn(defines, name) === (directive === 'ifdef') })
    return
  }
  const block = blocks.at(-1)
  if (block === undefined) throw new ScriptError(`#${directive} without #ifdef`, { line, column: 1 }, source)
  if (directive === 'endif') blocks.pop()
  else block.isOn = block.wasOn && !block.isOn
}
