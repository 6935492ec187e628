import { ChecksumState } from '@stack/buffer'
import { linkCompliance, type LinkSetup, type LinkUnderTest } from '@stack/testing'
import { describe, it } from 'vitest'
import { createTun } from '../src/tun.ts'
import { FakeSystem } from './fake-system.ts'

/** Over a device in memory: the suite's clock is not the kernel's. The tests with a real device are in the lab. */
function tunUnderTest({ memory }: LinkSetup, mode: 'tun' | 'tap', offload: boolean): LinkUnderTest {
  const system = new FakeSystem(memory)
  return {
    link: createTun({ mode, name: 'tap0', offload }, () => Promise.resolve(system)),
    peer: {
      receive: () => {
        const headers = system.writtenHeaders.splice(0)
        return system.written.splice(0).map((bytes, i) => ({ bytes, checksumState: headers[i]![0] === 1 ? ChecksumState.Partial : ChecksumState.None }))
      },
      send(bytes) {
        system.receive(bytes)
        system.fire()
      },
    },
  }
}

describe.each([['tun', true], ['tun', false], ['tap', true], ['tap', false]] as const)('%s, offload %s', (mode, offload) => {
  for (const { name, run } of linkCompliance((setup) => tunUnderTest(setup, mode, offload))) it(name, run)
})
