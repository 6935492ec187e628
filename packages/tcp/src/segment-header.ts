/** Option kinds (RFC 9293 §3.2, RFC 7323, RFC 2018, RFC 5482). */
export const OptionKind = { End: 0, Nop: 1, Mss: 2, WindowScale: 3, SackPermitted: 4, Sack: 5, Timestamps: 8, UserTimeout: 28 } as const

/** Bits of {@link SegmentHeader.rare}: options that few segments have. */
export const Rare = { UserTimeout: 1 } as const

/** Bytes of the header without options. */
export const MIN_HEADER_LENGTH = 20

/** Most blocks of a SACK option (RFC 2018 §3); three beside timestamps. */
export const MAX_SACK_BLOCKS = 4

/**
 * The fields of one header, for parsing and for writing. Sequence numbers and timestamps are int32. One object is
 * reused for any number of segments.
 */
export class SegmentHeader {
  sourcePort = 0
  destinationPort = 0
  sequence = 0
  acknowledgment = 0
  /** Bits of {@link Flag}. */
  flags = 0
  /** As on the wire, not scaled. */
  window = 0
  urgentPointer = 0
  /** With options; set by {@link parseHeader}. */
  headerLength: number = MIN_HEADER_LENGTH
  /** 0 = the option is absent. */
  mss = 0
  /** -1 = the option is absent; values above 14 are read as 14 (RFC 7323 §2.3). */
  windowScale = -1
  sackPermitted = false
  /** SACK blocks in {@link sackEdges}; 0 = the option is absent. */
  sackBlocks = 0
  /** Left and right edge of each block, int32. */
  readonly sackEdges: Int32Array = new Int32Array(2 * MAX_SACK_BLOCKS)
  /** Is the timestamps option there? */
  timestamps = false
  timestampValue = 0
  timestampEcho = 0
  /** Bits of {@link Rare}: which of the options below are there. Their fields say nothing without their bit. */
  rare = 0
  /** User timeout that the sender announces, s (RFC 5482 §2): 0–32,767, or minutes × 60. */
  userTimeout = 0
  /** An option had an illegal length; what follows it was ignored (RFC 9293 MUST-7). */
  malformedOptions = false
}
