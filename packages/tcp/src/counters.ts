/** Counters of TCP, under `tcp` in the stack's statistics. They only grow, save the gauges, which say so. */
export interface TcpCounters {
  /** Connections opened from here. */
  activeOpens: number
  /** Connections accepted from the network. */
  passiveOpens: number
  /** Connection attempts that failed. */
  failedOpens: number
  /** Connections ended by a reset, in or out. */
  resets: number
  /** Gauge: connections now, without half-open and TIME-WAIT ones. */
  connections: number
  /** Gauge: connections that the application closed, and that wait for the peer. */
  orphans: number
  /** Connections reset at their close because of `maxOrphans`. */
  orphansReset: number
  /** Gauge: records in TIME-WAIT. */
  timeWait: number
  /** Gauge: handshakes of listeners that lack the last ACK. */
  halfOpen: number
  segmentsReceived: number
  segmentsSent: number
  bytesReceived: number
  bytesSent: number
  retransmits: number
  timeouts: number
  fastRetransmits: number
  zeroWindowProbes: number
  /** Tail loss probes (RFC 8985 §7). */
  tailProbes: number
  /** Packets that came marked, of connections with ECN (RFC 3168). */
  ecnMarks: number
  /** Times that marks brought a congestion window down. */
  ecnReductions: number
  /** Segments that probed the path's MTU, and those of them that were lost (RFC 4821). */
  mtuProbes: number
  mtuProbesLost: number
  /** Times that full segments timed out again and again, and were made smaller. */
  blackHoles: number
  /** Reductions of a congestion window that were taken back: nothing had been lost. */
  undone: number
  /** D-SACKs: the peer got something twice (RFC 2883). */
  duplicateReports: number
  /** Timeouts that found that the peer had thrown away what it had sacked (RFC 2018 §8). */
  reneged: number
  keepAliveProbes: number
  challengeAcks: number
  resetsSent: number
  resetsReceived: number
  /** TIME-WAIT records evicted because the table was full. */
  timeWaitEvicted: number
  /** SYNs that took over a tuple in TIME-WAIT (RFC 6191). */
  timeWaitReused: number
  /** Sends refused by the stack itself (queue full, no memory): retried, never taken for loss of the network. */
  localDrops: number
  /** Answers and control segments not sent for want of packet memory. */
  noMemory: number
  /** No route to the peer at the time of a send. */
  noRoute: number
  /** Transitions that the state diagram does not have: always 0 unless there is a bug. */
  illegalTransitions: number
  dropChecksum: number
  dropMalformed: number
  /** To or from a broadcast or multicast address (RFC 9293 MUST-57). */
  dropNotUnicast: number
  /** Sequence number outside the window. */
  dropUnacceptable: number
  /** PAWS: an old timestamp (RFC 7323 §5.3). */
  dropOldTimestamp: number
  /** A reset that matched nothing (RFC 5961 §3.2). */
  dropBadReset: number
  /** An acknowledgment of what was never sent, or far too old (RFC 5961 §5.2). */
  dropBadAck: number
  /** A SACK block of what was never sent. */
  dropBadSack: number
  /** A segment without ACK where one is needed. */
  dropNoAck: number
  /** A flag combination that no state takes. */
  dropBadFlags: number
  /** Bytes that came twice. */
  duplicateBytes: number
  /** Segments beyond the window or while it was closed. */
  dropWindow: number
  /** Out-of-order segments for which there was no room. */
  dropOutOfOrder: number
  /** Received segments that the packet memory refused to keep. */
  dropNoMemory: number
  /** Data after the application closed (RFC 2525 §2.17). */
  dataAfterClose: number
  /** The connection was over when the segment was processed. */
  dropClosed: number
  /** SYNs and handshakes dropped because the accept queue was full. */
  listenOverflow: number
  /** SYNs that found the SYN queue full: they got a cookie, or the oldest half-open connection made room. */
  synQueueFull: number
  /** SYN-ACKs with a cookie in place of a half-open connection (RFC 4987 §3.6). */
  cookiesSent: number
  /** Connections made from the cookie in an ACK. */
  cookiesAccepted: number
  /** ACKs that a cookie was expected of and that brought none, or an old one: answered with a reset. */
  cookiesRejected: number
  /** Final ACKs without text that a listener with `deferAccept` let pass. */
  acceptsDeferred: number
  /** SYNs that a forwarder was asked about. */
  forwardRequests: number
  /** SYNs dropped because a forwarder had `maxInFlight` requests. */
  forwardOverflow: number
  /** Requests that nobody answered in time. */
  forwardExpired: number
  /** SYNs dropped because of `maxConnections`. */
  dropConnectionLimit: number
  /** Half-open connections given up. */
  synExpired: number
  /** SYNs with text that left (RFC 7413). */
  fastOpenSent: number
  /** Of those, the ones whose text the SYN-ACK acknowledged. */
  fastOpenAccepted: number
  /** Of those, the ones of whose text something had to leave again. */
  fastOpenRefused: number
  /** Requests for a cookie that came. */
  fastOpenRequests: number
  /** Connections that began with their SYN. */
  fastOpenTaken: number
  /** SYNs with a cookie that was wrong, or too old. */
  fastOpenBadCookie: number
  /** SYNs that found the queue for Fast Open full: they got an ordinary handshake. */
  fastOpenOverflow: number
  /** ICMP errors whose quoted sequence number was not in flight (RFC 5927 §4). */
  dropIcmpStale: number
  /** ICMP errors that a signed connection takes no notice of (RFC 5925 §7.8). */
  dropIcmpIgnored: number
  /** A signature that is wrong, or of no known key (RFC 2385, RFC 5925). */
  dropBadSignature: number
  /** No signature, though there is a key for the peer. */
  dropNoSignature: number
  /** A signature, though there is no key for the peer. */
  dropUnexpectedSignature: number
  softErrors: number
}

