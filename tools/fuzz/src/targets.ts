import fc, { type Arbitrary } from 'fast-check'
import { arpFrame, caseOf, echoFrame, errorFrame, ndpFrame, otherFrame, setup, stepsOf, tcpBurst, tcpFrame, udpFrame } from './arbitraries.ts'
import { HOST_CALLS, TCP_CALLS, UDP_CALLS } from './calls.ts'
import type { Case, Frame } from './case.ts'

/** What is fuzzed: a name, and how its cases are made. */
export interface Target {
  readonly name: string
  readonly cases: Arbitrary<Case>
}

/** Text has to flow for anything to happen to it. */
const tcpCalls = [...Object.keys(TCP_CALLS), 'write', 'write', 'write', 'tryWrite', 'tryRead', 'tryRead']
const udpCalls = Object.keys(UDP_CALLS)
const hostCalls = Object.keys(HOST_CALLS)

function target(name: string, options: Parameters<typeof setup>[0], frames: Arbitrary<Frame>, calls: readonly string[], maxLength?: number): Target {
  return { name, cases: caseOf(setup(options), stepsOf(frames, calls, { ...(maxLength === undefined ? {} : { maxLength }), burst: options.hasTcp ? tcpBurst : null })) }
}

/** Everything that a host may get. */
const anything = fc.oneof(
  { weight: 8, arbitrary: tcpFrame }, { weight: 2, arbitrary: udpFrame }, { weight: 1, arbitrary: echoFrame }, { weight: 2, arbitrary: errorFrame },
  { weight: 1, arbitrary: otherFrame }, { weight: 1, arbitrary: ndpFrame }, { weight: 1, arbitrary: arpFrame },
)
const often = <T extends Frame>(arbitrary: Arbitrary<T>) => ({ weight: 4, arbitrary })
const seldom = <T extends Frame>(arbitrary: Arbitrary<T>) => ({ weight: 1, arbitrary })
const ethernet4 = { hasTcp: false, family: 'ipv4', framing: 'ethernet' } as const
const ethernet6 = { hasTcp: false, family: 'ipv6', framing: 'ethernet' } as const
const neighborCalls = ['udpSend', 'ping', 'resolve', 'flushNeighbors', 'addAddress', 'removeAddress', 'carrier', 'upDown']

export const TARGETS: readonly Target[] = [
  target('tcp', { hasTcp: true }, tcpFrame, tcpCalls),
  target('tcp-icmp', { hasTcp: true }, fc.oneof(tcpFrame, errorFrame), tcpCalls),
  target('udp', { hasTcp: false }, fc.oneof(often(udpFrame), seldom(errorFrame)), udpCalls),
  target('icmp', { hasTcp: false }, fc.oneof(echoFrame, errorFrame), ['ping', 'udpSend', 'rawSend']),
  target('ipv4', { hasTcp: false, family: 'ipv4' }, fc.oneof(otherFrame, udpFrame, echoFrame), ['udpSend', 'rawReceive', 'addAddress', 'removeAddress', 'upDown']),
  target('ipv6', { hasTcp: false, family: 'ipv6' }, fc.oneof(otherFrame, udpFrame, echoFrame, ndpFrame), ['udpSend', 'addAddress', 'removeAddress', 'upDown', 'udpGroup']),
  target('arp', ethernet4, fc.oneof(often(arpFrame), seldom(udpFrame)), neighborCalls),
  target('ndp', ethernet6, fc.oneof(often(ndpFrame), seldom(udpFrame)), neighborCalls),
  target('raw', { hasTcp: false }, fc.oneof(otherFrame, echoFrame), ['rawSend', 'rawReceive', 'packetReceive', 'ping']),
  target('everything', { hasTcp: true }, anything, [...tcpCalls, ...udpCalls, ...hostCalls], 40),
]
