// npm run check [-- STEP…]: everything that is not a test. Goes on after a failure and lists all at the end.
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, run } from './lib/process.mjs'

const turbo = (...tasks) => ['turbo', 'run', ...tasks, '--concurrency=100%', '--output-logs=errors-only', '--continue']

// ESLint holds the types of everything it looks at: one process for all runs out of memory.
const LINT_PROCESSES = 6
const folders = ['packages', 'tools'].flatMap((parent) => readdirSync(join(ROOT, parent)).map((name) => `${parent}/${name}`))
const shares = Array.from({ length: LINT_PROCESSES }, (_, i) => [...folders, 'examples', '*.js', '*.ts'].filter((_folder, k) => k % LINT_PROCESSES === i))

const steps = {
  lint: shares.map((share) => ['eslint', ...share, '--max-warnings', '0', '--no-warn-ignored', '--no-error-on-unmatched-pattern']),
  typecheck: [['node', 'tools/check-declarations.mjs'], turbo('typecheck'), ['tsc', '-p', 'tsconfig.json']],
  imports: [['depcruise', 'packages', 'tools', 'examples', '--output-type', 'err-long']],
  unused: [['knip', '--no-progress', '--no-config-hints']],
  pack: [turbo('build', 'check:pack')],
  docs: [['node', 'tools/check-docs.mjs'], ['node', 'tools/run.mjs', 'bench', '--docs', '--check']],
  examples: [['node', 'tools/check-examples.mjs']],
  names: [['node', 'tools/check-names.mjs']],
  ledger: [['node', 'tools/ledger.mjs']],
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !Object.hasOwn(steps, name))
if (unknown.length > 0) {
  console.error(`No step ${unknown.join(', ')}. Steps: ${Object.keys(steps).join(', ')}`)
  process.exit(2)
}

const names = wanted.length > 0 ? wanted : Object.keys(steps)
const failures = []
for (const name of names) {
  const start = performance.now()
  let output = ''
  let failed = false
  for (const command of steps[name]) {
    const result = await run(command, { capture: true, limit: 600_000 })
    output += result.output
    failed ||= result.code !== 0
  }
  console.log(`${failed ? 'FAILED' : 'ok    '}  ${name.padEnd(10)} ${((performance.now() - start) / 1000).toFixed(1)} s`)
  if (failed) failures.push({ name, output })
}

for (const { name, output } of failures) console.log(`\n── ${name} ──\n${output.trimEnd()}`)
console.log(failures.length === 0 ? '\nAll checks passed.' : `\nFailed: ${failures.map(({ name }) => name).join(', ')}`)

if (process.env.STACK_REPORTS !== undefined) {
  const counts = { passed: names.length - failures.length, failed: failures.length, skipped: 0 }
  writeFileSync(join(process.env.STACK_REPORTS, 'check.json'), JSON.stringify(counts))
}
process.exitCode = failures.length === 0 ? 0 : 1
