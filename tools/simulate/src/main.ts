/**
 * npm run simulate [-- NAME…] [--seed N] [--out DIR] [--list] [--docs]: simulated networks with asserted figures.
 * Without names every scenario, with each of its seeds. The last line counts, as JSON.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { keptPlots, plotsOf } from './docs.ts'
import { isPassed, runScenario, type ScenarioRun } from './run.ts'
import { SEEDS, type Scenario } from './scenario.ts'
import { scenarios } from './scenarios/index.ts'
import { show } from './trial.ts'
import { runAndWrite } from './write.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string' }, out: { type: 'string' }, list: { type: 'boolean' }, docs: { type: 'boolean' } },
})

const DOCS = new URL('../../../docs/simulation/', import.meta.url)

/** The scenarios of the command line, by name or by a part of it. */
function choose(words: readonly string[]): readonly Scenario[] {
  const unknown = words.filter((word) => !scenarios.some(({ name }) => name.includes(word)))
  if (unknown.length > 0) {
    console.error(`No scenario ${unknown.join(', ')}. There are:\n${list()}`)
    process.exit(2)
  }
  const exact = scenarios.filter(({ name }) => words.includes(name))
  if (words.length > 0 && exact.length === words.length) return exact
  return scenarios.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)))
}

function list(): string {
  return scenarios.map(({ name, description, expectFail }) => `${name.padEnd(18)} ${description}${expectFail === undefined ? '' : ` (expect-fail: ${expectFail})`}`).join('\n')
}

function seedsOf(scenario: Scenario): readonly number[] {
  if (values.seed !== undefined) {
    const seed = Number(values.seed)
    if (Number.isInteger(seed)) return [seed]
    console.error(`--seed must be an integer, got ${values.seed}`)
    process.exit(2)
  }
  return values.out === undefined ? (scenario.seeds ?? SEEDS) : [1]
}

function report(run: ScenarioRun, seed: number, isVerbose: boolean): void {
  const { trial, error, net, took } = run
  if (error !== null) console.log(`  seed ${seed}: ${error.message}`)
  for (const flow of net.flows) if (flow.kind === 'tcp' && flow.error !== null) console.log(`  seed ${seed}: ${flow.name} failed: ${flow.error}`)
  for (const { what, value, bound, holds } of trial.claims) {
    if (isVerbose || !holds) console.log(`  seed ${seed}: ${holds ? 'ok    ' : 'FAILED'} ${what}: ${show(value)} (${bound})`)
  }
  if (isVerbose) console.log(`  seed ${seed}: ${show(net.now)} s in ${(took / 1000).toFixed(2)} s`)
}

/** Worst and best of each claim over the seeds. */
function summary(runs: readonly ScenarioRun[]): string {
  const [first] = runs
  return (first?.trial.claims ?? []).map(({ what, bound }, i) => {
    const figures = runs.map(({ trial }) => trial.claims[i]?.value ?? NaN)
    const [low, high] = [Math.min(...figures), Math.max(...figures)]
    return `  ${what}: ${low === high ? show(low) : `${show(low)} … ${show(high)}`} (${bound})`
  }).join('\n')
}

/** Scenarios whose plots in the docs are not what the code draws now. */
const stale: string[] = []

function isKept(scenario: Scenario, run: ScenarioRun): boolean {
  if (!isPassed(run)) return true
  for (const [file, svg] of plotsOf(scenario.name, run)) {
    if (readFileSync(new URL(file, DOCS), 'utf8') === svg) continue
    console.log(`  docs/simulation/${file} is out of date: npm run simulate -- --docs`)
    return false
  }
  return true
}

async function runAll(scenario: Scenario): Promise<boolean> {
  const runs: ScenarioRun[] = []
  const isVerbose = values.seed !== undefined || values.out !== undefined
  for (const seed of seedsOf(scenario)) {
    const run = values.out === undefined
      ? await runScenario(scenario, seed)
      : await runAndWrite(scenario, seed, join(values.out, scenario.name))
    runs.push(run)
    if (seed === 1 && !isKept(scenario, run)) stale.push(scenario.name)
    if (isVerbose || (!isPassed(run) && scenario.expectFail === undefined)) report(run, seed, isVerbose)
    // One seed that fails is failure enough.
    if (scenario.expectFail !== undefined && !isPassed(run)) break
  }
  const passed = runs.every(isPassed) && !stale.includes(scenario.name)
  const isExpected = passed === (scenario.expectFail === undefined)
  const verdict = !passed && isExpected ? `expected failure (${scenario.expectFail ?? ''})` : passed && !isExpected ? 'PASSES, AND IS MARKED expect-fail' : passed ? 'passed' : 'FAILED'
  const took = runs.reduce((sum, run) => sum + run.took, 0)
  console.log(`${scenario.name}: ${verdict}, ${runs.length} ${runs.length === 1 ? 'seed' : 'seeds'}, ${(took / 1000).toFixed(1)} s`)
  if (passed && !isVerbose) console.log(summary(runs))
  return isExpected
}

if (values.list === true) console.log(list())
else if (values.docs === true) {
  for (const [file, svg] of await keptPlots()) writeFileSync(new URL(file, DOCS), svg)
  console.log('docs/simulation is up to date')
} else {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const scenario of choose(positionals)) counts[(await runAll(scenario)) ? 'passed' : 'failed']++
  console.log(JSON.stringify(counts))
  process.exitCode = counts.failed === 0 ? 0 : 1
}
