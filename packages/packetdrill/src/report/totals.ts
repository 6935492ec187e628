import type { ScriptResult } from './result.ts'

/** How many scripts came to what. */
export interface Totals {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** Failures that a marker announces. */
  readonly expectedFailures: number
}

export function totalsOf(results: readonly ScriptResult[]): Totals {
  const count = (status: ScriptResult['status']): number => results.filter((result) => result.status === status).length
  return { passed: count('passed'), failed: count('failed'), skipped: count('skipped'), expectedFailures: count('expected-failure') }
}

/** The results by the folder of their scripts, in the order of the first of each. */
export function byFolder(results: readonly ScriptResult[]): ReadonlyMap<string, readonly ScriptResult[]> {
  const folders = new Map<string, ScriptResult[]>()
  for (const result of results) {
    const folder = result.path.includes('/') ? result.path.slice(0, result.path.lastIndexOf('/')) : '.'
    const others = folders.get(folder)
    if (others === undefined) folders.set(folder, [result])
    else others.push(result)
  }
  return folders
}
