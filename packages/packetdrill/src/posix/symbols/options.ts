import type { Row } from './table.ts'

/** Level SOL_SOCKET. */
export const SOCKET_OPTIONS: readonly Row[] = [
  ['SO_DEBUG', 1], ['SO_REUSEADDR', 2, 4], ['SO_TYPE', 3, 0x1008], ['SO_ERROR', 4, 0x1007], ['SO_DONTROUTE', 5, 0x10], ['SO_BROADCAST', 6, 0x20],
  ['SO_SNDBUF', 7, 0x1001], ['SO_RCVBUF', 8, 0x1002], ['SO_KEEPALIVE', 9, 8], ['SO_OOBINLINE', 10, 0x100], ['SO_NO_CHECK', 11, null],
  ['SO_PRIORITY', 12, null], ['SO_LINGER', 13, 0x80], ['SO_REUSEPORT', 15, 0x200], ['SO_RCVLOWAT', 18, 0x1004], ['SO_SNDLOWAT', 19, 0x1003],
  ['SO_RCVTIMEO', 20, 0x1006], ['SO_SNDTIMEO', 21, 0x1005], ['SO_BINDTODEVICE', 25, null], ['SO_TIMESTAMP', 29, 0x400], ['SO_ACCEPTCONN', 30, 2],
  ['SO_SNDBUFFORCE', 32, null], ['SO_RCVBUFFORCE', 33, null], ['SO_TIMESTAMPNS', 35, null], ['SO_MARK', 36, null], ['SO_TIMESTAMPING', 37, null],
  ['SO_PROTOCOL', 38, 0x1016], ['SO_DOMAIN', 39, 0x1019], ['SO_RXQ_OVFL', 40, null], ['SO_SELECT_ERR_QUEUE', 45, null], ['SO_BUSY_POLL', 46, null],
  ['SO_MAX_PACING_RATE', 47, 0x1018], ['SO_INCOMING_CPU', 49, null], ['SO_MEMINFO', 55, null], ['SO_INCOMING_NAPI_ID', 56, null],
  ['SO_ZEROCOPY', 60, null], ['SO_TXTIME', 61, null], ['SO_NOSIGPIPE', null, 0x800], ['SO_REUSEPORT_LB', null, 0x1_0000], ['SO_USER_COOKIE', null, 0x1015],
]

/** Level IPPROTO_TCP. */
export const TCP_OPTIONS: readonly Row[] = [
  ['TCP_NODELAY', 1], ['TCP_MAXSEG', 2], ['TCP_CORK', 3, null], ['TCP_NOPUSH', null, 4], ['TCP_KEEPIDLE', 4, 256], ['TCP_KEEPINTVL', 5, 512],
  ['TCP_KEEPCNT', 6, 1024], ['TCP_SYNCNT', 7, null], ['TCP_LINGER2', 8, null], ['TCP_DEFER_ACCEPT', 9, null], ['TCP_WINDOW_CLAMP', 10, null],
  ['TCP_INFO', 11, 32], ['TCP_QUICKACK', 12, null], ['TCP_CONGESTION', 13, 64], ['TCP_MD5SIG', 14, 16], ['TCP_THIN_LINEAR_TIMEOUTS', 16, null],
  ['TCP_THIN_DUPACK', 17, null], ['TCP_USER_TIMEOUT', 18, null], ['TCP_REPAIR', 19, null], ['TCP_REPAIR_QUEUE', 20, null], ['TCP_QUEUE_SEQ', 21, null],
  ['TCP_REPAIR_OPTIONS', 22, null], ['TCP_FASTOPEN', 23, 1025], ['TCP_TIMESTAMP', 24, null], ['TCP_NOTSENT_LOWAT', 25, null], ['TCP_CC_INFO', 26, null],
  ['TCP_SAVE_SYN', 27, null], ['TCP_SAVED_SYN', 28, null], ['TCP_REPAIR_WINDOW', 29, null], ['TCP_FASTOPEN_CONNECT', 30, null], ['TCP_ULP', 31, null],
  ['TCP_MD5SIG_EXT', 32, null], ['TCP_FASTOPEN_KEY', 33, null], ['TCP_FASTOPEN_NO_COOKIE', 34, null], ['TCP_ZEROCOPY_RECEIVE', 35, null],
  ['TCP_INQ', 36, null], ['TCP_CM_INQ', 36, null], ['TCP_TX_DELAY', 37, null], ['TCP_AO_ADD_KEY', 38, null],
  ['TCP_NOOPT', null, 8], ['TCP_STATS', null, 33], ['TCP_LOG', null, 34], ['TCP_LOGBUF', null, 35], ['TCP_LOGID', null, 36], ['TCP_LOGDUMP', null, 37],
  ['TCP_LOGDUMPID', null, 38], ['TCP_TXTLS_ENABLE', null, 39], ['TCP_CCALGOOPT', null, 65], ['TCP_MAXUNACKTIME', null, 68], ['TCP_IDLE_REDUCE', null, 70],
  ['TCP_REMOTE_UDP_ENCAPS_PORT', null, 71], ['TCP_DELACK', null, 72], ['TCP_FIN_IS_RST', null, 73], ['TCP_LOG_LIMIT', null, 74],
  ['TCP_KEEPINIT', null, 128], ['TCP_PCAP_OUT', null, 2048], ['TCP_PCAP_IN', null, 4096], ['TCP_FUNCTION_BLK', null, 8192], ['TCP_FUNCTION_ALIAS', null, 8193],
]

