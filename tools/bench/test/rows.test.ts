import { describe, expect, it } from 'vitest'
import { measure } from '../src/measure.ts'
import { scenarios } from '../src/scenarios.ts'

/** A part of the work that takes milliseconds. */
const SCALE = 0.001

/** These pack and install what was built, and have processes of their own; `npm run check pack` and the rehearsal of a release do the same. */
const BUILT = ['start', 'start-memory']

describe('rows of the benchmark, hardly any work each', () => {
  for (const scenario of scenarios(SCALE).filter(({ name }) => !BUILT.includes(name))) {
    it(`${scenario.name} runs, and so do its peers`, async () => {
      // netstack needs a compiler, and no other machine has it.
      const peers = Object.fromEntries(Object.entries(scenario.peers ?? {}).filter(([name]) => name !== 'netstack'))
      const result = await measure({ ...scenario, peers }, 1)
      // What a thousandth of the work costs may be too little to see.
      expect(result.median).toBeGreaterThan(scenario.isCost === true ? -Infinity : 0)
      expect(Object.keys(result.peers)).toEqual(Object.keys(peers))
    })
  }
})
