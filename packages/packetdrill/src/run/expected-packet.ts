import type { OptionSpec, PacketAction, ScriptEvent, TcpSpec } from '../language/ast.ts'
import { comparePackets, type Rules } from '../packet/compare.ts'
import { ACK, FIN, flagBits, flagLetters, SYN } from '../packet/flags.ts'
import type { Flow } from '../packet/flow.ts'
import type { LivePacket, LiveTcp } from '../packet/live.ts'
import { printLike, printPacket } from '../packet/print.ts'
import { scriptView } from '../packet/script-view.ts'
import { packetDigest } from '../packet/signature.ts'
import { scaleOf } from '../packet/tcp-options.ts'
import type { FlowTable } from './flow-table.ts'
import { Mismatch } from './mismatch.ts'
import type { Network, SentPacket } from './network.ts'
import type { Slot } from './timeline.ts'

/** How expected packets are taken. */
export interface ExpectOptions {
  readonly rules: Rules
  /** Segments are compared as they come, not put together. */
  readonly strict: boolean
  /** µs of a tick of our timestamps; 0 = not compared. */
  readonly tick: number
  /** What signatures are verified with; null = they are not. */
  readonly md5Secret: string | null
}

/** Longest wait for a packet that may come whenever, ms. */
const PATIENCE = 600_000

interface Taken {
  readonly view: PacketAction
  readonly sent: SentPacket
}

/**
 * Waits in virtual time for the packet of an event and compares it.
 *
 * @throws Mismatch when it does not come in time, or is another
 */
export async function expectPacket(event: ScriptEvent, wanted: PacketAction, slot: Slot, network: Network, flows: FlowTable, options: ExpectOptions): Promise<void> {
  const limit = slot.from === null ? network.now + PATIENCE : slot.to + slot.tolerance
  let taken = await take(wanted, limit, network, flows, options)
  if (taken === null) throw missing(event, wanted, slot, network)
  const first = taken
  let view = taken.view
  while (!options.strict && wantsMore(wanted, view)) {
    taken = await take(wanted, limit, network, flows, options)
    if (taken === null) break
    const joined = join(view, taken.view, options.rules)
    if (joined === null) {
      // Not the rest of it: it stays for the report of what came.
      throw different(event, wanted, view, first.sent.packet, [`the rest of the data: got ${printLike(taken.view, wanted)}`])
    }
    view = joined
  }
  const last = taken ?? first
  if (options.rules.repeatedFin === 'or-ack') view = withFin(wanted, view, first, flows)
  const faults = first.sent.packet.fault === null ? [] : [first.sent.packet.fault]
  learnCookies(wanted, view, flows)
  const differences = [...faults, ...comparePackets(withCookies(wanted, flows), view, first.sent.packet.version, options.rules, windowScaleOf(first, flows))]
  if (differences.length > 0) throw different(event, wanted, view, first.sent.packet, differences)
  checkTime(event, wanted, view, slot, first.sent.at, last.sent.at, options.rules)
}

/** The next packet that the event may be about, in the numbers of the script; what left before it is passed over. */
async function take(wanted: PacketAction, limit: number, network: Network, flows: FlowTable, options: ExpectOptions): Promise<Taken | null> {
  for (;;) {
    const { sent } = network
    for (const [index, candidate] of sent.entries()) {
      const found = belongs(wanted, candidate.packet, network, flows)
      if (found === null) continue
      sent.splice(0, index + 1)
      const view = viewFor(wanted, candidate, found.flow, options)
      if (view !== null) return { view, sent: candidate }
    }
    if (!await network.step(limit)) return null
  }
}

/** Null: it is of another conversation. */
function belongs(wanted: PacketAction, packet: LivePacket, network: Network, flows: FlowTable): { readonly flow: Flow | null } | null {
  const { body } = packet
  if (wanted.body.kind !== body.kind || !sameBytes(packet.source, network.local)) return null
  // Multicast reports and neighbour discovery are no part of a conversation.
  if (!sameBytes(packet.destination, network.remote)) return null
  if (body.kind === 'icmp') return { flow: wanted.body.kind === 'icmp' && wanted.body.inner?.kind === 'udp' ? flows.current('udp') : flows.current(null) }
  if (wanted.body.kind === 'icmp') return null
  const flow = flows.expect(body.kind, wanted.body.ports, { local: body.sourcePort, remote: body.destinationPort }, body.kind !== 'tcp' || (body.flags & SYN) !== 0)
  return flow === null ? null : { flow }
}

