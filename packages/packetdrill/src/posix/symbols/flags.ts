import type { Row } from './table.ts'

/** Flags of send and recv. */
export const MESSAGE_FLAGS: readonly Row[] = [
  ['MSG_OOB', 1], ['MSG_PEEK', 2], ['MSG_DONTROUTE', 4], ['MSG_CTRUNC', 8, 0x20], ['MSG_TRUNC', 0x20, 0x10], ['MSG_DONTWAIT', 0x40, 0x80],
  ['MSG_EOR', 0x80, 8], ['MSG_WAITALL', 0x100, 0x40], ['MSG_CONFIRM', 0x800, null], ['MSG_ERRQUEUE', 0x2000, null], ['MSG_NOSIGNAL', 0x4000, 0x2_0000],
  ['MSG_MORE', 0x8000, null], ['MSG_ZEROCOPY', 0x400_0000, null], ['MSG_FASTOPEN', 0x2000_0000, null], ['MSG_CMSG_CLOEXEC', 0x4000_0000, 0x4_0000],
  ['MSG_EOF', null, 0x100], ['MSG_NBIO', null, 0x4000], ['MSG_WAITFORONE', 0x1_0000, 0x8_0000],
]

/** Flags and commands of fcntl, ioctl requests. */
export const FILE_FLAGS: readonly Row[] = [
  ['O_RDONLY', 0], ['O_WRONLY', 1], ['O_RDWR', 2], ['O_NONBLOCK', 0x800, 4], ['O_NDELAY', 0x800, 4], ['O_CLOEXEC', 0x8_0000, 0x10_0000],
  ['F_DUPFD', 0], ['F_GETFD', 1], ['F_SETFD', 2], ['F_GETFL', 3], ['F_SETFL', 4], ['FD_CLOEXEC', 1],
  ['FIONREAD', 0x541b, 0x4004_667f], ['SIOCINQ', 0x541b, null], ['SIOCOUTQ', 0x5411, 0x4004_7473], ['TIOCOUTQ', 0x5411, 0x4004_7473],
  ['SIOCOUTQNSD', 0x894b, null], ['FIONBIO', 0x5421, 0x8004_667e], ['SIOCATMARK', 0x8905, 0x4004_7307],
  ['FIONWRITE', null, 0x4004_6677], ['FIONSPACE', null, 0x4004_6676],
]

/** Events of poll and epoll. */
export const POLL_EVENTS: readonly Row[] = [
  ['POLLIN', 1], ['POLLPRI', 2], ['POLLOUT', 4], ['POLLERR', 8], ['POLLHUP', 0x10], ['POLLNVAL', 0x20], ['POLLRDNORM', 0x40], ['POLLRDBAND', 0x80],
  ['POLLWRNORM', 0x100, 4], ['POLLWRBAND', 0x200, 0x100], ['POLLRDHUP', 0x2000, 0x4000],
  ['EPOLLIN', 1], ['EPOLLPRI', 2], ['EPOLLOUT', 4], ['EPOLLERR', 8], ['EPOLLHUP', 0x10], ['EPOLLRDNORM', 0x40], ['EPOLLRDBAND', 0x80],
  ['EPOLLWRNORM', 0x100], ['EPOLLWRBAND', 0x200], ['EPOLLRDHUP', 0x2000], ['EPOLLEXCLUSIVE', 0x1000_0000], ['EPOLLWAKEUP', 0x2000_0000],
  ['EPOLLONESHOT', 0x4000_0000], ['EPOLLET', 0x8000_0000],
  ['EPOLL_CTL_ADD', 1], ['EPOLL_CTL_DEL', 2], ['EPOLL_CTL_MOD', 3], ['EPOLL_CLOEXEC', 0x8_0000],
]

/** What code compares `tcpi_*` figures with: Linux's numbers. */
export const TCP_INFO_VALUES: readonly Row[] = [
  ['TCP_ESTABLISHED', 1], ['TCP_SYN_SENT', 2], ['TCP_SYN_RECV', 3], ['TCP_FIN_WAIT1', 4], ['TCP_FIN_WAIT2', 5], ['TCP_TIME_WAIT', 6], ['TCP_CLOSE', 7],
  ['TCP_CLOSE_WAIT', 8], ['TCP_LAST_ACK', 9], ['TCP_LISTEN', 10], ['TCP_CLOSING', 11],
  // FreeBSD's names for them.
  ['TCPI_SYN_SENT', 2], ['TCPI_SYN_RECEIVED', 3], ['TCPI_ESTABLISHED', 1], ['TCPI_CLOSE_WAIT', 8], ['TCPI_FIN_WAIT_1', 4], ['TCPI_CLOSING', 11],
  ['TCPI_LAST_ACK', 9], ['TCPI_FIN_WAIT_2', 5], ['TCPI_TIME_WAIT', 6], ['TCPI_CLOSED', 7], ['TCPI_LISTEN', 10],
  ['TCPS_SYN_SENT', 2], ['TCPS_SYN_RECEIVED', 3], ['TCPS_ESTABLISHED', 1], ['TCPS_CLOSE_WAIT', 8], ['TCPS_FIN_WAIT_1', 4], ['TCPS_CLOSING', 11],
  ['TCPS_LAST_ACK', 9], ['TCPS_FIN_WAIT_2', 5], ['TCPS_TIME_WAIT', 6], ['TCPS_CLOSED', 7], ['TCPS_LISTEN', 10],
  ['TCP_CA_Open', 0], ['TCP_CA_Disorder', 1], ['TCP_CA_CWR', 2], ['TCP_CA_Recovery', 3], ['TCP_CA_Loss', 4],
  ['TCPI_OPT_TIMESTAMPS', 1], ['TCPI_OPT_SACK', 2], ['TCPI_OPT_WSCALE', 4], ['TCPI_OPT_ECN', 8], ['TCPI_OPT_ECN_SEEN', 16], ['TCPI_OPT_SYN_DATA', 32],
]
