/**
 * npm run fuzz -- --minutes N [--seed S] [--target NAME] [--runs N] [--dry]: random cases until the time is over.
 * Every round prints its seed; what fails is shrunk and kept in tools/fuzz/cases (not with --dry). The last line counts, as JSON.
 */
import { parseArgs } from 'node:util'
import { kindOfTrouble, NAMES, round } from './campaign.ts'
import { Coverage } from './coverage.ts'
import { keep } from './keep.ts'
import { watchdog } from './watchdog.ts'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' }, target: { type: 'string', multiple: true }, runs: { type: 'string', default: '100' }, dry: { type: 'boolean' } },
})

function number(name: 'minutes' | 'seed' | 'runs', text: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value >= 0) return value
  console.error(`--${name} must be a number that is not negative, got ${text}`)
  process.exit(2)
}

const names = values.target ?? NAMES
const unknown = names.filter((name) => !NAMES.includes(name))
if (unknown.length > 0) {
  console.error(`No target ${unknown.join(', ')}. There are: ${NAMES.join(', ')}`)
  process.exit(2)
}
const runs = number('runs', values.runs)
const first = values.seed === undefined ? Date.now() % 1_000_000_000 : number('seed', values.seed)
const started = performance.now()
const end = started + number('minutes', values.minutes) * 60_000
/** A case ends within milliseconds. */
const dog = watchdog(60_000)
const coverage = new Coverage()
const counts = { passed: 0, failed: 0 }
const seen = new Set<string>()
const unhandled: unknown[] = []
process.on('unhandledRejection', (error) => unhandled.push(error))

let cases = 0
console.log(`seed ${first}, ${names.length} targets, ${runs} cases a round`)
for (let seed = first; performance.now() < end; seed++) {
  for (const name of names) {
    if (performance.now() >= end) break
    dog.round(seed, NAMES.indexOf(name))
    const finding = await round(name, { seed, runs, coverage, onCase: () => {
      cases++
      dog.beat()
    } })
    for (const error of unhandled.splice(0)) {
      counts.failed++
      console.log(`${name}, seed ${seed}: an unhandled rejection: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    }
    if (finding === null) counts.passed++
    else {
      counts.failed++
      // The same trouble once.
      const kind = kindOfTrouble(finding.kept.found)
      const isNew = !seen.has(kind)
      seen.add(kind)
      console.log(`${name}, seed ${seed}: ${finding.kept.found.slice(0, 1500)}`)
      if (isNew) console.log(values.dry === true ? JSON.stringify(finding.kept) : `  kept in tools/fuzz/cases/${keep(finding.kept)}`)
    }
  }
}
const seconds = (performance.now() - started) / 1000
console.log(coverage.report())
console.log(`${cases} cases in ${seconds.toFixed(0)} s, ${(cases / seconds).toFixed(0)} a second`)
console.log(JSON.stringify(counts))
process.exitCode = counts.failed === 0 ? 0 : 1
process.exit()
