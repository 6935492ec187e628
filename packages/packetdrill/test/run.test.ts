import { describe, expect, test } from 'vitest'
import { parseScript } from '../src/language/index.ts'
import { freebsd, linux, own } from '../src/profile/profiles.ts'
import type { Profile } from '../src/profile/profile.ts'
import type { Family, ScriptResult } from '../src/report/result.ts'
import { runScript } from '../src/packetdrill.ts'

function run(text: string, profile: Profile = own, families?: readonly Family[]): Promise<ScriptResult> {
  return runScript(parseScript(text, 'inline.pkt'), { profile, ...(families === undefined ? {} : { families }) })
}

const LISTENER = `
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
`
const ACCEPTED = `${LISTENER}
+.1 < S 0:0(0) win 32792 <mss 1000,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <...>
+.1 < . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 4
`

async function passes(text: string, profile?: Profile, families?: readonly Family[]): Promise<void> {
  const result = await run(text, profile, families)
  expect(`${result.status} ${result.reason ?? ''}\n${result.status === 'passed' ? '' : result.trace.join('\n')}`).toBe('passed \n')
}

async function fails(text: string, reason: RegExp | string, families: readonly Family[] = ['ipv4']): Promise<ScriptResult> {
  const result = await run(text, own, families)
  expect(result.status).toBe('failed')
  if (typeof reason === 'string') expect(result.reason).toBe(reason)
  else expect(result.reason).toMatch(reason)
  return result
}

describe('habits of systems', () => {
  test('an ACK may come ahead of its time with the profile of a system, and data may not', async () => {
    const early = `${ACCEPTED}+0 < P. 1:1001(1000) ack 1 win 257\n+.04 > . 1:1(0) ack 1001\n`
    await passes(early.replace('<...>', '<mss 1460,nop,wscale 8>'), linux, ['ipv4'])
    await fails(`${ACCEPTED}+0 write(4, ..., 100) = 100\n+.04 > P. 1:101(100) ack 1\n`, /^time: /)
  })

  test('FreeBSD: a bare ACK may stand for the FIN that is said again, and a reset within the room is challenged', () => passes(`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR | O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS
+0 > S 0:0(0) win 65535 <mss 1460,nop,wscale 6,sackOK,TS val 100 ecr 0>
+.1 < S. 0:0(0) ack 1 win 32767 <mss 1460,sackOK,eol,eol>
+0 > . 1:1(0) ack 1 win 65535
+0 getsockopt(3, SOL_SOCKET, SO_RCVBUF, [65700], [4]) = 0
+.1 shutdown(3, SHUT_WR) = 0
+0 > F. 1:1(0) ack 1
+.1 < F. 1:1(0) ack 1 win 32767
+0 > F. 1:1(0) ack 2
+.1 < R 65701:65701(0) win 32767
+0 > . 2:2(0) ack 2
+.1 < R 65702:65702(0) win 32767
+.1 < R 2:2(0) win 32767
+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0
`, freebsd, ['ipv4']))

  test('what waited for a gap and came again with it is told as a duplicate', () => passes(`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK,nop,wscale 8>
+.1 < . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 4
+0 < P. 1001:2001(1000) ack 1 win 257
+0 > . 1:1(0) ack 1 <nop,nop,sack 1001:2001>
+0 < P. 2001:3001(1000) ack 1 win 257
+0 > . 1:1(0) ack 1 <nop,nop,sack 1001:3001>
+0 < P. 7001:8001(1000) ack 1 win 257
+0 > . 1:1(0) ack 1 <nop,nop,sack 7001:8001 1001:3001>
+0 < P. 1:6001(6000) ack 1 win 257
+0 > . 1:1(0) ack 6001 <nop,nop,sack 1001:3001 7001:8001>
`, linux, ['ipv4']))

  test('a message of ICMP that one family has keeps a script from the others', async () => {
    const result = await run(`${ACCEPTED}+0 < [1:1001(1000)] icmp unreachable frag_needed mtu 1200\n`, linux)
    expect(result.status).toBe('passed')
  })
})

