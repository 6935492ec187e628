/** Option kinds (RFC 9293 §3.2, RFC 7323, RFC 2018, RFC 5482, RFC 7413, RFC 9768, RFC 6994). */
export const OptionKind = {
  End: 0, Nop: 1, Mss: 2, WindowScale: 3, SackPermitted: 4, Sack: 5, Timestamps: 8, UserTimeout: 28, FastOpen: 34, AccurateEcn0: 172, AccurateEcn1: 174,
  Experimental: 254,
} as const

/** Bits of {@link SegmentHeader.rare}: options that few segments have. */
export const Rare = { UserTimeout: 1, FastOpen: 2, AccurateEcn: 0x100 } as const

/** Bytes of the header without options. */
export const MIN_HEADER_LENGTH = 20

/** Most blocks of a SACK option (RFC 2018 §3); three beside timestamps. */
export const MAX_SACK_BLOCKS = 4

/** Bytes of a Fast Open cookie, an even number (RFC 7413 §4.1.1). */
export const LEAST_COOKIE = 4
export const MAX_COOKIE = 16

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
  /** ECN field of the IP header (RFC 3168 §5), 0–3: how it came, or is to leave. No part of the TCP header. */
  ecn = 0
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
  /** Counters in the Accurate ECN option, 0–3 (RFC 9768 §3.2.3). */
  ecnCounters = 0
  /** Its counters, 24 bits each; -1 = not told. */
  ect0Bytes = 0
  ceBytes = 0
  ect1Bytes = 0
  /** Bytes of the Fast Open cookie in {@link fastOpenCookie}; 0 = one is asked for (RFC 7413 §4.1.1). */
  fastOpenLength = 0
  readonly fastOpenCookie: Uint8Array = new Uint8Array(MAX_COOKIE)
  /** Fast Open in the form that it had as an experiment (RFC 6994), which old peers speak. */
  fastOpenExperimental = false
  /** An option had an illegal length; what follows it was ignored (RFC 9293 MUST-7). */
  malformedOptions = false
}
