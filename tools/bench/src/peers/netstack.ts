import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Figure } from '../measure.ts'

/** Where Debian's golang-gvisor-gvisor-dev puts the sources of netstack and of what they need. */
const GOPATH = '/usr/share/gocode'
const PROGRAM = fileURLToPath(new URL('../../peers/netstack', import.meta.url))
const BINARY = fileURLToPath(new URL('../../node_modules/.cache/netstack', import.meta.url))

/** Why netstack is not among the peers, if so. */
export function missingNetstack(): string | null {
  const isThere = existsSync(`${GOPATH}/src/gvisor.dev/gvisor/pkg/tcpip`) && spawnSync('go', ['version']).status === 0
  return isThere ? null : 'Without netstack, which is not installed: apt-get install golang-gvisor-gvisor-dev golang-go'
}

/**
 * A scenario of peers/netstack: one run on a single thread, as ours has, one on all that there are; the better counts. Its
 * program warms itself up.
 */
export function netstack(...scenario: readonly (string | number)[]): Promise<Figure> {
  build()
  const single = run(scenario, { GOMAXPROCS: '1' })
  const all = run(scenario, {})
  return Promise.resolve(single.value > all.value ? single : all)
}

function build(): void {
  if (existsSync(BINARY) && statSync(BINARY).mtimeMs > statSync(`${PROGRAM}/main.go`).mtimeMs) return
  mkdirSync(dirname(BINARY), { recursive: true })
  command('go', ['build', '-o', BINARY, '.'], { GO111MODULE: 'off', GOPATH, GOFLAGS: '', GOPROXY: 'off' })
}

function run(scenario: readonly (string | number)[], env: Record<string, string>): Figure {
  return JSON.parse(command(BINARY, scenario.map(String), env)) as Figure
}

function command(file: string, args: readonly string[], env: Record<string, string>): string {
  const { status, stdout, stderr, error } = spawnSync(file, args, {
    cwd: PROGRAM, env: { ...process.env, ...env }, encoding: 'utf8', timeout: 120_000,
  })
  if (status !== 0) throw error ?? new Error(stderr.trim().split('\n')[0])
  return stdout
}
