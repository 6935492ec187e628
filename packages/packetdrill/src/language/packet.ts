import type { IcmpSpec, InnerSpec, IpSpec, PacketAction, Ports, UdpSpec } from './ast.ts'
import type { Cursor } from './cursor.ts'
import { parseSequence, parseTcp } from './tcp.ts'
import { createPacketContext } from './packet-context.ts'
import type { PacketContext } from './packet-context.ts'

const ECN = /(?:noecn|ect01|ect0|ect1|ce)\b/y
const PORTS = /\d+\s*>\s*\d+\b/y
const NAME = /[A-Za-z0-9_]+/y

/** Outer headers that packetdrill can write and this stack does not have; the packet behind them is still parsed. */
const ENCAPSULATIONS: readonly (readonly [string, RegExp])[] = [
  ['PSP encapsulation', /encap\s+psp\s+spi\s+\w+(?:\s*,\s*vc\s+\w+)?/y],
  ['PSP encapsulation', /psp\b[^:\n]*:/y],
  ['GRE encapsulation', /gre\b[^:\n]*:/y],
  ['MPLS encapsulation', /mpls\b[^:\n]*:/y],
  ['encapsulation in IP', /ipv[46]\s+[\da-fA-F.:]+\s*>\s*[\da-fA-F.:]+?\s*:(?=\s)/y],
  ['MPTCP', /addr\[\w+\]\s*>\s*addr\[\w+\]/y],
]

/** What may stand behind a packet. */
const SUFFIXES: readonly (readonly [string, RegExp])[] = [
  ['fault injection', /\{[^{}]*\}/y],
  ['UDP encapsulation', /\/\s*(?:udp|UDP)\s*\([^()\n]*\)/y],
  ['MPTCP', /sock\(\d+\)/y],
]

/** `<` or `>`, and the packet; null = no packet stands at the cursor. */
export function parsePacket(cursor: Cursor): PacketAction | null {
  const at = cursor.at()
  const direction = cursor.takeText('<') ? 'inject' : cursor.takeText('>') ? 'expect' : null
  if (direction === null) return null
  const context = createPacketContext(cursor)
  const ip = parseIp(context)
  takeForeign(context, ENCAPSULATIONS)
  const body = parseBody(context)
  takeForeign(context, SUFFIXES)
  return { kind: 'packet', direction, ip, body, foreign: context.foreign, at }
}

function takeForeign(context: PacketContext, forms: typeof ENCAPSULATIONS): void {
  for (;;) {
    const form = forms.find(([, pattern]) => context.cursor.take(pattern) !== null)
    if (form === undefined) return
    context.foreign ??= form[0]
  }
}