describe('scripts that pass', () => {
  test('passive open, data, an RTO, close', () => passes(`${ACCEPTED}
+0 write(4, ..., 4000) = 4000
+0 > P. 1:4001(4000) ack 1
+.1 < . 1:1(0) ack 2001 win 257
+.15~+.35 > . 2001:3001(1000) ack 1
+0 < . 1:1(0) ack 4001 win 257
+0 close(4) = 0
+0 > F. 4001:4001(0) ack 1
+0 < F. 1:1(0) ack 4002 win 257
+0 > . 4002:4002(0) ack 2
`))

  test('active open that blocks, a read that blocks, a delayed ACK', () => passes(`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+.1...0.200 connect(3, ..., ...) = 0
+0 > S 0:0(0) <...>
+.1 < S. 0:0(0) ack 1 win 5792 <mss 1460,nop,wscale 2>
+0 > . 1:1(0) ack 1
+0...0.100 read(3, ..., 100) = 10
+.1 < P. 1:11(10) ack 1 win 100
+.04 > . 1:1(0) ack 11
`))

  test('timestamps map from the first one seen', () => passes(`--tcp_ts_tick_usecs=1000
${LISTENER}
+.1 < S 0:0(0) win 32792 <mss 1000,nop,nop,TS val 700 ecr 0>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,TS val 100 ecr 700>
+.1 < . 1:1(0) ack 1 win 257 <nop,nop,TS val 800 ecr 100>
+0 accept(3, ..., ...) = 4
+.5 write(4, ..., 10) = 10
+0 > P. 1:11(10) ack 1 <nop,nop,TS val 700 ecr 800>
`))

  test('out of order, times ranges and any time', () => passes(`${ACCEPTED}
+0~+.2 < . 101:201(100) ack 1 win 257
* > . 1:1(0) ack 1
+0 < . 1:101(100) ack 1 win 257
+0~+.1 > . 1:1(0) ack 201
`))

  test('two connections, told apart by ports', () => passes(`${LISTENER}
+.1 < 5001 > 8080 S 0:0(0) win 1000 <mss 1000>
+0 > 8080 > 5001 S. 0:0(0) ack 1 <...>
+0 < 5002 > 8080 S 10:10(0) win 1000 <mss 1000>
+0 > 8080 > 5002 S. 0:0(0) ack 11 <...>
+0 < 5001 > 8080 . 1:1(0) ack 1 win 1000
+0 < 5001 > 8080 . 1:1(0) ack 77 win 1000
+0 > 8080 > 5001 . 1:1(0) ack 1
`))

  test('behind a SYN of 123 a Linux script counts from it', () => passes(`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0...+0.01 connect(3, ..., ...) = 0
+0 > S 0:0(0) <...>
+.01 < S. 123:123(0) ack 1 win 5792 <mss 1460>
+0 > . 1:1(0) ack 1
`, linux))

  test('a segment for nobody is reset', () => passes(`
0 < 4000 > 1234 . 17:20(3) ack 34 win 100
+0 > 1234 > 4000 R 34:34(0) win 0
`))

  test('path MTU by ICMP', () => passes(`${ACCEPTED}
+0 write(4, ..., 1000) = 1000
+0 > P. 1:1001(1000) ack 1
+.01 < icmp unreachable frag_needed mtu 700 [1:1001(1000)]
+0~+0.01 > . 1:661(660) ack 1
+0 > P. 661:1001(340) ack 1
`, own, ['ipv4']))

  test('echo', async () => {
    await passes('0 < icmp echo_request id 7 seq 3\n+0 > icmp echo_reply id 7 seq 3\n', own, ['ipv4', 'ipv6'])
  })

  test('datagrams', () => passes(`
0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3
+0 bind(3, ..., ...) = 0
+.1 < udp (10)
+0 read(3, ..., 100) = 10
+0 connect(3, ..., ...) = 0
+0 write(3, ..., 20) = 20
+0 > udp (20)
`))

  test('a datagram that nobody wants', () => passes(`
0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3
+0 connect(3, ..., ...) = 0
+0 write(3, ..., 20) = 20
+0 > udp (20)
+0 < icmp unreachable port_unreachable [udp (20)]
+0 write(3, ..., 20) = -1 ECONNREFUSED (Connection refused)
+0 < 4000 > 1234 udp (9)
+0 > icmp unreachable port_unreachable [udp (9)]
`, own, ['ipv4', 'ipv6', 'ipv4-mapped-ipv6']))

  test('figures of the connection', () => passes(`${ACCEPTED}
+0 %{ assert tcpi_snd_mss == 1000, tcpi_snd_mss }%
+0 write(4, ..., 1000) = 1000
+0 > P. 1:1001(1000) ack 1
+0 %{ assert tcpi_unacked == 1 }%
`))

  test('a failure that is not fatal is told in the trace', async () => {
    const result = await run(`--non_fatal=packet\n${ACCEPTED}\n+0 > . 1:1(0) ack 9\n`, own, ['ipv4'])
    expect(result.status).toBe('passed')
    expect(result.trace.at(-1)).toMatch(/not fatal: expected a packet/)
  })
})

