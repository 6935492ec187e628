import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { withSetup } from '../src/command/setup.ts'
import { linux, parseScript, runScript } from '../src/index.ts'

let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'packetdrill-setup-'))
  writeFileSync(join(folder, 'defaults.sh'), '#!/bin/bash\nsysctl -q net.ipv4.tcp_timestamps=0 net.unheard.of=1\nsysctl -q net.ipv4.tcp_rmem="4096 70000 $((1024*1024))"\nsome-tool --with=words\n')
})
afterAll(() => rmSync(folder, { recursive: true }))

const script = (options: string, setup: string): string => `\`${setup}\`
    0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
   +0...0 bind(3, ..., ...) = 0
   +0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
   +0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
   +0 > S 0:0(0) <${options}>
`

test.each([
  ['there is one', './defaults.sh', 'mss 1460,nop,nop,sackOK,nop,wscale 5'],
  ['the script has the last word', './defaults.sh\nsysctl -q net.ipv4.tcp_timestamps=1', 'mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 5'],
  ['there is none', './common/defaults.sh', 'mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 8'],
])('the settings of the common set-up, where %s', async (_, setup, options) => {
  const path = join(folder, 'a.pkt')
  const result = await runScript(parseScript(script(options, setup), path), { profile: withSetup(linux, path) })
  expect(result).toMatchObject({ status: 'passed', reason: null })
})

test.each([
  ['a script that is only to be read is not run', '--dry_run\n    0 close(9) = 0\n', 'passed', null],
  ['queues that refuse packets are not there', '`tc qdisc replace dev tun0 root pfifo limit 0`\n    0 close(9) = 0\n', 'skipped', /limit 0/],
  ['nor is PSP', '--psp_udp_port=1000\n    0 close(9) = 0\n', 'skipped', /PSP/],
] as const)('%s', async (_, text, status, reason) => {
  const result = await runScript(parseScript(text, 'a.pkt'), { profile: linux })
  expect(result.status).toBe(status)
  if (reason !== null) expect(result.reason).toMatch(reason)
})

test.each([['1440', 'passed'], ['1460', 'passed'], ['1400', 'failed']])('over IPv6 the first MSS that is expected, %s, tells the MTU', async (mss, status) => {
  const result = await runScript(parseScript(`--ip_version=ipv6\n${script(`mss ${mss},sackOK,TS val 1 ecr 0,nop,wscale 8`, 'true')}`, 'a.pkt'), { profile: linux })
  expect(result.status).toBe(status)
})
