import type { StackBase } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { ipv6 } from '@stack/ipv6'
import { channel } from '@stack/link-channel'
import { createTestStack, scriptedPeer, type Family, type ManualClock, type PeerLink, type ScriptedPeer } from '@stack/testing'
import { expect } from 'vitest'
import { tcp, type Tcp, type TcpOptions } from '../../src/index.ts'

/** A stack whose only peer signs. */
export interface SignedBench<L extends PeerLink> {
  readonly stack: StackBase & { readonly tcp: Tcp }
  readonly clock: ManualClock
  readonly link: L
  readonly peer: ScriptedPeer<Tcp>
  readonly counters: Readonly<Record<string, number>>
  readonly end: () => Promise<void>
}

export async function signedBench<L extends PeerLink>(
  wrap: (link: PeerLink) => L, { family = 'ipv4', options, mtu = 1500 }: { readonly family?: Family; readonly options?: TcpOptions; readonly mtu?: number } = {},
): Promise<SignedBench<L>> {
  const test = await createTestStack({ plugins: [ipv4(), ipv6(), tcp(options)] as const, link: channel({ mtu }) })
  const link = wrap(test.link)
  const peer = scriptedPeer({ stack: test.stack, clock: test.clock, link, family, ignore: (packet) => packet.tcp === null })
  return {
    stack: test.stack, clock: test.clock, link, peer,
    get counters() {
      return test.stack.statistics().protocols['tcp']!
    },
    end: async () => {
      expect(test.stack.statistics().protocols['tcp']!['illegalTransitions']).toBe(0)
      await test.end()
    },
  }
}
