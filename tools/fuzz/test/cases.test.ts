import { expect, test } from 'vitest'
import { judgeOf } from '../src/campaign.ts'
import { keptCases } from '../src/keep.ts'

test.each(keptCases().map(([file, kept]) => ({ file, kept })))('$file does not go wrong any more', async ({ kept }) => {
  expect(await judgeOf(kept.target)(kept)).toEqual([])
})
