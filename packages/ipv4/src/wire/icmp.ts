// RFC 792, RFC 1191 §4

/** Offsets of the fields. */
export const ICMP_FIELD = {
  type: 0,
  code: 1,
  checksum: 2,
  /** Echo: identifier and sequence number. */
  identifier: 4,
  sequence: 6,
  /** Parameter problem: the octet of the quoted header that is wrong. */
  pointer: 4,
  /** Fragmentation needed: MTU of the next hop, 0 from routers older than RFC 1191. */
  nextHopMtu: 6,
  /** Errors: the header that they are about, and some of its data. */
  quoted: 8,
} as const

/** Bytes before data or quotation. */
export const ICMP_HEADER = 8

/** Message types. */
export const IcmpType = {
  EchoReply: 0,
  DestinationUnreachable: 3,
  SourceQuench: 4,
  Redirect: 5,
  Echo: 8,
  TimeExceeded: 11,
  ParameterProblem: 12,
} as const

/** Codes of destination unreachable (RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1). */
export const UnreachableCode = {
  Net: 0,
  Host: 1,
  Protocol: 2,
  Port: 3,
  FragmentationNeeded: 4,
  SourceRouteFailed: 5,
  NetUnknown: 6,
  HostUnknown: 7,
  HostIsolated: 8,
  NetProhibited: 9,
  HostProhibited: 10,
  NetTos: 11,
  HostTos: 12,
  Prohibited: 13,
  HostPrecedence: 14,
  PrecedenceCutoff: 15,
} as const

/** Is a message of this type about another packet? Errors are never sent about those. */
export function isIcmpError(type: number): boolean {
  return (
    type === IcmpType.DestinationUnreachable ||
    type === IcmpType.SourceQuench ||
    type === IcmpType.Redirect ||
    type === IcmpType.TimeExceeded ||
    type === IcmpType.ParameterProblem
  )
}
