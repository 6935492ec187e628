import { channel } from '@stack/link-channel'
import { linkCompliance, type LinkUnderTest } from '@stack/testing'
import { describe, it } from 'vitest'
import { muxed } from '../src/index.ts'

/** One destination behind one channel. */
function muxedUnderTest(framing: 'ip' | 'ethernet'): LinkUnderTest {
  const inner = channel({ framing, limit: 300 })
  const destination = framing === 'ip' ? Uint8Array.of(10, 0, 0, 2) : Uint8Array.of(2, 0, 0, 0, 0, 2)
  return {
    link: muxed({ framing, routes: [{ destination, link: inner }] }),
    peer: {
      receive() {
        const packets = []
        for (let bytes = inner.tryRead(); bytes !== null; bytes = inner.tryRead()) packets.push({ bytes })
        return packets
      },
      send: (bytes) => void inner.inject(bytes),
    },
  }
}

describe.each(['ip', 'ethernet'] as const)('muxed, framing %s', (framing) => {
  for (const { name, run } of linkCompliance(() => muxedUnderTest(framing))) it(name, run)
})
