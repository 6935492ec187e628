import { describe, test } from 'vitest'
import { ACCEPTED, CONNECTED, ends, passes, PROFILES } from './support/scripts.ts'

const { freebsd, linux } = PROFILES

describe('reading', () => {
  test('MSG_PEEK leaves the bytes, MSG_TRUNC throws them away, FIONREAD counts them', () => passes(`${ACCEPTED}
+0 < P. 1:1001(1000) ack 1 win 257
+0 ioctl(4, SIOCINQ, [1000]) = 0
+0 recv(4, ..., 400, MSG_PEEK) = 400
+0 recv(4, ..., 4000, MSG_PEEK) = 1000
+0 recv(4, ..., 300, MSG_TRUNC) = 300
+0 readv(4, [{..., 100}, {..., 100}], 2) = 200
+0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 4000}], msg_flags=0}, 0) = 500
+0 recv(4, ..., 10, MSG_DONTWAIT) = -1 EAGAIN
+0 recv(4, ..., 10, MSG_ERRQUEUE) = -1 EAGAIN
`))

  test('TCP_INQ: how much is left comes along as a control message, the end of the stream as one byte', () => passes(`${ACCEPTED}
+0 setsockopt(4, SOL_TCP, TCP_INQ, [1], 4) = 0
+0 < P. 1:1001(1000) ack 1 win 257
+0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 400}], msg_flags=0, msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=600}]}, 0) = 400
+0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 600}], msg_flags=0, msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=0}]}, 0) = 600
+0 < F. 1001:1101(100) ack 1 win 257
+0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 100}], msg_flags=0, msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=1}]}, 0) = 100
+0 setsockopt(4, SOL_TCP, TCP_INQ, [0], 4) = 0
+0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 100}], msg_flags=0, msg_control=[]}, 0) = 0
`, linux))

  test('another control message than came', () => ends(`${ACCEPTED}
+0 setsockopt(4, SOL_TCP, TCP_INQ, [1], 4) = 0
+0 < P. 1:1001(1000) ack 1 win 257
+0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 400}], msg_flags=0, msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=500}]}, 0) = 400
`, 'failed', /cmsg_data: expected 500, got 600/, linux))

  test('a read that blocks waits for SO_RCVLOWAT, MSG_WAITALL for all, and SO_RCVTIMEO ends it', () => passes(`${ACCEPTED}
+0 setsockopt(4, SOL_SOCKET, SO_RCVLOWAT, [100], 4) = 0
+0...0.200 read(4, ..., 1000) = 150
+.1 < P. 1:51(50) ack 1 win 257
+.04 > . 1:1(0) ack 51
+.06 < P. 51:151(100) ack 1 win 257
+.04 > . 1:1(0) ack 151
+0...0.200 recv(4, ..., 200, MSG_WAITALL) = 200
+.1 < P. 151:251(100) ack 1 win 257
+.04 > . 1:1(0) ack 251
+.06 < P. 251:351(100) ack 1 win 257
+.04 > . 1:1(0) ack 351
+0 setsockopt(4, SOL_SOCKET, SO_RCVTIMEO, {tv_sec=0, tv_usec=250000}, 16) = 0
+0...0.250 read(4, ..., 1000) = -1 EAGAIN
`))

  test('the end of the stream', () => passes(`${ACCEPTED}
+0 < F. 1:1(0) ack 1 win 257
* > . 1:1(0) ack 2
+0 read(4, ..., 1000) = 0
+0 poll([{fd=4, events=POLLIN|POLLRDHUP, revents=POLLIN|POLLRDHUP}], 1, 0) = 1
`))
})

