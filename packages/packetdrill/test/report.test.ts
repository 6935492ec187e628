import { describe, expect, it } from 'vitest'
import { formatResult, formatTotals, jsonReport, judge, parseScript, unparsed } from '../src/index.ts'
import type { ScriptError, ScriptResult } from '../src/index.ts'

const RESULT: ScriptResult = { path: 'a/x.pkt', status: 'passed', family: 'ipv4', reason: null, line: null, failure: null, trace: [], pcap: null }
const FAILED: ScriptResult = {
  ...RESULT,
  status: 'failed',
  reason: 'the segment differs',
  line: 12,
  failure: { at: { line: 12, column: 4 }, event: '+0 > S. 0:0(0) ack 1\n   <mss 1460>', expected: 'S. 0:0(0) ack 1 <mss 1460>', got: 'S. 0:0(0) ack 1 <mss 536>', differences: ['options: expected <mss 1460>, got <mss 536>'] },
  trace: ['0.000 < S 0:0(0) win 65535', '0.000 > S. 0:0(0) ack 1 <mss 536>'],
}

describe('the text of a result', () => {
  it('is a line for a pass, a skip or an expected failure', () => {
    expect(formatResult(RESULT)).toBe('passed   a/x.pkt [ipv4]')
    expect(formatResult({ ...RESULT, status: 'skipped', family: null, reason: 'zerocopy', line: 3 })).toBe('skipped  a/x.pkt:3 zerocopy')
    expect(formatResult({ ...FAILED, status: 'expected-failure', reason: 'later (RFC 7413): no cookie' })).toBe('expected a/x.pkt:12 [ipv4] later (RFC 7413): no cookie')
  })

  it('says of a failure what was expected, what came, and what happened before', () => {
    expect(formatResult(FAILED, '/tmp/x.pcap')).toBe(`FAILED   a/x.pkt:12 [ipv4] the segment differs
  the event   +0 > S. 0:0(0) ack 1
                 <mss 1460>
  expected    S. 0:0(0) ack 1 <mss 1460>
  got         S. 0:0(0) ack 1 <mss 536>
    options: expected <mss 1460>, got <mss 536>
  what happened
    0.000 < S 0:0(0) win 65535
    0.000 > S. 0:0(0) ack 1 <mss 536>
  packets     /tmp/x.pcap`)
  })

  it('shows where a script cannot be parsed', () => {
    let error: unknown
    try {
      parseScript('0 close(3) = 0\n\t+1 > S 0:1(0)', 'a/x.pkt')
    } catch (thrown) {
      error = thrown
    }
    expect(formatResult(unparsed(error as ScriptError, 'a/x.pkt'))).toBe(`FAILED   a/x.pkt:2 it cannot be parsed: 0:1 is 1 bytes, not 0
  the event   \t+1 > S 0:1(0)
              \t       ^
  expected    a script that can be parsed
  got         0:1 is 1 bytes, not 0`)
  })
})

describe('counts', () => {
  const results: ScriptResult[] = [RESULT, FAILED, { ...RESULT, path: 'b/y.pkt' }, { ...RESULT, path: 'b/z.pkt', status: 'skipped', reason: 'splice', line: 4 }, { ...RESULT, path: 'b/w.pkt', status: 'expected-failure' }]

  it('are for each folder and in all', () => {
    expect(formatTotals(results)).toBe(`     passed  failed  skipped  expected failures
a         1       1        0                  0
b         1       0        1                  1
all       2       1        1                  1`)
    expect(formatTotals([RESULT])).toBe('     passed  failed  skipped  expected failures\nall       1       0        0                  0')
  })

  it('stand in the JSON with each script', () => {
    const report = jsonReport(results)
    expect(report.totals).toEqual({ passed: 2, failed: 1, skipped: 1, expectedFailures: 1 })
    expect(report.folders['b']).toEqual({ passed: 1, failed: 0, skipped: 1, expectedFailures: 1 })
    expect(report.scripts.slice(1, 4)).toEqual([
      { path: 'a/x.pkt', status: 'failed', reason: 'the segment differs', line: 12 },
      { path: 'b/y.pkt', status: 'passed', reason: null, line: null },
      { path: 'b/z.pkt', status: 'skipped', reason: 'splice', line: 4 },
    ])
  })
})

describe('a script that is expected to fail', () => {
  const script = parseScript('// What it shows.\n// expect-fail: issue 3 (RFC 9293 §3.10)\n0 close(3) = 0', 'a/x.pkt')

  it('is counted apart when it does', () => {
    expect(judge(script, FAILED)).toMatchObject({ status: 'expected-failure', reason: 'issue 3 (RFC 9293 §3.10): the segment differs', line: 12 })
  })

  it('has failed when it passes', () => {
    expect(judge(script, RESULT)).toMatchObject({ status: 'failed', reason: 'it passes, and is marked `expect-fail: issue 3 (RFC 9293 §3.10)`: remove the marker', line: 2 })
  })

  it('may be skipped', () => {
    expect(judge(script, { ...RESULT, status: 'skipped' }).status).toBe('skipped')
    expect(judge(parseScript('', 'a/x.pkt'), FAILED)).toBe(FAILED)
  })
})
