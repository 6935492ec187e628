import type { IcmpSpec, IpSpec, OptionSpec, PacketAction, Ports, TcpSpec, UdpSpec } from '../language/ast.ts'

/** A packet in the notation of the language: `> P. 1:1001(1000) ack 1 <nop,nop,TS val 5 ecr 6>`. */
export function printPacket(packet: PacketAction): string {
  const { ip, body } = packet
  return [packet.direction === 'inject' ? '<' : '>', printIp(ip), printBody(body)].filter((part) => part !== '').join(' ')
}

/**
 * A packet as seen, with only those fields of the network header, window and ports that `wanted` speaks of: so that the two
 * line up in a report.
 */
export function printLike(packet: PacketAction, wanted: PacketAction): string {
  const ip: IpSpec = {
    ecn: wanted.ip.ecn === null ? null : packet.ip.ecn,
    tos: wanted.ip.tos === null ? null : packet.ip.tos,
    ttl: wanted.ip.ttl === null ? null : packet.ip.ttl,
    flowLabel: wanted.ip.flowLabel === null ? null : packet.ip.flowLabel,
    id: wanted.ip.id === null ? null : packet.ip.id,
  }
  const { body } = packet
  const noWindow = body.kind === 'tcp' && wanted.body.kind === 'tcp' && wanted.body.window === null
  return printPacket({ ...packet, ip, body: noWindow ? { ...body, window: null } : body })
}

/** A packet without its network header, for a trace. */
export function printShort(packet: PacketAction): string {
  return printPacket({ ...packet, ip: { ecn: packet.ip.ecn === 'noecn' ? null : packet.ip.ecn, tos: null, ttl: null, flowLabel: null, id: null } })
}

function printIp(ip: IpSpec): string {
  const parts = [
    ip.ecn,
    ip.tos === null ? null : `tos 0x${ip.tos.toString(16)}`,
    ip.ttl === null ? null : `ttl ${String(ip.ttl)}`,
    ip.flowLabel === null ? null : `flowlabel 0x${ip.flowLabel.toString(16)}`,
    ip.id === null ? null : `id ${String(ip.id)}`,
  ].filter((part) => part !== null)
  return parts.length === 0 ? '' : `[${parts.join(', ')}]`
}

function printBody(body: TcpSpec | UdpSpec | IcmpSpec): string {
  if (body.kind === 'tcp') return printTcp(body)
  if (body.kind === 'udp') return words('udp', printPorts(body.ports), `(${String(body.length)})`)
  const { inner } = body
  return words(
    'icmp', body.type, body.code, labelled('mtu', body.mtu), labelled('id', body.id), labelled('seq', body.sequence),
    inner === null ? null : inner.kind === 'tcp' ? `[${String(inner.sequence)}:${String(inner.end)}(${String(inner.length)})]` : `[${inner.kind} (${String(inner.length)})]`,
  )
}

function printTcp(body: TcpSpec): string {
  const flags = `${body.flags}${body.ace === null ? '' : String(body.ace)}`
  return words(
    printPorts(body.ports), flags === '' ? '-' : flags, body.anySequence === true ? `...(${String(body.length)})` : `${String(body.sequence)}:${String(body.end)}(${String(body.length)})`, labelled('ack', body.ack),
    labelled('win', body.window), labelled('urg', body.urgent), printOptions(body.options),
  )
}

function printPorts(ports: Ports | null): string | null {
  return ports === null ? null : `${String(ports.source)} > ${String(ports.destination)}`
}

/** `<mss 1460,nop,wscale 7>`; null for no list. */
export function printOptions(options: TcpSpec['options']): string | null {
  if (options === null) return null
  return options === 'any' ? '<...>' : `<${options.map(printOption).join(',')}>`
}

export function printOption(option: OptionSpec): string {
  switch (option.kind) {
    case 'nop':
    case 'eol':
    case 'sackOK': return option.kind
    case 'mss':
    case 'wscale': return `${option.kind} ${String(option.value)}`
    case 'sack': return words('sack', ...option.blocks.map(({ start, end }) => `${String(start)}:${String(end)}`))
    case 'timestamp': return `TS val ${orAny(option.value)} ecr ${orAny(option.echo)}`
    case 'fastOpen': return words('FO', option.symbol ?? hexOrNull(option.cookie))
    case 'fastOpenExperimental': return words('FOEXP', option.symbol ?? hexOrNull(option.cookie))
    case 'md5': return words('md5', option.valid === null ? hexOrNull(option.digest) : option.valid ? 'valid' : 'invalid')
    case 'accurateEcn': return words('ECN', ...option.counters.map(({ name, value }) => `${name} ${String(value)}`))
    case 'other': return words(`option ${String(option.number)}`, hexOrNull(option.bytes))
  }
}

function orAny(value: number | null): string {
  return value === null ? '...' : String(value)
}

function labelled(label: string, value: number | null): string | null {
  return value === null ? null : `${label} ${String(value)}`
}

function hexOrNull(bytes: Uint8Array | null): string | null {
  return bytes === null || bytes.length === 0 ? null : Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function words(...parts: readonly (string | null)[]): string {
  return parts.filter((part) => part !== null && part !== '').join(' ')
}
