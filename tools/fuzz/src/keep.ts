import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { KeptCase } from './case.ts'

const FOLDER = new URL('../cases/', import.meta.url)

/** Writes a case to tools/fuzz/cases; returns its file's name. */
export function keep(kept: KeptCase): string {
  mkdirSync(FOLDER, { recursive: true })
  const name = `${kept.target}-${createHash('sha256').update(JSON.stringify([kept.setup, kept.steps])).digest('hex').slice(0, 8)}.json`
  writeFileSync(new URL(name, FOLDER), `${JSON.stringify(kept, null, 1)}\n`)
  return name
}

/** All cases that are kept, by file name. */
export function keptCases(): readonly (readonly [file: string, kept: KeptCase])[] {
  return readdirSync(FOLDER).filter((file) => file.endsWith('.json')).sort()
    .map((file) => [file, JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as KeptCase] as const)
}