function viewFor(wanted: PacketAction, { packet }: SentPacket, flow: Flow | null, options: ExpectOptions): PacketAction | null {
  const { body } = packet
  if (flow === null || body.kind !== 'tcp' || wanted.body.kind !== 'tcp') return scriptView(packet, flow)
  if ((body.flags & SYN) !== 0) flow.localSyn(body.sequence, wanted.body.sequence, scaleOf(body.options))
  const view = scriptView(packet, flow)
  if (view?.body.kind !== 'tcp') return view
  const seen = withSignature(wanted.body, withLiterals(wanted.body, view, view.body, body), packet, options)
  return withTimestamp(wanted.body, seen, rawTimestamp(body.options), flow, options)
}

/** Is the digest what the script's secret makes it? Only said where the script asks. */
function withSignature(wanted: TcpSpec, view: PacketAction, packet: LivePacket, { md5Secret }: ExpectOptions): PacketAction {
  const { body } = view
  if (md5Secret === null || body.kind !== 'tcp' || !Array.isArray(body.options) || !asksForSignature(wanted.options)) return view
  const options = (body.options as readonly OptionSpec[]).map((option) => {
    return option.kind === 'md5' && option.digest !== null ? { ...option, valid: sameBytes(option.digest, packetDigest(packet, md5Secret)) } : option
  })
  return { ...view, body: { ...body, options } }
}

function asksForSignature(options: TcpSpec['options']): boolean {
  return Array.isArray(options) && (options as readonly OptionSpec[]).some((option) => option.kind === 'md5' && option.valid !== null)
}

/** Numbers that the script has as they are on the wire. */
function withLiterals(wanted: TcpSpec, view: PacketAction, seen: TcpSpec, live: LiveTcp): PacketAction {
  if (!wanted.literalSequence && !wanted.literalAck) return view
  const sequence = wanted.literalSequence ? live.sequence : seen.sequence
  return { ...view, body: { ...seen, sequence, end: (sequence + live.length) >>> 0, ack: wanted.literalAck ? live.acknowledgment : seen.ack } }
}

/** A SYN tells its window unscaled (RFC 7323 §2.2). */
function windowScaleOf({ sent: { packet: { body } } }: Taken, flows: FlowTable): number {
  if (body.kind !== 'tcp' || (body.flags & SYN) !== 0) return 0
  return flows.find('tcp', { local: body.sourcePort, remote: body.destinationPort })?.windowScale ?? 0
}

/** A cookie is what the stack makes it: a name of the script stands for what came. */
function learnCookies(wanted: PacketAction, view: PacketAction, flows: FlowTable): void {
  if (wanted.body.kind !== 'tcp' || view.body.kind !== 'tcp' || !Array.isArray(wanted.body.options) || !Array.isArray(view.body.options)) return
  for (const option of wanted.body.options as readonly OptionSpec[]) {
    if ((option.kind !== 'fastOpen' && option.kind !== 'fastOpenExperimental') || option.symbol === null || flows.cookies.has(option.symbol)) continue
    const seen = (view.body.options as readonly OptionSpec[]).find(({ kind }) => kind === option.kind)
    if (seen?.kind === option.kind && seen.cookie !== null) flows.cookies.set(option.symbol, seen.cookie)
  }
}

/** Cookies that the script has names for, as they are. */
function withCookies(wanted: PacketAction, flows: FlowTable): PacketAction {
  const { body } = wanted
  if (body.kind !== 'tcp' || body.options === 'any' || body.options === null) return wanted
  const options = body.options.map((option): OptionSpec => {
    if ((option.kind !== 'fastOpen' && option.kind !== 'fastOpenExperimental') || option.symbol === null) return option
    return { ...option, symbol: null, cookie: flows.cookies.get(option.symbol) ?? null }
  })
  return { ...wanted, body: { ...body, options } }
}

/** Our timestamps map from the first one; without a tick their values are the script's by definition. */
function withTimestamp(wanted: TcpSpec, view: PacketAction, live: number | null, flow: Flow, options: ExpectOptions): PacketAction {
  const script = timestampOf(wanted.options)
  if (script === null || live === null || view.body.kind !== 'tcp') return view
  const isFirst = !flow.hasTimestamp
  flow.sawTimestamp(script, live)
  const mapped = flow.timestampToScript(live)
  const distance = Math.abs((mapped - script) | 0)
  const allowed = options.tick === 0 || isFirst ? Infinity : Math.max(1, Math.ceil(TIMESTAMP_SLACK / options.tick))
  const value = distance <= allowed ? script : mapped
  const list = view.body.options === 'any' ? null : view.body.options
  return { ...view, body: { ...view.body, options: list?.map((option) => (option.kind === 'timestamp' ? { ...option, value } : option)) ?? null } }
}

