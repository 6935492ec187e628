import { createStack, isMapped, seededRandom } from '@stack/core'
import type { Address, SecureRandom, StackBase } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { ipv6 } from '@stack/ipv6'
import { channel, type ChannelLink } from '@stack/link-channel'
import { leaksOf, manualClock, type ManualClock } from '@stack/testing'
import { expect } from 'vitest'
import { tcp, type Connection, type ConnectOptions, type ListenOptions, type Tcp, type TcpOptions } from '../../src/index.ts'
import { Flag, SegmentHeader, headerLengthOf, parseHeader, writeHeader } from '../../src/wire.ts'

export type Family = 'ipv4' | 'ipv6'

/** Both families, for `describe.each`. */
export const FAMILIES: readonly Family[] = ['ipv4', 'ipv6']

export const PEER_PORT = 5000
export const PORT = 7000

const ADDRESSES = {
  ipv4: { local: '10.0.0.1', remote: '10.0.0.2', prefix: 24 },
  ipv6: { local: 'fd00::1', remote: 'fd00::2', prefix: 64 },
} as const

/** A segment of a script: what is sent, or what came. */
export interface Segment {
  /** Letters of SFRPAUEC. */
  flags: string
  seq: number
  ack: number
  win: number
  data: Uint8Array
  mss: number
  scale: number
  ts: { value: number; echo: number } | null
  sackPermitted: boolean
  sourcePort: number
  destinationPort: number
  urgentPointer: number
}

const LETTERS = [['S', Flag.Syn], ['F', Flag.Fin], ['R', Flag.Rst], ['P', Flag.Psh], ['A', Flag.Ack], ['U', Flag.Urg], ['E', Flag.Ece], ['C', Flag.Cwr]] as const

export interface BenchOptions {
  readonly family?: Family
  readonly mtu?: number
  readonly tcp?: TcpOptions
  readonly listen?: Partial<ListenOptions>
  readonly connect?: Partial<ConnectOptions>
}

/**
 * One stack whose only neighbour is the test: it injects segments with relative sequence numbers (ours count from our
 * ISN, the peer's from `irs`) and takes out what the stack sends.
 */
export class Bench {
  readonly clock: ManualClock = manualClock()
  readonly link: ChannelLink
  readonly stack: StackBase & { readonly tcp: Tcp }
  readonly family: Family
  readonly local: string
  readonly remote: string
  /** The stack's ISN, learnt from its SYN. */
  iss = 0
  /** The peer's ISN. */
  irs = 100_000
  /** Ports as the stack sees them. */
  localPort = PORT
  remotePort = PEER_PORT
  /** Timestamps that the peer puts on what it sends; null = none. */
  peerTs: number | null = null
  private readonly localAddress: Address
  private readonly remoteAddress: Address
  private readonly queue: Segment[] = []

  private constructor(options: BenchOptions) {
    this.family = options.family ?? 'ipv4'
    const { local, remote } = ADDRESSES[this.family]
    this.local = local
    this.remote = remote
    this.link = channel({ mtu: options.mtu ?? 1500 })
    const plugins = [ipv4(), ipv6(), tcp(options.tcp)] as const
    this.stack = createStack({ plugins, clock: this.clock, random: seededRandom(1), secureRandom: deterministic() })
    this.localAddress = this.stack.parseAddress(local)
    this.remoteAddress = this.stack.parseAddress(remote)
  }

  static async create(options: BenchOptions = {}): Promise<Bench> {
    const bench = new Bench(options)
    const { local, prefix } = ADDRESSES[bench.family]
    await bench.stack.addNic(bench.link, { addresses: [`${local}/${String(prefix)}`], skipDuplicateDetection: true })
    await bench.clock.settle()
    bench.drain()
    bench.queue.length = 0
    return bench
  }

  /** Ends the stack and checks that nothing is left. */
  async end(): Promise<void> {
    expect(this.counters['illegalTransitions']).toBe(0)
    this.stack.destroy()
    await this.clock.settle()
    while (this.link.tryRead() !== null);
    expect(leaksOf(this.stack)).toEqual([])
  }

  get counters(): Readonly<Record<string, number>> {
    return this.stack.statistics().protocols['tcp']!
  }

  // --- sending ---

  /** Injects a segment; numbers relative. Lets everything happen that needs no time. */
  async send(flags: string, fields: Partial<Omit<Segment, 'flags'>> = {}): Promise<void> {
    this.inject(flags, fields)
    await this.clock.settle()
  }

