import { toHex } from '@stack/testing'
import { describe, expect, test } from 'vitest'
import { parseScript } from '../src/language/index.ts'
import { md5 } from '../src/packet/md5.ts'
import { freebsd, linux, own } from '../src/profile/profiles.ts'
import type { Profile } from '../src/profile/profile.ts'
import type { ScriptResult } from '../src/report/result.ts'
import { runScript } from '../src/packetdrill.ts'

const run = (text: string, profile: Profile = own): Promise<ScriptResult> => runScript(parseScript(text, 'inline.pkt'), { profile })

const LISTENER = (option: string): string => `
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 setsockopt(3, IPPROTO_TCP, TCP_MD5SIG, ${option}, 216) = 0
+0 listen(3, 1) = 0
`

test.each([
  ['', 'd41d8cd98f00b204e9800998ecf8427e'],
  ['abc', '900150983cd24fb0d6963f7d28e17f72'],
  ['message digest', 'f96b697d7cb7938d525a2f31aaf161d0'],
  ['1234567890'.repeat(8), '57edf4a22be3c955ac49da2e2107b67a'],
])('MD5 of %s (RFC 1321 §A.5)', (text, digest) => {
  expect(toHex(md5(new TextEncoder().encode(text))).replaceAll(' ', '')).toBe(digest)
})

describe('TCP_MD5SIG', () => {
  const SIGNED = '+0 < S 0:0(0) win 65535 <nop,nop,md5 valid,mss 1000>\n+0 > S. 0:0(0) ack 1 <nop,nop,md5 valid,mss 1460>\n'

  test.each([['linux', linux], ['freebsd', freebsd], ['own', own]] as const)('the key of --tcp_md5_secret, with %s', async (_name, profile) => {
    expect(await run(`--tcp_md5_secret=secret\n${LISTENER('[1]')}${SIGNED}`, profile)).toMatchObject({ status: 'passed' })
  })

  test('a key of its own, for a peer, and taken away', async () => {
    const key = (length: number): string => `{tcpm_addr={sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("192.0.2.1")}, tcpm_keylen=${length}, tcpm_key="secret!"}`
    expect(await run(`--tcp_md5_secret=secret\n--ip_version=ipv4\n${LISTENER(key(6))}${SIGNED}`)).toMatchObject({ status: 'passed' })
    const away = `${LISTENER(key(6))}+0 setsockopt(3, IPPROTO_TCP, TCP_MD5SIG, ${key(0)}, 216) = 0\n+0 < S 0:0(0) win 65535 <mss 1000>\n+0 > S. 0:0(0) ack 1 <mss 1460>\n`
    expect(await run(`--ip_version=ipv4\n${away}`)).toMatchObject({ status: 'passed' })
  })

  test('it is read back', async () => {
    expect(await run(`--tcp_md5_secret=secret\n${LISTENER('[1]')}+0 getsockopt(3, IPPROTO_TCP, TCP_MD5SIG, [1], [4]) = 0\n`)).toMatchObject({ status: 'passed' })
  })

  test('FreeBSD takes signatures that it has no key for, and does not begin with them later', async () => {
    const plain = `
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <md5 000102030405060708090a0b0c0d0e0f,nop,nop,mss 1000>
+0 > S. 0:0(0) ack 1 <...>
`
    expect(await run(plain, freebsd)).toMatchObject({ status: 'passed' })
    expect(await run(`--tcp_md5_secret=secret\n${plain}+0 setsockopt(3, IPPROTO_TCP, TCP_MD5SIG, [1], 4) = -1 EINVAL (no)\n`, freebsd)).toMatchObject({ status: 'passed' })
  })

  test('without a secret', async () => {
    expect(await run(LISTENER('[1]'))).toMatchObject({ status: 'skipped', reason: expect.stringContaining('--tcp_md5_secret') as string })
    expect(await run(`${LISTENER('{tcpm_key="secret"}')}+0 < S 0:0(0) win 65535 <nop,nop,md5 valid>\n`)).toMatchObject({ status: 'failed', reason: expect.stringContaining('need --tcp_md5_secret') as string })
  })

  test('a wrong signature is told', async () => {
    const invalid = `--tcp_md5_secret=secret\n${LISTENER('[1]')}+0 < S 0:0(0) win 65535 <nop,nop,md5 valid,mss 1000>\n+0 > S. 0:0(0) ack 1 <nop,nop,md5 invalid,mss 1460>\n`
    expect(await run(invalid)).toMatchObject({ status: 'failed', reason: expect.stringContaining('md5 invalid') as string })
  })
})
