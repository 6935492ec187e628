import { describe, expect, it } from 'vitest'
import { transportCompliance } from '../../src/index.ts'
import { datagramUnderTest } from './datagram.ts'
import { expectTable, failing, skipped } from './table.ts'
import { TRANSPORT_MUTANTS } from './transport-mutants.ts'

describe('transportCompliance', () => {
  it('passes a good protocol, and skips nothing', async () => {
    expect(await failing(transportCompliance(() => datagramUnderTest()))).toEqual([])
    expect(await skipped(transportCompliance(() => datagramUnderTest()))).toEqual([])
  })

  it('has a mutant for each case', () => {
    expectTable(transportCompliance(() => datagramUnderTest()), TRANSPORT_MUTANTS)
  })

  it.each(Object.entries(TRANSPORT_MUTANTS))('"%s" alone catches its mutant', async (name, mutate) => {
    const shared = new Set<number>()
    const cases = transportCompliance(() => datagramUnderTest((protocol) => mutate(protocol, shared)))
    expect(await failing(cases)).toEqual([name])
  })
})
