import type { NetworkCounters } from '@stack/core'

/** Counters of ARP, per NIC and summed in `stack.arp.statistics`. */
export interface ArpCounters extends NetworkCounters {
  received: number
  sent: number
  requestsReceived: number
  repliesReceived: number
  /** Announcements and other gratuitous messages of others. */
  gratuitousReceived: number
  requestsSent: number
  repliesSent: number
  /** Probes of duplicate detection (RFC 5227 §2.1). */
  probesSent: number
  /** Announcements of own addresses (RFC 5227 §2.3). */
  announcementsSent: number
  /** Messages that showed that another host uses an own address. */
  conflicts: number
  /** Conflicts that were answered by an announcement (RFC 5227 §2.4 (b)). */
  defended: number
  /** Too short, or not for IPv4 over Ethernet, or from an impossible address. */
  dropMalformed: number
  /** From the own link address: reflected by the network. */
  dropReflected: number
  /** The endpoint is disabled, or its link has no Ethernet addresses. */
  dropDisabled: number
  dropNoMemory: number
}

export function arpCounters(): ArpCounters {
  return {
    received: 0, sent: 0, requestsReceived: 0, repliesReceived: 0, gratuitousReceived: 0, requestsSent: 0, repliesSent: 0, probesSent: 0, announcementsSent: 0,
    conflicts: 0, defended: 0, dropMalformed: 0, dropReflected: 0, dropDisabled: 0, dropNoMemory: 0,
  }
}
