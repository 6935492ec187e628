import { createPacketMemory, type ChecksumState, type Packet, type PacketPool } from '@stack/buffer'
import { seededRandom, type Clock, type LinkEndpoint, type LinkHost, type Milliseconds, type NetworkDispatcher } from '@stack/core'

/** A packet that a link handed to a {@link FakeNic}. */
export interface ReceivedPacket {
  readonly protocol: number
  readonly bytes: Uint8Array
  /** ms of the clock. */
  readonly at: Milliseconds
  readonly checksumState: ChecksumState
}

/** What a link has in place of a NIC in its tests: writes down what comes in, and sends bytes. */
export interface FakeNic extends NetworkDispatcher {
  /** An account of its own: `memory.packets` is 0 when link and test have released everything. */
  readonly memory: PacketPool
  /** What came in, in order. */
  readonly received: ReceivedPacket[]
  /** The bytes of `received` as hexadecimal text. */
  readonly receivedHex: readonly string[]
  /** Calls of `flush` and `writable`. */
  readonly flushes: number
  readonly writables: number
  /** `ref` less `unref` of its host. */
  readonly holds: number
  /** What the link said last; true at first. */
  readonly carrier: boolean
  /** Called at `writable`, in its call stack. */
  onWritable: (() => void) | null
  attach(link: LinkEndpoint): void
  detach(): void
  /** A packet with 64 bytes of headroom; `protocol` 0 = told from the version nibble. */
  packet(bytes: Uint8Array | readonly number[], protocol?: number): Packet
  /** Writes a batch. Returns what the link took; the rest is released. */
  send(...payloads: readonly (Uint8Array | readonly number[])[]): number
}

const HEADROOM = 64
const IPV4 = 0x0800
const IPV6 = 0x86dd

/**
 * Makes a {@link FakeNic}.
 *
 * @example
 * ```ts
 * import { pipe } from '@stack/link-pipe'
 * import { fakeNic, manualClock } from '@stack/testing'
 *
 * const clock = manualClock()
 * const [left, right] = pipe()
 * const a = fakeNic(clock)
 * const b = fakeNic(clock)
 * a.attach(left)
 * b.attach(right)
 * a.send([0x45, 0, 0, 20])
 * await clock.settle()
 * console.log(b.receivedHex) // ['45000014']
 * ```
 */
export function fakeNic(clock: Clock, options: { readonly memory?: PacketPool; readonly seed?: number } = {}): FakeNic {
  return new Fake(clock, options.memory ?? createPacketMemory({ size: 8 << 20 }).pool(), options.seed ?? 1)
}

class Fake implements FakeNic {
  readonly host: LinkHost
  readonly memory: PacketPool
  readonly received: ReceivedPacket[] = []
  flushes = 0
  writables = 0
  holds = 0
  carrier = true
  onWritable: (() => void) | null = null
  private link: LinkEndpoint | null = null

  constructor(clock: Clock, memory: PacketPool, seed: number) {
    this.memory = memory
    this.host = {
      clock, scheduler: clock.scheduler, random: seededRandom(seed), memory, log: { debug() {}, warn() {} },
      ref: () => this.holds++,
      unref: () => this.holds--,
    }
  }

  get receivedHex(): readonly string[] {
    return this.received.map(({ bytes }) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(''))
  }

  attach(link: LinkEndpoint): void {
    this.link = link
    link.attach(this)
  }

  detach(): void {
    this.link?.attach(null)
    this.link = null
  }

  packet(bytes: Uint8Array | readonly number[], protocol = 0): Packet {
    const source = Uint8Array.from(bytes)
    const packet = this.memory.allocate(HEADROOM, source.length)
    if (packet === null) throw new Error('The fake NIC has no packet memory left: was something not released?')
    packet.append(source, 0, source.length)
    packet.networkProtocol = protocol === 0 ? versionProtocol(source) : protocol
    return packet
  }

  send(...payloads: readonly (Uint8Array | readonly number[])[]): number {
    if (this.link === null) throw new Error('Attach a link before sending.')
    const batch = payloads.map((bytes) => this.packet(bytes))
    const taken = this.link.writePackets(batch)
    for (const packet of batch.slice(taken)) packet.release()
    return taken
  }

  deliverNetworkPacket(protocol: number, packet: Packet): void {
    const { checksumState } = packet
    const whole = this.memory.flatten(packet)
    if (whole === null) packet.release()
    else {
      const bytes = whole.bytes.slice(whole.start, whole.end)
      this.received.push({ protocol, bytes, at: this.host.scheduler.now, checksumState })
      whole.release()
    }
  }

  deliverLinkPacket(protocol: number, packet: Packet): void {
    this.deliverNetworkPacket(protocol, packet)
  }

  flush(): void {
    this.flushes++
  }

  writable(): void {
    this.writables++
    this.onWritable?.()
  }

  setCarrier(up: boolean): void {
    this.carrier = up
  }
}

function versionProtocol(bytes: Uint8Array): number {
  const version = (bytes[0] ?? 0) >> 4
  return version === 4 ? IPV4 : version === 6 ? IPV6 : 0
}