/** Level IPPROTO_IP. */
export const IP_OPTIONS: readonly Row[] = [
  ['IP_TOS', 1, 3], ['IP_TTL', 2, 4], ['IP_HDRINCL', 3, 2], ['IP_OPTIONS', 4, 1], ['IP_RECVOPTS', 6, 5], ['IP_PKTINFO', 8, null],
  ['IP_MTU_DISCOVER', 10, null], ['IP_RECVERR', 11, null], ['IP_RECVTTL', 12, 65], ['IP_RECVTOS', 13, 68], ['IP_MTU', 14, null], ['IP_FREEBIND', 15, null],
  ['IP_TRANSPARENT', 19, null], ['IP_MINTTL', 21, 66], ['IP_BIND_ADDRESS_NO_PORT', 24, null], ['IP_DONTFRAG', null, 67],
]

/** Level IPPROTO_IPV6. */
export const IPV6_OPTIONS: readonly Row[] = [
  ['IPV6_UNICAST_HOPS', 16, 4], ['IPV6_MULTICAST_HOPS', 18, 10], ['IPV6_MTU_DISCOVER', 23, null], ['IPV6_MTU', 24, 72], ['IPV6_RECVERR', 25, null],
  ['IPV6_V6ONLY', 26, 27], ['IPV6_FLOWLABEL_MGR', 32, null], ['IPV6_FLOWINFO_SEND', 33, null], ['IPV6_RECVPKTINFO', 49, 36], ['IPV6_RECVHOPLIMIT', 51, 37],
  ['IPV6_DONTFRAG', 62, 62], ['IPV6_RECVTCLASS', 66, 57], ['IPV6_TCLASS', 67, 61], ['IPV6_AUTOFLOWLABEL', 70, 59], ['IPV6_USE_MIN_MTU', null, 42],
]

/** Level IPPROTO_UDP. */
export const UDP_OPTIONS: readonly Row[] = [
  ['UDP_CORK', 1, null], ['UDP_ENCAP', 100, 1], ['UDP_NO_CHECK6_TX', 101, null], ['UDP_NO_CHECK6_RX', 102, null], ['UDP_SEGMENT', 103, null], ['UDP_GRO', 104, null],
]

