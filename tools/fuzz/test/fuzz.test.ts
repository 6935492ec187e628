import { afterAll, expect, test } from 'vitest'
import { NAMES, round } from '../src/campaign.ts'
import { Coverage } from '../src/coverage.ts'

const SEED = 2026
const coverage = new Coverage()

test.each(NAMES)('%s: some cases of every kind break nothing', async (name) => {
  const finding = await round(name, { seed: SEED, runs: 20, coverage })
  expect(finding, finding === null ? '' : JSON.stringify(finding)).toBeNull()
}, 60_000)

afterAll(() => {
  console.log(coverage.report())
})
