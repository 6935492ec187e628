import { describe, expect, it } from 'vitest'
import { linkCompliance } from '../../src/index.ts'
import { GoodLink, underTest } from './good-link.ts'
import { LINK_MUTANTS } from './link-mutants.ts'
import { expectTable, failing, skipped } from './table.ts'

const FRAMINGS = ['ip', 'ethernet'] as const

describe('linkCompliance', () => {
  it('passes a good link', async () => {
    for (const framing of FRAMINGS) expect(await failing(linkCompliance(() => underTest(new GoodLink(framing))))).toEqual([])
  })

  it('skips nothing of a link that has everything', async () => {
    expect(await skipped(linkCompliance(() => underTest(new GoodLink('ethernet'))))).toEqual([])
  })

  it('has a mutant for each case', () => {
    expectTable(linkCompliance(() => underTest(new GoodLink('ip'))), LINK_MUTANTS)
  })

  it.each(Object.entries(LINK_MUTANTS))('"%s" alone catches its mutant', async (name, mutate) => {
    const found = new Set<string>()
    for (const framing of FRAMINGS) {
      const cases = linkCompliance(() => {
        const link = new GoodLink(framing)
        mutate(link)
        return underTest(link)
      })
      for (const failed of await failing(cases)) found.add(failed)
    }
    expect([...found]).toEqual([name])
  })
})
