/**
 * Bits of {@link Packet.flags}.
 */
export const PacketFlag = {
  /** The link or network destination is a broadcast address. */
  Broadcast: 1,
  /** The link or network destination is a multicast address. */
  Multicast: 2,
  /** Sent by this stack to itself. */
  Looped: 4,
  /** On its way through: received on one NIC, to be sent on another. */
  Forwarded: 8,
  /** Built by this stack or on its way out. */
  Outgoing: 16,
  /** The bytes already start with a network header written by the application. */
  HeaderIncluded: 32,
  /** The bytes already start with a link header written by the application. */
  PacketRaw: 64,
  /** One fragment of a datagram, or reassembled from fragments. */
  Fragmented: 128,
} as const

/**
 * What is known about the transport checksum of a packet.
 *
 * The names follow the Linux model: a sender leaves `Partial` and whoever is last before a wire
 * that cannot sum finishes it.
 */
export const ChecksumState = {
  /** The field holds what the wire says (received) or what is to be sent; nothing is known. */
  None: 0,
  /**
   * The field holds the folded pseudo-header sum, not complemented; the rest, from
   * `checksumStart` to the end of the packet, is still to be added.
   */
  Partial: 1,
  /** `checksumSum` is the sum from `checksumStart` to the end of the packet. */
  Complete: 2,
  /** Somebody trustworthy has verified it. */
  Verified: 3,
} as const
/** One of the values of {@link ChecksumState}. */
export type ChecksumState = (typeof ChecksumState)[keyof typeof ChecksumState]

/**
 * How a packet larger than the MTU is to be cut.
 *
 * @seed GSOType
 */
export const GsoType = {
  /** Not at all. */
  None: 0,
  /** As TCP over IPv4. */
  TcpV4: 1,
  /** As TCP over IPv6. */
  TcpV6: 2,
  /** As UDP datagrams of one size. */
  Udp: 3,
  /** By the stack itself, last thing before the link. */
  Software: 4,
} as const
/** One of the values of {@link GsoType}. */
export type GsoType = (typeof GsoType)[keyof typeof GsoType]

/**
 * How full a pool is: the higher of the pool's own use against its quota and its memory's use
 * against its size.
 */
export const MemoryLevel = {
  /** Below 50 %. */
  Low: 0,
  /** From 50 %. */
  Pressure: 1,
  /** From 75 %. */
  High: 2,
  /** From 90 %. The last 5 % serve `allocateControl` only. */
  Critical: 3,
} as const
/** One of the values of {@link MemoryLevel}. */
export type MemoryLevel = (typeof MemoryLevel)[keyof typeof MemoryLevel]

/** Slot sizes in bytes, smallest first: headers and ACKs, one MTU, a jumbo frame or 16 KiB of text, one GSO or TUN packet. */
export const SLOT_SIZES: readonly [small: number, medium: number, jumbo: number, large: number] = [256, 2048, 17_408, 69_632]

/** The largest slot, in bytes (68 KiB): a 65,535-byte packet with 4 KiB for headers. */
export const MAX_SLOT_SIZE = 69_632
