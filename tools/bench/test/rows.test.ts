import { describe, expect, it } from 'vitest'
import { measure } from '../src/measure.ts'
import { scenarios } from '../src/scenarios.ts'

/** A part of the work that takes milliseconds. */
const SCALE = 0.001

/** These want more than this process: packages that are built and packed, or network namespaces and iperf3. */
const ELSEWHERE = ['start', 'start-memory', 'tun-iperf', 'tun-iperf-out']

describe('rows of the benchmark, hardly any work each', () => {
  for (const scenario of scenarios(SCALE).filter(({ name }) => !ELSEWHERE.includes(name))) {
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
