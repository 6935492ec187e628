import {
  arp, destinationOptions, ethernet, fragment, fragmentsOf, hopByHop, icmpv4, icmpv6, ipv4, ipv6, packet, parsePacket, pattern, routing, tcp, udp,
  type Layer,
} from '@stack/testing'
import { addressAt, linkAddressAt, PEER, STACK } from './addresses.ts'
import type { ArpFrame, ErrorFrame, Extension, Frame, HeaderOption, LinkHeader, NdpFrame, Net, Spoil, TcpFrame } from './case.ts'
import { endOf, Flows, type Flow } from './flows.ts'

/** What frames are made relative to. */
export interface BuildContext {
  readonly framing: 'ip' | 'ethernet'
  readonly flows: Flows
  /** Ports of flow `index`. */
  ports(index: number): { readonly stack: number; readonly peer: number }
  /** A network packet that the stack sent, the last first; null = none so long ago. */
  sentAgo(index: number): Uint8Array | null
  /** ms. */
  readonly now: number
}

const LARGEST = 65_535
const MOST_OPTIONS = 40
const MOST_PIECES = 64

/** The bytes of a frame as they come in, in order: one packet, or its fragments. */
export function buildFrame(frame: Frame, context: BuildContext): Uint8Array[] {
  const whole = networkPacket(frame, context)
  const pieces = inFragments(whole, frame)
  // Fragments say their own lengths: what a lie cut off is there again when they are put together.
  const heard = pieces === null ? whole : withTrueLength(whole)
  context.flows.heard(parsePacket(heard, { first: heard[0]! >> 4 === 6 ? 'ipv6' : 'ipv4' }))
  return (pieces ?? [whole.subarray(0, LARGEST)]).map((bytes) => framed(spoilt(bytes, frame.spoil ?? []), frame, context.framing))
}

function networkPacket(frame: Frame, context: BuildContext): Uint8Array {
  switch (frame.is) {
    case 'tcp':
      return tcpPacket(frame, context)
    case 'udp':
      return packet(...networkLayers(frame.net), udp({
        sourcePort: frame.from, destinationPort: frame.to, ...given('length', frame.length), ...given('checksum', frame.checksum),
      }), pattern(frame.text))
    case 'echo': {
      const { identifier, sequence, reply } = frame
      const type = reply ? 'echo-reply' : 'echo-request'
      return packet(...networkLayers(frame.net), isIpv4(frame.net) ? icmpv4({ type, identifier, sequence }) : icmpv6({ type, identifier, sequence }), pattern(frame.text))
    }
    case 'error':
      return errorPacket(frame, context)
    case 'arp':
      return packet(arpLayer(frame))
    case 'ndp':
      return packet(...networkLayers({ ...frame.net, family: 'ipv6', ttl: frame.hopLimit }), ndpLayer(frame), ndpOptions(frame.options))
    case 'other':
      return frame.bare ? Uint8Array.from(frame.bytes) : packet(...networkLayers(frame.net), frame.bytes)
  }
}

function isIpv4(net: Net): boolean {
  return net.family === 'ipv4'
}

function given<K extends string, V>(name: K, value: V | undefined): Readonly<Partial<Record<K, V>>> {
  return (value === undefined ? {} : { [name]: value }) as Readonly<Partial<Record<K, V>>>
}

function networkLayers(net: Net): Layer[] {
  const source = addressAt(net.family, net.source ?? PEER)
  const destination = addressAt(net.family, net.destination ?? STACK)
  if (net.family === 'ipv4') {
    return [ipv4({
      source, destination, tos: net.tos ?? 0, ttl: net.ttl ?? 64, options: unknownOptions(net.options ?? []),
      ...given('totalLength', net.length), ...given('headerLength', net.headerLength), ...given('protocol', net.protocol), ...given('checksum', net.checksum),
    })]
  }
  return [
    ipv6({ source, destination, trafficClass: net.tos ?? 0, hopLimit: net.ttl ?? 64, ...given('payloadLength', net.length), ...given('nextHeader', net.protocol) }),
    ...(net.extensions ?? []).map(extensionLayer),
  ]
}

