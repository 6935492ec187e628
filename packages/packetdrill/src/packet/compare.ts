import type { IcmpSpec, IpSpec, OptionSpec, PacketAction, TcpSpec } from '../language/ast.ts'
import { flagBits, flagLetters, PSH, RST } from './flags.ts'
import { icmpNumbers } from './icmp-names.ts'
import { printOption, printOptions } from './print.ts'

/** Where stacks differ lawfully: what a profile says of comparing. */
export interface Rules {
  /** `'exact'`: in order, with every nop and eol. `'set'`: what is there, in whatever order; nop and eol do not count. */
  readonly options: 'exact' | 'set'
  /**
   * `'segment'`: a window may be off by what one segment is, as a stack that avoids silly windows moves its edge in steps
   * of that (RFC 9293 §3.8.6.2.2) and another tells all that there is. That of a reset, which nobody heeds, is not compared.
   */
  readonly window: 'exact' | 'segment'
  /**
   * `'any'`: PSH is not compared. Where writes end in segments is the sender's affair (RFC 9293 §3.9.1.2: it SHOULD set PSH in
   * the last segment of what it has), and a kernel that hands big segments to its network card sets it by their borders.
   */
  readonly push: 'exact' | 'any'
  /**
   * `'early'`: an ACK without data may come ahead of its time. To delay it is a SHOULD, for less than half a second (RFC 9293
   * §3.8.6.3), and how long is each stack's own rule.
   */
  readonly acks: 'exact' | 'early'
  /** `'or-ack'`: an ACK may stand where our FIN is said again with it, as in a close from both sides (RFC 9293 §3.10.7.4). */
  readonly repeatedFin: 'exact' | 'or-ack'
}

/** Bytes of a segment, as far as windows go. */
const SEGMENT = 1460

/** What of a packet is not what the script says, one line a field; empty = it is what was expected. `windowScale` is that of the stack's windows. */
export function comparePackets(wanted: PacketAction, got: PacketAction, version: 4 | 6, rules: Rules, windowScale = 0): string[] {
  const differences: string[] = []
  compareIp(wanted.ip, got.ip, differences)
  const { body } = got
  if (wanted.body.kind !== body.kind) return [`protocol: expected ${wanted.body.kind}, got ${body.kind}`]
  if (wanted.body.kind === 'tcp' && body.kind === 'tcp') compareTcp(wanted.body, body, rules, windowScale, differences)
  else if (wanted.body.kind === 'udp' && body.kind === 'udp') differ('payload length', wanted.body.length, body.length, differences)
  else if (wanted.body.kind === 'icmp' && body.kind === 'icmp') compareIcmp(wanted, wanted.body, body, version, differences)
  return differences
}

function compareIp(wanted: IpSpec, got: IpSpec, differences: string[]): void {
  const isEct = got.ecn === 'ect0' || got.ecn === 'ect1'
  if (wanted.ecn !== null && !(wanted.ecn === 'ect01' && isEct)) differ('ECN', wanted.ecn, got.ecn, differences)
  for (const name of ['tos', 'ttl', 'flowLabel', 'id'] as const) {
    if (wanted[name] !== null) differ(name, wanted[name], got[name], differences)
  }
}

function compareTcp(wanted: TcpSpec, got: TcpSpec, rules: Rules, windowScale: number, differences: string[]): void {
  const ignored = rules.push === 'any' ? PSH : 0
  const flags = flagBits(wanted.flags, wanted.ace) & ~ignored
  const gotFlags = flagBits(got.flags, got.ace) & ~ignored
  // A reserved bit shows as a letter that is no flag.
  if (flags !== gotFlags || got.flags.includes('r')) differences.push(`flags: expected ${flagLetters(flags) || '-'}, got ${got.flags || '-'}`)
  if (wanted.anySequence !== true) differ('sequence', wanted.sequence >>> 0, got.sequence, differences)
  differ('payload length', wanted.length, got.length, differences)
  if (wanted.ack !== null || (gotFlags & RST) === 0) differ('ack', (wanted.ack ?? 0) >>> 0, got.ack ?? 0, differences)
  differ('urgent pointer', wanted.urgent ?? 0, got.urgent ?? 0, differences)
  const slack = rules.window === 'exact' ? 0 : (gotFlags & RST) !== 0 ? Infinity : SEGMENT >>> windowScale
  if (wanted.window !== null && Math.abs(wanted.window - (got.window ?? 0)) > slack) differ('window', wanted.window, got.window, differences)
  if (wanted.options !== 'any') compareOptions(wanted.options ?? [], got.options === 'any' ? [] : (got.options ?? []), rules, differences)
}

function compareOptions(wanted: readonly OptionSpec[], got: readonly OptionSpec[], rules: Rules, differences: string[]): void {
  const [left, right] = rules.options === 'set' ? [asSet(wanted), asSet(got)] : [withoutPadding(wanted), withoutPadding(got)]
  if (left.length === right.length && left.every((option, index) => sameOption(option, right[index]!))) return
  differences.push(`options: expected ${printOptions(wanted) ?? '<>'}, got ${printOptions(got) ?? '<>'}`)
}

function asSet(options: readonly OptionSpec[]): readonly OptionSpec[] {
  return options.filter(({ kind }) => kind !== 'nop' && kind !== 'eol').sort((a, b) => (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : 0))
}

/** The end of the list may be written or left to the padding. */
function withoutPadding(options: readonly OptionSpec[]): readonly OptionSpec[] {
  let { length } = options
  while (length > 0 && options[length - 1]!.kind === 'eol') length--
  return options.slice(0, length)
}

/** `wanted` may leave values open. */
function sameOption(wanted: OptionSpec, got: OptionSpec): boolean {
  if (wanted.kind !== got.kind) return false
  if (wanted.kind === 'timestamp' && got.kind === 'timestamp') {
    return (wanted.value === null || wanted.value === got.value) && (wanted.echo === null || wanted.echo === got.echo)
  }
  if ((wanted.kind === 'fastOpen' || wanted.kind === 'fastOpenExperimental') && wanted.cookie === null) return true
  if (wanted.kind === 'md5' && got.kind === 'md5' && wanted.digest === null) return wanted.valid === null || wanted.valid === got.valid
  return printOption(wanted) === printOption(got)
}

function compareIcmp(packet: PacketAction, wanted: IcmpSpec, got: IcmpSpec, version: 4 | 6, differences: string[]): void {
  const left = icmpNumbers(wanted, version, packet.at)
  const right = icmpNumbers(got, version, packet.at)
  if (left.type !== right.type) differences.push(`type: expected ${wanted.type}, got ${got.type}`)
  else if (left.code !== right.code) differences.push(`code: expected ${wanted.code ?? '0'}, got ${got.code ?? '0'}`)
  for (const name of ['mtu', 'id', 'sequence'] as const) {
    if (wanted[name] !== null) differ(name, wanted[name], got[name], differences)
  }
  if (wanted.inner === null) return
  differ('protocol of the quoted packet', wanted.inner.kind, got.inner?.kind ?? 'none', differences)
  if (wanted.inner.kind === 'tcp' && got.inner?.kind === 'tcp') differ('sequence of the quoted packet', wanted.inner.sequence >>> 0, got.inner.sequence, differences)
}

function differ(name: string, wanted: number | string, got: number | string | null, differences: string[]): void {
  if (wanted !== got) differences.push(`${name}: expected ${String(wanted)}, got ${String(got)}`)
}