describe('writing', () => {
  test('MSG_MORE and MSG_EOR say where segments end', () => passes(`${ACCEPTED}
+0 setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0
+0 send(4, ..., 300, MSG_MORE) = 300
+.1 send(4, ..., 100, 0) = 100
+0 > P. 1:401(400) ack 1
+0 send(4, ..., 1500, MSG_EOR) = 1500
+0 > . 401:1401(1000) ack 1
+0 > P. 1401:1901(500) ack 1
+0 < . 1:1(0) ack 1901 win 257
+0 writev(4, [{..., 10}, {..., 20}], 2) = 30
+0 > P. 1901:1931(30) ack 1
+0 ioctl(4, SIOCOUTQ, [30]) = 0
`))

  test('TCP_CORK holds back until it is taken out', () => passes(`${ACCEPTED}
+0 setsockopt(4, SOL_TCP, TCP_CORK, [1], 4) = 0
+0 write(4, ..., 100) = 100
+.1 write(4, ..., 100) = 100
+0 setsockopt(4, SOL_TCP, TCP_CORK, [0], 4) = 0
+0 > P. 1:201(200) ack 1
`))

  test('a full send buffer blocks, or is EAGAIN', () => passes(`${ACCEPTED}
+0 setsockopt(4, SOL_SOCKET, SO_SNDBUF, [5000], 4) = 0
+0 send(4, ..., 20000, MSG_DONTWAIT) = 10000
+0 > P. 1:10001(10000) ack 1
+0 send(4, ..., 1, MSG_DONTWAIT) = -1 EAGAIN
+0 poll([{fd=4, events=POLLOUT, revents=0}], 1, 0) = 0
+0...0.100 write(4, ..., 1000) = 1000
+.1 < . 1:1(0) ack 10001 win 257
+0 > P. 10001:11001(1000) ack 1
`, linux))
})

describe('poll and epoll', () => {
  test('poll waits for what comes, or for its timeout', () => passes(`${ACCEPTED}
+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1
+0...0.100 poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 1000) = 1
+.1 < P. 1:11(10) ack 1 win 257
+.04 > . 1:1(0) ack 11
+0 read(4, ..., 10) = 10
+0...0.200 poll([{fd=4, events=POLLIN, revents=0}], 1, 200) = 0
+0 poll([{fd=9, events=POLLIN, revents=POLLNVAL}], 1, 0) = 1
`))

  test('epoll, level-triggered: as long as it holds', () => passes(`${ACCEPTED}
+0 epoll_create(1) = 5
+0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN, fd=4}) = 0
+0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN, fd=4}) = -1 EEXIST
+0 epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 0
+0...0.100 epoll_wait(5, {events=EPOLLIN, fd=4}, 1, -1) = 1
+.1 < P. 1:11(10) ack 1 win 257
+0 epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 1
+0 read(4, ..., 10) = 10
+0 epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 0
+0 epoll_ctl(5, EPOLL_CTL_MOD, 4, {events=EPOLLOUT, ptr=77}) = 0
+0 epoll_wait(5, [{events=EPOLLOUT, ptr=77}], 4, 0) = 1
+0 epoll_ctl(5, EPOLL_CTL_DEL, 4, {events=0, fd=4}) = 0
+0 epoll_wait(5, {events=EPOLLOUT, fd=4}, 1, 0) = 0
`, undefined, ['ipv4']))

  test('epoll, edge-triggered: once for what came', () => passes(`${ACCEPTED}
+0 epoll_create1(0) = 5
+0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLET, fd=4}) = 0
+0 < P. 1:11(10) ack 1 win 257
+0 epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 1
+0 epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 0
+0 < P. 11:21(10) ack 1 win 257
+0 epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 1
`))
})