function extensionLayer({ header, options = [], segmentsLeft = 0 }: Extension): Layer {
  switch (header) {
    case 'hopByHop':
      return hopByHop({ options: unknownOptions(options) })
    case 'destinationOptions':
      return destinationOptions({ options: unknownOptions(options) })
    case 'routing':
      return routing({ segmentsLeft })
    case 'fragment':
      return fragment({})
  }
}

function unknownOptions(options: readonly HeaderOption[]): { kind: 'unknown'; number: number; data: Uint8Array; length?: number }[] {
  return options.map(({ number, data, length }) => ({ kind: 'unknown', number, data: Uint8Array.from(data), ...given('length', length) }))
}

function tcpPacket(frame: TcpFrame, context: BuildContext): Uint8Array {
  const { flows, now } = context
  const { stack, peer } = context.ports(frame.flow)
  const flow = flows.at(addressAt(frame.net.family, frame.net.source ?? PEER), stack, peer)
  const seq = Flows.sequence(flow, frame.seq, 'seq')
  const ack = frame.flags.includes('A') ? Flows.sequence(flow, frame.ack, 'ack') : 0
  const text = pattern(Math.min(frame.text, LARGEST - 200), seq % 256)
  if (frame.flags.includes('S') && flow.peerEnds.length === 0) flow.irs = seq
  if (frame.seq[0] === 'next' && frame.seq[1] <= 0) Flows.advance(flow, endOf({ seq, flags: frame.flags }, frame.text))
  const layer = (headerLength: number | undefined): Layer => tcp({
    sourcePort: peer, destinationPort: stack, seq, ack, flags: frame.flags, window: frame.win, urgentPointer: frame.urgent ?? 0,
    ...given('mss', frame.mss), ...given('windowScale', frame.scale), sackPermitted: frame.sackPermitted ?? false,
    timestamps: frame.ts === undefined ? null : { value: (1_000_000 + now + frame.ts) >>> 0, echo: flow.stamp },
    sack: sackOf(frame, flow), options: unknownOptions(frame.options ?? []).map((option) => ({ ...option, length: option.length ?? option.data.length + 2 })),
    ...given('headerLength', headerLength),
  })
  const wanted = optionsLength(frame)
  return packet(...networkLayers(frame.net), layer(frame.headerLength ?? (wanted > MOST_OPTIONS ? 20 + MOST_OPTIONS : undefined)), text)
}

/** Bytes of the options, at most: what is too long for the header is behind it. */
function optionsLength({ mss, scale, sackPermitted, ts, sack, options = [] }: TcpFrame): number {
  const named = (mss === undefined ? 0 : 4) + (scale === undefined ? 0 : 4) + (sackPermitted === true ? 4 : 0) + (ts === undefined ? 0 : 12)
  return named + (sack === undefined ? 0 : 4 + 8 * sack.length) + options.reduce((sum, { data }) => sum + 2 + data.length, 0) + 3
}

function sackOf(frame: TcpFrame, flow: Flow): (readonly [number, number])[] | null {
  return frame.sack?.map(([left, right]) => [(flow.peerAck + left) >>> 0, (flow.peerAck + right) >>> 0] as const) ?? null
}

function errorPacket(frame: ErrorFrame, context: BuildContext): Uint8Array {
  const { net, type, code, parameter } = frame
  const sent = context.sentAgo(frame.quote) ?? packet(...networkLayers({ family: net.family, source: STACK, destination: PEER }), udp({ sourcePort: 7000, destinationPort: 5000 }), [1, 2, 3])
  const quoted = sent.subarray(0, frame.cut)
  const layers = networkLayers(net)
  return isIpv4(net) ? packet(...layers, icmpv4({ type, code, rest: parameter >>> 0 }), quoted) : packet(...layers, icmpv6({ type, code, rest: parameter >>> 0 }), quoted)
}

function arpLayer(frame: ArpFrame): Layer {
  return arp({
    operation: frame.operation, sender: addressAt('ipv4', frame.sender), target: addressAt('ipv4', frame.target),
    senderLink: linkAddressAt(frame.senderLink), targetLink: frame.operation === 2 ? linkAddressAt(1) : linkAddressAt(5),
    ...given('hardwareType', frame.hardwareType), ...given('hardwareLength', frame.lengths),
  })
}

