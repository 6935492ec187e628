export type { ArpFields, ArpHeader } from './arp.ts'
export { arp } from './arp.ts'
export { concat, hex, isPattern, pattern, toHex, type Bytes } from './bytes.ts'
export {
  arpHeader, check, destinationOptionsHeader, differences, ethernetHeader, fragmentHeader, hopByHopHeader, icmpv4Header, icmpv6Header, ipv4Header, ipv6Header,
  layersAre, payload, quoting, routingHeader, tcpHeader, udpHeader, withProblem, type Expectations, type PacketChecker, type PacketExamination,
} from './check.ts'
export { internetChecksum, pseudoHeaderSum, transportChecksum, type AddressBytes } from './checksum.ts'
export { ethernet, type EthernetFields, type EthernetHeader } from './ethernet.ts'
export { fragmentsOf, type FragmentOptions } from './fragments.ts'
export { ICMPV4_TYPES, icmpv4, type Icmpv4Fields, type Icmpv4Header, type Icmpv4Type } from './icmpv4.ts'
export { ICMPV6_TYPES, icmpv6, type Icmpv6Fields, type Icmpv6Header, type Icmpv6Type } from './icmpv6.ts'
export type { Ipv4Option } from './ipv4-options.ts'
export { ipv4, type Ipv4Fields, type Ipv4Header } from './ipv4.ts'
export {
  destinationOptions, fragment, hopByHop, routing, type FragmentFields, type FragmentHeader, type Ipv6Option, type Ipv6OptionsFields, type Ipv6OptionsHeader,
  type RoutingFields, type RoutingHeader,
} from './ipv6-extensions.ts'
export { ipv6, type Ipv6Fields, type Ipv6Header } from './ipv6.ts'
export type { BuildContext, Layer, LayerName } from './layer.ts'
export { anyOf, atLeast, atMost, between, not, satisfying, type Expected, type Matcher } from './matchers.ts'
export type { NdpOption } from './ndp-options.ts'
export { packet } from './packet.ts'
export { parsePacket, type Header, type HeaderOf, type ParsedPacket, type ParseOptions } from './parse.ts'
export type { AccEcnCounters, TcpOption } from './tcp-options.ts'
export { tcp, tcpFlagBits, tcpFlagLetters, type TcpFields, type TcpHeader } from './tcp.ts'
export { formatPacket, type FormatOptions } from './trace.ts'
export { udp, type UdpFields, type UdpHeader } from './udp.ts'