describe('options', () => {
  test('buffers: Linux doubles, FreeBSD rounds to segments', async () => {
    await passes(`${ACCEPTED}
+0 setsockopt(4, SOL_SOCKET, SO_RCVBUF, [20000], 4) = 0
+0 getsockopt(4, SOL_SOCKET, SO_RCVBUF, [40000], [4]) = 0
`, linux)
    await passes(`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, SOL_SOCKET, SO_RCVBUF, [20000], 4) = 0
+0 getsockopt(3, SOL_SOCKET, SO_RCVBUF, [20000], [4]) = 0
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS
+0 > S 0:0(0) <...>
+.1 < S. 0:0(0) ack 1 win 5792 <mss 1460>
+0 > . 1:1(0) ack 1 <...>
+0 getsockopt(3, SOL_SOCKET, SO_RCVBUF, [20440], [4]) = 0
`, freebsd)
  })

  test('keep-alive is one option put together from four', () => passes(`${ACCEPTED}
+0 setsockopt(4, SOL_TCP, TCP_KEEPIDLE, [2], 4) = 0
+0 setsockopt(4, SOL_TCP, TCP_KEEPINTVL, [1], 4) = 0
+0 setsockopt(4, SOL_TCP, TCP_KEEPCNT, [2], 4) = 0
+0 getsockopt(4, SOL_TCP, TCP_KEEPIDLE, [2], [4]) = 0
+0 setsockopt(4, SOL_SOCKET, SO_KEEPALIVE, [1], 4) = 0
+2 > . 0:0(0) ack 1
+1 > . 0:0(0) ack 1
+1 > R. 1:1(0) ack 1
+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [ETIMEDOUT], [4]) = 0
`))

  test('bounds, and what is not there', () => passes(`${ACCEPTED}
+0 setsockopt(4, SOL_TCP, TCP_MAXSEG, [10], 4) = -1 EINVAL
+0 setsockopt(4, SOL_TCP, TCP_MAXSEG, [500], 4) = 0
+0 getsockopt(4, SOL_TCP, TCP_MAXSEG, [500], [4]) = 0
+0 setsockopt(4, SOL_TCP, TCP_SYNCNT, [200], 4) = -1 EINVAL
+0 setsockopt(4, SOL_TCP, TCP_FASTOPEN, [1], 4) = -1 EINVAL
+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN_CONNECT, [1], 4) = -1 EINVAL
+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN_KEY, "short", 5) = -1 EINVAL
+0 setsockopt(4, SOL_TCP, TCP_CONGESTION, "reno", 4) = 0
+0 setsockopt(4, SOL_TCP, TCP_CONGESTION, "vegas", 5) = -1 ENOENT
+0 setsockopt(4, SOL_IP, IP_TOS, [0x13], 4) = 0
+0 getsockopt(4, SOL_IP, IP_TOS, [0x10], [4]) = 0
+0 setsockopt(4, SOL_SOCKET, SO_ERROR, [1], 4) = -1 ENOPROTOOPT
`, undefined, ['ipv4']))

  test('FreeBSD: the base TCP may be asked for by name, another is foreign', async () => {
    await passes('0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 setsockopt(3, IPPROTO_TCP, TCP_FUNCTION_BLK, {function_set_name="freebsd", pcbcnt=0}, 36) = 0\n', freebsd)
    await ends('0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 setsockopt(3, IPPROTO_TCP, TCP_FUNCTION_BLK, {function_set_name="bbr", pcbcnt=0}, 36) = 0\n', 'skipped', /bbr/, freebsd)
  })

  test('TCP_INFO by the names of Linux', () => passes(`${CONNECTED}
+0 getsockopt(3, SOL_TCP, TCP_INFO, {tcpi_state=TCP_ESTABLISHED, tcpi_rtt=100000, tcpi_snd_mss=1000, tcpi_unacked=0, tcpi_ca_state=TCP_CA_Open}, [232]) = 0
`))
})

describe('datagrams', () => {
  const CONNECTED_UDP = `
0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = 0
`

  test('there and back', () => passes(`${CONNECTED_UDP}
+0 write(3, ..., 1000) = 1000
+0 > udp (1000)
+0 read(3, ..., 100) = -1 EAGAIN
+0 poll([{fd=3, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1
+.1 < udp (600)
+0 poll([{fd=3, events=POLLIN, revents=POLLIN}], 1, 0) = 1
+0 ioctl(3, FIONREAD, [600]) = 0
+0 recv(3, ..., 100, MSG_PEEK) = 100
+0 recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 500}], msg_flags=MSG_TRUNC}, 0) = 500
+0 read(3, ..., 100) = -1 EAGAIN
+0 send(3, ..., 70000, 0) = -1 EMSGSIZE
`))

  test('an ICMP error is ECONNREFUSED, once', () => passes(`${CONNECTED_UDP}
+0 write(3, ..., 10) = 10
+0 > udp (10)
+.1 < icmp unreachable port_unreachable [udp (10)]
+0 poll([{fd=3, events=POLLIN, revents=POLLERR}], 1, 0) = 1
+0 read(3, ..., 10) = -1 ECONNREFUSED
+0 read(3, ..., 10) = -1 EAGAIN
`, undefined, ['ipv4']))

  test('nobody to send to, and a bound socket that is sent to', () => passes(`
0 socket(..., SOCK_DGRAM, 0) = 3
+0 send(3, ..., 10, 0) = -1 EDESTADDRREQ
+0 bind(3, ..., ...) = 0
+0 sendto(3, ..., 10, 0, ..., ...) = 10
+0 > udp (10)
+0...0.100 recvfrom(3, ..., 100, 0, ..., ...) = 7
+.1 < udp (7)
`))
})
