/**
 * Tools for testing what runs on @stack, for any test runner: virtual time, stacks that are looked at for leaks, packets
 * built and checked, a peer that speaks from a script, hostile links, fake protocols.
 *
 * @example
 * ```ts
 * import { manualClock } from '@stack/testing'
 *
 * const clock = manualClock()
 * await clock.advance(1000)
 * ```
 *
 * @packageDocumentation
 */
export * from './compliance/index.ts'
export { fakeNic, type FakeNic, type ReceivedPacket } from './fake-nic.ts'
export { FAKE_NETWORK_HEADER, FAKE_NETWORK_PROTOCOL, fakeNetwork, type FakeNetwork, type FakeNetworkEndpoint } from './fakes/fake-network.ts'
export { FAKE_TRANSPORT_HEADER, FAKE_TRANSPORT_PROTOCOL, fakeTransport, type FakeDatagram, type FakeSocket, type FakeTransport } from './fakes/fake-transport.ts'
export { spoiler, type Spoiler } from './fuzz/spoiler.ts'
export { leaksOf } from './leaks.ts'
export * from './links/index.ts'
export { manualClock, type ManualClock, type ManualClockOptions } from './manual-clock.ts'
export { tcpObserver, type TcpObserver, type TcpObserverOptions, type Way } from './observer/tcp-observer.ts'
export * from './packets/index.ts'
export { FAMILIES, scriptedPeer, type Family, type PeerLink, type PeerOptions, type ScriptedPeer } from './peer/peer.ts'
export type { InitialNumbers, Segment, SegmentExpectations, SegmentFields } from './peer/segment.ts'
export { SYNCHRONIZED_STATES, TCP_STATES, type InState, type TcpStateName } from './peer/states.ts'
export type { ConnectionLike, ConnectionOf, ConnectOptionsOf, ListenerLike, ListenOptionsOf, TcpLike } from './peer/tcp-like.ts'
export { deterministicRandom } from './stack/deterministic-random.ts'
export { fakeLink, type FakeLink, type FakeLinkOptions, type SentPacket } from './stack/fake-link.ts'
export { createTestStack, type TestStack, type TestStackOptions } from './stack/test-stack.ts'
