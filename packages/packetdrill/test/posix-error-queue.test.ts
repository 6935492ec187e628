import { describe, test } from 'vitest'
import { ACCEPTED, CONNECTED, ends, passes, PROFILES } from './support/scripts.ts'

const { linux } = PROFILES

/** recvmsg of the error queue, with what it is said to give. */
function reads(fd: number, flags: string, ...messages: readonly string[]): string {
  return `recvmsg(${String(fd)}, {msg_name(...)=..., msg_iov(1)=[{...,0}], msg_flags=${flags}, msg_control=[${messages.join(', ')}]}, MSG_ERRQUEUE)`
}

function error(fields: string): string {
  return `{cmsg_level=CMSG_LEVEL_IP, cmsg_type=CMSG_TYPE_RECVERR, cmsg_data={${fields}}}`
}

function copied(first: number, last: number): string {
  return error(`ee_errno=0, ee_origin=SO_EE_ORIGIN_ZEROCOPY, ee_type=0, ee_code=SO_EE_CODE_ZEROCOPY_COPIED, ee_info=${String(first)}, ee_data=${String(last)}`)
}

function time(milliseconds: number, of: string, byte: number): string[] {
  return [
    `{cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING, cmsg_data={scm_sec=0, scm_nsec=${String(milliseconds)}000000}}`,
    error(`ee_errno=ENOMSG, ee_origin=SO_EE_ORIGIN_TIMESTAMPING, ee_type=0, ee_code=0, ee_info=${of}, ee_data=${String(byte)}`),
  ]
}

describe('MSG_ZEROCOPY', () => {
  const SENT = `${ACCEPTED}
+0 setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0
+0 setsockopt(4, SOL_SOCKET, SO_ZEROCOPY, [1], 4) = 0
+0 getsockopt(4, SOL_SOCKET, SO_ZEROCOPY, [1], [4]) = 0
+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 send(4, ..., 500, MSG_ZEROCOPY) = 500
+0 > P. 1:501(500) ack 1
`

  test('the end of a write is told when it is acknowledged, once, and that the bytes were copied', () => passes(`${SENT}
+.01 ${reads(4, '0')} = -1 EAGAIN
+.01 < . 1:1(0) ack 501 win 257
+0 poll([{fd=4, events=POLLOUT, revents=POLLOUT|POLLERR}], 1, 0) = 1
+0 ${reads(4, 'MSG_ERRQUEUE', copied(0, 0))} = 0
+0 poll([{fd=4, events=POLLOUT, revents=POLLOUT}], 1, 0) = 1
+0 ${reads(4, '0')} = -1 EAGAIN
+0 send(4, ..., 500, MSG_ZEROCOPY) = 500
+0 > P. 501:1001(500) ack 1
+0 < . 1:1(0) ack 1001 win 257
+0 ${reads(4, 'MSG_ERRQUEUE', copied(1, 1))} = 0
`, linux))

  test('writes that follow each other are told together; others have no number', () => passes(`${SENT}
+0 send(4, ..., 500, 0) = 500
+0 > P. 501:1001(500) ack 1
+0 send(4, ..., 500, MSG_ZEROCOPY) = 500
+0 > P. 1001:1501(500) ack 1
+.01 < . 1:1(0) ack 1501 win 257
+0 ${reads(4, 'MSG_ERRQUEUE', copied(0, 1))} = 0
`, linux))

  test('each end is an edge of epoll', () => passes(`${SENT}
+0 epoll_create(1) = 5
+0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLOUT|EPOLLET, fd=4}) = 0
+0 epoll_wait(5, {events=EPOLLOUT, fd=4}, 1, 0) = 1
+.01 < . 1:1(0) ack 501 win 257
+0 epoll_wait(5, {events=EPOLLOUT|EPOLLERR, fd=4}, 1, 0) = 1
+0 epoll_wait(5, {events=0, fd=0}, 1, 0) = 0
`, linux))

  test('without SO_ZEROCOPY it is a write like any other', () => passes(`${ACCEPTED}
+0 send(4, ..., 500, MSG_ZEROCOPY) = 500
* > P. 1:501(500) ack 1
+0 < . 1:1(0) ack 501 win 257
+0 ${reads(4, '0')} = -1 EAGAIN
`, linux))

  test('another write than was told', () =>
    ends(`${SENT}+.01 < . 1:1(0) ack 501 win 257\n+0 ${reads(4, 'MSG_ERRQUEUE', copied(0, 1))} = 0\n`, 'failed', /ee_data: expected 1, got 0/, linux))
})

describe('SO_TIMESTAMPING', () => {
  const ASKED = `${CONNECTED}
+0 setsockopt(3, SOL_SOCKET, SO_TIMESTAMPING, [SOF_TIMESTAMPING_TX_SCHED|SOF_TIMESTAMPING_TX_SOFTWARE|SOF_TIMESTAMPING_TX_ACK|SOF_TIMESTAMPING_SOFTWARE|SOF_TIMESTAMPING_OPT_ID], 4) = 0
`

  test('when the last byte of a write left, and was acknowledged', async () => {
    const script = `${ASKED}
0.300 write(3, ..., 500) = 500
+0 > P. 1:501(500) ack 1 <...>
0.320 < . 1:1(0) ack 501 win 257
+0 ${reads(3, 'MSG_ERRQUEUE|MSG_TRUNC', ...time(300, 'SCM_TSTAMP_SCHED', 499))} = 0
+0 ${reads(3, 'MSG_ERRQUEUE|MSG_TRUNC', ...time(300, 'SCM_TSTAMP_SND', 499))} = 0
`
    await passes(`${script}+0 ${reads(3, 'MSG_ERRQUEUE|MSG_TRUNC', ...time(320, 'SCM_TSTAMP_ACK', 499))} = 0\n`, linux)
    await ends(`${script}+0 ${reads(3, 'MSG_ERRQUEUE|MSG_TRUNC', ...time(330, 'SCM_TSTAMP_ACK', 499))} = 0\n`, 'failed', /scm_nsec: expected 330000000, got 320000000/, linux)
  })

  test('bytes have no numbers before there is a connection; times of what comes are not there', async () => {
    await passes('0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 setsockopt(3, SOL_SOCKET, SO_TIMESTAMPING, [SOF_TIMESTAMPING_OPT_ID], 4) = -1 EINVAL\n', linux)
    await ends('0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 setsockopt(3, SOL_SOCKET, SO_TIMESTAMPING, [SOF_TIMESTAMPING_RX_SOFTWARE], 4) = 0\n', 'skipped', /other times/, linux)
  })
})
