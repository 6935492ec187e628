// npm run mutation -- PACKAGE [FILE…]: how much of the package's behaviour its tests pin down. Stryker changes the sources, one small change
// at a time, and runs the tests that reach the changed place; a change that no test notices survives. FILE is below the package's src;
// FILE:FROM-TO are lines of it, FILE:LINE:COLUMN-LINE:COLUMN a piece.
//
//   --tests=PART      only the package's test files whose name contains it, or one file anywhere, by its whole path; more than one:
//                     --tests=a --tests=b. A quick look at one file; a later run without it tries what survived on all tests
//   --concurrency=N   test runners at a time (2)
//   --patience=MS     how long a test may take (30000). Where tests run in virtual time one that takes seconds waits for what will never
//                     come: 3000 finds that out sooner
//   --force           forget what earlier runs found; else only what changed since is run again
//
// Works on a copy, so that nothing else sees the changed sources. Reports stay in .cache/mutation/PACKAGE.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { list } from './lib/files.mjs'
import { table, survivors } from './lib/mutants.mjs'
import { ROOT, run } from './lib/process.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { tests: { type: 'string', multiple: true }, concurrency: { type: 'string', default: '2' }, patience: { type: 'string', default: '30000' }, force: { type: 'boolean', default: false } },
})
const [name, ...files] = positionals
const home = `packages/${name}`
if (name === undefined || !existsSync(join(ROOT, home, 'src'))) {
  console.error('usage: npm run mutation -- PACKAGE [FILE…] [--concurrency=N] [--patience=MS] [--force]')
  process.exit(2)
}
const sources = files.map((file) => `${home}/src/${file}`)
for (const source of sources.map(plain)) {
  if (existsSync(join(ROOT, source))) continue
  console.error(`${source} does not exist`)
  process.exit(2)
}
const mutate = sources.length > 0 ? sources : list(new RegExp(`^${home}/src/.*\\.ts$`))

const copy = mkdtempSync(join(tmpdir(), 'stack-mutation-'))
const kept = join(ROOT, '.cache/mutation', name)
const report = join(kept, 'report.json')
process.on('exit', () => rmSync(copy, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

for (const path of list(/^(packages|tools)\/|^[^/]+$/)) cpSync(join(ROOT, path), join(copy, path))
symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
for (const workspace of [...members('packages'), ...members('tools')]) link(workspace)
mkdirSync(kept, { recursive: true })
rmSync(report, { force: true })
writeFileSync(join(copy, 'vitest.mutation.config.ts'), configuration())
writeFileSync(join(copy, 'stryker.config.json'), JSON.stringify({
  plugins: ['@stryker-mutator/vitest-runner'],
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutation.config.ts', related: false },
  coverageAnalysis: 'perTest',
  inPlace: true,
  checkers: [],
  mutate,
  concurrency: Number(values.concurrency),
  incremental: true,
  force: values.force,
  incrementalFile: join(kept, 'incremental.json'),
  reporters: ['progress-append-only', 'json', 'html'],
  jsonReporter: { fileName: report },
  htmlReporter: { fileName: join(kept, 'report.html') },
  tempDirName: join(copy, '.stryker-tmp'),
  allowConsoleColors: false,
}))
const { code } = await run(['stryker', 'run', 'stryker.config.json'], { cwd: copy })
if (existsSync(report)) {
  const result = JSON.parse(readFileSync(report, 'utf8')).files
  const asked = [...new Set(mutate.map(plain))].filter((path) => Object.hasOwn(result, path)).map((path) => ({ path, ...result[path] }))
  console.log(`\n${survivors(asked)}\n\n${table(asked)}\n\nIn the source text: ${join(kept, 'report.html')}`)
}
process.exitCode = code

function members(folder) {
  return readdirSync(join(ROOT, folder)).map((member) => `${folder}/${member}`)
}

/** Without lines. */
function plain(source) {
  return source.replace(/:[\d:-]+$/, '')
}

/** The node_modules of a workspace: its links are relative, so that packages of the copy find one another. */
function link(workspace) {
  const from = join(ROOT, workspace, 'node_modules')
  if (!existsSync(from)) return
  cpSync(from, join(copy, workspace, 'node_modules'), { recursive: true, verbatimSymlinks: true, filter: (path) => !/node_modules\/\./.test(path.slice(ROOT.length)) })
}

/** One project, and one module graph for all files: what costs the time is importing the stack again and again. */
function configuration() {
  const include = (values.tests ?? ['']).map((part) => part.endsWith('.ts') ? part : `${home}/test/**/*${part}*.test.ts`)
  return `import { defineConfig } from 'vitest/config'
import { fromSources } from './vitest.shared.ts'

export default defineConfig({ ...fromSources, test: { include: ${JSON.stringify(include)}, isolate: false, testTimeout: ${Number(values.patience)} } })
`
}
