import { ipv4Text } from './address.ts'
import { describeIcmp } from './icmp.ts'
import { cut, has, type Reader } from './reader.ts'
import { describeTransport, withPorts } from './transport.ts'

const ICMP = 1
const MORE_FRAGMENTS = 0x2000

/** RFC 791 §3.1. */
export function describeIpv4(reader: Reader, at: number): string {
  const { view, end } = reader
  if (!has(reader, at, 20)) return `IP [truncated, ${end - at} bytes]`
  const header = (view.getUint8(at) & 0xf) * 4
  if (header < 20) return `IP [bad header length ${header}]`
  const source = ipv4Text(reader, at + 12)
  const destination = ipv4Text(reader, at + 16)
  const total = view.getUint16(at + 2)
  if (total < header) return `IP ${source} > ${destination}: [bad total length ${total}]`
  if (!has(reader, at, header)) return `IP ${source} > ${destination}: [truncated options]`
  const body = at + header
  const length = total - header
  const fragment = view.getUint16(at + 6)
  const offset = (fragment & 0x1fff) * 8
  const protocol = view.getUint8(at + 9)
  const whole = cut(reader, at + total)
  const more = (fragment & MORE_FRAGMENTS) !== 0
  const suffix = more || offset > 0 ? ` (frag id ${view.getUint16(at + 4)} ${offset}-${offset + length - 1}${more ? '+' : ''})` : ''
  if (offset > 0) return `IP ${source} > ${destination}: proto ${protocol}, length ${length}${suffix}`
  if (protocol === ICMP) return `IP ${source} > ${destination}: ${describeIcmp(whole, body, length)}${suffix}`
  const ends = withPorts(whole, body, protocol, source, destination)
  return `IP ${ends}: ${describeTransport(whole, body, protocol, length, more)}${suffix}`
}
