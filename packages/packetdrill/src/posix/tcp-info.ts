import type { ConnectionInfo, FastOpenInfo, TcpState } from '@stack/tcp'
import { TCP_INFO_VALUES } from './symbols/flags.ts'

/** Linux's numbers of the states. */
const STATES: Readonly<Record<TcpState, number>> = {
  'established': 1, 'syn-sent': 2, 'syn-received': 3, 'fin-wait-1': 4, 'fin-wait-2': 5, 'time-wait': 6,
  'closed': 7, 'close-wait': 8, 'last-ack': 9, 'listen': 10, 'closing': 11,
}

const CONGESTION_STATES: Readonly<Record<ConnectionInfo['congestionState'], number>> = { open: 0, disorder: 1, cwr: 2, recovery: 3, loss: 4 }

/** What code compares figures with. */
const NAMES: Readonly<Record<string, number>> = Object.fromEntries(TCP_INFO_VALUES.map(([name, value]) => [name, value!]))

/** TCPI_OPT_SYN_DATA: the text of a SYN was acknowledged, or taken. */
const SYN_DATA = 32

/** `tcpi_fastopen_client_fail`: no cookie, text not acknowledged, SYN sent again. */
const CLIENT_FAILURES: Readonly<Record<NonNullable<FastOpenInfo['fallback']>, number>> = { 'no-cookie': 1, 'paused': 1, 'refused': 2, 'timeout': 3, 'too-big': 3 }

/** Linux's ssthresh before the first loss. */
const INFINITE_SSTHRESH = 0x7fff_ffff

/** No limit, as 64 bits. */
const NO_RATE = 2 ** 64

/** What is not known. */
const NEVER = 0xffff_ffff

