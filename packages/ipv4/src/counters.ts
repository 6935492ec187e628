import type { NetworkCounters } from '@stack/core'

/** Counters of IPv4, per NIC and summed in `stack.ipv4.statistics`. */
export interface Ipv4Counters extends NetworkCounters {
  /** Datagrams handed in by the NIC. */
  received: number
  /** Datagrams and fragments handed to the NIC. */
  sent: number
  /** Datagrams given to a transport protocol or ICMP. */
  delivered: number
  /** Datagrams sent on to another host. */
  forwarded: number
  /** Fragments received for this host. */
  fragmentsReceived: number
  /** Fragments sent. */
  fragmentsSent: number
  /** The endpoint is disabled. */
  dropDisabled: number
  /** Truncated, another version, or lengths that contradict each other. */
  dropMalformed: number
  dropBadChecksum: number
  /** An option with a wrong length or pointer. */
  dropBadOption: number
  /** Source routing is refused (RFC 7126 §4.3, §4.4). */
  dropSourceRoute: number
  /** Source is a broadcast, multicast, loopback, unspecified or own address. */
  dropMartianSource: number
  /** Destination is loopback (off loopback) or unspecified. */
  dropMartianDestination: number
  /** Unicast in a link-layer broadcast (RFC 1122 §3.3.6). */
  dropLinkBroadcast: number
  /** For another host, and forwarding is off. */
  dropOtherHost: number
  /** To a group that nobody joined here. */
  dropNotJoined: number
  /** Must not leave its link: link-local, broadcast, multicast, reserved. */
  dropNotForwardable: number
  /** Time to live ran out here. */
  dropTtlExceeded: number
  /** No route for a datagram to be forwarded or sent again. */
  dropNoRoute: number
  /** Larger than the path takes, or than 65,535 bytes. */
  dropTooLarge: number
  /** No transport protocol of that number. */
  dropProtocolUnreachable: number
  /** Nobody on that port. */
  dropPortUnreachable: number
  /** No packet memory or headroom. */
  dropNoMemory: number
  /** Outgoing with wrong options or, with its header included, a wrong header. */
  dropBadHeader: number
}

/** Counters of ICMPv4. */
export interface Icmpv4Counters {
  received: number
  sent: number
  echoRequests: number
  echoRepliesSent: number
  /** Errors about packets of ours. */
  errorsReceived: number
  errorsSent: number
  /** Errors not sent, because the rules forbid it (RFC 1122 §3.2.2). */
  errorsSuppressed: number
  /** Errors not sent, because of the rate limit. */
  errorsRateLimited: number
  dropMalformed: number
  dropBadChecksum: number
  /** Echo requests to a broadcast or multicast address. */
  dropBroadcastEcho: number
  /** Errors about packets that this host did not send. */
  dropStrayError: number
  /** Source quench (RFC 6633) and redirects, which are ignored. */
  dropIgnored: number
  dropNoMemory: number
  /** No way back to whom an answer would go. */
  dropNoRoute: number
}

export function ipv4Counters(): Ipv4Counters {
  return {
    received: 0, sent: 0, delivered: 0, forwarded: 0, fragmentsReceived: 0, fragmentsSent: 0, dropDisabled: 0, dropMalformed: 0, dropBadChecksum: 0, dropBadOption: 0,
    dropSourceRoute: 0, dropMartianSource: 0, dropMartianDestination: 0, dropLinkBroadcast: 0, dropOtherHost: 0, dropNotJoined: 0, dropNotForwardable: 0, dropTtlExceeded: 0,
    dropNoRoute: 0, dropTooLarge: 0, dropProtocolUnreachable: 0, dropPortUnreachable: 0, dropNoMemory: 0, dropBadHeader: 0,
  }
}

export function icmpv4Counters(): Icmpv4Counters {
  return {
    received: 0, sent: 0, echoRequests: 0, echoRepliesSent: 0, errorsReceived: 0, errorsSent: 0, errorsSuppressed: 0, errorsRateLimited: 0, dropMalformed: 0,
    dropBadChecksum: 0, dropBroadcastEcho: 0, dropStrayError: 0, dropIgnored: 0, dropNoMemory: 0, dropNoRoute: 0,
  }
}
