export type { ComplianceCase, RunContext } from './case.ts'
export { congestionControlCompliance } from './congestion.ts'
export type {
  AckSampleLike, CongestionAlgorithmLike, CongestionControlLike, CongestionSenderLike, LostSegmentLike, RateSampleLike,
} from './congestion-shapes.ts'
export { linkCompliance } from './link.ts'
export type { LinkPeer, LinkSetup, LinkUnderTest, MakeLink, WirePacket } from './link-bench.ts'
export { networkCompliance } from './network.ts'
export type { MakeNetwork, NetworkFamily, NetworkFields, NetworkUnderTest } from './network-bench.ts'
export { transportCompliance } from './transport.ts'
export type { OpenTransport, TransportFields, TransportUnderTest } from './transport-bench.ts'