/** The figures under the names of Linux's `struct tcp_info`, in its units (µs, segments), with the names that code compares them with. */
export function tcpInfoOf(info: ConnectionInfo): Readonly<Record<string, number>> {
  const { options, ecn, sendMss } = info
  const segments = (bytes: number): number => Math.ceil(bytes / sendMss)
  const isOpening = info.state === 'syn-sent' || info.state === 'syn-received'
  // The SYN was delivered, too.
  const { fastOpen } = info
  const hasSynText = fastOpen !== null && fastOpen.synBytes > 0 && fastOpen.synBytesAcked === fastOpen.synBytes
  // Of a client: a SYN and its text are one.
  const withSyn = fastOpen === null || fastOpen.room === 0 ? 0 : segments(fastOpen.synBytesAcked)
  const delivered = segments(info.bytesAcked) - withSyn + (isOpening ? 0 : 1)
  return {
    ...NAMES,
    tcpi_state: STATES[info.state],
    tcpi_ca_state: CONGESTION_STATES[info.congestionState],
    tcpi_retransmits: info.unansweredTimeouts,
    tcpi_probes: info.unansweredProbes,
    tcpi_backoff: info.backoff,
    tcpi_options: (options.timestamps ? 1 : 0) | (options.sack ? 2 : 0) | (options.windowScale ? 4 : 0) | (ecn.kind === 'none' ? 0 : 8) | (ecn.isSeen ? 16 : 0) | (hasSynText ? SYN_DATA : 0),
    tcpi_snd_wscale: options.sendScale,
    tcpi_rcv_wscale: options.receiveScale,
    tcpi_delivery_rate_app_limited: Number(info.deliveryRateAppLimited),
    tcpi_fastopen_client_fail: fastOpen?.fallback == null ? 0 : CLIENT_FAILURES[fastOpen.fallback],
    tcpi_rto: micros(info.rto),
    tcpi_ato: micros(info.ackTimeout),
    tcpi_snd_mss: sendMss,
    tcpi_rcv_mss: info.largestReceived,
    tcpi_unacked: info.segmentsInFlight + (isOpening ? 1 : 0),
    tcpi_sacked: segments(info.bytesSacked),
    // Linux counts what is lost until it is acknowledged, whether it was sent again or not.
    tcpi_lost: segments(info.bytesLost + info.bytesRetransmitting),
    tcpi_retrans: segments(info.bytesRetransmitting),
    tcpi_fackets: 0,
    tcpi_last_data_sent: millis(info.sinceSent),
    tcpi_last_ack_sent: 0,
    // Linux counts from the handshake where nothing was received.
    tcpi_last_data_recv: millis(Math.min(info.sinceReceived, info.dataSegmentsReceived === 0 ? info.sinceHeard : Infinity)),
    tcpi_last_ack_recv: millis(info.sinceHeard),
    tcpi_pmtu: info.pathMtu,
    tcpi_rcv_ssthresh: info.receiveWindowLimit,
    tcpi_rtt: micros(info.smoothedRtt),
    tcpi_rttvar: micros(info.rttVariance),
    tcpi_snd_ssthresh: info.ssthresh >= INFINITE_SSTHRESH ? INFINITE_SSTHRESH : Math.floor(info.ssthresh / sendMss),
    tcpi_snd_cwnd: Math.floor(info.cwnd / sendMss),
    tcpi_advmss: info.receiveMss,
    tcpi_reordering: info.reordering,
    tcpi_rcv_rtt: micros(info.receiverRtt),
    tcpi_rcv_space: info.readPerRtt > 0 ? info.readPerRtt : info.receiveWindowLimit,
    tcpi_total_retrans: info.retransmits,
    tcpi_bytes_acked: info.bytesAcked,
    tcpi_bytes_received: info.bytesReceived,
    tcpi_segs_out: info.segmentsSent,
    tcpi_segs_in: info.segmentsReceived,
    tcpi_notsent_bytes: info.bytesNotSent,
    tcpi_pacing_rate: info.pacingRate === 0 ? unpacedRate(info) : Math.round(info.pacingRate),
    tcpi_delivery_rate: Math.round(info.deliveryRate),
    tcpi_busy_time: micros(info.busyTime),
    tcpi_rwnd_limited: micros(info.receiveWindowLimitedTime),
    tcpi_sndbuf_limited: micros(info.sendBufferLimitedTime),
    tcpi_min_rtt: info.minimumRtt === 0 ? NEVER : micros(info.minimumRtt),
    tcpi_data_segs_in: info.dataSegmentsReceived,
    tcpi_data_segs_out: info.dataSegmentsSent,
    tcpi_delivered: delivered,
    tcpi_delivered_ce: ecn.marked,
    tcpi_received_ce: ecn.received,
    tcpi_delivered_ce_bytes: ecn.markedBytes,
    tcpi_delivered_e0_bytes: ecn.ect0Bytes,
    tcpi_delivered_e1_bytes: ecn.ect1Bytes,
    tcpi_bytes_sent: info.bytesSent + info.bytesRetransmitted,
    tcpi_bytes_retrans: info.bytesRetransmitted,
    tcpi_dsack_dups: 0,
    tcpi_reord_seen: info.reorderings,
    tcpi_snd_wnd: info.sendWindow,
    tcpi_rcv_wnd: info.receiveWindow,
    tcpi_total_rto: info.timeouts,
  }
}

/** Linux tells the rate at which it would pace: twice the window a round trip in slow start, 1.2 times later. */
function unpacedRate({ cwnd, ssthresh, bytesInFlight, smoothedRtt }: ConnectionInfo): number {
  if (smoothedRtt === 0) return NO_RATE
  return Math.round(((cwnd < ssthresh / 2 ? 2 : 1.2) * Math.max(cwnd, bytesInFlight) * 1000) / smoothedRtt)
}

function micros(ms: number): number {
  return Math.round(ms * 1000)
}

function millis(ms: number): number {
  return ms === Infinity ? NEVER : Math.round(ms)
}

/** Of a socket that never had a connection. */
export function unconnectedInfo(isListening: boolean): Readonly<Record<string, number>> {
  return { ...NAMES, tcpi_state: isListening ? STATES.listen : STATES.closed }
}
