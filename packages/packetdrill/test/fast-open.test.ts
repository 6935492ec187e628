import { describe, expect, test } from 'vitest'
import { linux, own } from '../src/index.ts'
import { linuxCookie } from '../src/profile/linux-cookie.ts'
import { fastOpenKey } from '../src/profile/values.ts'
import { ends, passes } from './support/scripts.ts'

const SOCKET = '0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n'
const FRESH = (fd: number): string => `+.1 socket(..., SOCK_STREAM, IPPROTO_TCP) = ${fd}\n+0 fcntl(${fd}, F_SETFL, O_NONBLOCK) = 0\n`
const NO_TIMESTAMPS = '`sysctl -q net.ipv4.tcp_timestamps=0`\n'
const SYN = 'mss 1460,nop,nop,sackOK,nop,wscale 8'

/** A client that has the cookie abcd1234, its first connection being over. */
const WARM = `${NO_TIMESTAMPS}${SOCKET}+0 fcntl(3, F_SETFL, O_NONBLOCK) = 0
+0 sendto(3, ..., 0, MSG_FASTOPEN, ..., ...) = -1 EINPROGRESS
+0 > S 0:0(0) <${SYN},FO,nop,nop>
+.1 < S. 0:0(0) ack 1 win 5840 <mss 1460,FO abcd1234,nop,nop>
+0 > . 1:1(0) ack 1
+0 close(3) = 0
+0 > F. 1:1(0) ack 1
+.1 < F. 1:1(0) ack 2 win 5840
+0 > . 2:2(0) ack 2
`

describe('cookies', () => {
  test('are those of Linux: known answers for the keys that scripts have', () => {
    const hex = (key: string, client: readonly number[], server: readonly number[]): string =>
      Buffer.from(linuxCookie(fastOpenKey(key)!, Uint8Array.from(client), Uint8Array.from(server))).toString('hex')
    const ipv6 = (...tail: number[]): number[] => [0xfd, 0x3d, ...tail]
    expect(hex('a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4', [192, 0, 2, 1], [192, 168, 0, 1])).toBe('3021b9d889017eeb')
    expect(hex('a0bf63f7-ed803d81-cd641d30-cebc4a90', [10, 248, 0, 2], [192, 168, 0, 2])).toBe('00abaaabe8e954c2')
    expect(hex('00000000-00000000-00000000-00000000', [10, 248, 0, 2], [192, 168, 0, 2])).toBe('93b7aa4f550f8a1a')
    const client = ipv6(0xfa, 0x7b, 0xd1, 0x7d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
    const server = ipv6(0x0a, 0x0b, 0x17, 0xd6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
    expect(hex('a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4', client, server)).toBe('c1d1e9742a47a9bc')
    expect(fastOpenKey('not-a-key')).toBeUndefined()
  })

  test('TFO_COOKIE is the one of the run, over every family; another is a difference', async () => {
    const script = (cookie: string): string => `${SOCKET}+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1460,sackOK,FO>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK,FO ${cookie},nop,nop>\n`
    await passes(script('TFO_COOKIE'), linux)
    await ends(script('TFO_COOKIE_ZERO'), 'failed', /options: expected/, linux)
  })
})

test("what Linux's set-up says is so, until a script says something else", async () => {
  const script = (settings: string, answer: string): string => `\`${settings}\`\n${SOCKET}+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0
+0 < SEW 0:0(0) win 32792 <mss 1460>\n+0 > ${answer} 0:0(0) ack 1 <mss 1460>\n`
  await passes(script('../common/defaults.sh', 'S.'), linux)
  await passes(script('../common/defaults.sh\nsysctl -q net.ipv4.tcp_ecn=2', 'SE.'), linux)
})

describe('the client', () => {
  test('connect waits for the first write where there is a cookie; what may not wait takes what the SYN takes', () => passes(`${WARM}${FRESH(4)}
+0 setsockopt(4, SOL_TCP, TCP_FASTOPEN_CONNECT, [1], 4) = 0
+0 connect(4, ..., ...) = 0
+0 connect(4, ..., ...) = -1 EISCONN
+0 poll([{fd=4, events=POLLOUT, revents=POLLOUT}], 1, 0) = 1
+0 read(4, ..., 10) = -1 EAGAIN
+0 write(4, ..., 2000) = 1420
+0 > S 0:1420(1420) <${SYN},FO abcd1234,nop,nop>
+0 sendto(4, ..., 10, MSG_FASTOPEN, ..., ...) = -1 EALREADY
+.1 < S. 0:0(0) ack 1421 win 5840 <mss 1460>
+0 > . 1421:1421(0) ack 1
+0 %{ assert tcpi_options & TCPI_OPT_SYN_DATA, tcpi_options }%
+0 sendto(4, ..., 10, MSG_FASTOPEN, ..., ...) = 10
`, linux))

  test('a write that may wait returns when the handshake is over, with all of it', () => passes(`${WARM}
+.1 socket(..., SOCK_STREAM, IPPROTO_TCP) = 4
+0...0.1 sendto(4, ..., 2000, MSG_FASTOPEN, ..., ...) = 2000
+0 > S 0:1420(1420) <${SYN},FO abcd1234,nop,nop>
+.1 < S. 0:0(0) ack 1421 win 5840 <mss 1460>
+0 > P. 1421:2001(580) ack 1
`, linux))

  test('the switch of the system: off, and on for who opens later', () => passes(`${NO_TIMESTAMPS}${SOCKET}+0 fcntl(3, F_SETFL, O_NONBLOCK) = 0
+0 \`sysctl -q net.ipv4.tcp_fastopen=0\`
+0 sendto(3, ..., 10, MSG_FASTOPEN, ..., ...) = -1 EOPNOTSUPP
+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN_CONNECT, [1], 4) = -1 EOPNOTSUPP
+0 \`sysctl -q net.ipv4.tcp_fastopen=5\`
+0 sendto(3, ..., 10, MSG_FASTOPEN, ..., ...) = 10
+0 > S 0:10(10) <${SYN}>
`, linux))

  test('ip tcp_metrics flush forgets cookies', () => passes(`${WARM}+0 \`ip tcp_metrics flush all\`\n${FRESH(4)}
+0 sendto(4, ..., 10, MSG_FASTOPEN, ..., ...) = -1 EINPROGRESS
+0 > S 0:0(0) <${SYN},FO,nop,nop>
`, linux))

  test('no address is no address', () => passes(`${SOCKET}+0 sendto(3, ..., 0, MSG_FASTOPEN, AF_UNSPEC, ...) = -1 EOPNOTSUPP\n`, linux))
})

test('a listener that is told while it listens; a key of its own', () => passes(`${SOCKET}+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1000,FO>
+0 > S. 0:0(0) ack 1 <mss 1460>
+0 < R 1:1(0) win 0
+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN, [1], 4) = 0
+0 getsockopt(3, SOL_TCP, TCP_FASTOPEN, [1], [4]) = 0
+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN_KEY, "0123456789abcdef", 16) = 0
+0 < S 0:0(0) win 65535 <mss 1000,FO>
+0 > S. 0:0(0) ack 1 <mss 1460,FO COOKIE,nop,nop>
+0 < R 1:1(0) win 0
+0 < S 0:10(10) win 65535 <mss 1000,FO COOKIE,nop,nop>
+0 > S. 0:0(0) ack 11 <mss 1460>
`, own))
