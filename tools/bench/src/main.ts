/**
 * npm run bench -- [name…] [--json] [--runs N] [--compare FILE] [--profile DIRECTORY]: scenarios by name (all by default),
 * each in a process of its own, beside their peers in the same run. Figures are medians of alternating runs. README.md says
 * what each is.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { slower } from './compare.ts'
import { measure, type Result } from './measure.ts'
import { scenarios } from './scenarios.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    runs: { type: 'string', default: '5' },
    compare: { type: 'string' },
    profile: { type: 'string' },
    here: { type: 'boolean', default: false },
  },
})
const runs = Number(values.runs)
const known = scenarios.map((scenario) => scenario.name)
const unknown = positionals.filter((name) => !known.includes(name))
if (unknown.length > 0 || !Number.isInteger(runs) || runs < 1) {
  console.error(`Usage: npm run bench -- [name…] [--json] [--runs N] [--compare FILE] [--profile DIRECTORY]\nThere is no ${unknown.join(', ')}. Names: ${known.join(', ')}`)
  process.exit(2)
}
const before = values.compare === undefined ? [] : (JSON.parse(readFileSync(values.compare, 'utf8')) as Result[])

const results: Result[] = []
for (const scenario of scenarios) {
  if (positionals.length > 0 && !positionals.includes(scenario.name)) continue
  const result = values.here ? await measure(scenario, runs) : inChild(scenario.name)
  results.push(result)
  if (!values.json) console.log(line(result))
}
if (values.json) console.log(JSON.stringify(results, null, 2))
const worse = slower(before, results, scenarios)
for (const each of worse) console.error(`slower: ${each}`)
// A benchmark that left something open must not hang the caller.
process.exit(worse.length > 0 ? 1 : 0)

/** In a process of its own: scenarios that share functions would teach the engine each other's types. */
function inChild(name: string): Result {
  const profile = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`, `--cpu-prof-name=${name}.cpuprofile`]
  const child = spawnSync(process.execPath, [...process.execArgv, ...profile, process.argv[1]!, name, '--here', '--json', '--runs', String(runs)], {
    encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 24,
  })
  if (child.status !== 0) process.exit(child.status ?? 1)
  return (JSON.parse(child.stdout) as Result[])[0]!
}

function line(result: Result): string {
  const peers = Object.entries(result.peers).map(([name, median]) => `${name} ${format(median)} (×${(result.median / median).toFixed(2)})`)
  const spread = `${format(result.min)}–${format(result.max)}`
  return `${result.name.padEnd(20)}${format(result.median).padStart(10)} ${result.unit.padEnd(9)} ${spread.padEnd(20)} ${peers.join(', ')}`
}

function format(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3)
}
