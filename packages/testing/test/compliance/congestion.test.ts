import { describe, expect, it } from 'vitest'
import { congestionControlCompliance } from '../../src/index.ts'
import { CONGESTION_MUTANTS, goodAlgorithm } from './congestion-mutants.ts'
import { expectTable, failing } from './table.ts'

describe('congestionControlCompliance', () => {
  it('passes a good control', async () => {
    expect(await failing(congestionControlCompliance(() => goodAlgorithm()))).toEqual([])
  })

  it('has a mutant for each case', () => {
    expectTable(congestionControlCompliance(() => goodAlgorithm()), CONGESTION_MUTANTS)
  })

  it.each(Object.entries(CONGESTION_MUTANTS))('"%s" alone catches its mutant', async (name, mutate) => {
    expect(await failing(congestionControlCompliance(() => goodAlgorithm(mutate)))).toEqual([name])
  })
})