/** Values of options, and what control messages have in them. */
export const OPTION_VALUES: readonly Row[] = [
  ['SOF_TIMESTAMPING_TX_HARDWARE', 1, null], ['SOF_TIMESTAMPING_TX_SOFTWARE', 2, null], ['SOF_TIMESTAMPING_RX_HARDWARE', 4, null],
  ['SOF_TIMESTAMPING_RX_SOFTWARE', 8, null], ['SOF_TIMESTAMPING_SOFTWARE', 0x10, null], ['SOF_TIMESTAMPING_SYS_HARDWARE', 0x20, null],
  ['SOF_TIMESTAMPING_RAW_HARDWARE', 0x40, null], ['SOF_TIMESTAMPING_OPT_ID', 0x80, null], ['SOF_TIMESTAMPING_TX_SCHED', 0x100, null],
  ['SOF_TIMESTAMPING_TX_ACK', 0x200, null], ['SOF_TIMESTAMPING_OPT_CMSG', 0x400, null], ['SOF_TIMESTAMPING_OPT_TSONLY', 0x800, null],
  ['SOF_TIMESTAMPING_OPT_STATS', 0x1000, null], ['SOF_TIMESTAMPING_OPT_PKTINFO', 0x2000, null], ['SOF_TIMESTAMPING_OPT_TX_SWHW', 0x4000, null],
  ['SOF_TIMESTAMPING_BIND_PHC', 0x8000, null], ['SOF_TIMESTAMPING_OPT_ID_TCP', 0x1_0000, null],
  ['SCM_TIMESTAMPING', 37, null], ['SCM_TSTAMP_SND', 0, null], ['SCM_TSTAMP_SCHED', 1, null], ['SCM_TSTAMP_ACK', 2, null],
  ['CMSG_LEVEL_IP', 0], ['CMSG_TYPE_RECVERR', 11, null],
  ['SO_EE_ORIGIN_NONE', 0, null], ['SO_EE_ORIGIN_LOCAL', 1, null], ['SO_EE_ORIGIN_ICMP', 2, null], ['SO_EE_ORIGIN_ICMP6', 3, null],
  ['SO_EE_ORIGIN_TIMESTAMPING', 4, null], ['SO_EE_ORIGIN_ZEROCOPY', 5, null], ['SO_EE_CODE_ZEROCOPY_COPIED', 1, null],
  ['IP_PMTUDISC_DONT', 0, null], ['IP_PMTUDISC_WANT', 1, null], ['IP_PMTUDISC_DO', 2, null], ['IP_PMTUDISC_PROBE', 3, null],
  ['IPV6_PMTUDISC_DONT', 0, null], ['IPV6_PMTUDISC_WANT', 1, null], ['IPV6_PMTUDISC_DO', 2, null], ['IPV6_PMTUDISC_PROBE', 3, null],
  // RFC 1349, RFC 2474, 2597, 3246 and 5865.
  ['IPTOS_LOWDELAY', 0x10], ['IPTOS_THROUGHPUT', 8], ['IPTOS_RELIABILITY', 4], ['IPTOS_MINCOST', 2], ['IPTOS_DSCP_CS0', 0], ['IPTOS_DSCP_CS1', 0x20],
  ['IPTOS_DSCP_CS2', 0x40], ['IPTOS_DSCP_CS3', 0x60], ['IPTOS_DSCP_CS4', 0x80], ['IPTOS_DSCP_CS5', 0xa0], ['IPTOS_DSCP_CS6', 0xc0],
  ['IPTOS_DSCP_CS7', 0xe0], ['IPTOS_DSCP_AF11', 0x28], ['IPTOS_DSCP_AF12', 0x30], ['IPTOS_DSCP_AF13', 0x38], ['IPTOS_DSCP_AF21', 0x48],
  ['IPTOS_DSCP_AF22', 0x50], ['IPTOS_DSCP_AF23', 0x58], ['IPTOS_DSCP_AF31', 0x68], ['IPTOS_DSCP_AF32', 0x70], ['IPTOS_DSCP_AF33', 0x78],
  ['IPTOS_DSCP_AF41', 0x88], ['IPTOS_DSCP_AF42', 0x90], ['IPTOS_DSCP_AF43', 0x98], ['IPTOS_DSCP_VA', 0xb0], ['IPTOS_DSCP_EF', 0xb8],
]