function ndpLayer(frame: NdpFrame): Layer {
  const { type, flags } = frame
  return icmpv6({
    type, target: addressAt('ipv6', frame.target), destination: addressAt('ipv6', frame.target + 1), group: addressAt('ipv6', frame.target),
    router: (flags & 1) !== 0, solicited: (flags & 2) !== 0, override: (flags & 4) !== 0, managed: (flags & 8) !== 0, routerLifetime: flags * 100,
  })
}

/** Options count in 8 bytes; data is filled up, lengths lie on demand. The checksum is made over them, as they are payload. */
function ndpOptions(options: readonly HeaderOption[]): Uint8Array {
  const parts = options.map(({ number, data, length }) => {
    const bytes = new Uint8Array(Math.ceil((data.length + 2) / 8) * 8)
    bytes.set([number & 255, length ?? bytes.length / 8, ...data])
    return bytes
  })
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}

/** Null = it is not cut. */
function inFragments(whole: Uint8Array, { net: { fragments } }: Frame): Uint8Array[] | null {
  const version = whole[0]! >> 4
  if (fragments === undefined || whole.length > LARGEST || (version !== 4 && version !== 6) || whole.length < 60 || isLyingHeader(whole)) return null
  const { identification, order, lost, twice, shift } = fragments
  const size = Math.max(fragments.size, Math.ceil(whole.length / MOST_PIECES / 8) * 8)
  const pieces = fragmentsOf(whole, { size, identification })
  const last = pieces.at(-1)!
  if (shift !== 0) moveFragment(last, shift)
  const kept = pieces.flatMap((piece, index) => (index === lost ? [] : index === twice ? [piece, piece] : [piece]))
  return order === 'forward' ? kept : kept.reverse()
}

function withTrueLength(whole: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(whole)
  const isVersion4 = bytes[0]! >> 4 === 4
  new DataView(bytes.buffer).setUint16(isVersion4 ? 2 : 4, isVersion4 ? bytes.length : bytes.length - 40)
  return bytes
}

/** An IPv4 header that says that it is none cannot be cut. */
function isLyingHeader(bytes: Uint8Array): boolean {
  return bytes[0]! >> 4 === 4 && (bytes[0]! & 15) < 5
}

/** Changes the offset; the checksum of an IPv4 header follows (RFC 1624 §3). */
function moveFragment(bytes: Uint8Array, shift: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const isVersion4 = bytes[0]! >> 4 === 4
  const at = isVersion4 ? 6 : 42
  const before = view.getUint16(at)
  const unit = isVersion4 ? shift >> 3 : shift & ~7
  const mask = isVersion4 ? 0x1fff : 0xfff8
  const after = (before & ~mask) | ((before + unit) & mask)
  view.setUint16(at, after)
  if (!isVersion4) return
  let sum = (~view.getUint16(10) & 0xffff) + (~before & 0xffff) + after
  sum = (sum & 0xffff) + (sum >>> 16)
  view.setUint16(10, ~((sum & 0xffff) + (sum >>> 16)) & 0xffff)
}

function spoilt(bytes: Uint8Array, spoils: readonly Spoil[]): Uint8Array {
  let result: Uint8Array = bytes
  for (const spoil of spoils) {
    if (spoil.kind === 'cut') result = result.slice(0, spoil.length)
    else if (spoil.kind === 'extend') {
      const longer = new Uint8Array(Math.min(result.length + spoil.length, LARGEST))
      longer.set(result.subarray(0, longer.length))
      result = longer
    } else if (result.length > 0) {
      result = Uint8Array.from(result)
      result[spoil.at % result.length]! ^= 1 << spoil.bit
    }
  }
  return result
}

function framed(bytes: Uint8Array, frame: Frame, framing: 'ip' | 'ethernet'): Uint8Array {
  if (framing === 'ip') return bytes
  const type = frame.is === 'arp' ? 0x0806 : frame.net.family === 'ipv4' && frame.is !== 'ndp' ? 0x0800 : 0x86dd
  const link: LinkHeader = frame.link ?? {}
  const destination = { broadcast: 'ff:ff:ff:ff:ff:ff', multicast: '01:00:5e:00:00:01', other: '02:00:00:00:00:77', '': '02:00:00:00:00:01' }[link.destination ?? '']
  return packet(ethernet({
    destination, type: link.type ?? type, ...(link.vlan === undefined ? {} : { vlan: { id: link.vlan, priority: 0 } }), pad: link.pad ?? false,
  }), bytes)
}