/** µs that a timestamp may be off: the tolerance with which the kernel's own tests are run. */
const TIMESTAMP_SLACK = 14_000

function timestampOf(options: TcpSpec['options']): number | null {
  return options === 'any' || options === null ? null : rawTimestamp(options)
}

function rawTimestamp(options: readonly OptionSpec[]): number | null {
  const found = options.find((option) => option.kind === 'timestamp')
  return found?.kind === 'timestamp' ? found.value : null
}

/** Scripts are written for a sender that hands big segments to its network card: the parts of one count as one. */
function wantsMore(wanted: PacketAction, view: PacketAction): boolean {
  const { body } = view
  if (wanted.body.kind !== 'tcp' || body.kind !== 'tcp' || body.sequence !== wanted.body.sequence >>> 0) return false
  return body.length > 0 && body.length < wanted.body.length && (flagBits(body.flags, null) & FIN) === 0
}

/** Two segments in a row as one; null = the second does not go with the first. */
function join(first: PacketAction, second: PacketAction, rules: Rules): PacketAction | null {
  const a = first.body
  const b = second.body
  if (a.kind !== 'tcp' || b.kind !== 'tcp' || b.sequence !== a.end || b.length === 0) return null
  const joined: PacketAction = { ...first, body: { ...a, flags: flagLetters(flagBits(a.flags, null) | flagBits(b.flags, null)), end: b.end, length: a.length + b.length } }
  const same = comparePackets({ ...first, body: { ...a, sequence: b.sequence, length: b.length, flags: b.flags }, ip: { ...first.ip, id: null } }, second, 4, rules)
  return same.length === 0 && (flagBits(b.flags, null) & ACK) !== 0 ? joined : null
}

/** An ACK where the script has the FIN that we sent before once more. */
function withFin(wanted: PacketAction, view: PacketAction, { sent }: Taken, flows: FlowTable): PacketAction {
  const { body } = view
  const live = sent.packet.body
  if (wanted.body.kind !== 'tcp' || body.kind !== 'tcp' || live.kind !== 'tcp' || body.length + wanted.body.length > 0) return view
  const flow = flows.find('tcp', { local: live.sourcePort, remote: live.destinationPort })
  const isAgain = flow?.sentFin === wanted.body.sequence >>> 0
  if (flow !== null && (live.flags & FIN) !== 0) flow.sentFin = body.end
  if (!isAgain || flagBits(wanted.body.flags, null) !== (FIN | ACK) || flagBits(body.flags, null) !== ACK || body.sequence !== (wanted.body.sequence + 1) >>> 0) return view
  return { ...view, body: { ...body, flags: wanted.body.flags, sequence: wanted.body.sequence, end: wanted.body.end } }
}

function checkTime(event: ScriptEvent, wanted: PacketAction, view: PacketAction, slot: Slot, first: number, last: number, rules: Rules): void {
  if (slot.from === null) return
  const early = first < slot.from - slot.tolerance - 1e-6 && !(rules.acks === 'early' && isBareAck(view))
  if (!early && last <= slot.to + slot.tolerance + 1e-6) return
  const difference = `time: expected ${range(slot)}, got ${seconds(early ? first : last)} s`
  throw new Mismatch('packet', event, difference, printPacket(wanted), printLike(view, wanted), [difference])
}

/** Nothing but an acknowledgment. */
function isBareAck({ body }: PacketAction): boolean {
  return body.kind === 'tcp' && body.length === 0 && flagBits(body.flags, null) === ACK
}

function missing(event: ScriptEvent, wanted: PacketAction, slot: Slot, network: Network): Mismatch {
  const got = `nothing by ${seconds(slot.from === null ? network.now : slot.to + slot.tolerance)} s`
  return new Mismatch('packet', event, `expected a packet and got ${got}`, printPacket(wanted), got, [`packet: expected one at ${range(slot)}, got ${got}`])
}

function different(event: ScriptEvent, wanted: PacketAction, view: PacketAction, packet: LivePacket, differences: readonly string[]): Mismatch {
  return new Mismatch('packet', event, differences.join('; '), printPacket(wanted), printLike(view, wanted), packet.fault === null ? differences : [packet.fault, ...differences.filter((line) => line !== packet.fault)])
}

function range(slot: Slot): string {
  if (slot.from === null) return 'any time'
  const span = slot.to === slot.from ? seconds(slot.from) : `${seconds(slot.from)}~${seconds(slot.to)}`
  return `${span} s (± ${seconds(slot.tolerance)})`
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(6).replace(/0{1,3}$/, '')
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}
