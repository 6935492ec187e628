import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Figure } from '../measure.ts'

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
const BIN = join(ROOT, 'node_modules/.bin')

/** What is installed, with all that it needs. */
const INSTALLED = ['core', 'ipv4', 'link-pipe', 'tcp']

const RESIDENT = 'console.log(process.memoryUsage.rss()); process.exit()'

const IMPORTS = `
import { createStack } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { pipe } from '@stack/link-pipe'
import { tcp } from '@stack/tcp'
`

/** Two stacks, a connection, a byte. */
const PROGRAM = `${IMPORTS}
const [left, right] = pipe()
const client = createStack({ plugins: [ipv4(), tcp()] })
const server = createStack({ plugins: [ipv4(), tcp()] })
await client.addNic(left, { addresses: ['10.0.0.1/24'] })
await server.addNic(right, { addresses: ['10.0.0.2/24'] })
const listener = server.tcp.listen({ port: 7 })
const connection = await client.tcp.connect({ host: '10.0.0.2', port: 7 })
await (await listener.accept()).write(Uint8Array.of(1))
await connection.read(new Uint8Array(1))
process.exit()
`

/** An idle stack with a NIC. */
const IDLE = `${IMPORTS}
const [left] = pipe()
const stack = createStack({ plugins: [ipv4(), tcp()] })
await stack.addNic(left, { addresses: ['10.0.0.1/24'] })
${RESIDENT}
`

/** Cold processes are short and their times spread: one figure is the median of so many. */
const STARTS = 5

/** ms from nothing to the first byte served by the packages in `folder`, less what `node -e 0` takes. */
export function start(folder: string): Promise<Figure> {
  const times = Array.from({ length: STARTS }, () => elapsed(folder, ['program.mjs']) - elapsed(folder, ['-e', '0']))
  return Promise.resolve({ value: times.sort((a, b) => a - b)[STARTS >> 1]! })
}

/** MB of resident memory of an idle stack, over that of a program of Node that imports a module with nothing in it. */
export function memory(folder: string): Promise<Figure> {
  const bytes = Array.from({ length: STARTS }, () => Number(node(folder, ['idle.mjs'])) - Number(node(folder, ['bare.mjs'])))
  return Promise.resolve({ value: bytes.sort((a, b) => a - b)[STARTS >> 1]! / 1e6 })
}

/** Builds and packs the packages, and installs them without a network into an empty folder, as a user would. */
export function install(): string {
  run(ROOT, 'turbo', ['run', 'build', ...INSTALLED.map((name) => `--filter=@stack/${name}`), '--output-logs=errors-only'])
  const folder = mkdtempSync(join(tmpdir(), 'stack-start-'))
  process.once('exit', () => {
    rmSync(folder, { recursive: true })
  })
  const tarballs = [...closure(INSTALLED)].map((name) => {
    const tarball = join(folder, `${name}.tgz`)
    run(join(ROOT, 'packages', name), 'pnpm', ['pack', '--out', tarball])
    return tarball
  })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  run(folder, 'npm', ['install', '--offline', '--no-audit', '--no-fund', ...tarballs])
  writeFileSync(join(folder, 'program.mjs'), PROGRAM)
  writeFileSync(join(folder, 'idle.mjs'), IDLE)
  writeFileSync(join(folder, 'nothing.mjs'), '')
  writeFileSync(join(folder, 'bare.mjs'), `import './nothing.mjs'\n${RESIDENT}`)
  return folder
}

/** Folders of packages and of all that they need from this repository. */
function closure(names: readonly string[], found = new Set<string>()): Set<string> {
  for (const name of names) {
    if (found.has(name)) continue
    found.add(name)
    const manifest = JSON.parse(readFileSync(join(ROOT, 'packages', name, 'package.json'), 'utf8')) as Manifest
    closure(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).map((full) => full.replace('@stack/', '')), found)
  }
  return found
}

interface Manifest {
  readonly dependencies?: Record<string, string>
  readonly peerDependencies?: Record<string, string>
}

function elapsed(folder: string, program: readonly string[]): number {
  const begun = performance.now()
  node(folder, program)
  return performance.now() - begun
}

function node(folder: string, program: readonly string[]): string {
  return run(folder, process.execPath, program)
}

function run(cwd: string, file: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(file, args, { cwd, encoding: 'utf8', env: { ...process.env, PATH: `${BIN}${delimiter}${process.env['PATH']!}` } })
  if (status !== 0) throw error ?? new Error(`${file} ${args.join(' ')}: ${stdout}${stderr}`)
  return stdout
}
