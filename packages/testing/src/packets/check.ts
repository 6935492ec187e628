import type { ArpHeader } from './arp.ts'
import { toBytes } from './bytes.ts'
import type { EthernetHeader } from './ethernet.ts'
import { icmpv4TypeNumber, type Icmpv4Header, type Icmpv4Type } from './icmpv4.ts'
import { icmpv6TypeNumber, type Icmpv6Header, type Icmpv6Type } from './icmpv6.ts'
import type { Ipv4Header } from './ipv4.ts'
import type { FragmentHeader, Ipv6OptionsHeader, RoutingHeader } from './ipv6-extensions.ts'
import type { Ipv6Header } from './ipv6.ts'
import type { LayerName } from './layer.ts'
import { isMatcher, meets, show, type Expected } from './matchers.ts'
import { parsePacket, type Header, type ParsedPacket } from './parse.ts'
import { tcpFlagBits, tcpFlagLetters, type TcpHeader } from './tcp.ts'
import { formatPacket } from './trace.ts'
import type { UdpHeader } from './udp.ts'

/** A packet under examination. */
export interface PacketExamination {
  readonly packet: ParsedPacket
  /** The next header of a kind, from where the last checker found its own; null when there is none. */
  readonly take: (layer: LayerName) => Header | null
  /** Notes that something is not as expected. */
  readonly mismatch: (what: string, expected: string, got: string) => void
  /** Compares, and notes it when it differs. */
  readonly compare: (what: string, expected: unknown, got: unknown) => void
  /** The problems of the packet are looked at by this checker, and not to be reported. */
  readonly claimProblems: () => void
}

/** One thing to be true of a packet. Write your own beside those that are here. */
export interface PacketChecker {
  /** The packet begins with this header, when bytes are checked. Default: an IP header. */
  readonly first?: 'ethernet' | 'arp'
  check(examination: PacketExamination): void
}

/** The fields of a header that are looked at. */
export type Expectations<H> = { readonly [K in keyof Omit<H, 'layer'>]?: Expected<H[K]> }

/**
 * Checks a packet: headers in order, the fields that are given, and that lengths and checksums are right throughout.
 *
 * @returns the packet taken apart
 * @throws Error that lists everything that is different
 *
 * @example
 * ```ts
 * import { between, check, ipv4, ipv4Header, packet, payload, tcp, tcpHeader } from '@stack/testing'
 *
 * const bytes = packet(ipv4({ ttl: 64, dontFragment: true }), tcp({ flags: 'PA', seq: 7 }), 'hello')
 * check(bytes, ipv4Header({ dontFragment: true }), tcpHeader({ flags: 'AP', window: between(1, 65_535) }), payload('hello'))
 * ```
 */
export function check(packet: Uint8Array | ParsedPacket, ...checkers: readonly PacketChecker[]): ParsedPacket {
  const first = checkers[0]?.first
  const parsed = packet instanceof Uint8Array ? parsePacket(packet, first === undefined ? {} : { first }) : packet
  const mismatches = differences(parsed, checkers)
  if (mismatches.length > 0) throw new Error(`The packet is not as expected:\n${mismatches.map((line) => `  ${line}`).join('\n')}\n  in ${formatPacket(parsed)}`)
  return parsed
}

/** As {@link check}, as lines of text; empty when all is as expected. */
export function differences(packet: ParsedPacket, checkers: readonly PacketChecker[]): string[] {
  const lines: string[] = []
  const state = { position: 0, areProblemsClaimed: false }
  const examination: PacketExamination = {
    packet,
    take(layer) {
      const index = packet.layers.findIndex((header, i) => i >= state.position && header.layer === layer)
      if (index < 0) return null
      state.position = index + 1
      return packet.layers[index]!
    },
    mismatch: (what, expected, got) => lines.push(`${what}: expected ${expected}, got ${got}`),
    compare(what, expected, got) {
      if (!meets(expected, got)) examination.mismatch(what, show(expected), show(got))
    },
    claimProblems() {
      state.areProblemsClaimed = true
    },
  }
  for (const checker of checkers) checker.check(examination)
  if (!state.areProblemsClaimed) lines.push(...packet.problems)
  return lines
}