  /** As {@link send}, without waiting for promises. */
  inject(flags: string, fields: Partial<Omit<Segment, 'flags'>> = {}, damage?: (bytes: Uint8Array, at: number) => void): void {
    const header = new SegmentHeader()
    header.sourcePort = fields.sourcePort ?? this.remotePort
    header.destinationPort = fields.destinationPort ?? this.localPort
    header.flags = bits(flags)
    header.sequence = (this.irs + (fields.seq ?? 0)) | 0
    header.acknowledgment = flags.includes('A') ? (this.iss + (fields.ack ?? 0)) | 0 : 0
    header.window = fields.win ?? 65_535
    header.urgentPointer = fields.urgentPointer ?? 0
    header.mss = fields.mss ?? 0
    header.windowScale = fields.scale ?? -1
    header.sackPermitted = fields.sackPermitted ?? false
    const ts = fields.ts === undefined ? (this.peerTs === null ? null : { value: this.peerTs, echo: 0 }) : fields.ts
    if (ts !== null) {
      header.timestamps = true
      header.timestampValue = ts.value
      header.timestampEcho = ts.echo
    }
    const data = fields.data ?? new Uint8Array(0)
    const length = headerLengthOf(header) + data.length
    const { bytes, at } = networkPacket(this.remoteAddress, this.localAddress, length)
    const view = new DataView(bytes.buffer)
    const headerLength = writeHeader(view, at, header)
    bytes.set(data, at + headerLength)
    damage?.(bytes, at)
    view.setUint16(at + 16, 0)
    view.setUint16(at + 16, checksum(bytes, at, this.remoteAddress, this.localAddress))
    this.link.inject(bytes)
  }

  /** Injects bytes as they are behind a network header. */
  async injectRaw(transport: Uint8Array): Promise<void> {
    const { bytes, at } = networkPacket(this.remoteAddress, this.localAddress, transport.length)
    bytes.set(transport, at)
    this.link.inject(bytes)
    await this.clock.settle()
  }

  // --- receiving ---

  /** The next segment that the stack sent, relative to the ISNs; fails when there is none. */
  next(): Segment {
    this.drain()
    const segment = this.queue.shift()
    if (segment === undefined) throw new Error('Expected a segment; the stack sent nothing.')
    return segment
  }

  /** Takes the next segment and compares the fields given. */
  expect(flags: string, fields: Partial<Omit<Segment, 'flags' | 'data'>> & { length?: number } = {}): Segment {
    const segment = this.next()
    const { length, ...rest } = fields
    const actual: Record<string, unknown> = { flags: segment.flags }
    const wanted: Record<string, unknown> = { flags }
    for (const [name, value] of Object.entries(rest)) {
      wanted[name] = value
      actual[name] = segment[name as keyof Segment]
    }
    if (length !== undefined) {
      wanted['length'] = length
      actual['length'] = segment.data.length
    }
    expect(actual).toEqual(wanted)
    return segment
  }

  /** The stack sent nothing (more). */
  expectNothing(): void {
    this.drain()
    expect(this.queue.map((segment) => `${segment.flags} seq ${String(segment.seq)} ack ${String(segment.ack)} len ${String(segment.data.length)}`)).toEqual([])
  }

  /** Everything that was sent and not taken yet. */
  all(): Segment[] {
    this.drain()
    return this.queue.splice(0)
  }

  private drain(): void {
    for (let bytes = this.link.tryRead(); bytes !== null; bytes = this.link.tryRead()) {
      const segment = this.parse(bytes)
      if (segment !== null) this.queue.push(segment)
    }
  }

  private parse(bytes: Uint8Array): Segment | null {
    const at = bytes[0]! >>> 4 === 4 ? (bytes[0]! & 15) * 4 : 40
    const protocol = at === 40 && bytes[0]! >>> 4 === 6 ? bytes[6] : bytes[9]
    if (protocol !== 6) return null
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const header = new SegmentHeader()
    expect(parseHeader(view, at, bytes.length - at, header)).toBe(true)
    expect(checksum(bytes, at, this.localAddress, this.remoteAddress), 'checksum of a segment sent').toBe(0)
    if ((header.flags & Flag.Syn) !== 0) this.iss = header.sequence
    return {
      flags: letters(header.flags),
      seq: (header.sequence - this.iss) | 0,
      ack: (header.flags & Flag.Ack) === 0 ? 0 : (header.acknowledgment - this.irs) | 0,
      win: header.window,
      data: bytes.slice(at + header.headerLength),
      mss: header.mss,
      scale: header.windowScale,
      ts: header.timestamps ? { value: header.timestampValue, echo: header.timestampEcho } : null,
      sackPermitted: header.sackPermitted,
      sourcePort: header.sourcePort,
      destinationPort: header.destinationPort,
      urgentPointer: header.urgentPointer,
    }
  }

