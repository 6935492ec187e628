import { describe, expect, test } from 'vitest'
import { parseScript } from '../src/language/index.ts'
import type { Posix } from '../src/posix/index.ts'
import { own } from '../src/profile/profiles.ts'
import { runScript } from '../src/run/run-script.ts'
import type { Family, ScriptResult } from '../src/report/result.ts'

const noCalls: Posix = {
  start: () => { throw new Error('no calls') }, evaluate: () => 0, connection: () => null, tcpInfo: () => null, end() {},
}

function run(text: string, families?: readonly Family[]): Promise<ScriptResult> {
  return runScript(parseScript(text, 'inline.pkt'), { profile: own, createPosix: () => noCalls, evaluateCode: () => null, ...(families === undefined ? {} : { families }) })
}

describe('packets without sockets', () => {
  test('echo', async () => {
    const r = await run(`
0 < icmp echo_request id 7
+0 > icmp echo_reply id 7
+0 < 8080 > 1234 . 17:20(3) ack 34 win 100
+0 > 1234 > 8080 R 34:34(0)
`, ['ipv4'])
    console.log(r)
    expect(r.status).toBe('passed')
  })
})
