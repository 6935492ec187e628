import { describe, expect, it } from 'vitest'
import { slower } from '../src/compare.ts'
import type { Result, Scenario } from '../src/measure.ts'

const run = (): never => {
  throw new Error('Nothing is run here.')
}
const scenarios: readonly Scenario[] = [{ name: 'rate', unit: '/s', run }, { name: 'cost', unit: 'ns', isCost: true, run }]

function result(name: string, min: number, median: number, max: number): Result {
  return { name, unit: name === 'cost' ? 'ns' : '/s', median, min, max, runs: 5, node: 'v20.19.0', peers: {} }
}

describe('--compare', () => {
  it('names a rate that fell by more than the noise and whose runs are all below those of before', () => {
    const lines = slower([result('rate', 95, 100, 105)], [result('rate', 78, 80, 82)], scenarios)
    expect(lines).toEqual(['rate: 100.0 → 80.00 /s (×0.80)'])
  })

  it('lets a rate fall by as much as runs of one commit differ', () => {
    expect(slower([result('rate', 99, 100, 101)], [result('rate', 86, 87, 88)], scenarios)).toEqual([])
  })

  it('lets a median fall while the runs overlap', () => {
    expect(slower([result('rate', 70, 100, 130)], [result('rate', 60, 80, 90)], scenarios)).toEqual([])
  })

  it('lets a rate rise', () => {
    expect(slower([result('rate', 95, 100, 105)], [result('rate', 195, 200, 205)], scenarios)).toEqual([])
  })

  it('names a cost that rose, and no cost that fell', () => {
    expect(slower([result('cost', 95, 100, 105)], [result('cost', 120, 125, 130)], scenarios)).toEqual(['cost: 100.0 → 125.0 ns (×0.80)'])
    expect(slower([result('cost', 120, 125, 130)], [result('cost', 95, 100, 105)], scenarios)).toEqual([])
  })

  it('says nothing about rows that were not there before', () => {
    expect(slower([], [result('rate', 1, 1, 1)], scenarios)).toEqual([])
  })
})
