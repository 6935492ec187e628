import { pipe } from '@stack/link-pipe'
import { fakeNic, linkCompliance, type LinkSetup, type LinkUnderTest } from '@stack/testing'
import { describe, it } from 'vitest'
import { netem, type NetemOptions } from '../src/index.ts'

function netemUnderTest({ clock, memory }: LinkSetup, options: NetemOptions, framing: 'ip' | 'ethernet'): LinkUnderTest {
  const [lower, other] = pipe({ limit: 300, framing })
  const nic = fakeNic(clock, { memory: memory.pool() })
  nic.attach(other)
  return {
    link: netem(lower, { seed: 1, ...options }),
    peer: { receive: () => nic.received.splice(0), send: (bytes) => void nic.send(bytes), disconnect: () => other.close() },
  }
}

const NETWORKS: readonly NetemOptions[] = [{}, { delay: 20, direction: 'both' }, { delay: 20, direction: 'in' }, { rate: 1_000_000, direction: 'out' }]

describe.each(NETWORKS)('netem(%o)', (options) => {
  describe.each(['ip', 'ethernet'] as const)('framing %s', (framing) => {
    for (const { name, run } of linkCompliance((setup) => netemUnderTest(setup, options, framing))) it(name, run)
  })
})
