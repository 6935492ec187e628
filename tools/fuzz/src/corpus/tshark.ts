import { execFileSync, spawnSync } from 'node:child_process'
import type { Fields } from './fields.ts'

/** Is tshark there? */
export function hasTshark(): boolean {
  return spawnSync('tshark', ['--version'], { stdio: 'ignore' }).status === 0
}

const NAMES = [
  'arp.opcode', 'arp.src.proto_ipv4', 'arp.dst.proto_ipv4',
  'ip.src', 'ip.dst', 'ip.len', 'ip.hdr_len', 'ip.ttl', 'ip.proto', 'ip.id', 'ip.frag_offset', 'ip.flags.df', 'ip.flags.mf', 'ip.checksum.status',
  'ipv6.src', 'ipv6.dst', 'ipv6.plen', 'ipv6.nxt', 'ipv6.hlim', 'ipv6.flow', 'ipv6.tclass', 'icmp.type', 'icmp.code', 'icmpv6.type', 'icmpv6.code',
  'tcp.srcport', 'tcp.dstport', 'tcp.seq_raw', 'tcp.ack_raw', 'tcp.window_size_value', 'tcp.hdr_len', 'tcp.len', 'tcp.urgent_pointer',
  'tcp.flags.fin', 'tcp.flags.syn', 'tcp.flags.reset', 'tcp.flags.push', 'tcp.flags.ack', 'tcp.flags.urg', 'tcp.flags.ece', 'tcp.flags.cwr',
  'tcp.options.mss_val', 'tcp.options.wscale.shift', 'tcp.options.timestamp.tsval', 'tcp.options.timestamp.tsecr', 'tcp.checksum.status',
  'udp.srcport', 'udp.dstport', 'udp.length', 'udp.checksum.status',
]
const PREFERENCES = [
  'ip.check_checksum:TRUE', 'tcp.check_checksum:TRUE', 'udp.check_checksum:TRUE', 'ip.defragment:FALSE', 'ipv6.defragment:FALSE', 'tcp.desegment_tcp_streams:FALSE',
]

interface Packet {
  readonly _source: { readonly layers: Readonly<Record<string, readonly string[]>> }
}

/** What tshark reads of each frame of a file; the first value of a field, which is that of the outermost header. */
export function tsharkFields(file: string): Fields[] {
  const output = execFileSync('tshark', ['-n', '-r', file, ...PREFERENCES.flatMap((one) => ['-o', one]), '-T', 'json', ...NAMES.flatMap((name) => ['-e', name])], {
    encoding: 'utf8', maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'ignore'],
  })
  return (JSON.parse(output) as Packet[]).map(({ _source: { layers } }) => Object.fromEntries(Object.entries(layers).map(([name, values]) => [name, values[0]!])))
}

/** Fields in which the two disagree; what only one of them reads is not compared. */
export function disagreements(ours: Fields, theirs: Fields): string[] {
  return Object.entries(ours).flatMap(([name, value]) => {
    const other = theirs[name]
    // Some versions tell the offset as it is on the wire, in 8 bytes.
    const isSame = other === undefined || same(value, other) || (name === 'ip.frag_offset' && Number(value) === 8 * Number(other))
    return isSame ? [] : [`${name}: ${value} here, ${other} in tshark`]
  })
}

/** Numbers may be written in two ways, and flags with a word. */
function same(a: string, b: string): boolean {
  if (a === b) return true
  const plain = (text: string): string => (text === 'True' ? '1' : text === 'False' ? '0' : text)
  const [x, y] = [Number(plain(a)), Number(plain(b))]
  return !Number.isNaN(x) && x === y
}
