import type { ScriptResult, ScriptStatus } from './result.ts'
import { byFolder, totalsOf } from './totals.ts'
import type { Totals } from './totals.ts'

/** What `packetdrill --json` prints. */
export interface JsonReport {
  readonly totals: Totals
  readonly folders: Readonly<Record<string, Totals>>
  readonly scripts: readonly {
    readonly path: string
    readonly status: ScriptStatus
    readonly reason: string | null
    readonly line: number | null
  }[]
}

export function jsonReport(results: readonly ScriptResult[]): JsonReport {
  return {
    totals: totalsOf(results),
    folders: Object.fromEntries([...byFolder(results)].map(([folder, own]) => [folder, totalsOf(own)])),
    scripts: results.map(({ path, status, reason, line }) => ({ path, status, reason, line })),
  }
}
