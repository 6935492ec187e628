import type { Packet } from '@stack/buffer'
import type { Address } from '@stack/core'

/** Between whom segments are signed. */
export interface AuthenticatedFlow {
  readonly localAddress: Address
  readonly localPort: number
  readonly remoteAddress: Address
  readonly remotePort: number
}

/** What a received segment's signature is worth. Anything but `good` is dropped in silence, each with a counter of its own. */
export type SignatureVerdict = 'good' | 'missing' | 'bad' | 'unexpected'

/**
 * Signs and verifies the segments of one connection, from its SYN to the end of TIME-WAIT. Called on the packet path: it
 * neither throws nor keeps packets.
 */
export interface SegmentAuthenticator {
  /** Bytes that the signature takes of every header: a multiple of 4, 20 at most; 0 = nothing is signed. May change with the keys. */
  readonly optionLength: number
  /** Set by TCP: the `optionLength` that the MSS was computed with. */
  reserved: number
  /** Do ICMP's hard errors say nothing once the connection is synchronized (RFC 5925 §7.8)? */
  readonly ignoresIcmp: boolean
  /** Both initial sequence numbers, int32, before the first segment that says both: ours and the peer's. */
  opened(iss: number, irs: number): void
  /**
   * Writes all `optionLength` bytes of the option at slot offset `at`, within the header that begins at
   * `packet.transportHeader`. The segment is complete but for its checksum, and final: what is signed is never cut again.
   */
  sign(packet: Packet, at: number): void
  /** Judges a received segment whose header is consumed and whose text begins at `packet.start`. */
  verify(packet: Packet): SignatureVerdict
}

/**
 * Option `authentication` of connections and listeners: who signs what. Made by `md5()` of `@stack/tcp/md5` or `ao()` of
 * `@stack/tcp/ao`; another object may choose between them by peer.
 */
export interface Authentication {
  /**
   * Called by `connect` and `listen`, with the stack's way to read an address.
   *
   * @throws StackError `ERR_STACK_INVALID_ADDRESS` for a peer that is none
   */
  prepare(parseAddress: (text: string) => Address): void
  /** Whoever signs a connection that opens; null = nobody, and no signature is looked at. */
  forFlow(flow: AuthenticatedFlow): SegmentAuthenticator | null
}
