import { pipe } from '@stack/link-pipe'
import { fakeNic, linkCompliance, type LinkSetup, type LinkUnderTest } from '@stack/testing'
import { describe, it } from 'vitest'
import { ethernet, type EthernetOptions } from '../src/index.ts'

function ethernetUnderTest({ clock, memory }: LinkSetup, options: EthernetOptions, framing: 'ip' | 'ethernet'): LinkUnderTest {
  const [lower, other] = pipe({ limit: 300, framing, mtu: 1518 })
  const nic = fakeNic(clock, { memory: memory.pool() })
  nic.attach(other)
  return {
    link: ethernet(lower, { linkAddress: Uint8Array.of(2, 0, 0, 0, 0, 1), ...options }),
    peer: { receive: () => nic.received.splice(0), send: (bytes) => void nic.send(bytes), disconnect: () => other.close() },
  }
}

describe.each<EthernetOptions>([{}, { vlan: 7 }, { padTo60: true }])('ethernet(%o)', (options) => {
  describe.each(['ip', 'ethernet'] as const)('over a link with framing %s', (framing) => {
    for (const { name, run } of linkCompliance((setup) => ethernetUnderTest(setup, options, framing))) it(name, run)
  })
})
