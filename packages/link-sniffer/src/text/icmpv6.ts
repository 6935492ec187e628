import { ipv6Text } from './address.ts'
import { echoText } from './icmp.ts'
import { has, type Reader } from './reader.ts'

const UNREACHABLE: Readonly<Record<number, string>> = {
  0: 'no route', 1: 'admin prohibited', 2: 'beyond scope', 3: 'address unreachable', 4: 'port unreachable', 5: 'policy failed', 6: 'route rejected',
}

/** RFC 4443, RFC 4861, RFC 3810. */
export function describeIcmpv6(reader: Reader, at: number, length: number): string {
  if (length < 4 || !has(reader, at, 4)) return 'ICMP6 [truncated]'
  return `ICMP6, ${describeMessage(reader, at)}, length ${length}`
}

function describeMessage(reader: Reader, at: number): string {
  const { view } = reader
  const type = view.getUint8(at)
  const code = view.getUint8(at + 1)
  const name = NAMES[type] ?? `type ${type} code ${code}`
  if (!has(reader, at, 8)) return name
  switch (type) {
    case 1: return `${original(reader, at)}${UNREACHABLE[code] ?? `unreachable code ${code}`}`
    case 2: return `${original(reader, at)}packet too big, mtu ${view.getUint32(at + 4)}`
    case 3: return `${original(reader, at)}${code === 1 ? 'reassembly time exceeded' : 'time exceeded in transit'}`
    case 4: return `${original(reader, at)}parameter problem code ${code} at ${view.getUint32(at + 4)}`
    case 128:
    case 129: return `${name}, ${echoText(reader, at)}`
    case 134: return `${name}, hop limit ${view.getUint8(at + 4)}, lifetime ${view.getUint16(at + 6)} s`
    case 135: return has(reader, at, 24) ? `${name}, who has ${ipv6Text(reader, at + 8)}` : name
    case 136: return has(reader, at, 24) ? `${name}, tgt is ${ipv6Text(reader, at + 8)}${advertisementFlags(view.getUint8(at + 4))}` : name
    case 130: return has(reader, at, 24) ? `${name} ${ipv6Text(reader, at + 8)}` : name
    case 143: return `${name}, ${view.getUint16(at + 6)} group records`
    default: return name
  }
}

/** RFC 4861 §4.4. */
function advertisementFlags(flags: number): string {
  const names = [(flags & 0x80) !== 0 && 'router', (flags & 0x40) !== 0 && 'solicited', (flags & 0x20) !== 0 && 'override'].filter((name) => name !== false)
  return names.length === 0 ? '' : `, flags [${names.join(' ')}]`
}

/** Whom the packet went to that the message is about. */
function original(reader: Reader, at: number): string {
  return has(reader, at + 8, 40) ? `${ipv6Text(reader, at + 32)} ` : ''
}

const NAMES: Readonly<Record<number, string>> = {
  1: 'unreachable', 2: 'packet too big', 3: 'time exceeded', 4: 'parameter problem', 128: 'echo request', 129: 'echo reply',
  130: 'multicast listener query', 131: 'multicast listener report', 132: 'multicast listener done', 133: 'router solicitation',
  134: 'router advertisement', 135: 'neighbor solicitation', 136: 'neighbor advertisement', 137: 'redirect', 143: 'multicast listener report v2',
}
