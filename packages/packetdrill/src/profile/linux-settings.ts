import type { EcnPolicy } from '@stack/tcp'
import { congestionControlOf } from '../posix/congestion-names.ts'
import type { Setting } from './profile.ts'
import { bytes, ecnOption, fastOpenKey, fixed, irrelevant, leastSegment, missing, numberOf, setScale, socketOption, tcpOption, threeNumbers } from './values.ts'

/** `net.ipv4.tcp_ecn`. */
const ECN: Readonly<Record<number, EcnPolicy>> = {
  0: { offer: 'none', accept: 'none' },
  1: { offer: 'classic', accept: 'classic' },
  2: { offer: 'none', accept: 'classic' },
  3: { offer: 'accurate', accept: 'accurate' },
  4: { offer: 'classic', accept: 'accurate' },
  5: { offer: 'none', accept: 'accurate' },
}

/** `net.ipv4.tcp_*` and neighbours, one row each. */
export const LINUX_SETTINGS: readonly Setting[] = [
  // Buffers: the second of three is where a connection starts, the third decides the window scale.
  {
    name: 'net.ipv4.tcp_rmem',
    effect: 'option',
    apply(value, draft) {
      const [, start, most] = threeNumbers(value)
      if (start !== undefined) draft.tcp['receiveBuffer'] = bytes(start)
      if (most !== undefined) setScale(draft, most)
    },
  },
  tcpOption('net.ipv4.tcp_wmem', 'sendBuffer', (value) => bytes(threeNumbers(value)[1] ?? 0)),
  irrelevant('net.ipv4.tcp_mem', 'memory limits of the whole machine; the stack has its own'),
  irrelevant('net.core.rmem_max', 'a cap for SO_RCVBUF that no script comes near'),
  irrelevant('net.core.wmem_max', 'a cap for SO_SNDBUF that no script comes near'),
  irrelevant('net.core.rmem_default', 'TCP has its own default'),
  irrelevant('net.core.wmem_default', 'TCP has its own default'),
  irrelevant('net.core.optmem_max', 'room for ancillary data'),
  irrelevant('net.ipv4.tcp_moderate_rcvbuf', 'buffers are as large as scripts say, and no script is long enough for more'),
  missing('net.ipv4.tcp_adv_win_scale', 'receiveBufferOverhead'),
  tcpOption('net.ipv4.tcp_window_scaling', 'windowScale', (value) => (numberOf(value) === 0 ? false : undefined)),
  missing('net.ipv4.tcp_shrink_window', 'shrinkWindow'),
  // Options of the header.
  tcpOption('net.ipv4.tcp_timestamps', 'timestamps', (value) => numberOf(value) !== 0),
  tcpOption('net.ipv4.tcp_sack', 'sack', (value) => numberOf(value) !== 0),
  missing('net.ipv4.tcp_dsack', 'duplicateSack'),
  missing('net.ipv4.tcp_fack', 'forwardAcknowledgement'),
  ecnOption('net.ipv4.tcp_ecn', (value) => ECN[value] ?? {}),
  ecnOption('net.ipv4.tcp_ecn_fallback', (value) => ({ verify: value !== 0 })),
  ecnOption('net.ipv4.tcp_ecn_option', (value) => ({ options: value === 0 ? 'none' : value === 1 ? 'acks' : 'all' })),
  irrelevant('net.ipv4.tcp_ecn_option_beacon', 'the option goes wherever it fits'),
  socketOption('net.ipv4.tcp_fastopen', 'TCP_FASTOPEN', numberOf),
  tcpOption('net.ipv4.tcp_fastopen_key', 'fastOpenKey', fastOpenKey),
  tcpOption('net.ipv4.tcp_fastopen_blackhole_timeout_sec', 'fastOpenPause', (value) => numberOf(value) * 1000),
  irrelevant('net.ipv4.tcp_fastopen_cookies', 'how many cookies are kept; scripts forget them with it, and `ip tcp_metrics` behind it'),
  // Retransmission and loss.
  tcpOption('net.ipv4.tcp_syn_retries', 'synRetries', (value) => Math.min(127, numberOf(value))),
  tcpOption('net.ipv4.tcp_synack_retries', 'synAckRetries', (value) => Math.min(127, numberOf(value))),
  tcpOption('net.ipv4.tcp_syn_linear_timeouts', 'synLinearRetries', (value) => Math.min(127, numberOf(value))),
  missing('net.ipv4.tcp_retries1', 'retriesBeforeRouteDoubt'),
  missing('net.ipv4.tcp_retries2', 'retries'),
  missing('net.ipv4.tcp_orphan_retries', 'orphanRetries'),
  tcpOption('net.ipv4.tcp_rto_min_us', 'minimumRto', (value) => Math.min(60_000, Math.max(1, numberOf(value) / 1000))),
  tcpOption('net.ipv4.tcp_rto_max_ms', 'maximumRto', (value) => Math.min(3_600_000, Math.max(1000, numberOf(value)))),
  missing('net.ipv4.tcp_thin_linear_timeouts', 'linearTimeouts'),
  missing('net.ipv4.tcp_frto', 'forwardRtoRecovery'),
  missing('net.ipv4.tcp_recovery', 'rack'),
  tcpOption('net.ipv4.tcp_early_retrans', 'tailLossProbe', (value) => numberOf(value) > 0),
  missing('net.ipv4.tcp_reordering', 'reordering'),
  missing('net.ipv4.tcp_max_reordering', 'maximumReordering'),
  // Congestion.
  tcpOption('net.ipv4.tcp_congestion_control', 'congestionControl', (value) => congestionControlOf(value.trim())),
  irrelevant('net.ipv4.tcp_allowed_congestion_control', 'every algorithm is allowed'),
  tcpOption('net.ipv4.tcp_slow_start_after_idle', 'slowStartAfterIdle', (value) => numberOf(value) !== 0),
  missing('net.ipv4.tcp_no_ssthresh_metrics_save', 'metrics'),
  irrelevant('net.ipv4.tcp_no_metrics_save', 'a stack lives for one script: nothing is remembered between connections of scripts'),
  irrelevant('net.ipv4.tcp_pacing_*', 'their defaults, 200 % and 120 % of the window, are fixed'),
  tcpOption('net.ipv4.tcp_notsent_lowat', 'notSentLowWater', (value) => (numberOf(value) >= 0xffffffff ? undefined : Math.max(1, numberOf(value)))),
  missing('net.ipv4.tcp_autocorking', 'autoCork'),
  missing('net.ipv4.tcp_limit_output_bytes', 'outputLimit'),
  irrelevant('net.ipv4.tcp_min_tso_segs', 'segments are put together again before they are compared'),
  irrelevant('net.ipv4.tcp_tso_win_divisor', 'segments are put together again before they are compared'),
  irrelevant('net.ipv4.tcp_tso_rtt_log', 'segments are put together again before they are compared'),
  irrelevant('net.ipv4.tcp_low_latency', 'it does nothing'),
  // Acknowledgments.
  missing('net.ipv4.tcp_comp_sack_*', 'sackCompression'),
  missing('net.ipv4.tcp_delack_*', 'delayedAck'),
  missing('net.ipv4.tcp_invalid_ratelimit', 'challengeAckLimit'),
  missing('net.ipv4.tcp_challenge_ack_limit', 'challengeAckLimit'),
  // States.
  tcpOption('net.ipv4.tcp_fin_timeout', 'finWait2Timeout', (value) => numberOf(value) * 1000),
  tcpOption('net.ipv4.tcp_max_tw_buckets', 'maxTimeWait', (value) => Math.min(4_194_304, Math.max(1, numberOf(value)))),
  tcpOption('net.ipv4.tcp_max_orphans', 'maxOrphans', (value) => Math.min(1_000_000, numberOf(value))),
  missing('net.ipv4.tcp_tw_reuse', 'timeWaitReuse'),
  missing('net.ipv4.tcp_tw_reuse_delay', 'timeWaitReuse'),
  socketOption('net.ipv4.tcp_keepalive_time', 'TCP_KEEPIDLE', numberOf),
  socketOption('net.ipv4.tcp_keepalive_intvl', 'TCP_KEEPINTVL', numberOf),
  socketOption('net.ipv4.tcp_keepalive_probes', 'TCP_KEEPCNT', numberOf),
  tcpOption('net.ipv4.tcp_syncookies', 'synCookies', (value) => ['off', 'auto', 'always'][Math.min(2, numberOf(value))]),
  irrelevant('net.ipv4.tcp_max_syn_backlog', 'the SYN queue is as long as the backlog, as with SYN cookies'),
  irrelevant('net.core.somaxconn', 'a cap for the backlog of listen()'),
  tcpOption('net.ipv4.tcp_abort_on_overflow', 'abortOnOverflow', (value) => numberOf(value) !== 0),
  fixed('net.ipv4.tcp_stdurg', ['0'], 'urgent data is read as RFC 6093 says'),
  missing('net.ipv4.tcp_migrate_req', 'migration'),
  // MTU.
  tcpOption('net.ipv4.tcp_mtu_probing', 'mtuProbing', (value) => ['off', 'black-hole'][numberOf(value)] ?? 'always'),
  missing('net.ipv4.tcp_mtu_probe_floor', 'mtuProbing'),
  tcpOption('net.ipv4.tcp_base_mss', 'mtuProbeBase', (value) => Math.min(65_535, Math.max(64, numberOf(value)))),
  missing('net.ipv4.tcp_probe_*', 'mtuProbing'),
  tcpOption('net.ipv4.tcp_min_snd_mss', 'minimumSegmentSize', leastSegment),
  missing('net.ipv4.ip_no_pmtu_disc', 'pathMtuDiscovery'),
  missing('net.ipv4.route.min_pmtu', 'minimumPathMtu'),
  irrelevant('net.ipv4.route.flush', 'a stack lives for one script: there is nothing to forget'),
  irrelevant('net.ipv4.route.gc_timeout', 'routes are not cached so long'),
  // The rest of the machine.
  irrelevant('net.ipv4.ip_local_port_range', 'ports of the stack\'s choosing are mapped'),
  irrelevant('net.ipv4.ip_local_reserved_ports', 'ports of the stack\'s choosing are mapped'),
  missing('net.ipv4.ip_nonlocal_bind', 'spoofing'),
  irrelevant('net.ipv4.conf.*', 'interfaces of the machine'),
  irrelevant('net.ipv6.conf.*', 'interfaces of the machine'),
  missing('net.ipv4.tcp_reflect_tos', 'reflectTos'),
  missing('net.ipv6.flowlabel_reflect', 'reflectFlowLabel'),
  missing('net.ipv6.auto_flowlabels', 'flowLabels'),
  missing('net.ipv4.icmp_*', 'icmpErrors'),
  irrelevant('net.core.default_qdisc', 'the link takes packets at once'),
  irrelevant('net.core.high_order_alloc_disable', 'memory of the machine'),
  irrelevant('net.mptcp.enabled', 'switches on a protocol that plain TCP does not see'),
  irrelevant('net.ipv4.tcp_backlog_ack_defer', 'there is no backlog: segments are processed as they come'),
]
