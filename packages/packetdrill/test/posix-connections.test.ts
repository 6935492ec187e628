import { describe, test } from 'vitest'
import { ACCEPTED, CONNECTED, ends, LISTENER, passes, PROFILES } from './support/scripts.ts'

const { freebsd, linux, own } = PROFILES

describe('connect', () => {
  test('without blocking: EINPROGRESS, then SO_ERROR 0 and a second connect', () => passes(`${CONNECTED}
+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0
+0 connect(3, ..., ...) = 0
+0 connect(3, ..., ...) = -1 EISCONN
`))

  test('a second connect while it opens is EALREADY; so says FreeBSD, too, and EISCONN afterwards', async () => {
    const script = `
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS
+0 > S 0:0(0) <...>
+0 connect(3, ..., ...) = -1 EALREADY
+.1 < S. 0:0(0) ack 1 win 5792 <mss 1000>
+0 > . 1:1(0) ack 1 <...>
`
    await passes(script, own)
    await passes(`${script}
+0 connect(3, ..., ...) = -1 EISCONN
`, freebsd)
  })

  test('a refusal: SO_ERROR says ECONNREFUSED once', () => passes(`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS
+0 > S 0:0(0) <...>
+.1 < R. 0:0(0) ack 1 win 0
+0 poll([{fd=3, events=POLLIN|POLLOUT, revents=POLLIN|POLLOUT|POLLERR|POLLHUP}], 1, 0) = 1
+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0
+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0
`))

  test('a refusal ends a connect that blocks; the socket may try again', () => passes(`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0...0.100 connect(3, ..., ...) = -1 ECONNREFUSED
+0 > S 0:0(0) <...>
+.1 < R. 0:0(0) ack 1 win 0
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+.1 connect(3, ..., ...) = -1 EINPROGRESS
`))

  test('FreeBSD: sendto() connects, and what is written waits; with TCP_FASTOPEN it asks for a cookie', async () => {
    const opened = `
+.1 < S. 0:0(0) ack 1 win 5792 <mss 1000>
+0 > P. 1:301(300) ack 1
`
    await passes(`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 sendto(3, ..., 300, 0, ..., ...) = 300
+0 > S 0:0(0) <mss 1460,nop,wscale 6,sackOK,TS val 1 ecr 0>
+0 connect(3, ..., ...) = -1 EALREADY
${opened}
+0 sendto(3, ..., 10, 0, ..., ...) = -1 EISCONN
`.replace('+0 sendto(3, ..., 10, 0, ..., ...) = -1 EISCONN\n', ''), freebsd)
    await passes(`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, IPPROTO_TCP, TCP_FASTOPEN, [1], 4) = 0
+0 sendto(3, ..., 300, 0, ..., ...) = 300
+0 > S 0:0(0) <mss 1460,nop,wscale 6,sackOK,TS val 1 ecr 0,FO>
${opened}`, freebsd)
  })

  test('FreeBSD: TCP_KEEPINIT, 75 s, ends an open', () => passes(`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 getsockopt(3, IPPROTO_TCP, TCP_KEEPINIT, [75], [4]) = 0
+0 getsockopt(3, IPPROTO_TCP, TCP_KEEPCNT, [8], [4]) = 0
+0...75 connect(3, ..., ...) = -1 ETIMEDOUT
+0 > S 0:0(0) <...>
`, freebsd))

  test('FreeBSD: buffers are whole segments, so that 33 of 1,000 bytes fit into 32 KiB', () => passes(`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1000>
+0 > S. 0:0(0) ack 1 <...>
+.1 < . 1:1(0) ack 1 win 65535
+0 accept(3, ..., ...) = 4
+0 getsockopt(4, SOL_SOCKET, SO_SNDBUF, [33000], [4]) = 0
+0 write(4, ..., 33000) = 33000
`, freebsd))

  test('close while it opens sends nothing', () => passes(`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS
+0 > S 0:0(0) <...>
+0 close(3) = 0
+.1 < S. 0:0(0) ack 1 win 5792 <mss 1000>
+0 > R 1:1(0)
`))

  test('shutdown while it opens: Linux gives up, FreeBSD sends the FIN afterwards', async () => {
    const script = `
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS
+0 > S 0:0(0) <...>
+0 shutdown(3, SHUT_WR) = 0
`
    await passes(`${script}
+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0
+0 write(3, ..., 1) = -1 EPIPE
`, own)
    await passes(`${script}
+.1 < S. 0:0(0) ack 1 win 5792 <mss 1000>
+0 > F. 1:1(0) ack 1 <...>
`, freebsd)
  })

  test('reading and writing before and while it opens', async () => {
    const script = (unconnected: string, opening: string): string => `
0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3
+0 read(3, ..., 10) = -1 ENOTCONN
+0 write(3, ..., 10) = -1 ${unconnected}
+0 shutdown(3, SHUT_WR) = -1 ENOTCONN
+0 connect(3, ..., ...) = -1 EINPROGRESS
+0 > S 0:0(0) <...>
+0 read(3, ..., 10) = -1 EAGAIN
+0 write(3, ..., 10) = -1 ${opening}
`
    await passes(script('EPIPE', 'EAGAIN'), linux)
    await passes(script('ENOTCONN', 'ENOTCONN'), freebsd)
  })
})

