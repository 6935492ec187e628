import type { Random } from '@stack/core'
import { icmpv4, ipv4, ipv6, packet, pattern, tcp, udp, type FakeLink, type Layer, type TcpFields, type TestStack } from '@stack/testing'

/** Packets that come in one batch of the link, 64 at most. */
export async function receiveBatch(bench: TestStack, frames: readonly Uint8Array[]): Promise<void> {
  const { scheduler } = bench.clock
  const link = bench.link as FakeLink
  scheduler.enqueue({
    queued: false,
    poll() {
      for (const frame of frames) link.inject(frame)
      return 1
    },
  })
  scheduler.run()
  await bench.settle()
}

/** What {@link Sender} is to do. */
export interface SenderOptions {
  readonly family: 'ipv4' | 'ipv6'
  readonly source?: string
  readonly destination?: string
  readonly sourcePort?: number
  readonly timestamps: boolean
  readonly mss: number
  /** Sequence number of the first byte. */
  readonly start: number
}

/** How a segment differs from the one before, or from what is right. */
interface Twist {
  readonly flags?: string
  readonly tos?: number
  readonly ttl?: number
  readonly isBad?: boolean
  readonly tcp?: TcpFields
}

const STREAM = pattern(1 << 20)

/**
 * A TCP sender without manners, made up at random: mostly runs of full segments that follow each other, with everything in
 * between that a NIC must not merge.
 */
export class Sender {
  next: number
  ack = 0
  window = 0xffff
  private readonly random: Random
  private readonly o: SenderOptions
  private identification = 1
  private step = 1
  private dontFragment = true
  private time = 1000

  constructor(random: Random, options: SenderOptions) {
    this.random = random
    this.o = options
    this.next = options.start
    this.window = 0xffff
  }

  /** The next packets, about `count` of them. */
  batch(count: number): Uint8Array[] {
    const frames: Uint8Array[] = []
    this.time += this.below(3)
    if (this.is(0.1)) this.step = this.below(3)
    if (this.is(0.1)) this.dontFragment = !this.is(0.2)
    while (frames.length < count) frames.push(...this.some())
    return frames
  }

  /** A segment of `length` bytes of the stream at `seq`. */
  segment(seq: number, length: number, twist: Twist = {}): Uint8Array {
    const { o } = this
    const at = (seq - o.start) >>> 0
    const text = STREAM.subarray(at % 500_000, (at % 500_000) + length)
    this.identification = (this.identification + this.step) & 0xffff
    const bytes = packet(this.network(twist), tcp({
      flags: twist.flags ?? 'A', seq: seq >>> 0, ack: this.ack >>> 0, window: this.window,
      sourcePort: o.sourcePort ?? 5000,
      ...(o.timestamps ? { timestamps: { value: this.time, echo: 7 } } : {}),
      ...twist.tcp,
    }), text)
    if (twist.isBad === true) bytes[bytes.length - 1]! ^= 0x40
    return bytes
  }

  private network({ tos = 0, ttl = 64 }: Twist): Layer {
    const { family, source, destination } = this.o
    const ends = { ...(source === undefined ? {} : { source }), ...(destination === undefined ? {} : { destination }) }
    if (family === 'ipv6') return ipv6({ trafficClass: tos, hopLimit: ttl, flowLabel: 77, ...ends })
    return ipv4({ tos, ttl, identification: this.identification, dontFragment: this.dontFragment, ...ends })
  }

  private some(): Uint8Array[] {
    const { o } = this
    const kind = this.below(30)
    if (kind < 10) return this.run(1 + this.below(20))
    switch (kind) {
      case 10: // A hole, and its end some segments later.
        return this.hole()
      case 11: // Again, from anywhere before.
        return [this.segment((this.next - this.below(4 * o.mss)) | 0, 1 + this.below(2 * o.mss))]
      case 12:
        return [this.advance(o.mss, { isBad: true })]
      case 13:
        return [this.advance(o.mss, { tos: this.below(4) })]
      case 14:
        this.time++
        return [this.advance(o.mss)]
      case 15: // A pure ACK.
        return [this.segment(this.next, 0)]
      case 16:
        this.window = 1 + this.below(0xffff)
        return [this.advance(o.mss)]
      case 17: // Larger, or smaller, than the one before.
        return [this.advance(1 + this.below(o.mss))]
      case 18:
        return [this.advance(o.mss, { tcp: { urgentPointer: 3, flags: this.is(0.5) ? 'AU' : 'A' } })]
      case 19:
        return [this.advance(o.mss, { tcp: { sack: [[1, 2]] } })]
      case 20:
        return [this.advance(o.mss, { flags: this.is(0.5) ? 'AE' : 'AC' })]
      case 21: // Far beyond the window.
        return [this.segment((this.next + 3_000_000) | 0, o.mss)]
      case 22:
        return [this.stranger()]
      case 23: // Old duplicates, from where the peer stands or a little beside it.
        return this.duplicates()
      case 24: // An acknowledgment of before.
        return [this.advance(o.mss, { tcp: { ack: (this.ack - this.below(5000)) >>> 0 } }), this.advance(o.mss)]
      case 25: // Resets and SYNs in the window, but not at its edge.
        return [this.segment((this.next + 1 + this.below(3000)) | 0, 0, { flags: this.is(0.5) ? 'R' : 'S' })]
      case 26: // The window closes and opens again in one batch.
        return this.closing()
      default:
        return [this.advance(o.mss, { ttl: 63 })]
    }
  }

  private run(count: number): Uint8Array[] {
    const frames: Uint8Array[] = []
    for (let i = 0; i < count; i++) frames.push(this.advance(this.o.mss))
    if (this.is(0.5)) frames.push(this.advance(1 + this.below(this.o.mss), { flags: this.is(0.7) ? 'PA' : 'A' }))
    return frames
  }

  private hole(): Uint8Array[] {
    const { mss } = this.o
    const lost = this.advance(mss)
    return [...this.run(1 + this.below(5)), ...(this.is(0.8) ? [lost] : [])]
  }

  private duplicates(): Uint8Array[] {
    const { time } = this
    this.time -= 1 + this.below(2000)
    const from = (this.next + this.o.mss * (this.below(5) - 2)) | 0
    const frames = Array.from({ length: 2 + this.below(4) }, (_, i) => this.segment((from + i * this.o.mss) | 0, this.o.mss))
    this.time = time
    return frames
  }

  private closing(): Uint8Array[] {
    const { window } = this
    this.window = 0
    const frames = this.run(1 + this.below(3))
    this.window = window
    return [...frames, ...this.run(1 + this.below(3))]
  }

  private advance(length: number, twist?: Twist): Uint8Array {
    const bytes = this.segment(this.next, length, twist)
    this.next = (this.next + length) | 0
    return bytes
  }

  /** Of no flow, or of another one that goes the same way. */
  private stranger(): Uint8Array {
    const network = this.network({})
    const kind = this.below(3)
    if (kind === 0) return packet(network, udp({ destinationPort: 9 }), [1, 2, 3])
    if (kind === 1 && this.o.family === 'ipv4') return packet(network, icmpv4({ type: 'echo-request', identifier: 1 }), [4, 5])
    return packet(network, tcp({ sourcePort: 6000, destinationPort: 6001, seq: this.next >>> 0 }), STREAM.subarray(0, this.o.mss))
  }

  private below(n: number): number {
    return Math.floor(this.random.next() * n)
  }

  private is(chance: number): boolean {
    return this.random.next() < chance
  }
}
