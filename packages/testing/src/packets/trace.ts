import type { ArpHeader } from './arp.ts'
import { ICMPV4_TYPES, type Icmpv4Header } from './icmpv4.ts'
import { ICMPV6_TYPES, type Icmpv6Header } from './icmpv6.ts'
import { parsePacket, type ParsedPacket, type ParseOptions } from './parse.ts'
import { tcpFlagBits, type TcpHeader } from './tcp.ts'
import type { TcpOption } from './tcp-options.ts'

/** Options of {@link formatPacket}. */
export interface FormatOptions extends ParseOptions {
  /** Taken away from the sequence number and the acknowledgment before they are shown. */
  readonly relativeTo?: { readonly seq: number; readonly ack: number }
}

/**
 * One line about a packet, as tcpdump would write it.
 *
 * @example
 * ```ts
 * import { formatPacket, ipv4, packet, tcp } from '@stack/testing'
 *
 * console.log(formatPacket(packet(ipv4(), tcp({ flags: 'S', seq: 1, mss: 1460 }))))
 * // IP 10.0.0.2.5000 > 10.0.0.1.7000: Flags [S], seq 1, win 65535, options [mss 1460], length 0
 * ```
 */
export function formatPacket(packet: Uint8Array | ParsedPacket, options: FormatOptions = {}): string {
  const parsed = packet instanceof Uint8Array ? parsePacket(packet, options) : packet
  const { ethernet, arp } = parsed
  const frame = ethernet === null ? '' : `${ethernet.source} > ${ethernet.destination}${ethernet.vlan === null ? '' : `, vlan ${String(ethernet.vlan.id)}`}, `
  const problems = parsed.problems.length === 0 ? '' : ` (${parsed.problems.join('; ')})`
  if (arp !== null) return frame + formatArp(arp) + problems
  const network = parsed.ipv4 ?? parsed.ipv6
  if (network === null) {
    return `${frame}${ethernet === null ? 'unknown' : `ethertype 0x${ethernet.type.toString(16).padStart(4, '0')}`}, length ${String(parsed.bytes.length)}${problems}`
  }
  const ports = parsed.tcp ?? parsed.udp
  const end = (address: string, port: number | undefined): string => (port === undefined ? address : `${address}.${String(port)}`)
  const name = network.layer === 'ipv4' ? 'IP' : 'IP6'
  return `${frame}${name} ${end(network.source, ports?.sourcePort)} > ${end(network.destination, ports?.destinationPort)}: ${fragmentText(parsed)}${formatTransport(parsed, options)}${problems}`
}

function formatArp({ operation, sender, senderLink, target }: ArpHeader): string {
  if (operation === 1) return `ARP, Request who-has ${target} tell ${sender}, length 28`
  return operation === 2 ? `ARP, Reply ${sender} is-at ${senderLink}, length 28` : `ARP, operation ${String(operation)}, length 28`
}

function fragmentText({ ipv4, fragment }: ParsedPacket): string {
  if (ipv4 !== null && (ipv4.moreFragments || ipv4.fragmentOffset > 0)) {
    return `frag (${String(ipv4.identification)}:${String(ipv4.fragmentOffset)}${ipv4.moreFragments ? '+' : ''}) `
  }
  return fragment === null ? '' : `frag (${String(fragment.identification)}:${String(fragment.offset)}${fragment.more ? '+' : ''}) `
}

function formatTransport(packet: ParsedPacket, options: FormatOptions): string {
  const { tcp, udp, icmpv4, icmpv6, payload } = packet
  if (tcp !== null) return formatTcp(tcp, payload.length, options)
  if (udp !== null) return `UDP, length ${String(payload.length)}`
  if (icmpv4 !== null) return `ICMP ${icmpText(nameOf(ICMPV4_TYPES, icmpv4.type), icmpv4, [0, 8, 9, 10, 13, 14].includes(icmpv4.type), payload)}`
  if (icmpv6 !== null) return `ICMP6, ${icmpText(nameOf(ICMPV6_TYPES, icmpv6.type), icmpv6, icmpv6.type >= 128, payload)}`
  const last = packet.layers.at(-1)!
  const protocol = last.layer === 'ipv4' ? last.protocol : 'nextHeader' in last ? last.nextHeader : 0
  return `protocol ${String(protocol)}, length ${String(payload.length)}`
}

