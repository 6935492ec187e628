/**
 * npm run bench -- [name…] [--json] [--runs N]: scenarios by name (all by default), beside their peers in the same run.
 * Figures are medians of alternating runs; nothing here passes or fails.
 */
import { parseArgs } from 'node:util'
import { measure, type Result } from './measure.ts'
import { scenarios } from './scenarios.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, runs: { type: 'string', default: '5' } },
})
const runs = Number(values.runs)
const known = scenarios.map((scenario) => scenario.name)
const unknown = positionals.filter((name) => !known.includes(name))
if (unknown.length > 0 || !Number.isInteger(runs) || runs < 1) {
  console.error(`Usage: npm run bench -- [name…] [--json] [--runs N]\nThere is no ${unknown.join(', ')}. Names: ${known.join(', ')}`)
  process.exit(2)
}

const results: Result[] = []
for (const scenario of scenarios) {
  if (positionals.length > 0 && !positionals.includes(scenario.name)) continue
  const result = await measure(scenario, runs)
  results.push(result)
  if (!values.json) console.log(line(result))
}
if (values.json) console.log(JSON.stringify(results, null, 2))
// A benchmark that left something open must not hang the caller.
process.exit(0)

function line(result: Result): string {
  const peers = Object.entries(result.peers).map(([name, median]) => `${name} ${format(median)} (×${(result.median / median).toFixed(2)})`)
  const spread = `${format(result.min)}–${format(result.max)}`
  return `${result.name.padEnd(18)}${format(result.median).padStart(10)} ${result.unit.padEnd(7)} ${spread.padEnd(20)} ${peers.join(', ')}`
}

function format(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3)
}
