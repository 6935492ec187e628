import { has, type Reader } from './reader.ts'
import { describeTcp } from './tcp.ts'

const IGMP = 2
const TCP = 6
const UDP = 17
const UDP_HEADER = 8

/** What follows the IP header, where the decoder is the same for both families. `length` is what IP says; less may be there. The first fragment (`more`) is shorter than the lengths in it say. */
export function describeTransport(reader: Reader, at: number, protocol: number, length: number, more: boolean): string {
  switch (protocol) {
    case TCP: return describeTcp(reader, at, length)
    case UDP: return describeUdp(reader, at, more ? Infinity : length)
    case IGMP: return describeIgmp(reader, at, length)
    default: return `proto ${protocol}, length ${length}`
  }
}

/** `source.port > destination.port` when the protocol has ports and they are there. */
export function withPorts(reader: Reader, at: number, protocol: number, source: string, destination: string): string {
  if ((protocol !== TCP && protocol !== UDP) || !has(reader, at, 4)) return `${source} > ${destination}`
  const { view } = reader
  return `${source}.${view.getUint16(at)} > ${destination}.${view.getUint16(at + 2)}`
}

/** RFC 768. */
function describeUdp(reader: Reader, at: number, room: number): string {
  if (!has(reader, at, UDP_HEADER)) return 'UDP [truncated]'
  const stated = reader.view.getUint16(at + 4)
  if (stated < UDP_HEADER || stated > room) return `UDP, [bad length ${stated}]`
  return `UDP, length ${stated - UDP_HEADER}`
}

/** RFC 3376 §4, RFC 2236 §2. */
function describeIgmp(reader: Reader, at: number, length: number): string {
  if (!has(reader, at, 1)) return 'igmp [truncated]'
  const type = reader.view.getUint8(at)
  const name = IGMP_TYPES[type] ?? `type ${type}`
  return `igmp ${name}, length ${length}`
}

const IGMP_TYPES: Readonly<Record<number, string>> = { 0x11: 'query', 0x12: 'v1 report', 0x16: 'v2 report', 0x17: 'leave', 0x22: 'v3 report' }
