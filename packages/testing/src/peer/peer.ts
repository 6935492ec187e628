import type { Framing, StackBase } from '@stack/core'
import type { ManualClock } from '../manual-clock.ts'
import { PEER, STACK } from '../packets/addresses.ts'
import { toBytes, type Bytes } from '../packets/bytes.ts'
import { check, type PacketChecker } from '../packets/check.ts'
import { ethernet } from '../packets/ethernet.ts'
import { ipv4 } from '../packets/ipv4.ts'
import { ipv6 } from '../packets/ipv6.ts'
import type { Layer } from '../packets/layer.ts'
import { meets, show } from '../packets/matchers.ts'
import { packet } from '../packets/packet.ts'
import { parsePacket, type ParsedPacket } from '../packets/parse.ts'
import { tcp, tcpFlagBits, tcpFlagLetters } from '../packets/tcp.ts'
import { formatPacket } from '../packets/trace.ts'
import { isHousekeeping, resolutionAnswer } from './resolution.ts'
import { headerOf, segmentOf, type InitialNumbers, type Segment, type SegmentExpectations, type SegmentFields } from './segment.ts'
import { bringInto, type InState, type TcpStateName } from './states.ts'
import type { ConnectionOf, ConnectOptionsOf, ListenOptionsOf, TcpLike } from './tcp-like.ts'

/** A family of IP. */
export type Family = 'ipv4' | 'ipv6'
/** Both families, for tests that run for each. */
export const FAMILIES: readonly Family[] = ['ipv4', 'ipv6']

/** The far end of a link, as `fakeLink` and `@stack/link-channel` have it. */
export interface PeerLink {
  readonly framing: Framing
  /** A packet or frame comes in. */
  inject(bytes: Uint8Array): boolean
  /** The next one that went out, or null. */
  tryRead(): Uint8Array | null
}

/** Options of {@link scriptedPeer}. */
export interface PeerOptions<T extends TcpLike> {
  /** Whoever has a `tcp`: its `connect` and `listen` are what the scripts begin with. */
  readonly stack: Pick<StackBase, 'name'> & { readonly tcp: T }
  readonly clock: ManualClock
  /** The link of the stack's NIC. */
  readonly link: PeerLink
  /** Default `'ipv4'`. */
  readonly family?: Family
  /** The stack's address. Default 10.0.0.1 or fd00::1. */
  readonly local?: string
  /** The peer's address. Default 10.0.0.2 or fd00::2. */
  readonly remote?: string
  /** Port on which the stack listens. Default 7000. */
  readonly localPort?: number
  /** Port to which it connects. Default 5000. */
  readonly remotePort?: number
  /** The peer's initial sequence number. Default 100,000. */
  readonly irs?: number
  /** Packets of the stack that the script does not care for. Default: address resolution, group reports and router solicitations. */
  readonly ignore?: (packet: ParsedPacket) => boolean
}

/** What {@link scriptedPeer} makes. Its fields may be changed within a script. */
export interface ScriptedPeer<T extends TcpLike = TcpLike> extends InitialNumbers {
  readonly clock: ManualClock
  readonly link: PeerLink
  readonly family: Family
  readonly tcp: T
  readonly local: string
  readonly remote: string
  /** The stack's ISN, learnt from its SYN. */
  iss: number
  /** The peer's ISN. */
  irs: number
  /** Ports as the stack sees them. */
  localPort: number
  remotePort: number
  /** Timestamp that the peer puts on what it sends; null (default) = none. */
  timestamp: number | null

  /** Sends a segment and lets everything happen that needs no time. */
  send(flags: string, fields?: SegmentFields): Promise<void>
  /** As {@link ScriptedPeer.send}, without waiting. */
  inject(flags: string, fields?: SegmentFields): void
  /** The bytes of a segment as {@link ScriptedPeer.send} sends them: to damage, fragment or keep them. */
  segment(flags: string, fields?: SegmentFields): Uint8Array
  /** Sends any packet: headers above IP, or from IP on. An Ethernet header is added where the link has them. */
  sendPacket(...parts: readonly (Layer | Bytes)[]): Promise<void>
  /** Lets everything happen that needs no time, and answers address resolution. */
  settle(): Promise<void>

  /** Takes the next segment that the stack sent and compares its flags (in any order) and the fields given. Throws an Error that lists what differs. */
  expect(flags: string, fields?: SegmentExpectations): Segment
  /** The next segment; throws when there is none. */
  next(): Segment
  /** All segments that wait. */
  all(): Segment[]
  /** Takes the next packet of any kind and checks it. */
  expectPacket(...checkers: readonly PacketChecker[]): ParsedPacket
  /** The stack sent nothing (more); throws with a list of what it sent. */
  expectNothing(): void
  /** The last 50 packets both ways, one line each. */
  trace(): string

