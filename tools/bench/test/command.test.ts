import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Result } from '../src/measure.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
/** The row that takes least. */
const ROW = 'timers-arm'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stack-bench-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

function bench(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ['--conditions=@stack/source', '--import', 'tsx', 'tools/bench/src/main.ts', '--runs', '1', '--scale', '0.001', ...args], {
    cwd: ROOT, encoding: 'utf8',
  })
}

function before(median: number): string {
  const path = join(folder, 'before.json')
  const result: Result = { name: ROW, unit: 'ns', median, min: median, max: median, runs: 1, node: process.version, peers: {} }
  writeFileSync(path, JSON.stringify([result]))
  return path
}

describe('npm run bench', () => {
  it('prints an array of results with --json, and nothing else', () => {
    const { status, stdout } = bench(ROW, '--json')
    expect(status).toBe(0)
    const results = JSON.parse(stdout) as Result[]
    expect(results.map(({ name, unit, runs, node }) => ({ name, unit, runs, node }))).toEqual([{ name: ROW, unit: 'ns', runs: 1, node: process.version }])
    expect(Object.keys(results[0]!.peers)).toEqual(['thousand'])
  })

  it('fails when something got slower than in the file of --compare, and names it', () => {
    const { status, stderr } = bench(ROW, '--compare', before(0.001))
    expect(status).toBe(1)
    expect(stderr).toMatch(/^slower: timers-arm: 0\.001000 → .* ns \(×0\.00\)$/m)
  })

  it('passes when nothing did', () => {
    expect(bench(ROW, '--compare', before(1e12)).status).toBe(0)
  })

  it('leaves a profile of each row with --profile', () => {
    expect(bench(ROW, '--profile', folder).status).toBe(0)
    const path = join(folder, `${ROW}.cpuprofile`)
    expect(existsSync(path)).toBe(true)
    expect((JSON.parse(readFileSync(path, 'utf8')) as { nodes: unknown[] }).nodes.length).toBeGreaterThan(10)
  })

  it('says which rows there are when it does not know one', () => {
    const { status, stderr } = bench('warp')
    expect(status).toBe(2)
    expect(stderr).toContain('There is no warp.')
    expect(stderr).toContain(ROW)
  })
})
