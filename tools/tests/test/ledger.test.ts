import { describe, expect, test } from 'vitest'
import { compare, featureTable, idsIn, parseLedger, withFeatures, withProofs } from '../../lib/ledger.mjs'

// The names of invented documents are put together, so that the real ledger does not look for them.
const id = (row: string, document = 'RFC1') => `${document}-${row}`

const SOURCE = `# RFC 1: an invention

| id | § | what it asks | status | test or reason |
|---|---|---|---|---|
| MUST-1 | 2 | this \\| that | done | |
| MUST-14 | 2 | more | refused | RFC 7126 |
| MAY-2 | 3.1 | much more | open | issue 3 |
`

describe('the ledger of requirements', () => {
  test('reads its rows, with what stands in front of their ids', () => {
    const { title, rows, problems } = parseLedger('rfc1.md', SOURCE)
    expect(title).toBe('RFC 1: an invention')
    expect(rows.map((row) => [row.id, row.section, row.status, row.note])).toEqual([
      [id('MUST-1'), '2', 'done', ''], [id('MUST-14'), '2', 'refused', 'RFC 7126'], [id('MAY-2'), '3.1', 'open', 'issue 3'],
    ])
    expect(problems).toEqual([])
  })

  test.each([
    ['| MUST-1 | 2 | text | finished | |', 'status finished'],
    ['| MUST-1 | 2 | text | refused | |', 'without a reason'],
    ['| MUST-1 | 2 | text | open | some day |', "say 'issue N' or 'later'"],
    ['| MUST 1 | 2 | text | done | |', 'cannot carry'],
    ['| MUST-1 | 2 | done | |', '4 cells'],
    ['| A | 2 | x | done | |\n| A | 2 | x | done | |', 'twice'],
  ])('says what is wrong with %s', (row, problem) => {
    expect(parseLedger('rfc1.md', row).problems.join()).toContain(problem)
  })

  test('finds ids in titles, whole ones only', () => {
    expect(idsIn(`a SYN is answered [${id('MUST-1')}, ${id('MUST-14')}].`)).toEqual([id('MUST-1'), id('MUST-14')])
    expect(idsIn(`RFC 9293 says so; X${id('1')}`)).toEqual([])
  })

  test('names the files that prove a row, and leaves the other rows alone', () => {
    const text = withProofs('rfc1.md', SOURCE, new Map([[id('MUST-1'), ['a.test.ts', 'b.pkt']], [id('MAY-2'), ['c.pkt']]]))
    expect(text).toContain('| done | a.test.ts, b.pkt |')
    expect(text).toContain('| open | issue 3 |')
    expect(withProofs('rfc1.md', text, new Map())).toContain('| done |  |')
  })

  test('agrees with the tests that ran, or says where it does not', () => {
    const documents = [parseLedger('rfc1.md', SOURCE)]
    const proof = `it does [${id('MUST-1')}]`
    expect(compare(documents, [proof])).toEqual([])
    expect(compare(documents, [])).toEqual([`${id('MUST-1')} is done, but no test that passed has it in its title`])
    expect(compare(documents, [`it does [${id('MUST-14')}]`, proof]).join()).toContain('is refused, but')
    expect(compare(documents, [proof, `it will [${id('MAY-2')}]`]).join()).toContain('is open, but')
    expect(compare(documents, [proof, `it will [${id('MAY-2')}] (expected failure: issue 3)`])).toEqual([])
    expect(compare(documents, [proof, `it does [${id('MUST-9')}]`]).join()).toContain('not in the ledger')
  })

  test('makes the table of the README, and only that', () => {
    const documents = [parseLedger('rfc1.md', SOURCE)]
    expect(featureTable(documents)).toContain('| [RFC 1: an invention](docs/conformance/rfc1.md) | 1 of 3 | 1 | 1 |')
    const readme = 'before\n<!-- features: made by `npm run ledger -- --update` -->\nold\n<!-- /features -->\nafter'
    const text = withFeatures(readme, documents)
    expect(text).toMatch(/^before\n[^]*\nafter$/)
    expect(text).not.toContain('old')
    expect(withFeatures(text, documents)).toBe(text)
    expect(() => withFeatures('nothing', documents)).toThrow('no place')
  })
})
