import type { Packet } from '@stack/buffer'
import type { Random } from '@stack/core'

/** ECN field of the IP header (RFC 3168 §5): the lower bits of the TOS and of the traffic class. */
const ECN = 3
const IPV4_CHECKSUM = 10

/** Above how many bytes in a queue packets are marked, for sure or perhaps. */
export interface MarkSettings {
  /** With this many bytes marking begins. */
  readonly from: number
  /** With this many it is as probable as `probability` says, and beyond them sure. */
  readonly to: number
  readonly probability: number
}

/** Is a packet to be marked that finds `backlog` bytes waiting? Random early detection by the queue of now (RFC 7567 §4.2.1). */
export function isMarkDue(settings: MarkSettings, backlog: number, random: Random): boolean {
  const { from, to, probability } = settings
  if (backlog <= from) return false
  return backlog >= to || random.next() < (probability * (backlog - from)) / (to - from)
}

/** Marks an IP packet as having seen congestion; false = its transport is not capable of ECN (RFC 3168 §5). */
export function markCongestion(packet: Packet): boolean {
  const { view, start } = packet
  const word = view.getUint16(start)
  const isIpv6 = word >>> 12 === 6
  // The traffic class of IPv6 lies four bits further left.
  const shift = isIpv6 ? 4 : 0
  if (((word >>> shift) & ECN) === 0) return false
  const marked = word | (ECN << shift)
  view.setUint16(start, marked)
  if (isIpv6 || marked === word) return true
  // RFC 1624: the sum grows by what the word grew by.
  const sum = (view.getUint16(start + IPV4_CHECKSUM) ^ 0xffff) + (marked - word)
  view.setUint16(start + IPV4_CHECKSUM, ((sum & 0xffff) + (sum >>> 16)) ^ 0xffff)
  return true
}