/** Counters at zero. */
export function createCounters(): TcpCounters {
  return {
    activeOpens: 0, passiveOpens: 0, failedOpens: 0, resets: 0, connections: 0, orphans: 0, orphansReset: 0, timeWait: 0, halfOpen: 0, segmentsReceived: 0, segmentsSent: 0,
    bytesReceived: 0, bytesSent: 0, retransmits: 0, timeouts: 0, fastRetransmits: 0, zeroWindowProbes: 0, tailProbes: 0, mtuProbes: 0, mtuProbesLost: 0, blackHoles: 0, ecnMarks: 0, ecnReductions: 0, undone: 0,
    duplicateReports: 0, reneged: 0, keepAliveProbes: 0,
    challengeAcks: 0, resetsSent: 0, resetsReceived: 0, timeWaitEvicted: 0, timeWaitReused: 0, localDrops: 0, noMemory: 0, noRoute: 0,
    illegalTransitions: 0, dropChecksum: 0, dropMalformed: 0, dropNotUnicast: 0, dropUnacceptable: 0, dropOldTimestamp: 0,
    dropBadReset: 0, dropBadAck: 0, dropBadSack: 0, dropNoAck: 0, dropBadFlags: 0, duplicateBytes: 0, dropWindow: 0, dropOutOfOrder: 0,
    dropNoMemory: 0, dataAfterClose: 0, dropClosed: 0, listenOverflow: 0, synQueueFull: 0, cookiesSent: 0, cookiesAccepted: 0,
    cookiesRejected: 0, acceptsDeferred: 0, forwardRequests: 0, forwardOverflow: 0, forwardExpired: 0, dropConnectionLimit: 0, synExpired: 0,
    fastOpenSent: 0, fastOpenAccepted: 0, fastOpenRefused: 0, fastOpenRequests: 0, fastOpenTaken: 0, fastOpenBadCookie: 0, fastOpenOverflow: 0,
    dropIcmpStale: 0, dropIcmpIgnored: 0, dropBadSignature: 0, dropNoSignature: 0, dropUnexpectedSignature: 0, softErrors: 0,
  }
}
