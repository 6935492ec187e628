import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { newest, type Kept } from './results.ts'
import { table } from './text.ts'

const PAGE = fileURLToPath(new URL('../../../docs/performance.md', import.meta.url))
const START = '<!-- tables: made by `npm run bench -- --docs` -->'
const END = '<!-- end of tables -->'

/** Writes the tables of docs/performance.md from the results that are kept. */
export function writeDocs(): void {
  writeFileSync(PAGE, withTables(readFileSync(PAGE, 'utf8'), newest()))
}

/** Whether docs/performance.md says what the kept results say. */
export function isUpToDate(): boolean {
  const page = readFileSync(PAGE, 'utf8')
  return page === withTables(page, newest())
}

/** `page` with its tables replaced by those of `kept`. */
export function withTables(page: string, kept: readonly Kept[]): string {
  const [before, rest] = halves(page, START)
  const [, after] = halves(rest, END)
  const tables = kept.map((run) => `## Node ${run.node.slice(1)}\n${run.machine}, ${run.date}\n\n${table(run.results)}\n`)
  return `${before}${START}\n\n${tables.length === 0 ? 'No results are kept yet.\n' : tables.join('\n')}\n${END}${after}`
}

function halves(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark)
  if (at < 0) throw new Error(`docs/performance.md has no line ${mark}`)
  return [text.slice(0, at), text.slice(at + mark.length)]
}
