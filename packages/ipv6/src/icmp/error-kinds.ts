import type { TransportErrorKind } from '@stack/core'
import { Icmpv6Type, ParameterProblemCode, UnreachableCode } from '../wire/icmpv6.ts'

/** What an ICMPv6 error means to a transport. */
export function errorKind(type: number, code: number): TransportErrorKind {
  switch (type) {
    case Icmpv6Type.DestinationUnreachable:
      return unreachableKind(code)
    case Icmpv6Type.PacketTooBig:
      return 'packetTooBig'
    case Icmpv6Type.TimeExceeded:
      return 'timeExceeded'
    case Icmpv6Type.ParameterProblem:
      // RFC 4443 §3.4: the peer knows no such upper layer.
      return code === ParameterProblemCode.NextHeader ? 'protocolUnreachable' : 'parameterProblem'
    default:
      return 'unknown'
  }
}

function unreachableKind(code: number): TransportErrorKind {
  switch (code) {
    case UnreachableCode.NoRoute:
      return 'netUnreachable'
    case UnreachableCode.Port:
      return 'portUnreachable'
    case UnreachableCode.Prohibited:
    case UnreachableCode.SourcePolicy:
    case UnreachableCode.RejectRoute:
      return 'prohibited'
    default:
      return 'hostUnreachable'
  }
}
