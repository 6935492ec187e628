import type { Packet } from '@stack/buffer'
import type { Milliseconds } from '@stack/core'

/** What the family read from one fragment. Keep one and change it; it is read during the call only. */
export interface Fragment {
  /** Identification: 16 bits in IPv4, 32 in IPv6. */
  id: number
  /** Part of the key in IPv4 (RFC 791 §2.3); pass 0 in IPv6 (RFC 8200 §4.5). */
  protocol: number
  /** What must not be mixed up although addresses agree: the NIC id for link-local addresses, else 0. */
  zone: number
  /** Where the data belongs in the datagram, bytes. */
  offset: number
  /** The more-fragments bit. */
  more: boolean
  /** Slot offset of the network header. */
  headerStart: number
  /** Bytes of the header that stay in front of the datagram (in IPv6: without the fragment header). */
  headerLength: number
  /** Slot offset of the fragment's data, which runs to the end of the packet. */
  dataStart: number
  /** Next header (protocol) of the data; that of the first fragment becomes `transportProtocol` of the datagram. */
  nextHeader: number
  /** Most data that a datagram may have, bytes: 65,535 less the header that the length field covers. */
  limit: number
}

/** What is wrong with a fragment on its own. IPv6 answers with Parameter Problem. */
export type FragmentFault = 'unaligned' | 'tooLarge' | 'empty'

/** Options of {@link createReassembler}. */
export interface ReassemblyOptions {
  /** ms a datagram may wait for its missing parts, from its first-come fragment. Default 30,000 (RFC 1122 §3.3.2); IPv6: 60,000. */
  readonly timeout?: Milliseconds
  /** Packet memory that waiting fragments may hold, bytes of slots. The oldest datagram gives way. Default 4 MiB. */
  readonly maxBytes?: number
  /** The same for one source address. Default 256 KiB. */
  readonly maxBytesPerSource?: number
  /** Datagrams in reassembly, those being ignored after an overlap included. The oldest gives way. Default 1,024. */
  readonly maxDatagrams?: number
  /** The same for one source address. Default 64. */
  readonly maxDatagramsPerSource?: number
}

/** Counters of a reassembler; `datagrams` and `bytesHeld` are gauges. */
export interface ReassemblyCounters {
  /** Fragments handed in. */
  received: number
  /** Datagrams completed. */
  reassembled: number
  /** Exact repetitions, ignored. */
  duplicates: number
  /** Datagrams given up at the timeout. */
  timedOut: number
  /** Datagrams given up because fragments overlapped or contradicted each other (RFC 5722 §4). */
  overlapped: number
  /** Datagrams given up because a quota was full. */
  evicted: number
  /** Fragments of a datagram that was given up for overlap. */
  dropIgnored: number
  /** Fragments with a fault of their own (see {@link checkFragment}). */
  dropMalformed: number
  /** Fragments of a datagram that alone exceeds a quota, or for which there was no packet memory. */
  dropNoMemory: number
  /** Datagrams with contradictory ECN marks (RFC 3168 §5.3). */
  dropEcn: number
  /** Gauge: datagrams in reassembly. */
  datagrams: number
  /** Gauge: slot bytes held. */
  bytesHeld: number
}

/** Puts datagrams together. One serves all NICs of a protocol. */
export interface Reassembler {
  readonly statistics: Readonly<ReassemblyCounters>
  /**
   * Takes ownership of a contiguous fragment whose address words and `tos` are filled in.
   *
   * @returns the whole datagram when this was the missing part: one contiguous packet, `start` at the network header of
   * the first fragment (`headerLength` bytes, to be corrected by the caller: lengths, flags, checksum, next header), its
   * data behind it; headers not consumed; metadata of the first fragment; `tos` with the joint ECN mark;
   * `PacketFlag.Fragmented`. Else null.
   */
  add(packet: Packet, fragment: Fragment): Packet | null
  /** Forgets everything, cancels the timer. */
  clear(): void
}

/**
 * Checks one fragment on its own: only the last may have a length that is not a multiple of 8, none may end behind
 * `limit`, and none may be empty (RFC 791 §3.2, RFC 8200 §4.5). Null = in order.
 */
export function checkFragment(offset: number, length: number, more: boolean, limit: number): FragmentFault | null {
  if (length <= 0) return 'empty'
  if (more && (length & 7) !== 0) return 'unaligned'
  return offset + length > limit ? 'tooLarge' : null
}
