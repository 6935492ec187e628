/**
 * npm run bench: scenarios by name (all by default), each in a process of its own, beside their peers in the same run. Figures
 * are medians of alternating runs. README.md says what each is, and what the options do.
 */
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { slower } from './compare.ts'
import { isUpToDate, writeDocs } from './docs.ts'
import { measure, type Result } from './measure.ts'
import { missingNetstack } from './peers/netstack.ts'
import { keep, resultsOf } from './results.ts'
import { scenarios } from './scenarios.ts'
import { line } from './text.ts'

const USAGE = 'npm run bench -- [name…] [--json] [--runs N] [--keep] [--compare FILE] [--profile DIRECTORY] [--scale PART], or --docs [--check]'
/** ms after which a row is given up. */
const LIMIT = 300_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    runs: { type: 'string', default: '5' },
    scale: { type: 'string', default: '1' },
    keep: { type: 'boolean', default: false },
    compare: { type: 'string' },
    profile: { type: 'string' },
    docs: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    here: { type: 'boolean', default: false },
  },
})
if (values.docs) process.exit(docs())

const runs = Number(values.runs)
const scale = Number(values.scale)
const all = scenarios(scale)
const known = all.map((scenario) => scenario.name)
const unknown = positionals.filter((name) => !known.includes(name))
if (unknown.length > 0 || !Number.isInteger(runs) || runs < 1 || !(scale > 0) || (values.keep && scale !== 1)) {
  console.error(`Usage: ${USAGE}\nNames: ${known.join(', ')}${unknown.length > 0 ? `\nThere is no ${unknown.join(', ')}.` : ''}${values.keep && scale !== 1 ? '\nOnly whole work is kept.' : ''}`)
  process.exit(2)
}
const chosen = all.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
if (values.here) {
  console.log(JSON.stringify(await measure(chosen[0]!, runs)))
  // A benchmark that left something open must not hang the caller.
  process.exit(0)
}

const before = values.compare === undefined ? [] : resultsOf(values.compare)
// What is printed for people; with --json standard output has nothing else.
const say = values.json ? console.error : console.log
const missing = missingNetstack()
if (missing !== null) say(missing)
const results: Result[] = []
const skipped = new Set<string>()
for (const { name, whyNot } of chosen) {
  const reason = whyNot?.() ?? null
  if (reason !== null) {
    skipped.add(name)
    say(`${name}: skipped, ${reason}`)
    continue
  }
  const result = inChild(name)
  if (result === null) continue
  results.push(result)
  say(line(result))
  // After each row: what was measured is not lost with the rest.
  if (values.keep) keep([result])
}
if (values.json) console.log(JSON.stringify(results, null, 2))
if (values.keep) writeDocs()
const worse = slower(before, results, all)
for (const each of worse) console.error(`slower: ${each}`)
const failed = chosen.filter(({ name }) => !skipped.has(name) && !results.some((result) => result.name === name))
if (failed.length > 0) console.error(`failed: ${failed.map(({ name }) => name).join(', ')}`)
process.exitCode = worse.length + failed.length > 0 ? 1 : 0

/** In a process of its own: scenarios that share functions would teach the engine each other's types. */
function inChild(name: string): Result | null {
  const profile = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`, `--cpu-prof-name=${name}.cpuprofile`]
  const child = spawnSync(process.execPath, [...process.execArgv, ...profile, process.argv[1]!, name, '--here', '--runs', String(runs), '--scale', String(scale)], {
    encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 24, timeout: LIMIT, killSignal: 'SIGKILL',
  })
  if (child.status === 0) return JSON.parse(child.stdout) as Result
  console.error(`${name}: ${child.error?.message ?? `ended with ${String(child.status ?? child.signal)}`}`)
  return null
}

function docs(): number {
  if (!values.check) writeDocs()
  if (isUpToDate()) return 0
  console.error('docs/performance.md does not say what tools/bench/results says: npm run bench -- --docs')
  return 1
}
