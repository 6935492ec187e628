import type { IcmpSpec, IpSpec, OptionSpec, PacketAction, Position, TcpSpec } from '../language/ast.ts'
import { ScriptError } from '../language/error.ts'
import { icmpMessage, networkPacket, tcpSegment, udpDatagram } from './build.ts'
import { ACK, flagBits, SYN } from './flags.ts'
import { viewOf } from './bytes.ts'
import type { Flow, FlowPorts } from './flow.ts'
import { hasMtu, icmpNumbers, isEcho, isIcmpError } from './icmp-names.ts'
import { PROTOCOL } from './live.ts'
import { segmentDigest, withDigests } from './signature.ts'
import { MAX_OPTIONS, encodeOptions, scaleOf } from './tcp-options.ts'

/** Between whom packets go: addresses as bytes, the stack's own being `local`. */
export interface Wire {
  readonly version: 4 | 6
  readonly local: Uint8Array
  readonly remote: Uint8Array
  /** Fast Open cookies by the names that the script has for them, as the stack gave them out. */
  readonly cookies: ReadonlyMap<string, Uint8Array>
  /** Echoes of our timestamps are scaled, not looked up. */
  readonly echoScaled: boolean
  /** What `md5 valid` is computed with; null = the script does not say. */
  readonly md5Secret: string | null
}

/** Time to live of what the script sends, where it does not say. */
const DEFAULT_TTL = 255
const ECN_BITS = { noecn: 0, ect1: 1, ect0: 2, ect01: 2, ce: 3 } as const
/** Bytes of the transport header that an ICMP error quotes (RFC 792). */
const QUOTED = 8
const UNKNOWN_PROTOCOL = 255
/** Bytes of a cookie that the stack never gave out. */
const UNKNOWN_COOKIE = 8

/** The bytes of a packet that the script puts in, with live numbers. `flow` null: an ICMP message that is about nothing. */
export function injectedPacket(action: PacketAction, flow: Flow | null, wire: Wire): Uint8Array {
  const { body, ip } = action
  const { local, remote } = wire
  if (body.kind === 'icmp') {
    return networkPacket(header(ip, wire, wire.version === 4 ? PROTOCOL.icmp : PROTOCOL.icmpv6), icmp(action, body, flow?.live ?? { local: 0, remote: 0 }, flow, wire))
  }
  const { live } = flow!
  if (body.kind === 'udp') return networkPacket(header(ip, wire, PROTOCOL.udp), udpDatagram(live.remote, live.local, body.length, remote, local))
  return networkPacket(header(ip, wire, PROTOCOL.tcp), tcp(action, body, flow!, wire))
}

function header(ip: IpSpec, wire: Wire, protocol: number): Parameters<typeof networkPacket>[0] {
  const ecn = ip.ecn === null ? 0 : ECN_BITS[ip.ecn]
  return {
    source: wire.remote, destination: wire.local, protocol, tos: ip.tos ?? ecn, ttl: ip.ttl ?? DEFAULT_TTL, flowLabel: ip.flowLabel ?? 0, id: ip.id ?? 0,
  }
}

function tcp(action: PacketAction, body: TcpSpec, flow: Flow, wire: Wire): Uint8Array {
  const flags = flagBits(body.flags, body.ace)
  const isSyn = (flags & SYN) !== 0
  const hasAck = (flags & ACK) !== 0
  if (isSyn) flow.remoteSyn(body.sequence, scaleOf(body.options === 'any' ? null : body.options))
  if (body.options === 'any') throw new ScriptError('A packet that is sent needs its options: <...> is for expected ones.', action.at)
  const options = (body.options ?? []).map((option) => liveOption(option, flow, hasAck, wire))
  if (encodeOptions(options).length > MAX_OPTIONS) throw new ScriptError('The options of this packet need more than 40 bytes.', action.at)
  const fields = {
    sourcePort: flow.live.remote, destinationPort: flow.live.local, sequence: body.literalSequence ? body.sequence >>> 0 : flow.remoteToLive(body.sequence, isSyn),
    acknowledgment: hasAck && !body.literalAck ? flow.localToLive(body.ack ?? 0) : (body.ack ?? 0), flags, window: body.window ?? 0, urgent: body.urgent ?? 0, options, length: body.length,
  }
  const { local, remote } = wire
  // The digest does not cover itself.
  const digest = (): Uint8Array => segmentDigest(tcpSegment(fields, remote, local), remote, local, secretOf(wire, action.at))
  return tcpSegment({ ...fields, options: withDigests(options, digest) }, remote, local)
}

function secretOf({ md5Secret }: Wire, at: Position): string {
  if (md5Secret === null) throw new ScriptError('`md5 valid` and `md5 invalid` need --tcp_md5_secret.', at)
  return md5Secret
}

function liveOption(option: OptionSpec, flow: Flow, hasAck: boolean, wire: Wire): OptionSpec {
  if (option.kind === 'sack') return { kind: 'sack', blocks: option.blocks.map(({ start, end }) => ({ start: flow.localToLive(start), end: flow.localToLive(end) })) }
  // RFC 7323 §3.2: the echo is valid with an ACK only.
  if ((option.kind === 'fastOpen' || option.kind === 'fastOpenExperimental') && option.symbol !== null) return { ...option, cookie: wire.cookies.get(option.symbol) ?? new Uint8Array(UNKNOWN_COOKIE) }
  if (option.kind === 'timestamp' && hasAck && option.echo !== null) return { ...option, echo: flow.echoToLive(option.echo, wire.echoScaled) }
  return option
}

function icmp(action: PacketAction, body: IcmpSpec, ports: FlowPorts, flow: Flow | null, wire: Wire): Uint8Array {
  const { type, code } = icmpNumbers(body, wire.version, action.at)
  const rest = isEcho(type, wire.version)
    ? (((body.id ?? 0) << 16) | (body.sequence ?? 0)) >>> 0
    : hasMtu(type, code, wire.version) ? (body.mtu ?? 0) : 0
  const payload = isIcmpError(type, wire.version) ? quote(body, ports, flow, wire) : new Uint8Array(0)
  return icmpMessage(type, code, rest, payload, wire.remote, wire.local)
}

/** The packet that the error is about, as the stack would have sent it: its header and 8 bytes. */
function quote(body: IcmpSpec, ports: FlowPorts, flow: Flow | null, wire: Wire): Uint8Array {
  const { inner } = body
  const kind = inner?.kind ?? flow?.protocol ?? 'raw'
  const transport = new Uint8Array(QUOTED)
  const view = viewOf(transport)
  let length = inner?.length ?? 0
  if (kind !== 'raw') {
    view.setUint16(0, ports.local)
    view.setUint16(2, ports.remote)
    length += kind === 'tcp' ? 20 : 8
  }
  if (kind === 'tcp') view.setUint32(4, flow?.localToLive(inner?.kind === 'tcp' ? inner.sequence : 0) ?? 0)
  else if (kind === 'udp') view.setUint16(4, length)
  const protocol = kind === 'tcp' ? PROTOCOL.tcp : kind === 'udp' ? PROTOCOL.udp : UNKNOWN_PROTOCOL
  const fields = { source: wire.local, destination: wire.remote, protocol, tos: 0, ttl: 64, flowLabel: 0, id: 0 }
  return networkPacket(fields, transport, Math.max(length, 0))
}
