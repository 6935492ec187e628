import { pipe } from '@stack/link-pipe'
import { fakeNic, linkCompliance, type LinkSetup, type LinkUnderTest } from '@stack/testing'
import { describe, it } from 'vitest'
import { sniffer } from '../src/index.ts'

function snifferUnderTest({ clock, memory }: LinkSetup, framing: 'ip' | 'ethernet'): LinkUnderTest {
  const [lower, other] = pipe({ limit: 300, framing })
  const nic = fakeNic(clock, { memory: memory.pool() })
  nic.attach(other)
  return {
    link: sniffer(lower, { onLine: () => {} }),
    peer: { receive: () => nic.received.splice(0), send: (bytes) => void nic.send(bytes), disconnect: () => other.close() },
  }
}

describe.each(['ip', 'ethernet'] as const)('sniffer, framing %s', (framing) => {
  for (const { name, run } of linkCompliance((setup) => snifferUnderTest(setup, framing))) it(name, run)
})
