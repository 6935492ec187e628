import type { IcmpSpec, InnerSpec, IpSpec, OptionSpec, PacketAction, Ports, Position } from '../language/ast.ts'
import { flagLetters, SYN } from './flags.ts'
import type { Flow } from './flow.ts'
import { hasMtu, icmpText, isEcho, isIcmpError } from './icmp-names.ts'
import { parseQuote, PROTOCOL, type LiveIcmp, type LivePacket, type LiveTcp } from './live.ts'

const NOWHERE: Position = { line: 0, column: 0 }
const ECN = ['noecn', 'ect1', 'ect0', 'ce'] as const

/**
 * A packet that the stack sent, in the words of the script: relative numbers, no ports unless the script uses them.
 * Null: a protocol that the language has no words for.
 */
export function scriptView(packet: LivePacket, flow: Flow | null): PacketAction | null {
  const { body } = packet
  if (body.kind === 'other') return null
  const common = { kind: 'packet', direction: 'expect', ip: ipView(packet), foreign: null, at: NOWHERE } as const
  if (body.kind === 'icmp') return { ...common, body: icmpView(body, packet.version, flow) }
  const ports = portsView(flow, body)
  if (body.kind === 'udp') return { ...common, body: { kind: 'udp', ports, length: body.length } }
  return { ...common, body: tcpView(body, ports, flow) }
}

/** Every field is said. */
function ipView(packet: LivePacket): IpSpec {
  return { ecn: ECN[packet.tos & 3]!, tos: packet.tos, ttl: packet.ttl, flowLabel: packet.flowLabel, id: packet.id }
}

function portsView(flow: Flow | null, body: { readonly sourcePort: number; readonly destinationPort: number }): Ports | null {
  if (flow === null) return { source: body.sourcePort, destination: body.destinationPort }
  return flow.script === null ? null : { source: flow.script.local, destination: flow.script.remote }
}

function tcpView(body: LiveTcp, ports: Ports | null, flow: Flow | null): PacketAction['body'] {
  const isSyn = (body.flags & SYN) !== 0
  const sequence = flow?.localToScript(body.sequence) ?? body.sequence
  const end = (sequence + body.length) >>> 0
  const letters = flagLetters(body.flags)
  return {
    kind: 'tcp', ports, flags: letters, ace: null, sequence, end, length: body.length, literalSequence: false, literalAck: false,
    // Zero where there is no acknowledgment, as it stands in the header.
    ack: letters.includes('.') ? (flow?.remoteToScript(body.acknowledgment, isSyn) ?? body.acknowledgment) : body.acknowledgment === 0 ? null : body.acknowledgment,
    window: body.window,
    urgent: body.urgent === 0 ? null : body.urgent,
    options: body.options.length === 0 ? null : body.options.map((option) => optionView(option, flow, isSyn)),
  }
}

function optionView(option: OptionSpec, flow: Flow | null, isSyn: boolean): OptionSpec {
  if (flow === null) return option
  if (option.kind === 'timestamp') return { ...option, value: option.value === null ? null : flow.timestampToScript(option.value) }
  if (option.kind !== 'sack') return option
  const blocks = option.blocks.map(({ start, end }) => ({ start: flow.remoteToScript(start, isSyn), end: flow.remoteToScript(end, isSyn) }))
  return { kind: 'sack', blocks }
}

function icmpView(body: LiveIcmp, version: 4 | 6, flow: Flow | null): IcmpSpec {
  const echo = isEcho(body.type, version)
  return {
    kind: 'icmp', ...icmpText(body.type, body.code, version),
    mtu: hasMtu(body.type, body.code, version) ? (version === 4 ? body.rest & 0xffff : body.rest) : null,
    id: echo ? body.rest >>> 16 : null,
    sequence: echo ? body.rest & 0xffff : null,
    inner: isIcmpError(body.type, version) ? quoteView(body.payload, flow) : null,
  }
}

/** The quote is of a packet that the remote side sent; its length is not compared, for stacks quote as they like. */
function quoteView(payload: Uint8Array, flow: Flow | null): InnerSpec | null {
  const quote = parseQuote(payload)
  if (quote === null) return null
  if (quote.protocol === PROTOCOL.udp) return { kind: 'udp', length: 0 }
  if (quote.protocol !== PROTOCOL.tcp) return { kind: 'raw', length: 0 }
  const sequence = flow?.remoteToScript(quote.sequence, false) ?? quote.sequence
  return { kind: 'tcp', sequence, end: sequence, length: 0 }
}

