import fc, { type Arbitrary } from 'fast-check'
import { arpFrame, echoFrame, errorFrame, ndpFrame, otherFrame, setup, stepsOf, tcpFrame, udpFrame } from './arbitraries.ts'
import { HOST_CALLS, TCP_CALLS, UDP_CALLS } from './calls.ts'
import type { Case, Frame, Setup } from './case.ts'

/** What is fuzzed: a name, and how its cases are made. */
export interface Target {
  readonly name: string
  readonly cases: Arbitrary<Case>
}

const tcpCalls = Object.keys(TCP_CALLS)
const udpCalls = Object.keys(UDP_CALLS)
const hostCalls = Object.keys(HOST_CALLS)
const pick = (...names: readonly string[]): readonly string[] => names

type FramesOf = (setup: Setup) => Arbitrary<Frame>

function target(name: string, options: Parameters<typeof setup>[0], frames: FramesOf, calls: readonly string[], maxLength?: number): Target {
  return { name, cases: setup(options).chain((given) => fc.record({ setup: fc.constant(given), steps: stepsOf(frames(given), calls, maxLength) })) }
}

/** Everything that a host of this family may get. */
const anything: FramesOf = ({ family, framing, modern }) => fc.oneof(
  { weight: 8, arbitrary: tcpFrame(family, modern) }, { weight: 2, arbitrary: udpFrame(family) }, { weight: 1, arbitrary: echoFrame(family) },
  { weight: 2, arbitrary: errorFrame(family) }, { weight: 1, arbitrary: otherFrame(family) },
  ...(family === 'ipv6' ? [{ weight: 1, arbitrary: ndpFrame }] : framing === 'ethernet' ? [{ weight: 1, arbitrary: arpFrame }] : []),
)

export const TARGETS: readonly Target[] = [
  target('tcp', { hasTcp: true }, ({ family, modern }) => tcpFrame(family, modern), tcpCalls),
  target('tcp-icmp', { hasTcp: true }, ({ family, modern }) => fc.oneof(tcpFrame(family, modern), errorFrame(family)), tcpCalls),
  target('udp', { hasTcp: false }, ({ family }) => fc.oneof(udpFrame(family), udpFrame(family), errorFrame(family)), udpCalls),
  target('icmp', { hasTcp: false }, ({ family }) => fc.oneof(echoFrame(family), errorFrame(family)), pick('ping', 'udpSend', 'rawSend')),
  target('ipv4', { hasTcp: false, family: 'ipv4' }, () => fc.oneof(otherFrame('ipv4'), udpFrame('ipv4'), echoFrame('ipv4')), pick('udpSend', 'rawReceive', 'addAddress', 'removeAddress', 'upDown')),
  target('ipv6', { hasTcp: false, family: 'ipv6' }, () => fc.oneof(otherFrame('ipv6'), udpFrame('ipv6'), echoFrame('ipv6'), ndpFrame), pick('udpSend', 'addAddress', 'removeAddress', 'upDown', 'udpGroup')),
  target('arp', { hasTcp: false, family: 'ipv4', framing: 'ethernet' }, () => fc.oneof({ weight: 4, arbitrary: arpFrame }, { weight: 1, arbitrary: udpFrame('ipv4') }), pick('udpSend', 'ping', 'resolve', 'flushNeighbors', 'addAddress', 'removeAddress', 'carrier', 'upDown')),
  target('ndp', { hasTcp: false, family: 'ipv6', framing: 'ethernet' }, () => fc.oneof({ weight: 4, arbitrary: ndpFrame }, { weight: 1, arbitrary: udpFrame('ipv6') }), pick('udpSend', 'ping', 'resolve', 'flushNeighbors', 'addAddress', 'removeAddress', 'carrier', 'upDown')),
  target('raw', { hasTcp: false }, ({ family }) => fc.oneof(otherFrame(family), echoFrame(family)), pick('rawSend', 'rawReceive', 'packetReceive', 'ping')),
  target('everything', { hasTcp: true }, anything, [...tcpCalls, ...udpCalls, ...hostCalls], 40),
]