  // --- scripts that many tests begin with ---

  /** A connection that the stack opened; the peer's SYN-ACK carries `syn`. */
  async connect(options: Partial<ConnectOptions> = {}, syn: Partial<Omit<Segment, 'flags'>> = {}): Promise<Connection> {
    const promise = this.stack.tcp.connect({ host: this.remote, port: PEER_PORT, ...options })
    await this.clock.settle()
    const first = this.expect('S')
    this.localPort = first.sourcePort
    await this.send('SA', { seq: 0, ack: 1, mss: 1460, win: 65_535, ...syn })
    const connection = await promise
    this.expect('A', { seq: 1, ack: 1 })
    return connection
  }

  /** A connection that the stack accepted. */
  async accept(listen: Partial<ListenOptions> = {}, syn: Partial<Omit<Segment, 'flags'>> = {}): Promise<Connection> {
    const listener = this.stack.tcp.listen({ port: PORT, ...listen })
    await this.send('S', { mss: 1460, ...syn })
    this.expect('SA', { seq: 0, ack: 1 })
    const promise = listener.accept()
    await this.send('A', { seq: 1, ack: 1, ...(syn.win === undefined ? {} : { win: syn.win }) })
    const connection = (await promise)!
    this.expectNothing()
    return connection
  }
}

/** Bytes that tell where they are. */
export function pattern(length: number, from = 0): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (from + i) * 7
  return bytes
}

/** Are these the bytes of the pattern from `from` on? Faster than comparing arrays. */
export function isPattern(bytes: Uint8Array, from: number): boolean {
  return bytes.every((byte, i) => byte === (((from + i) * 7) & 0xff))
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Deterministic stand-in for the platform's entropy. */
export function deterministic(seed = 7): SecureRandom {
  const random = seededRandom(seed)
  return {
    uint32: () => random.uint32(),
    fill: (bytes) => {
      for (let i = 0; i < bytes.length; i++) bytes[i] = random.uint32()
    },
  }
}

function bits(flags: string): number {
  return LETTERS.reduce((mask, [letter, bit]) => (flags.includes(letter) ? mask | bit : mask), 0)
}

function letters(mask: number): string {
  return LETTERS.filter(([, bit]) => (mask & bit) !== 0).map(([letter]) => letter).join('')
}

function networkPacket(source: Address, destination: Address, length: number): { bytes: Uint8Array; at: number } {
  if (isMapped(source)) {
    const bytes = new Uint8Array(20 + length)
    const view = new DataView(bytes.buffer)
    view.setUint16(0, 0x4500)
    view.setUint16(2, 20 + length)
    view.setUint16(6, 0x4000)
    view.setUint16(8, 0x4006)
    view.setInt32(12, source.d)
    view.setInt32(16, destination.d)
    let sum = 0
    for (let i = 0; i < 20; i += 2) sum += view.getUint16(i)
    view.setUint16(10, ~fold(sum) & 0xffff)
    return { bytes, at: 20 }
  }
  const bytes = new Uint8Array(40 + length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, 0x60000000)
  view.setUint16(4, length)
  view.setUint16(6, 0x0640)
  ;[source.a, source.b, source.c, source.d, destination.a, destination.b, destination.c, destination.d].forEach((word, i) => view.setInt32(8 + 4 * i, word))
  return { bytes, at: 40 }
}

/** The plain way: byte pairs. Written anew so that a mistake of the stack is not repeated. */
function checksum(bytes: Uint8Array, at: number, source: Address, destination: Address): number {
  let sum = 6 + bytes.length - at
  const words = isMapped(source) ? [source.d, destination.d] : [source.a, source.b, source.c, source.d, destination.a, destination.b, destination.c, destination.d]
  for (const word of words) sum += (word >>> 16) + (word & 0xffff)
  for (let i = at; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0)
  return ~fold(sum) & 0xffff
}

function fold(sum: number): number {
  let folded = sum
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16)
  return folded
}
