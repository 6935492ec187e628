import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { keptPlots } from '../src/docs.ts'
import { isPassed, runScenario } from '../src/run.ts'
import { scenarios } from '../src/scenarios/index.ts'

describe('scenarios', () => {
  // The others, and the other seeds, run with `npm run simulate`.
  test.each(scenarios.filter(({ isQuick }) => isQuick === true))('$name', async (scenario) => {
    const run = await runScenario(scenario, 1)

    expect(run.error).toBeNull()
    expect(run.trial.claims.filter(({ holds }) => !holds)).toEqual([])
    expect(isPassed(run)).toBe(true)
  })

  test('have names of their own, and say what they show', () => {
    expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length)
    expect(scenarios.filter(({ description }) => description === '')).toEqual([])
  })

  test('that throw or claim nothing do not pass', async () => {
    const throwing = await runScenario({ name: 'x', description: 'x', run: () => Promise.reject(new Error('no')) }, 1)
    const silent = await runScenario({ name: 'x', description: 'x', run: (net) => Promise.resolve({ bottleneck: net.wire(net.host('a'), net.host('b')) }) }, 1)

    expect([isPassed(throwing), isPassed(silent)]).toEqual([false, false])
  })
})

test('docs/simulation has what the code draws: `npm run simulate -- --docs` writes it', async () => {
  // The others are compared by `npm run simulate`, which runs their scenarios anyhow.
  for (const [file, svg] of await keptPlots((scenario) => ['single-loss', 'bulk-10m'].includes(scenario))) {
    expect(readFileSync(new URL(`../../../docs/simulation/${file}`, import.meta.url), 'utf8') === svg, `${file} is out of date`).toBe(true)
  }
})
