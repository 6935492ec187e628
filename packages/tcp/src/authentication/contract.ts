import type { Packet } from '@stack/buffer'
import type { Address, TransportError } from '@stack/core'

/** Between whom segments are signed. */
export interface AuthenticatedFlow {
  readonly localAddress: Address
  readonly localPort: number
  readonly remoteAddress: Address
  readonly remotePort: number
}

/** What is wrong with a received segment's signature: the counter under which it is dropped, in silence. */
export type SignatureFault = 'dropBadSignature' | 'dropNoSignature' | 'dropUnexpectedSignature'

/**
 * Signs and verifies the segments of one connection, from its SYN to the end of TIME-WAIT. Called on the packet path: it
 * neither throws nor keeps packets.
 */
export interface SegmentAuthenticator {
  /** Bytes that the signature takes of every header: a multiple of 4, 20 at most; 0 = nothing is signed. May change with the keys. */
  readonly optionLength: number
  /** Set by TCP: the `optionLength` that the MSS was computed with. */
  reserved: number
  /** Both initial sequence numbers, int32, before the first segment that says both: ours and the peer's. */
  opened(iss: number, irs: number): void
  /**
   * Puts the signature into the header, where there is room for it behind the `headerLength` bytes that are written, and sets
   * the data offset. The segment is complete but for its checksum, and final: what is signed is never cut again.
   */
  sign(packet: Packet, headerLength: number): void
  /** Judges a received segment whose header is consumed and whose text begins at `packet.start`; null = it is good. */
  verify(packet: Packet): SignatureFault | null
  /** Does an ICMP error say nothing of the connection, which is synchronized (RFC 5925 §7.8)? */
  ignores(error: TransportError): boolean
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