  /** A connection that the stack opened: SYN, SYN-ACK with `answer`, ACK. */
  connect(options?: Partial<ConnectOptionsOf<T>>, answer?: SegmentFields): Promise<ConnectionOf<T>>
  /** A connection that the stack accepted: SYN with `syn`, SYN-ACK, ACK. */
  accept(options?: Partial<ListenOptionsOf<T>>, syn?: SegmentFields): Promise<ConnectionOf<T>>
  /**
   * Brings a connection into a state of RFC 9293 §3.3.2. `open` says who began: the stack (`'active'`, default) or the
   * peer. `listen` is passive, `syn-sent` is active. `handshake` is what the peer's SYN or SYN-ACK has beside (from
   * established on). Throws when the stack does not go there.
   */
  inState(state: TcpStateName, options?: { readonly open?: 'active' | 'passive'; readonly handshake?: SegmentFields }): Promise<InState<ConnectionOf<T>>>
}

/**
 * A TCP that only does what the test says, at the far end of a stack's link: it sends segments and expects segments, with
 * numbers that count from the two ISNs, so that a test reads like a packet trace.
 *
 * @example
 * ```ts
 * import { ipv4 } from '@stack/ipv4'
 * import { tcp } from '@stack/tcp'
 * import { createTestStack, scriptedPeer } from '@stack/testing'
 *
 * const { stack, clock, link, end } = await createTestStack({ plugins: [ipv4(), tcp()] })
 * const peer = scriptedPeer({ stack, clock, link })
 * const listener = stack.tcp.listen({ port: 7000 })
 * await peer.send('S', { seq: 0, mss: 1460 })
 * peer.expect('SA', { seq: 0, ack: 1 })
 * await peer.send('A', { seq: 1, ack: 1 })
 * await peer.send('PA', { seq: 1, ack: 1, data: 'hello' })
 * await clock.advance(40)
 * peer.expect('A', { seq: 1, ack: 6 })
 * peer.expectNothing()
 * await end()
 * ```
 */
export function scriptedPeer<T extends TcpLike>(options: PeerOptions<T>): ScriptedPeer<T> {
  return new Peer(options)
}

interface Seen {
  readonly at: number
  readonly direction: '<' | '>'
  readonly bytes: Uint8Array
}

const MOST_SEEN = 50

class Peer<T extends TcpLike> implements ScriptedPeer<T> {
  readonly clock: ManualClock
  readonly link: PeerLink
  readonly family: Family
  readonly tcp: T
  readonly local: string
  readonly remote: string
  iss = 0
  irs: number
  localPort: number
  remotePort: number
  timestamp: number | null = null
  private readonly ignore: (packet: ParsedPacket) => boolean
  private queue: ParsedPacket[] = []
  private readonly seen: Seen[] = []

  constructor(options: PeerOptions<T>) {
    this.clock = options.clock
    this.link = options.link
    this.family = options.family ?? 'ipv4'
    this.tcp = options.stack.tcp
    this.local = options.local ?? STACK[this.family]
    this.remote = options.remote ?? PEER[this.family]
    this.localPort = options.localPort ?? 7000
    this.remotePort = options.remotePort ?? 5000
    this.irs = options.irs ?? 100_000
    this.ignore = options.ignore ?? isHousekeeping
  }

  // --- sending ---

  async send(flags: string, fields: SegmentFields = {}): Promise<void> {
    this.inject(flags, fields)
    await this.settle()
  }

  inject(flags: string, fields: SegmentFields = {}): void {
    this.put(this.segment(flags, fields))
  }

  segment(flags: string, fields: SegmentFields = {}): Uint8Array {
    const ts = fields.ts === undefined && this.timestamp !== null ? { value: this.timestamp, echo: 0 } : (fields.ts ?? null)
    const header = headerOf(flags, { ...fields, ts }, this, { source: this.remotePort, destination: this.localPort })
    return this.build([this.network(fields.ecn ?? 0), tcp(header), toBytes(fields.data ?? [])])
  }

  async sendPacket(...parts: readonly (Layer | Bytes)[]): Promise<void> {
    const [first] = parts
    const hasNetwork = typeof first === 'object' && 'build' in first && first.etherType !== undefined
    this.put(this.build(hasNetwork ? parts : [this.network(0), ...parts]))
    await this.settle()
  }

  async settle(): Promise<void> {
    await this.clock.settle()
    while (this.drain()) await this.clock.settle()
  }

  private network(ecn: number): Layer {
    const addresses = { source: this.remote, destination: this.local, ecn }
    return this.family === 'ipv4' ? ipv4(addresses) : ipv6(addresses)
  }

  private build(parts: readonly (Layer | Bytes)[]): Uint8Array {
    return this.link.framing === 'ethernet' ? packet(ethernet(), ...parts) : packet(...parts)
  }

  private put(bytes: Uint8Array): void {
    this.note('>', bytes)
    this.link.inject(bytes)
  }

  // --- receiving ---

  expect(flags: string, fields: SegmentExpectations = {}): Segment {
    const segment = this.next()
    const wanted = tcpFlagLetters(tcpFlagBits(flags))
    const lines = segment.flags === wanted ? [] : [`flags: expected ${wanted}, got ${segment.flags}`]
    for (const [name, expected] of Object.entries(fields)) {
      const got = segment[name as keyof Segment]
      if (!meets(expected, got)) lines.push(`${name}: expected ${show(expected)}, got ${show(got)}`)
    }
    if (lines.length > 0) this.fail('The segment is not as expected:', lines)
    return segment
  }

