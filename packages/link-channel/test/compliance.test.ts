import { linkCompliance, type LinkUnderTest } from '@stack/testing'
import { describe, it } from 'vitest'
import { channel } from '../src/index.ts'
import type { ChannelOptions } from '../src/index.ts'

function channelUnderTest(options: ChannelOptions): LinkUnderTest {
  const link = channel({ limit: 100, ...options })
  return {
    link,
    peer: {
      receive: () => Array.from(iterate(() => link.tryRead()), (bytes) => ({ bytes })),
      send: (bytes) => void link.inject(bytes),
    },
  }
}

function* iterate<T>(next: () => T | null): Iterable<T> {
  for (let value = next(); value !== null; value = next()) yield value
}

describe.each<ChannelOptions>([{}, { framing: 'ethernet' }, { capabilities: { txChecksumOffload: true, scatterGather: true } }])('channel(%o)', (options) => {
  for (const { name, run } of linkCompliance(() => channelUnderTest(options))) it(name, run)
})
