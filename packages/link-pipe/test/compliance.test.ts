import { fakeNic, linkCompliance, type LinkSetup, type LinkUnderTest } from '@stack/testing'
import { describe, it } from 'vitest'
import { pipe, type PipeOptions } from '../src/index.ts'

function pipeUnderTest({ clock, memory }: LinkSetup, options: PipeOptions): LinkUnderTest {
  const [link, other] = pipe({ limit: 300, ...options })
  const nic = fakeNic(clock, { memory: memory.pool() })
  nic.attach(other)
  return {
    link,
    peer: { receive: () => nic.received.splice(0), send: (bytes) => void nic.send(bytes), disconnect: () => other.close() },
  }
}

describe.each<PipeOptions>([{}, { framing: 'ethernet' }, { latency: 20 }, { trustChecksums: true }])('pipe(%o)', (options) => {
  for (const { name, run } of linkCompliance((setup) => pipeUnderTest(setup, options))) it(name, run)
})
