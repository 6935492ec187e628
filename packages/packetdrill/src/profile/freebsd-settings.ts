import type { EcnPolicy, OpenError } from '@stack/tcp'
import { congestionControlOf } from '../posix/congestion-names.ts'
import type { Setting } from './profile.ts'
import { bytes, ecnOption, fixed, irrelevant, leastSegment, liveOption, missing, numberOf, setScale, socketOption, tcpOption } from './values.ts'

/** What ends an open, and is not only remembered. */
export const FREEBSD_OPEN_ERRORS: readonly OpenError[] = ['portUnreachable', 'protocolUnreachable', 'prohibited', 'timeExceeded']

/** ms as s. */
function inSeconds(value: string): number {
  return numberOf(value) / 1000
}

/** `net.inet.tcp.ecn.enable`. */
const ECN: Readonly<Record<number, EcnPolicy>> = {
  0: { offer: 'none', accept: 'none' },
  1: { offer: 'classic', accept: 'classic' },
  2: { offer: 'none', accept: 'classic' },
  3: { offer: 'accurate', accept: 'accurate' },
  4: { offer: 'none', accept: 'accurate' },
}

/** A bit of what Linux has in one number. */
function fastOpenSwitch(name: string, bit: number): Setting {
  return {
    name,
    effect: 'option',
    apply(value, draft) {
      const mode = draft.socket['TCP_FASTOPEN'] ?? 0
      draft.socket['TCP_FASTOPEN'] = numberOf(value) === 0 ? mode & ~bit : mode | bit
    },
  }
}

