import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Result } from './measure.ts'

const FOLDER = fileURLToPath(new URL('../results', import.meta.url))

/** A run that is kept in the repository. */
export interface Kept {
  /** YYYY-MM-DD. */
  readonly date: string
  readonly node: string
  readonly machine: string
  readonly results: readonly Result[]
}

/** Keeps what was measured today. A row that was measured again replaces the one of before. */
export function keep(results: readonly Result[], folder = FOLDER): string {
  const machine = thisMachine()
  const date = new Date().toISOString().slice(0, 10)
  const path = join(folder, `${date}-node-${process.versions.node}-${slug(machine)}.json`)
  const rows = new Map((existsSync(path) ? read(path).results : []).map((result) => [result.name, result]))
  for (const result of results) rows.set(result.name, result)
  const kept: Kept = { date, node: process.version, machine, results: [...rows.values()] }
  mkdirSync(folder, { recursive: true })
  writeFileSync(path, `${JSON.stringify(kept, null, 2)}\n`)
  return path
}

/** The newest kept run of each major version of Node, oldest version first. */
export function newest(folder = FOLDER): readonly Kept[] {
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')).sort() : []
  const byMajor = new Map(files.map((file) => read(join(folder, file))).map((kept) => [major(kept), kept]))
  return [...byMajor].sort(([a], [b]) => a - b).map(([, kept]) => kept)
}

/** Results of a file: what `--json` printed, or what was kept. */
export function resultsOf(path: string): readonly Result[] {
  const content = JSON.parse(readFileSync(path, 'utf8')) as Kept | Result[]
  return Array.isArray(content) ? content : content.results
}

function read(path: string): Kept {
  return JSON.parse(readFileSync(path, 'utf8')) as Kept
}

function major({ node }: Kept): number {
  return Number.parseInt(node.slice(1))
}

/** What the processor calls itself, and how many of its cores are ours. */
function thisMachine(): string {
  const model = (cpus()[0]?.model ?? process.arch).replace(/\((R|TM)\)|Processor|CPU|@.*$/g, '').replace(/\s+/g, ' ').trim()
  return `${model}, ${String(availableParallelism())} cores`
}

function slug(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]+/g, '-')
}