/** `[ect0]`, `[tos 0x4, ttl 64]`, `(hlim 4)` */
function parseIp(context: PacketContext): IpSpec {
  const { cursor } = context
  const ip: { -readonly [Key in keyof IpSpec]: IpSpec[Key] } = { ecn: null, tos: null, ttl: null, flowLabel: null, id: null }
  while (cursor.peek(/[[(]\s*(?:noecn|ect|ce|tos|ttl|hlim|flowlabel|id|class)/y) !== null) {
    const close = cursor.takeText('[') ? ']' : ')'
    if (close === ')') cursor.takeText('(')
    while (!cursor.takeText(close)) {
      const ecn = cursor.take(ECN)
      if (ecn !== null) ip.ecn = ecn as NonNullable<IpSpec['ecn']>
      else if (cursor.takeKeyword('tos') || cursor.takeKeyword('class')) ip.tos = context.integer('tos', 0xff)
      else if (cursor.takeKeyword('ttl')) ip.ttl = context.integer('ttl', 0xff)
      else if (cursor.takeKeyword('hlim')) ip.ttl = context.integer('hlim', 0xff)
      else if (cursor.takeKeyword('flowlabel')) ip.flowLabel = context.integer('flowlabel', 0xfffff)
      else if (cursor.takeKeyword('id')) ip.id = context.integer('id', 0xffff)
      else cursor.fail(`expected ect0, ect1, ect01, ce, noecn, tos, class, ttl, hlim, flowlabel or id of the IP header, not ${cursor.here()}`)
      cursor.takeText(',')
    }
  }
  return ip
}

function parseBody(context: PacketContext): PacketAction['body'] {
  const { cursor } = context
  if (cursor.peek(/sctp\s*:/y) !== null) return skipSctp(context)
  // FreeBSD's dialect names the packet that an error is about ahead of the error.
  const inner = cursor.peek(/\[\s*(?:\d|udp\b|raw\b)/y) === null ? null : parseInner(context)
  if (cursor.takeKeyword('icmp') || cursor.takeKeyword('icmpv6')) return parseIcmp(context, inner)
  if (inner !== null) cursor.fail(`expected \`icmp\` behind the packet that it is about, not ${cursor.here()}`)
  const ports = parsePorts(cursor)
  return cursor.takeKeyword('udp') ? parseUdp(context, ports) : parseTcp(context, ports)
}

function parsePorts(cursor: Cursor): Ports | null {
  const start = cursor.offset
  const text = cursor.take(PORTS)
  if (text === null) return null
  const [source, destination] = text.split('>').map(Number) as [number, number]
  if (source > 0xffff || destination > 0xffff) cursor.fail('a port is at most 65535', start)
  return { source, destination }
}

/** `udp (1000)`, `udp (8080 > 53) (1000)`, `udp (8080 > 53, 1000)`; ports may stand ahead of `udp` too. */
function parseUdp(context: PacketContext, portsAhead: Ports | null): UdpSpec {
  const { cursor } = context
  let ports = portsAhead
  let length: number | null = null
  cursor.expect('(', 'behind udp')
  do {
    do {
      const inside = parsePorts(cursor)
      if (inside === null) length = context.integer('the length of the UDP payload', 0xffff)
      else ports = inside
    } while (cursor.takeText(','))
    cursor.expect(')', 'behind the length of the UDP payload')
  } while (length === null && cursor.takeText('('))
  return { kind: 'udp', ports, length: length ?? 0 }
}

function parseIcmp(context: PacketContext, innerAhead: InnerSpec | null): IcmpSpec {
  const cursor: Cursor = context.cursor
  const { line } = cursor.at()
  const type = cursor.take(NAME)
  if (type === null) cursor.fail(`expected a type of ICMP message, not ${cursor.here()}`)
  const icmp: { -readonly [Key in keyof IcmpSpec]: IcmpSpec[Key] } = { kind: 'icmp', type, code: null, mtu: null, id: null, sequence: null, inner: innerAhead }
  // On the next line a number is the time of the next event.
  if (cursor.peek(/(?:mtu|id|seq)\b/y) === null && cursor.at().line === line) {
    const code = cursor.take(NAME)
    icmp.code = code === null ? null : (cursor.valueOf(code) ?? code)
  }
  for (;;) {
    if (cursor.takeKeyword('mtu')) icmp.mtu = context.integer('mtu', 0xffffffff)
    else if (cursor.takeKeyword('id')) icmp.id = context.integer('id', 0xffff)
    else if (cursor.takeKeyword('seq')) icmp.sequence = context.integer('seq', 0xffff)
    else break
  }
  if (cursor.peek(/\[/y) !== null) icmp.inner = parseInner(context)
  return icmp
}

/** `[1:1001(1000)]`, `[udp (8)]`, `[raw (8)]` */
function parseInner(context: PacketContext): InnerSpec {
  const { cursor } = context
  cursor.expect('[', 'ahead of the packet that the error is about')
  const kind = cursor.takeKeyword('udp') ? 'udp' : cursor.takeKeyword('raw') ? 'raw' : null
  let inner: InnerSpec
  if (kind === null) inner = { kind: 'tcp', ...parseSequence(context) }
  else {
    cursor.expect('(', `behind ${kind}`)
    inner = { kind, length: context.integer(`the length behind ${kind}`, 0xffff) }
    cursor.expect(')', `behind the length of ${kind}`)
  }
  cursor.expect(']', 'behind the packet that the error is about')
  return inner
}

/** An SCTP packet goes on over lines for as long as a bracket is open; what it says is not looked at. */
function skipSctp(context: PacketContext): PacketAction['body'] {
  const { cursor } = context
  context.foreign ??= 'SCTP'
  let open = 0
  let line: number
  do {
    line = cursor.at().line
    const piece = cursor.take(/[^[\];\s]+|[[\];]/y)
    if (piece === '[') open++
    if (piece === ']') open--
    // Behind a semicolon stands another chunk of the packet.
    if (piece === ';') line = cursor.at().line
  } while (!cursor.atEnd && (open > 0 || cursor.at().line === line))
  return { kind: 'udp', ports: null, length: 0 }
}