/** `net.inet.tcp.*` and neighbours, one row each. */
export const FREEBSD_SETTINGS: readonly Setting[] = [
  {
    name: 'net.inet.tcp.rfc1323',
    effect: 'option',
    // 0: neither option, 1: both, 2: window scaling, 3: timestamps.
    apply(value, draft) {
      draft.tcp['timestamps'] = value === '1' || value === '3'
      if (value === '0' || value === '3') draft.tcp['windowScale'] = false
    },
  },
  missing('net.inet.tcp.tolerate_missing_ts', 'tolerateMissingTimestamps'),
  missing('net.inet.tcp.ts_offset_per_conn', 'timestampOffset'),
  tcpOption('net.inet.tcp.sack.enable', 'sack', (value) => numberOf(value) !== 0),
  missing('net.inet.tcp.sack.*', 'sack'),
  missing('net.inet.tcp.newsack', 'sack'),
  ecnOption('net.inet.tcp.ecn.enable', (value) => ECN[value] ?? {}),
  // ECN+ (RFC 5562), and ECT on everything, which the stack does with accurate feedback only.
  ecnOption('net.inet.tcp.ecn.plusplus', (value) => (value === 1 ? { capable: 'syn-ack' } : {})),
  ecnOption('net.inet.tcp.ecn.maxretries', (value) => ({ retries: value })),
  missing('net.inet.tcp.ecn.*', 'ecn'),
  missing('net.inet.tcp.do_prr*', 'proportionalRateReduction'),
  missing('net.inet.tcp.do_lrd', 'lostRetransmissionDetection'),
  missing('net.inet.tcp.rfc3042', 'limitedTransmit'),
  missing('net.inet.tcp.rfc3390', 'initialWindow'),
  missing('net.inet.tcp.rfc3465', 'appropriateByteCounting'),
  missing('net.inet.tcp.rfc6675_pipe', 'sack'),
  missing('net.inet.tcp.abc_l_var', 'appropriateByteCounting'),
  missing('net.inet.tcp.initcwnd_segments', 'initialWindow'),
  missing('net.inet.tcp.nolocaltimewait', 'localTimeWait'),
  liveOption('net.inet.tcp.insecure_rst', 'insecureReset', (value) => numberOf(value) !== 0),
  liveOption('net.inet.tcp.insecure_syn', 'insecureSyn', (value) => numberOf(value) !== 0),
  fixed('net.inet.tcp.insecure_ack', ['0'], 'RFC 5961 §5 is always on'),
  fixed('net.inet.tcp.blackhole', ['0'], 'segments for nobody are answered'),
  fixed('net.inet.tcp.blackhole_local', ['0'], 'segments for nobody are answered'),
  fixed('net.inet.udp.blackhole', ['0'], 'datagrams for nobody are answered'),
  fixed('net.inet.udp.blackhole_local', ['0'], 'datagrams for nobody are answered'),
  tcpOption('net.inet.tcp.drop_synfin', 'synFin', (value) => (numberOf(value) === 0 ? 'take' : 'drop')),
  missing('net.inet.tcp.rexmit_initial', 'initialRto'),
  missing('net.inet.tcp.rexmit_min', 'minimumRto'),
  missing('net.inet.tcp.rexmit_slop', 'minimumRto'),
  tcpOption('net.inet.tcp.rexmit_drop_options', 'synOptionRetries', (value) => (numberOf(value) === 0 ? null : 2)),
  missing('net.inet.tcp.retries', 'retries'),
  tcpOption('net.inet.tcp.syncache.rexmtlimit', 'synAckRetries', (value) => Math.min(127, numberOf(value))),
  tcpOption('net.inet.tcp.syncache.rst_on_sock_fail', 'abortOnOverflow', (value) => numberOf(value) !== 0),
  irrelevant('net.inet.tcp.syncache.see_other', 'what netstat shows'),
  missing('net.inet.tcp.syncache.*', 'synBacklog'),
  tcpOption('net.inet.tcp.syncookies', 'synCookies', (value) => (numberOf(value) === 0 ? 'off' : undefined)),
  tcpOption('net.inet.tcp.syncookies_only', 'synCookies', (value) => (numberOf(value) === 0 ? undefined : 'always')),
  tcpOption('net.inet.tcp.delayed_ack', 'delayedAck', (value) => (numberOf(value) === 0 ? 0 : undefined)),
  tcpOption('net.inet.tcp.delacktime', 'delayedAck', (value) => Math.min(500, numberOf(value))),
  tcpOption('net.inet.tcp.sendspace', 'sendBuffer', (value) => bytes(value)),
  tcpOption('net.inet.tcp.recvspace', 'receiveBuffer', (value) => bytes(value)),
  irrelevant('net.inet.tcp.sendbuf_*', 'buffers are as large as scripts say, and no script is long enough for more'),
  irrelevant('net.inet.tcp.recvbuf_*', 'buffers are as large as scripts say, and no script is long enough for more'),
  { name: 'kern.ipc.maxsockbuf', effect: 'option', apply: (value, draft) => setScale(draft, numberOf(value)) },
  irrelevant('kern.ipc.soacceptqueue', 'a cap for the backlog of listen()'),
  irrelevant('kern.ipc.somaxconn', 'a cap for the backlog of listen()'),
  tcpOption('net.inet.tcp.msl', 'timeWait', (value) => Math.max(1, 2 * numberOf(value))),
  tcpOption('net.inet.tcp.finwait2_timeout', 'finWait2Timeout', (value) => numberOf(value)),
  missing('net.inet.tcp.fast_finwait2_recycle', 'finWait2Timeout'),
  // In ms there, in s for a socket.
  socketOption('net.inet.tcp.keepidle', 'TCP_KEEPIDLE', inSeconds),
  socketOption('net.inet.tcp.keepintvl', 'TCP_KEEPINTVL', inSeconds),
  socketOption('net.inet.tcp.keepcnt', 'TCP_KEEPCNT', numberOf),
  socketOption('net.inet.tcp.keepinit', 'TCP_KEEPINIT', inSeconds),
  missing('net.inet.tcp.always_keepalive', 'keepAlive'),
  missing('net.inet.tcp.persmin', 'minimumProbeInterval'),
  missing('net.inet.tcp.persmax', 'maximumProbeInterval'),
  tcpOption('net.inet.tcp.minmss', 'minimumSegmentSize', leastSegment),
  missing('net.inet.tcp.mssdflt', 'defaultSegmentSize'),
  missing('net.inet.tcp.v6mssdflt', 'defaultSegmentSize'),
  missing('net.inet.tcp.path_mtu_discovery', 'pathMtuDiscovery'),
  tcpOption('net.inet.tcp.pmtud_blackhole_detection', 'mtuProbing', (value) => (numberOf(value) === 0 ? 'off' : 'black-hole')),
  tcpOption('net.inet.tcp.pmtud_blackhole_mss', 'mtuProbeBase', (value) => Math.min(65_535, Math.max(64, numberOf(value)))),
  missing('net.inet.tcp.pmtud_blackhole_*', 'mtuProbing'),
  missing('net.inet.tcp.v6pmtud_blackhole_*', 'mtuProbing'),
  tcpOption('net.inet.tcp.cc.algorithm', 'congestionControl', (value) => congestionControlOf(value.trim())),
  missing('net.inet.tcp.cc.*', 'congestionControl'),
  missing('net.inet.tcp.hystartplusplus.*', 'congestionControl'),
  fastOpenSwitch('net.inet.tcp.fastopen.client_enable', 1),
  fastOpenSwitch('net.inet.tcp.fastopen.server_enable', 2),
  // Without a pre-shared key a server that takes any cookie is one that wants none.
  fastOpenSwitch('net.inet.tcp.fastopen.acceptany', 0x200),
  irrelevant('net.inet.tcp.fastopen.*', 'how many cookies and keys are kept, and for how long'),
  missing('net.inet.tcp.maxunacktime', 'userTimeout'),
  missing('net.inet.tcp.ack_war_*', 'challengeAckLimit'),
  liveOption('net.inet.tcp.icmp_may_rst', 'openErrors', (value) => (numberOf(value) === 0 ? [] : FREEBSD_OPEN_ERRORS)),
  missing('net.inet.tcp.udp_tunneling_*', 'udpEncapsulation'),
  missing('net.inet.tcp.rack.*', 'rack'),
  missing('net.inet.tcp.bb.*', 'eventLog'),
  irrelevant('net.inet.tcp.functions_default', 'a choice between TCPs of that system; ours is one'),
  irrelevant('net.inet.tcp.functions_inherit_listen_socket_stack', 'a choice between TCPs of that system; ours is one'),
  irrelevant('net.inet.tcp.hostcache.*', 'a stack lives for one script: there is nothing to forget'),
  irrelevant('net.inet.tcp.tso', 'segments are put together again before they are compared'),
  irrelevant('net.inet.tcp.log_*', 'what is logged'),
  irrelevant('net.inet.tcp.lro.*', 'the link merges nothing'),
  irrelevant('net.inet.tcp.reass.*', 'one connection comes to no such limit'),
  irrelevant('net.inet.tcp.hpts.*', 'timers of that system'),
  irrelevant('net.inet.tcp.per_cpu_timers', 'timers of that system'),
  irrelevant('net.inet.tcp.isn_reseed_interval', 'initial sequence numbers are mapped'),
  irrelevant('net.inet.ip.portrange.*', 'ports of the stack\'s choosing are mapped'),
  irrelevant('net.inet.ip.random_id*', 'identifications are not compared'),
  irrelevant('net.inet6.ip6.*', 'interfaces of the machine'),
  missing('net.inet.icmp.*', 'icmpErrors'),
  missing('net.inet6.icmp6.*', 'icmpErrors'),
  irrelevant('net.isr.*', 'threads of that system'),
  irrelevant('net.link.*', 'the link is made for the script'),
  irrelevant('kern.timecounter.*', 'time is virtual'),
  irrelevant('kern.eventtimer.*', 'time is virtual'),
  irrelevant('hw.*', 'the machine'),
  irrelevant('dev.*', 'the machine'),
]
