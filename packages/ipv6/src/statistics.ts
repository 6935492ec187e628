/** Counters of IPv6, ICMPv6 and Neighbour Discovery, of one NIC or summed. Each packet that is dropped counts in one `drop…`. */
export interface Ipv6Counters {
  received: number
  sent: number
  /** Given to a transport, ICMPv6 or a raw socket. */
  delivered: number
  forwarded: number
  /** Interface not enabled. */
  dropDisabled: number
  /** Fixed header truncated, another version, or a payload length beyond the packet. */
  dropMalformed: number
  /** Multicast source, an own address from outside, `::` where a source is needed, or `::1` from a link. */
  dropMartianSource: number
  /** Unspecified destination, `::1` from a link, reserved multicast scope. */
  dropMartianDestination: number
  /** IPv4-mapped address on the wire (RFC 4942 §2.2). */
  dropMapped: number
  /** Not for this host. */
  dropNotLocal: number
  dropNoMemory: number
  /** An extension header runs beyond the packet, or an option beyond its header. */
  dropExtensionMalformed: number
  /** More extension headers than anybody needs. */
  dropExtensionLimit: number
  /** An unknown option said so. */
  dropOption: number
  /** Routing header with segments left. */
  dropRouting: number
  /** Next header 59: nothing follows (RFC 8200 §4.7). */
  dropNoNextHeader: number
  /** Next header that nothing here handles. */
  dropUnknownNextHeader: number
  /** No socket; answered with port unreachable. */
  dropPortUnreachable: number
  fragmentsReceived: number
  reassembled: number
  /** Fragment refused: length, offset, overlap, or its datagram was given up. */
  dropFragment: number
  /** Packets cut for sending. */
  fragmented: number
  fragmentsSent: number
  /** Larger than the path and not to be fragmented. */
  dropTooLarge: number
  /** Nothing leads to the destination: a reply, an error or a forwarded packet. */
  dropNoRoute: number
  /** Forwarding: hop limit used up. */
  dropHopLimit: number
  /** Forwarding: link-local or otherwise not to leave its link. */
  dropScope: number

  icmpReceived: number
  icmpSent: number
  /** Shorter than its type says, or an error that quotes no packet. */
  icmpDropMalformed: number
  icmpDropChecksum: number
  icmpErrorsReceived: number
  /** Errors about a packet that this stack did not send. */
  icmpDropForeignError: number
  /** Packet Too Big below the minimum MTU (RFC 8201 §4). */
  icmpDropTinyMtu: number
  /** Errors whose quotation ends before the transport header, or quotes a later fragment: nobody can tell whose it was. */
  icmpDropUnquoted: number
  icmpErrorsSent: number
  /** Errors that must not be sent (RFC 4443 §2.4(e)). */
  icmpErrorsSuppressed: number
  /** Errors above the rate limit (RFC 4443 §2.4(f)). */
  icmpErrorsLimited: number
  echoRequestsReceived: number
  echoRepliesSent: number

  /** Hop limit not 255: from beyond the link (RFC 4861 §7.1). */
  ndpDropHopLimit: number
  /** Too short, a zero-length option, or fields that contradict each other. */
  ndpDropMalformed: number
  solicitationsReceived: number
  solicitationsSent: number
  advertisementsReceived: number
  advertisementsSent: number
  /** Somebody advertises an address that is assigned here. */
  addressConflicts: number
  duplicatesDetected: number
  /** Own solicitations that came back (RFC 7527). */
  ndpLoopedBack: number
  /** Router solicitations and advertisements, redirects: not acted upon. */
  routerMessagesIgnored: number
  /** Multicast listener messages: not acted upon. */
  mldIgnored: number
}

/** All zero. */
export function newCounters(): Ipv6Counters {
  return {
    received: 0, sent: 0, delivered: 0, forwarded: 0, dropDisabled: 0, dropMalformed: 0, dropMartianSource: 0,
    dropMartianDestination: 0, dropMapped: 0, dropNotLocal: 0, dropNoMemory: 0, dropExtensionMalformed: 0,
    dropExtensionLimit: 0, dropOption: 0, dropRouting: 0, dropNoNextHeader: 0, dropUnknownNextHeader: 0,
    dropPortUnreachable: 0, fragmentsReceived: 0, reassembled: 0, dropFragment: 0, fragmented: 0,
    fragmentsSent: 0, dropTooLarge: 0, dropNoRoute: 0, dropHopLimit: 0, dropScope: 0,
    icmpReceived: 0, icmpSent: 0, icmpDropMalformed: 0, icmpDropChecksum: 0, icmpErrorsReceived: 0,
    icmpDropForeignError: 0, icmpDropTinyMtu: 0, icmpDropUnquoted: 0, icmpErrorsSent: 0, icmpErrorsSuppressed: 0, icmpErrorsLimited: 0,
    echoRequestsReceived: 0, echoRepliesSent: 0,
    ndpDropHopLimit: 0, ndpDropMalformed: 0, solicitationsReceived: 0, solicitationsSent: 0, advertisementsReceived: 0,
    advertisementsSent: 0, addressConflicts: 0, duplicatesDetected: 0, ndpLoopedBack: 0, routerMessagesIgnored: 0,
    mldIgnored: 0,
  }
}

/** Names of counters: why a packet was dropped is one of them. */
export type CounterName = keyof Ipv6Counters

/** Adds `from` to `into`, counter by counter. */
export function addCounters(into: Ipv6Counters, from: Readonly<Ipv6Counters>): void {
  for (const name of Object.keys(from) as CounterName[]) into[name] += from[name]
}
