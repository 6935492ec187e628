import { createPacketMemory, type ChecksumState, type Packet, type PacketMemory, type PacketPool } from '@stack/buffer'
import { addEthernetHeader, seededRandom, type LinkEndpoint, type LinkHost, type NetworkDispatcher, type Scheduler, type TimerAccount } from '@stack/core'
import { manualClock, type ManualClock } from '../manual-clock.ts'
import { expectThat, notApplicable } from './case.ts'
import { IPV4, ipv4Packet, numbered } from './packets.ts'

/** What the suite gives the author of a link. */
export interface LinkSetup {
  /** The clock that the link lives on. */
  readonly clock: ManualClock
  /** For what is at the other end: take a pool of it. */
  readonly memory: PacketMemory
}

/** A packet at the other end of the wire. The elements of `FakeNic.received` are such. */
export interface WirePacket {
  readonly bytes: Uint8Array
  /** Where packets travel with unfinished checksums: whether this one's is. Default: it is as on a wire. */
  readonly checksumState?: ChecksumState
}

/** The other end of the wire. */
export interface LinkPeer {
  /** What has come out since the last call, oldest first, with link header. Makes room. */
  receive(): readonly WirePacket[]
  /** Puts a packet (with Ethernet framing a frame) on the wire towards the link. */
  send(bytes: Uint8Array): void
  /** Takes the carrier away. Absent where links have no carrier. */
  disconnect?(): void
  /** Brings the carrier back. Absent where it cannot come back. */
  connect?(): void
}

/** A link and what is at its other end. */
export interface LinkUnderTest {
  readonly link: LinkEndpoint
  /** Null for loopback links: what is written comes back in. */
  readonly peer: LinkPeer | null
  /** Where written packets go, for links that look: an IPv4 address. Default 10.0.0.2; incoming ones go the other way. */
  readonly destination?: Uint8Array
  /** Where written frames go. Default 02:00:00:00:00:02. */
  readonly linkDestination?: Uint8Array
}

/** Makes one link for one case. */
export type MakeLink = (setup: LinkSetup) => LinkUnderTest | Promise<LinkUnderTest>

/** What a link gave its NIC. */
interface Arrival {
  readonly protocol: number
  readonly bytes: Uint8Array
  readonly checksumState: ChecksumState
  readonly inTurn: boolean
  readonly whileWriting: boolean
}

/** Long enough for links that delay packets, ms. */
const A_WHILE = 10_000
const OWN_ADDRESS = Uint8Array.of(10, 0, 0, 1)
const PEER_ADDRESS = Uint8Array.of(10, 0, 0, 2)
const PEER_LINK_ADDRESS = Uint8Array.of(2, 0, 0, 0, 0, 2)
const HEADROOM = 64

/** The NIC of a bench: writes down what comes, and releases it. */
class BenchNic implements NetworkDispatcher {
  readonly host: LinkHost
  readonly arrivals: Arrival[] = []
  /** Packets delivered before each `flush`. */
  readonly batches: number[] = []
  unflushed = 0
  writables = 0
  carrier: boolean | null = null
  holds = 0
  /** The link's timers. */
  readonly timers: TimerAccount = { armed: 0 }
  whileWriting = false
  /** Called with each packet, before it is released. */
  onArrival: (packet: Packet, protocol: number) => void = () => {}
  private readonly pool: PacketPool

  constructor(clock: ManualClock, pool: PacketPool) {
    this.pool = pool
    this.host = {
      clock, scheduler: accountedScheduler(clock.scheduler, this.timers), random: seededRandom(1), memory: pool, log: { debug() {}, warn() {} },
      ref: () => this.holds++,
      unref: () => this.holds--,
    }
  }

  deliverNetworkPacket(protocol: number, packet: Packet): void {
    this.unflushed++
    const { checksumState } = packet
    const whole = this.pool.flatten(packet)
    expectThat(whole !== null, 'There is no packet memory left to look at what came in.')
    const bytes = whole.bytes.slice(whole.start, whole.end)
    this.arrivals.push({ protocol, bytes, checksumState, inTurn: this.host.scheduler.inTurn, whileWriting: this.whileWriting })
    this.onArrival(whole, protocol)
    whole.release()
  }

  deliverLinkPacket(protocol: number, packet: Packet): void {
    this.deliverNetworkPacket(protocol, packet)
  }

  flush(): void {
    this.batches.push(this.unflushed)
    this.unflushed = 0
  }

  writable(): void {
    this.writables++
  }

  setCarrier(up: boolean): void {
    this.carrier = up
  }
}

/** One link, opened and attached, between a NIC and its other end. */
export class LinkBench {
  readonly clock: ManualClock
  readonly memory: PacketMemory
  readonly pool: PacketPool
  readonly nic: BenchNic
  readonly link: LinkEndpoint
  readonly peer: LinkPeer | null
  private readonly given: LinkUnderTest
  private readonly errors: unknown[]
  private isClosed = false

  private constructor(given: LinkUnderTest, clock: ManualClock, memory: PacketMemory, errors: unknown[]) {
    this.given = given
    this.link = given.link
    this.peer = given.peer
    this.clock = clock
    this.memory = memory
    this.pool = memory.pool()
    this.nic = new BenchNic(clock, this.pool)
    this.errors = errors
  }

  static async setUp(make: MakeLink): Promise<LinkBench> {
    const errors: unknown[] = []
    const clock = manualClock({ onError: (error) => errors.push(error) })
    const memory = createPacketMemory({ size: 1 << 20, simd: false })
    const bench = new LinkBench(await make({ clock, memory }), clock, memory, errors)
    await bench.link.open?.()
    bench.link.attach(bench.nic)
    await bench.pass()
    return bench
  }

