import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { withTables } from '../src/docs.ts'
import type { Result } from '../src/measure.ts'
import { keep, newest, resultsOf, type Kept } from '../src/results.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stack-results-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

function result(name: string, median: number, peers: Record<string, number> = {}): Result {
  return { name, unit: 'MB/s', median, min: median, max: median, runs: 5, node: 'v20.19.0', cpu: 1234.5, peers }
}

function file(name: string, kept: Kept): void {
  writeFileSync(join(folder, name), JSON.stringify(kept))
}

describe('kept results', () => {
  it('are in a file named by date, version of Node and machine, row by row', () => {
    const path = keep([result('a', 1)], folder)
    keep([result('b', 2)], folder)
    keep([result('a', 3)], folder)
    expect(path).toMatch(/\/\d{4}-\d\d-\d\d-node-\d+\.\d+\.\d+-[a-z0-9-]+-cores\.json$/)
    expect(resultsOf(path).map(({ name, median }) => [name, median])).toEqual([['a', 3], ['b', 2]])
  })

  it('are shown as the newest of each major version of Node', () => {
    const kept = (date: string, node: string): Kept => ({ date, node, machine: 'abacus, 2 cores', results: [] })
    file('2026-01-02-node-24.1.0-abacus.json', kept('2026-01-02', 'v24.1.0'))
    file('2026-01-01-node-24.9.0-abacus.json', kept('2026-01-01', 'v24.9.0'))
    file('2026-01-01-node-20.19.0-abacus.json', kept('2026-01-01', 'v20.19.0'))
    expect(newest(folder).map(({ date, node }) => `${date} ${node}`)).toEqual(['2026-01-01 v20.19.0', '2026-01-02 v24.1.0'])
  })

  it('make the tables of the page, and nothing else of it', () => {
    const page = 'Before.\n<!-- tables: made by `npm run bench -- --docs` -->\nold\n<!-- end of tables -->\nAfter.\n'
    const results = [result('tcp-bulk-64k', 2000, { floor: 4000, kernel: 1000, v86: 100 })]
    expect(withTables(page, [{ date: '2026-01-02', node: 'v24.1.0', machine: 'abacus, 2 cores', results }])).toBe(`Before.
<!-- tables: made by \`npm run bench -- --docs\` -->

## Node 24.1.0
abacus, 2 cores, 2026-01-02

| row | ours | kernel | netstack | v86 | beside | CPU µs |
| --- | --- | --- | --- | --- | --- | --- |
| \`tcp-bulk-64k\` | **2,000** MB/s | 1,000 (×2.00) |  | 100 (×20.00) | floor 4,000 (×0.50) | 1,235 |

<!-- end of tables -->
After.
`)
  })
})