  next(): Segment {
    this.drain()
    const index = this.queue.findIndex(({ tcp: header }) => header !== null)
    if (index < 0) this.fail('Expected a segment; the stack sent nothing.')
    const [found] = this.queue.splice(index, 1)
    return segmentOf(found!, found!.tcp!, this)
  }

  all(): Segment[] {
    this.drain()
    const packets = this.queue
    this.queue = packets.filter(({ tcp: header }) => header === null)
    return packets.flatMap((one) => (one.tcp === null ? [] : [segmentOf(one, one.tcp, this)]))
  }

  expectPacket(...checkers: readonly PacketChecker[]): ParsedPacket {
    this.drain()
    const found = this.queue.shift()
    if (found === undefined) this.fail('Expected a packet; the stack sent nothing.')
    return check(found, ...checkers)
  }

  expectNothing(): void {
    this.drain()
    if (this.queue.length > 0) this.fail('Expected nothing; the stack sent:', this.queue.map((one) => this.format(one, true)))
  }

  trace(): string {
    return this.seen.map(({ at, direction, bytes }) => `${(at / 1000).toFixed(6)} ${direction} ${this.format(this.parse(bytes), direction === '<')}`).join('\n')
  }

  /** Takes in what the stack sent. True = something was answered. */
  private drain(): boolean {
    let isAnswered = false
    for (let bytes = this.link.tryRead(); bytes !== null; bytes = this.link.tryRead()) {
      this.note('<', bytes)
      const parsed = this.parse(bytes)
      if (parsed.problems.length > 0) this.fail(`The stack sent a packet that is not sound: ${parsed.problems.join('; ')}.`)
      const answer = resolutionAnswer(parsed, [this.remote])
      if (answer !== null) {
        this.put(answer)
        isAnswered = true
      }
      if (parsed.tcp?.flags.includes('S') === true) this.iss = parsed.tcp.seq | 0
      if (!this.ignore(parsed)) this.queue.push(parsed)
    }
    return isAnswered
  }

  private parse(bytes: Uint8Array): ParsedPacket {
    return parsePacket(bytes, { first: this.link.framing === 'ethernet' ? 'ethernet' : 'ip' })
  }

  private format(parsed: ParsedPacket, isFromStack: boolean): string {
    return formatPacket(parsed, { relativeTo: isFromStack ? { seq: this.iss, ack: this.irs } : { seq: this.irs, ack: this.iss } })
  }

  private note(direction: Seen['direction'], bytes: Uint8Array): void {
    this.seen.push({ at: this.clock.now(), direction, bytes })
    if (this.seen.length > MOST_SEEN) this.seen.shift()
  }

  private fail(what: string, lines: readonly string[] = []): never {
    throw new Error([what, ...lines.map((line) => `  ${line}`), '  so far (> to the stack, < from it):', ...this.trace().split('\n').map((line) => `    ${line}`)].join('\n'))
  }

  // --- beginnings ---

  async connect(options: Partial<ConnectOptionsOf<T>> = {}, answer: SegmentFields = {}): Promise<ConnectionOf<T>> {
    const connecting = this.startConnect(options)
    await this.settle()
    this.localPort = this.expect('S').sourcePort
    await this.send('SA', { seq: 0, ack: 1, mss: 1460, ...answer })
    const connection = await connecting
    this.expect('A', { seq: 1, ack: 1 })
    return connection
  }

  async accept(options: Partial<ListenOptionsOf<T>> = {}, syn: SegmentFields = {}): Promise<ConnectionOf<T>> {
    const listener = this.startListen(options)
    await this.send('S', { mss: 1460, ...syn })
    this.expect('SA', { seq: 0, ack: 1 })
    const accepted = listener.accept()
    await this.send('A', { seq: 1, ack: 1, ...(syn.win === undefined ? {} : { win: syn.win }) })
    const connection = await accepted
    this.expectNothing()
    return connection!
  }

  inState(
    state: TcpStateName, { open, handshake }: { readonly open?: 'active' | 'passive'; readonly handshake?: SegmentFields } = {},
  ): Promise<InState<ConnectionOf<T>>> {
    return bringInto<ConnectionOf<T>>(this, state, open, {
      connect: () => this.connect({}, handshake),
      accept: () => this.accept({}, handshake),
      startConnect: () => this.startConnect({}),
      startListen: () => this.startListen({}),
    })
  }

  private startConnect(options: object): Promise<ConnectionOf<T>> {
    const given = { host: this.remote, port: this.remotePort, ...options }
    return this.tcp.connect(given as never) as Promise<ConnectionOf<T>>
  }

  private startListen(options: object): { accept(): Promise<ConnectionOf<T> | null> } {
    const given = { port: this.localPort, ...options }
    return this.tcp.listen(given as never) as { accept(): Promise<ConnectionOf<T> | null> }
  }
}