function formatTcp(tcp: TcpHeader, length: number, { relativeTo = { seq: 0, ack: 0 } }: FormatOptions): string {
  const relative = (value: number, base: number): number => (base === 0 ? value : (value - base) | 0)
  const bits = tcpFlagBits(tcp.flags)
  const letters = ([['S', 2], ['F', 1], ['R', 4], ['P', 8], ['.', 16], ['U', 32], ['E', 64], ['W', 128], ['e', 256]] as const)
    .filter(([, bit]) => (bits & bit) !== 0).map(([letter]) => letter).join('')
  const seq = relative(tcp.seq, relativeTo.seq)
  const parts = [`Flags [${letters === '' ? 'none' : letters}]`]
  if (length > 0 || (bits & 7) !== 0) parts.push(`seq ${String(seq)}${length > 0 ? `:${String(seq + length)}` : ''}`)
  if ((bits & 16) !== 0) parts.push(`ack ${String(relative(tcp.ack, relativeTo.ack))}`)
  parts.push(`win ${String(tcp.window)}`)
  if ((bits & 32) !== 0) parts.push(`urg ${String(tcp.urgentPointer)}`)
  if (tcp.options.length > 0) parts.push(`options [${tcp.options.map((option) => optionText(option, (edge) => relative(edge, relativeTo.ack))).join(',')}]`)
  parts.push(`length ${String(length)}`)
  return parts.join(', ')
}

function optionText(option: TcpOption, relative: (edge: number) => number): string {
  switch (option.kind) {
    case 'end':
      return 'eol'
    case 'nop':
      return 'nop'
    case 'mss':
      return `mss ${String(option.value)}`
    case 'windowScale':
      return `wscale ${String(option.shift)}`
    case 'sackPermitted':
      return 'sackOK'
    case 'sack':
      return `sack ${String(option.blocks.length)} ${option.blocks.map(([left, right]) => `{${String(relative(left))}:${String(relative(right))}}`).join('')}`
    case 'timestamps':
      return `TS val ${String(option.value)} ecr ${String(option.echo)}`
    case 'fastOpen':
    case 'fastOpenExperimental':
      return `tfo${option.cookie.length === 0 ? ' cookiereq' : ` cookie ${String(option.cookie.length)}`}`
    case 'userTimeout':
      return `uto ${String(option.value)} ${option.granularity}`
    case 'md5':
      return 'md5'
    case 'accEcn0':
    case 'accEcn1':
      return `${option.kind} ${option.counters.join(' ')}`
    case 'unknown':
      return `unknown-${String(option.number)}`
  }
}

function nameOf(names: Readonly<Record<string, number>>, type: number): string {
  return (Object.keys(names).find((name) => names[name] === type) ?? `type ${String(type)}`).replaceAll('-', ' ')
}

function icmpText(name: string, message: Icmpv4Header | Icmpv6Header, isInformation: boolean, payload: Uint8Array): string {
  const parts = [name + (message.code === 0 ? '' : ` code ${String(message.code)}`)]
  if (message.identifier !== null) parts.push(`id ${String(message.identifier)}`, `seq ${String(message.sequence)}`)
  if (message.mtu !== null) parts.push(`mtu ${String(message.mtu)}`)
  if (message.pointer !== null) parts.push(`pointer ${String(message.pointer)}`)
  if (message.layer === 'icmpv4' && message.gateway !== null) parts.push(`gateway ${message.gateway}`)
  if (message.layer === 'icmpv6' && message.target !== null) parts.push(`target ${message.target}`)
  if (isInformation || payload.length === 0) parts.push(`length ${String(payload.length)}`)
  else parts.push(`quoting ${formatPacket(parsePacket(payload, { isQuote: true }))}`)
  return parts.join(', ')
}
