import { describe, expect, it } from 'vitest'
import { plainNetwork } from '../../src/compliance/plain-network.ts'
import { networkCompliance, type NetworkUnderTest } from '../../src/index.ts'
import { PLAIN_FAMILY, PLAIN_MALFORMED } from './plain-family.ts'
import { NETWORK_MUTANTS, type NetworkMutant } from './network-mutants.ts'
import { expectTable, failing, skipped } from './table.ts'

function underTest(mutant: NetworkMutant = {}): NetworkUnderTest {
  return { plugin: plainNetwork(mutant), number: 0x0800, family: PLAIN_FAMILY, malformed: PLAIN_MALFORMED }
}

describe('networkCompliance', () => {
  it('passes a good protocol, and skips nothing', async () => {
    expect(await failing(networkCompliance(() => underTest()))).toEqual([])
    expect(await skipped(networkCompliance(() => underTest()))).toEqual([])
  })

  it('has a mutant for each case', () => {
    expectTable(networkCompliance(() => underTest()), NETWORK_MUTANTS)
  })

  it.each(Object.entries(NETWORK_MUTANTS))('"%s" alone catches its mutant', async (name, mutant) => {
    expect(await failing(networkCompliance(() => underTest(mutant)))).toEqual([name])
  })
})
