import { expect } from 'vitest'
import { parseScript } from '../../src/language/index.ts'
import { createPosix } from '../../src/posix/index.ts'
import { freebsd, linux, own } from '../../src/profile/profiles.ts'
import type { Profile } from '../../src/profile/profile.ts'
import type { Family, ScriptResult } from '../../src/report/result.ts'
import { runScript } from '../../src/run/run-script.ts'

export const PROFILES = { own, linux, freebsd } as const

function run(text: string, profile: Profile = own, families?: readonly Family[]): Promise<ScriptResult> {
  return runScript(parseScript(text, 'inline.pkt'), { profile, createPosix, evaluateCode: () => null, ...(families === undefined ? {} : { families }) })
}

/** The script passes, over all families unless said. */
export async function passes(text: string, profile?: Profile, families?: readonly Family[]): Promise<void> {
  const result = await run(text, profile, families)
  expect(`${result.status} ${result.reason ?? ''}\n${result.status === 'passed' ? '' : result.trace.join('\n')}`).toBe('passed \n')
}

/** The script ends with `status` because of `reason`. */
export async function ends(text: string, status: 'failed' | 'skipped', reason: RegExp, profile?: Profile): Promise<void> {
  const result = await run(text, profile, ['ipv4'])
  expect(`${result.status}: ${result.reason ?? ''}`).toMatch(new RegExp(`^${status}: .*${reason.source}`, 's'))
}

export const LISTENER = `
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
`

/** Descriptor 4 is a connection whose peer announced an MSS of 1000 and a window of 32,896. */
export const ACCEPTED = `${LISTENER}
+.1 < S 0:0(0) win 32792 <mss 1000,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <...>
+.1 < . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 4
`

/** Descriptor 3 is a non-blocking connection that was opened. */
export const CONNECTED = `
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) <...>
+.1 < S. 0:0(0) ack 1 win 5792 <mss 1000,nop,wscale 2>
+0 > . 1:1(0) ack 1
`
