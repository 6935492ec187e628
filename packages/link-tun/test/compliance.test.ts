import { linkCompliance, type LinkSetup, type LinkUnderTest } from '@stack/testing'
import { describe, it } from 'vitest'
import { createTun } from '../src/tun.ts'
import { FakeSystem } from './fake-system.ts'

/** Over a device in memory: the suite's clock is not the kernel's. The tests with a real device are in the lab. */
function tunUnderTest({ memory }: LinkSetup, mode: 'tun' | 'tap'): LinkUnderTest {
  const system = new FakeSystem(memory)
  return {
    link: createTun({ mode, name: 'tap0' }, () => Promise.resolve(system)),
    peer: {
      receive: () => system.written.splice(0).map((bytes) => ({ bytes })),
      send(bytes) {
        system.incoming.push(bytes)
        system.fire()
      },
    },
  }
}

describe.each(['tun', 'tap'] as const)('%s', (mode) => {
  for (const { name, run } of linkCompliance((setup) => tunUnderTest(setup, mode))) it(name, run)
})
