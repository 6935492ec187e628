import { ipv6Text } from './address.ts'
import { describeIcmpv6 } from './icmpv6.ts'
import { cut, has, type Reader } from './reader.ts'
import { describeTransport, withPorts } from './transport.ts'

const HOP_BY_HOP = 0
const ROUTING = 43
const FRAGMENT = 44
const ICMPV6 = 58
const NO_NEXT_HEADER = 59
const DESTINATION_OPTIONS = 60
/** Extension headers followed at most. */
const MAX_HEADERS = 16

/** RFC 8200 §3 and §4. */
export function describeIpv6(given: Reader, start: number): string {
  const { view, end } = given
  if (!has(given, start, 40)) return `IP6 [truncated, ${end - start} bytes]`
  const source = ipv6Text(given, start + 8)
  const destination = ipv6Text(given, start + 24)
  const bodyEnd = start + 40 + view.getUint16(start + 4)
  const reader = cut(given, bodyEnd)
  let at = start + 40
  let next = view.getUint8(start + 6)
  let suffix = ''
  let isFirstFragment = false
  for (let count = 0; isExtension(next) && count < MAX_HEADERS; count++) {
    if (!has(reader, at, 8)) return `IP6 ${source} > ${destination}: [truncated extension header ${next}]`
    if (next === FRAGMENT) {
      const field = view.getUint16(at + 2)
      const offset = field & 0xfff8
      const more = (field & 1) !== 0
      const length = bodyEnd - at - 8
      isFirstFragment = more && offset === 0
      suffix = ` (frag id ${view.getUint32(at + 4)} ${offset}-${offset + length - 1}${more ? '+' : ''})`
      if (offset > 0) return `IP6 ${source} > ${destination}: next header ${view.getUint8(at)}, length ${length}${suffix}`
    }
    const size = next === FRAGMENT ? 8 : (view.getUint8(at + 1) + 1) * 8
    next = view.getUint8(at)
    at += size
  }
  const length = bodyEnd - at
  if (next === NO_NEXT_HEADER) return `IP6 ${source} > ${destination}: no next header${suffix}`
  if (length < 0) return `IP6 ${source} > ${destination}: [bad extension header length]`
  if (next === ICMPV6) return `IP6 ${source} > ${destination}: ${describeIcmpv6(reader, at, length)}${suffix}`
  return `IP6 ${withPorts(reader, at, next, source, destination)}: ${describeTransport(reader, at, next, length, isFirstFragment)}${suffix}`
}

function isExtension(next: number): boolean {
  return next === HOP_BY_HOP || next === ROUTING || next === FRAGMENT || next === DESTINATION_OPTIONS
}
