import type { Row } from './table.ts'

/** Address families, kinds of sockets, protocols, ways to shut down. */
export const SOCKETS: readonly Row[] = [
  ['AF_UNSPEC', 0], ['AF_INET', 2], ['AF_INET6', 10, 28], ['PF_INET', 2], ['PF_INET6', 10, 28],
  ['SOCK_STREAM', 1], ['SOCK_DGRAM', 2], ['SOCK_RAW', 3], ['SOCK_SEQPACKET', 5],
  ['SOCK_NONBLOCK', 0x800, 0x2000_0000], ['SOCK_CLOEXEC', 0x8_0000, 0x1000_0000],
  ['SHUT_RD', 0], ['SHUT_WR', 1], ['SHUT_RDWR', 2],
  ['INADDR_ANY', 0], ['INADDR_LOOPBACK', 0x7f00_0001],
]

/** Levels of options, which are also protocols of sockets. */
export const LEVELS: readonly Row[] = [
  ['SOL_SOCKET', 1, 0xffff], ['IPPROTO_IP', 0], ['SOL_IP', 0], ['IPPROTO_TCP', 6], ['SOL_TCP', 6], ['IPPROTO_UDP', 17], ['SOL_UDP', 17],
  ['IPPROTO_IPV6', 41], ['SOL_IPV6', 41], ['IPPROTO_ICMP', 1], ['IPPROTO_ICMPV6', 58], ['IPPROTO_SCTP', 132], ['IPPROTO_UDPLITE', 136],
  ['SOL_UDPLITE', 136], ['IPPROTO_RAW', 255], ['IPPROTO_MPTCP', 262, null], ['SOL_MPTCP', 284, null],
]