describe('scripts that are wrong', () => {
  test('another field than came', async () => {
    const result = await fails(`${ACCEPTED}
+0 < P. 1:11(10) ack 1 win 257
+.04 > . 1:1(0) ack 12
`, 'ack: expected 12, got 11')
    expect(result.line).toBe(12)
    expect(result.failure).toMatchObject({ expected: '> . 1:1(0) ack 12', got: '> . 1:1(0) ack 11' })
    expect(result.trace.at(-1)).toBe('0.240000 > . 1:1(0) ack 11 win 128')
    expect(result.pcap!.length).toBeGreaterThan(24 + 5 * 56)
  })

  test('too early', () => fails(`${ACCEPTED}\n+0 write(4, ..., 10) = 10\n+.5 > P. 1:11(10) ack 1\n`, 'time: expected 0.700 s (± 0.0625), got 0.200 s'))

  test('never', () => fails(`${ACCEPTED}\n+.5 > P. 1:11(10) ack 1\n`, 'expected a packet and got nothing by 0.7625 s'))

  test('nobody answers there', () => fails(`${LISTENER}\n+.1 < S 0:0(0) win 100\n+0 > R. 0:0(0) ack 1\n`, /flags: expected R\., got S\./))

  test('options in another order', () => fails(`${LISTENER}\n+.1 < S 0:0(0) win 100 <mss 1000,nop,wscale 7>\n+0 > S. 0:0(0) ack 1 <nop,wscale 9,mss 1460>\n`,
    'options: expected <nop,wscale 9,mss 1460>, got <mss 1460,nop,wscale 9>'))

  test('segments are compared as they come when the script is strict', () => fails(`--strict_segments\n${ACCEPTED}
+0 write(4, ..., 2000) = 2000
+0 > P. 1:2001(2000) ack 1
`, 'flags: expected P., got .; payload length: expected 2000, got 1000'))

  test('less data than wanted', () => fails(`${ACCEPTED}\n+0 write(4, ..., 2000) = 2000\n+0 > . 1:3001(3000) ack 1\n`, /payload length: expected 3000, got 2000/))

  test('a timestamp that has not ticked', () => fails(`--tcp_ts_tick_usecs=1000
${LISTENER}
+.1 < S 0:0(0) win 32792 <mss 1000,nop,nop,TS val 700 ecr 0>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,TS val 100 ecr 700>
+.1 < . 1:1(0) ack 1 win 257 <nop,nop,TS val 800 ecr 100>
+0 accept(3, ..., ...) = 4
+.5 write(4, ..., 10) = 10
+0 > P. 1:11(10) ack 1 <nop,nop,TS val 100 ecr 800>
`, 'options: expected <nop,nop,TS val 100 ecr 800>, got <nop,nop,TS val 700 ecr 800>'))

  test('a result', () => fails(`${ACCEPTED}\n+0 write(4, ..., 10) = 9\n`, 'result: expected 9, got 10'))

  test('a call that returns too soon, and one that does not return', async () => {
    await fails(`${LISTENER}\n+0...1 connect(3, ..., ...) = 0\n+0 > S 0:0(0) <...>\n+0 < S. 0:0(0) ack 1 win 1000\n`, /time: expected connect\(\) to return at 1\.000000 s .* it did at 0\.000000 s/)
    await fails(`${LISTENER}\n+0...1 accept(3, ..., ...) = 4\n`, /expected accept\(\) to return by 1\.125 s, it blocks/)
  })

  test('an assertion about figures', () => fails(`${ACCEPTED}\n+0 %{ assert tcpi_snd_mss == 999 }%\n`, /tcpi_snd_mss == 999 does not hold: tcpi_snd_mss = 1000/))

  test('a name that the family does not have', () => fails(`${ACCEPTED}\n+0 < icmp packet_too_big mtu 1280 [1:1001(1000)]\n`, /no type 'packet_too_big'/))

  test('an option that does not exist', () => fails('--nonsense=1\n0 < icmp echo_request\n', 'There is no option --nonsense.'))

  test('a family that fails is named', async () => {
    const result = await run('0 < icmp echo_request id 7 seq 3\n+0 > [ttl 9] icmp echo_reply id 7 seq 3\n', own, ['ipv6'])
    expect(result).toMatchObject({ status: 'failed', family: 'ipv6', reason: 'ttl: expected 9, got 64' })
  })
})

describe('scripts that are skipped', () => {
  test.each([
    ['--wire_client\n0 < icmp echo_request\n', /--wire_client/],
    ['`iptables -F`\n0 < icmp echo_request\n', /iptables -F/],
    ['0 < icmp echo_request\n+0 `stack mtu=1400`\n+0 < icmp echo_request\n', /'stack mtu=1400' in the middle of a script/],
  ])('%s', async (text, reason) => {
    const result = await run(text, own, ['ipv4'])
    expect(result.status).toBe('skipped')
    expect(result.reason).toMatch(reason)
  })

  test('a stack of FreeBSD counts its sockets', () => passes(`${LISTENER}
+.1 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 win 65535 <mss 1460>
+.1 < . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 4
+0 \`sockstat -4 -P tcp -s | grep packetdrill | grep -c ESTABLISHED | grep 1\`
+0 close(4) = 0
+0 > F. 1:1(0) ack 1 win 65535
+0 < F. 1:1(0) ack 2 win 257
+0 > . 2:2(0) ack 2 win 65535
+0 \`sockstat -4 -P tcp -s | grep packetdrill | grep -c TIME_WAIT | grep 1\`
`, freebsd))

  test('settings are put back at the end', () => passes('0 < icmp echo_request\n+0 `stack mtu=1400`\n', own, ['ipv4']))
})
