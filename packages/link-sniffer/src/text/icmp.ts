import { ipv4Text } from './address.ts'
import { has, type Reader } from './reader.ts'

const UNREACHABLE: Readonly<Record<number, string>> = {
  0: 'net unreachable', 1: 'host unreachable', 2: 'protocol unreachable', 3: 'port unreachable', 4: 'need to frag', 5: 'source route failed',
  9: 'net prohibited', 10: 'host prohibited', 13: 'admin prohibited',
}

/** RFC 792. */
export function describeIcmp(reader: Reader, at: number, length: number): string {
  if (length < 8 || !has(reader, at, 8)) return 'ICMP [truncated]'
  return `ICMP ${describeMessage(reader, at)}, length ${length}`
}

function describeMessage(reader: Reader, at: number): string {
  const { view } = reader
  const type = view.getUint8(at)
  const code = view.getUint8(at + 1)
  switch (type) {
    case 0: return `echo reply, ${echoText(reader, at)}`
    case 8: return `echo request, ${echoText(reader, at)}`
    case 3: {
      const reason = UNREACHABLE[code] ?? `unreachable code ${code}`
      // RFC 1191 §4: the MTU of the next hop.
      return `${original(reader, at)}${reason}${code === 4 ? ` (mtu ${view.getUint16(at + 6)})` : ''}`
    }
    case 5: return `redirect to ${ipv4Text(reader, at + 4)}`
    case 9: return 'router advertisement'
    case 10: return 'router solicitation'
    case 11: return `${original(reader, at)}${code === 1 ? 'reassembly time exceeded' : 'time exceeded in transit'}`
    case 12: return `${original(reader, at)}parameter problem at ${view.getUint8(at + 4)}`
    case 13: return 'timestamp request'
    case 14: return 'timestamp reply'
    default: return `type ${type} code ${code}`
  }
}

export function echoText({ view }: Reader, at: number): string {
  return `id ${view.getUint16(at + 4)}, seq ${view.getUint16(at + 6)}`
}

/** Whom the packet went to that the message is about. */
function original(reader: Reader, at: number): string {
  return has(reader, at + 8, 20) ? `${ipv4Text(reader, at + 24)} ` : ''
}
