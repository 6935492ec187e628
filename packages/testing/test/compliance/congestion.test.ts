import { describe, expect, it } from 'vitest'
import { congestionControlCompliance } from '../../src/index.ts'
import { CONGESTION_MUTANTS, goodAlgorithm } from './congestion-mutants.ts'
import { goodRateAlgorithm, RATE_MUTANTS } from './rate-mutants.ts'
import { expectTable, failing } from './table.ts'

describe('congestionControlCompliance', () => {
  it('passes a good control', async () => {
    expect(await failing(congestionControlCompliance(() => goodAlgorithm()))).toEqual([])
  })

  it('passes a good control that follows the rate', async () => {
    expect(await failing(congestionControlCompliance(() => goodRateAlgorithm()))).toEqual([])
  })

  it('has a mutant for each case', () => {
    expectTable(congestionControlCompliance(() => goodAlgorithm()), { ...CONGESTION_MUTANTS, ...RATE_MUTANTS })
  })

  it.each(Object.entries(CONGESTION_MUTANTS))('"%s" alone catches its mutant', async (name, mutate) => {
    expect(await failing(congestionControlCompliance(() => goodAlgorithm(mutate)))).toEqual([name])
  })

  it.each(Object.entries(RATE_MUTANTS))('"%s" alone catches its mutant', async (name, mutate) => {
    expect(await failing(congestionControlCompliance(() => goodRateAlgorithm(mutate)))).toEqual([name])
  })
})