describe('listen and accept', () => {
  test('accept without blocking, and with', () => passes(`${LISTENER}
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 accept(3, ..., ...) = -1 EAGAIN
+0 poll([{fd=3, events=POLLIN, revents=0}], 1, 0) = 0
+.1 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <...>
+.1 < . 1:1(0) ack 1 win 257
+0 poll([{fd=3, events=POLLIN, revents=POLLIN}], 1, 0) = 1
+0 accept4(3, ..., ..., SOCK_NONBLOCK) = 4
+0 fcntl(4, F_GETFL) = 0x802 (flags O_RDWR|O_NONBLOCK)
`))

  test('accept that blocks returns with the third segment', () => passes(`${LISTENER}
+0...0.200 accept(3, ..., ...) = 4
+.1 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <...>
+.1 < . 1:1(0) ack 1 win 257
`))

  test('what makes no sense', () => passes(`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 accept(3, ..., ...) = -1 EINVAL
+0 bind(3, ..., ...) = 0
+0 bind(3, ..., ...) = -1 EINVAL
+0 listen(3, 5) = 0
+0 getsockopt(3, SOL_SOCKET, SO_ACCEPTCONN, [1], [4]) = 0
+0 read(3, ..., 10) = -1 ENOTCONN
+0 close(3) = 0
+0 close(3) = -1 EBADF
+0 socket(AF_UNSPEC, SOCK_STREAM, 0) = -1 EAFNOSUPPORT
`))

  test('an accepted connection has the options of its listener', () => passes(`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 setsockopt(3, IPPROTO_TCP, TCP_NODELAY, [1], 4) = 0
+0 listen(3, 1) = 0
+0 setsockopt(3, IPPROTO_TCP, TCP_USER_TIMEOUT, [3000], 4) = 0
+.1 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <...>
+.1 < . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 4
+0 getsockopt(4, IPPROTO_TCP, TCP_NODELAY, [1], [4]) = 0
+0 getsockopt(4, IPPROTO_TCP, TCP_USER_TIMEOUT, [3000], [4]) = 0
`))
})

describe('the end', () => {
  test('a reset is told once, then the end of the stream and EPIPE', () => passes(`${ACCEPTED}
+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 < R. 1:1(0) ack 1 win 257
+0 read(4, ..., 10) = -1 ECONNRESET
+0 read(4, ..., 10) = 0
+0 write(4, ..., 10) = -1 EPIPE
`))

  test('SO_LINGER with 0 resets', () => passes(`${ACCEPTED}
+0 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0
+0 getsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, [8]) = 0
+0 close(4) = 0
+0 > R. 1:1(0) ack 1
`))

  test('SO_LINGER waits until all is acknowledged, or for its seconds', async () => {
    await passes(`${ACCEPTED}
+0 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=5}, 8) = 0
+0 write(4, ..., 100) = 100
+0 > P. 1:101(100) ack 1
+0...0.300 close(4) = 0
+0 > F. 101:101(0) ack 1
+.05 < . 1:1(0) ack 101 win 257
+.05 < . 1:1(0) ack 102 win 257
`.replace('0...0.300', '0...0.100'))
    await passes(`${ACCEPTED}
+0 setsockopt(4, SOL_SOCKET, SO_LINGER, {l_onoff=1, l_linger=1}, 8) = 0
+0...1 close(4) = 0
+0 > F. 1:1(0) ack 1
`)
  })

  test('close with unread data resets; FreeBSD forgets it and sends a FIN', async () => {
    for (const [flags, profile] of [['R.', own], ['R.', linux], ['F.', freebsd]] as const) {
      await passes(`${ACCEPTED}
+0 < P. 1:101(100) ack 1 win 10000
* > . 1:1(0) ack 101
+0 close(4) = 0
+0 > ${flags} 1:1(0) ack 101
`, profile)
    }
  })

  test('shutdown of one side leaves the other', () => passes(`${ACCEPTED}
+0 shutdown(4, SHUT_WR) = 0
+0 > F. 1:1(0) ack 1
+0 write(4, ..., 10) = -1 EPIPE
+0 < P. 1:11(10) ack 2 win 257
+0 read(4, ..., 100) = 10
+0 < F. 11:11(0) ack 2 win 257
* > . 2:2(0) ack 12
+0 read(4, ..., 100) = 0
`))
})

describe('what is said of scripts', () => {
  test('a mistake is a failure with its place, something foreign is skipped with its name', async () => {
    await ends('0 sokcet(..., SOCK_STREAM, IPPROTO_TCP) = 3\n', 'failed', /unknown call sokcet\(\)/)
    await ends('0 socket(..., SOCK_STRAEM, IPPROTO_TCP) = 3\n', 'failed', /unknown symbol SOCK_STRAEM/)
    await ends('0 socket(..., SOCK_STREAM) = 3\n', 'failed', /takes 3 arguments, not 2/)
    await ends('0 socket(..., SOCK_STREAM, IPPROTO_MPTCP) = 3\n', 'skipped', /MPTCP/)
    await ends(`${LISTENER}+0 setsockopt(3, SOL_SOCKET, SO_TXTIME, [1], 4) = 0\n`, 'skipped', /times to send/)
    await ends(`${LISTENER}+0 splice(3, 0, 4, 0, 10, 0) = 0\n`, 'skipped', /pipes/)
  })

  test('an out-argument that differs is a failure that says both', () =>
    ends(`${ACCEPTED}+0 < R. 1:1(0) ack 1 win 257\n+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0\n`, 'failed', /option value: expected 0, got ECONNRESET/))
})