  async tearDown(): Promise<void> {
    if (!this.isClosed) this.close()
    await this.pass()
    if (this.errors.length > 0) throw this.errors[0]
  }

  close(): void {
    this.isClosed = true
    this.link.close()
  }

  /** Lets everything happen that is under way. */
  async pass(): Promise<void> {
    await this.clock.advance(A_WHILE)
  }

  // --- out ---

  /** An IPv4 packet of `length` bytes towards the other end. */
  outgoing(number: number, length = 64): Uint8Array {
    return ipv4Packet({ source: OWN_ADDRESS, destination: this.given.destination ?? PEER_ADDRESS }, numbered(number, length - 20))
  }

  /** A packet as a NIC hands it to a link: with its link header. */
  packet(bytes: Uint8Array, options: { readonly protocol?: number; readonly headroom?: number; readonly header?: boolean } = {}): Packet {
    const packet = this.pool.allocate(options.headroom ?? HEADROOM, bytes.length)
    expectThat(packet !== null, 'There is no packet memory left: the link holds more than it was given.')
    packet.append(bytes, 0, bytes.length)
    packet.networkProtocol = options.protocol ?? IPV4
    packet.linkDestination = this.given.linkDestination ?? PEER_LINK_ADDRESS
    if (options.header !== false) expectThat(this.addHeader(packet), 'addHeader refused a packet with 64 bytes of headroom.')
    return packet
  }

  /** As a NIC does it for links that do not themselves. */
  addHeader(packet: Packet): boolean {
    const { link } = this
    if (link.addHeader !== undefined) return link.addHeader(packet)
    return link.framing === 'ip' || addEthernetHeader(packet, link.linkAddress)
  }

  /** `count` finished packets. */
  batch(count: number, length = 64): Packet[] {
    return Array.from({ length: count }, (_, i) => this.packet(this.outgoing(i + 1, length)))
  }

  /** Writes a batch; what was not taken stays the caller's. */
  write(batch: readonly Packet[]): number {
    const { nic } = this
    nic.whileWriting = true
    try {
      return this.link.writePackets(batch)
    } finally {
      nic.whileWriting = false
    }
  }

  /** Writes a batch and releases what was not taken. */
  send(batch: readonly Packet[]): number {
    const taken = this.write(batch)
    for (let i = Math.max(0, taken); i < batch.length; i++) batch[i]!.release()
    return taken
  }

  /** What has come out at the other end since the last call. */
  async sent(): Promise<readonly WirePacket[]> {
    await this.pass()
    return this.peer === null ? this.nic.arrivals.splice(0) : this.peer.receive()
  }

  /** Writes packet by packet until the link refuses one, which it returns. Skips the case when it never does. */
  fill(): { readonly taken: readonly Uint8Array[]; readonly refused: Packet } {
    const taken: Uint8Array[] = []
    for (let i = 1; i <= 4096; i++) {
      const packet = this.packet(this.outgoing(i))
      const bytes = bytesOf(packet)
      if (this.write([packet]) === 0) return { taken, refused: packet }
      taken.push(bytes)
    }
    return notApplicable('The link takes every packet.')
  }

  // --- in ---

  /** A packet, or frame, as it comes from the other end. */
  incoming(number: number, length = 64): Uint8Array {
    return this.frame(ipv4Packet({ source: this.given.destination ?? PEER_ADDRESS, destination: OWN_ADDRESS }, numbered(number, length - 20)), IPV4)
  }

  /** With Ethernet framing `bytes` in a frame to this link, else as they are. */
  frame(bytes: Uint8Array, protocol: number): Uint8Array {
    const { link } = this
    if (link.framing === 'ip' && link.addHeader === undefined) return bytes
    const packet = this.packet(bytes, { protocol, header: false })
    packet.linkSource = this.given.linkDestination ?? PEER_LINK_ADDRESS
    packet.linkDestination = link.linkAddress
    expectThat(this.addHeader(packet), 'addHeader refused a packet with 64 bytes of headroom.')
    const frame = bytesOf(packet)
    packet.release()
    return frame
  }

  /** The other end sends; on a loopback link the NIC itself does. */
  arrive(...frames: readonly Uint8Array[]): void {
    for (const bytes of frames) {
      if (this.peer !== null) this.peer.send(bytes)
      else this.send([this.packet(bytes)])
    }
  }

  /** `count` packets from the other end. */
  arriving(count: number): readonly Uint8Array[] {
    const frames = Array.from({ length: count }, (_, i) => this.incoming(i + 1))
    this.arrive(...frames)
    return frames
  }
}

/** A copy of the bytes of a packet. */
export function bytesOf(packet: Packet): Uint8Array {
  return packet.bytes.slice(packet.start, packet.end)
}

/** A scheduler whose timers are counted apart from those of others on the clock. */
function accountedScheduler(scheduler: Scheduler, account: TimerAccount): Scheduler {
  const timers: Scheduler['timers'] = {
    create: (fire) => scheduler.timers.create(fire, account),
    cancelAll: (other) => scheduler.timers.cancelAll(other),
    get armed() {
      return account.armed
    },
  }
  // What is not said here is the scheduler's own, called on itself.
  return new Proxy(scheduler, {
    get(target, name) {
      if (name === 'timers') return timers
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value as (...args: never[]) => unknown).bind(target) : value
    },
  })
}
