import { expect, it } from 'vitest'
import { packetdrillSuite } from '../src/index.ts'
import type { ScriptResult } from '../src/index.ts'
import { evaluateBlocks } from '../src/code/blocks.ts'
import { parseScript } from '../src/language/index.ts'

const results: Record<string, Partial<ScriptResult>> = {
  'pass.pkt': { status: 'passed' },
  'fail.pkt': { status: 'failed', reason: 'it fails', line: 1 },
  'skip.pkt': { status: 'skipped', reason: 'splice', line: 1 },
}

async function outcome(path: string, text = '0 close(3) = 0'): Promise<string> {
  const [test] = packetdrillSuite([{ path, text }], (script) =>
    Promise.resolve({ path: script.path, status: 'passed', family: null, reason: null, line: null, failure: null, trace: [], pcap: null, ...results[path] }),
  )
  expect(test?.name).toBe(path)
  return test!.run().then(() => 'passes', (error: unknown) => (error as Error).message)
}

it('a suite is a test for each script', async () => {
  expect(await outcome('pass.pkt')).toBe('passes')
  expect(await outcome('fail.pkt')).toBe('FAILED   fail.pkt:1 it fails')
  expect(await outcome('skip.pkt')).toBe('skipped  skip.pkt:1 splice')
  expect(await outcome('fail.pkt', '// expect-fail: later (RFC 7413)')).toBe('passes')
  expect(await outcome('pass.pkt', '// expect-fail: later (RFC 7413)')).toContain('remove the marker')
  expect(await outcome('pass.pkt', '0 close(')).toContain('pass.pkt:1:9: expected an item of the arguments of close')
})

it('the name of a test says what the script proves, unless it is expected to fail', () => {
  const names = (text: string): string[] => packetdrillSuite([{ path: 'x.pkt', text }], () => Promise.reject(new Error('not run'))).map(({ name }) => name)
  expect(names('// An ACK.\n// proves: RFC9293-MUST-10 RFC5961-4.2-syn\n0 close(3) = 0')).toEqual(['x.pkt [RFC9293-MUST-10 RFC5961-4.2-syn]'])
  expect(names('// proves: RFC9293-MUST-10\n// expect-fail: later (RFC 9293)\n0 close(3) = 0')).toEqual(['x.pkt'])
})

it('the blocks of a script are one program', () => {
  const { events } = parseScript('0 %{ SMALL = 10 }%\n+0 %{ assert tcpi_snd_cwnd == SMALL, "cwnd" }%', 'x.pkt')
  const blocks = (cwnd: number): { event: (typeof events)[number]; values: Record<string, number> | null }[] => [
    { event: events[0]!, values: null },
    { event: events[1]!, values: { tcpi_snd_cwnd: cwnd } },
  ]
  expect(evaluateBlocks(blocks(10))).toBeNull()
  expect(evaluateBlocks(blocks(12))).toEqual({ sample: blocks(12)[1], message: 'tcpi_snd_cwnd == SMALL does not hold: tcpi_snd_cwnd = 12, SMALL = 10 (cwnd)' })
})
