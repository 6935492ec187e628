/** ICMPv6 messages (RFC 4443). `o` is the offset of the message in `view`. */

/** Bytes of the header that every message has: type, code, checksum. */
export const ICMPV6_HEADER_LENGTH = 4
/** Bytes before the quoted packet of an error, or the data of an echo. */
export const ICMPV6_ERROR_HEADER_LENGTH = 8

/** Message types. Errors are below 128. */
export const Icmpv6Type = {
  DestinationUnreachable: 1,
  PacketTooBig: 2,
  TimeExceeded: 3,
  ParameterProblem: 4,
  EchoRequest: 128,
  EchoReply: 129,
  MldQuery: 130,
  MldReport: 131,
  MldDone: 132,
  RouterSolicitation: 133,
  RouterAdvertisement: 134,
  NeighborSolicitation: 135,
  NeighborAdvertisement: 136,
  Redirect: 137,
  Mld2Report: 143,
} as const

/** Codes of Destination Unreachable (RFC 4443 §3.1). */
export const UnreachableCode = {
  NoRoute: 0,
  Prohibited: 1,
  BeyondScope: 2,
  Address: 3,
  Port: 4,
  SourcePolicy: 5,
  RejectRoute: 6,
} as const

/** Codes of Time Exceeded (RFC 4443 §3.3). */
export const TimeExceededCode = { HopLimit: 0, Reassembly: 1 } as const

/** Codes of Parameter Problem (RFC 4443 §3.4, RFC 7112 §5). */
export const ParameterProblemCode = { HeaderField: 0, NextHeader: 1, Option: 2, IncompleteChain: 3 } as const

/** Type of the message. */
export function icmpv6Type(view: DataView, o: number): number {
  return view.getUint8(o)
}

/** Code of the message. */
export function icmpv6Code(view: DataView, o: number): number {
  return view.getUint8(o + 1)
}

/** Third to sixth byte behind the checksum as one word: MTU, pointer; uint32. */
export function icmpv6Parameter(view: DataView, o: number): number {
  return view.getUint32(o + 4)
}

/** RFC 4443 §2.1: the high bit of the type tells information from errors. */
export function isIcmpv6Error(type: number): boolean {
  return type < 128
}

/** Writes type, code, a zero checksum and the word behind them; returns the offset behind it. */
export function writeIcmpv6Header(view: DataView, o: number, type: number, code: number, parameter: number): number {
  view.setUint8(o, type)
  view.setUint8(o + 1, code)
  view.setUint16(o + 2, 0)
  view.setUint32(o + 4, parameter)
  return o + ICMPV6_ERROR_HEADER_LENGTH
}