function header(layer: LayerName, fields: object, first?: 'ethernet' | 'arp'): PacketChecker {
  return {
    ...(first === undefined ? {} : { first }),
    check(examination) {
      const found = examination.take(layer)
      if (found === null) {
        examination.mismatch('headers', layer, examination.packet.layers.map((one) => one.layer).join(', ') || 'none')
        return
      }
      for (const [name, expected] of Object.entries(fields)) {
        if (expected !== undefined) examination.compare(`${layer}.${name}`, expected, (found as unknown as Record<string, unknown>)[name])
      }
    },
  }
}

/** An Ethernet header; as the first checker it says that the bytes are a frame. */
export function ethernetHeader(fields: Expectations<EthernetHeader> = {}): PacketChecker {
  return header('ethernet', fields, 'ethernet')
}

/** An ARP packet; as the first checker it says that there is no frame around it. */
export function arpHeader(fields: Expectations<ArpHeader> = {}): PacketChecker {
  return header('arp', fields, 'arp')
}

export function ipv4Header(fields: Expectations<Ipv4Header> = {}): PacketChecker {
  return header('ipv4', fields)
}

export function ipv6Header(fields: Expectations<Ipv6Header> = {}): PacketChecker {
  return header('ipv6', fields)
}

export function hopByHopHeader(fields: Expectations<Ipv6OptionsHeader> = {}): PacketChecker {
  return header('hopByHop', fields)
}

export function destinationOptionsHeader(fields: Expectations<Ipv6OptionsHeader> = {}): PacketChecker {
  return header('destinationOptions', fields)
}

export function routingHeader(fields: Expectations<RoutingHeader> = {}): PacketChecker {
  return header('routing', fields)
}

export function fragmentHeader(fields: Expectations<FragmentHeader> = {}): PacketChecker {
  return header('fragment', fields)
}

/** An ICMPv4 message; the type by number or name. */
export function icmpv4Header({ type, ...fields }: Omit<Expectations<Icmpv4Header>, 'type'> & { readonly type?: Expected<number> | Icmpv4Type } = {}): PacketChecker {
  return header('icmpv4', { ...fields, type: typeof type === 'string' ? icmpv4TypeNumber(type) : type })
}

/** An ICMPv6 message; the type by number or name. */
export function icmpv6Header({ type, ...fields }: Omit<Expectations<Icmpv6Header>, 'type'> & { readonly type?: Expected<number> | Icmpv6Type } = {}): PacketChecker {
  return header('icmpv6', { ...fields, type: typeof type === 'string' ? icmpv6TypeNumber(type) : type })
}

export function udpHeader(fields: Expectations<UdpHeader> = {}): PacketChecker {
  return header('udp', fields)
}

/** A TCP header; flags in any order, sequence numbers signed or unsigned. */
export function tcpHeader({ flags, seq, ack, ...fields }: Expectations<TcpHeader> = {}): PacketChecker {
  return header('tcp', {
    flags: typeof flags === 'string' ? tcpFlagLetters(tcpFlagBits(flags)) : flags,
    seq: typeof seq === 'number' ? seq >>> 0 : seq,
    ack: typeof ack === 'number' ? ack >>> 0 : ack,
    ...fields,
  })
}

/** What is behind the last header: these bytes, or so many of them, or what a matcher says. */
export function payload(expected: Expected<Uint8Array> | readonly number[] | string | number): PacketChecker {
  return {
    check({ packet, compare }) {
      if (typeof expected === 'number') compare('payload length', expected, packet.payload.length)
      else compare('payload', isMatcher(expected) ? expected : toBytes(expected), packet.payload)
    },
  }
}

/** The payload is a packet, cut somewhere perhaps, as in an ICMP error; the checkers are about that one. */
export function quoting(...checkers: readonly PacketChecker[]): PacketChecker {
  return {
    check({ packet, mismatch }) {
      for (const line of differences(parsePacket(packet.payload, { isQuote: true }), checkers)) mismatch('quoted packet', 'as told', line)
    },
  }
}

/** Exactly these headers, outermost first. */
export function layersAre(...names: readonly LayerName[]): PacketChecker {
  return {
    check({ packet, compare }) {
      compare('headers', names, packet.layers.map(({ layer }) => layer))
    },
  }
}

/** Something is wrong with a length or checksum, and this text is in the sentence about it; other problems are not looked at. */
export function withProblem(text: string): PacketChecker {
  return {
    check({ packet, mismatch, claimProblems }) {
      claimProblems()
      if (!packet.problems.some((problem) => problem.includes(text))) mismatch('problems', show(text), show(packet.problems))
    },
  }
}
