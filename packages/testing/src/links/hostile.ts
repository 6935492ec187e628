import { ChecksumState, type Packet } from '@stack/buffer'
import { seededRandom, type LinkEndpoint, type Milliseconds, type Timer } from '@stack/core'
import { concat, toBytes, type Bytes } from '../packets/bytes.ts'
import { hostileLink, type HostileLink, type HostileOptions, type Impairment, type Line } from './hostile-link.ts'
import { largerThan } from './patterns.ts'

/**
 * Loses the packets that are hit.
 *
 * @example
 * ```ts
 * import { pipe } from '@stack/link-pipe'
 * import { duplicating, everyNth, lossy, matching, sometimes } from '@stack/testing'
 *
 * const [left, right] = pipe()
 * const a = lossy(left, { pattern: everyNth(10) })
 * const b = duplicating(lossy(right, { pattern: matching(({ tcp }) => tcp?.flags === 'SA') }), { pattern: sometimes(0.05, 7), direction: 'both' })
 * ```
 */
export function lossy<L extends LinkEndpoint>(lower: L, options: HostileOptions = {}): HostileLink<L> {
  return hostileLink(lower, options, () => ({
    pass(packet, isHit, line) {
      if (isHit) packet.release()
      else line.emit(packet)
    },
  }))
}

/** Loses packets of more than `above` bytes (from the network header on) without a word, as a path does whose ICMP is filtered (RFC 2923 §2.1). */
export function blackHole<L extends LinkEndpoint>(lower: L, options: { readonly above: number } & Pick<HostileOptions, 'direction'>): HostileLink<L> {
  return lossy(lower, { ...options, pattern: largerThan(options.above) })
}

/** Takes no packet that is longer than the MTU; `hits` counts those that were. The MTU that the stack sees is the smaller one of `mtu` and the inner link's. */
export function enforcingMtu<L extends LinkEndpoint>(lower: L, mtu: number = lower.mtu, options: Pick<HostileOptions, 'direction'> = {}): HostileLink<L> {
  return lossy(lower, { ...options, mtu, pattern: largerThan(mtu) })
}

/** Sends the packets that are hit `copies` times more, at once. Default 1. */
export function duplicating<L extends LinkEndpoint>(lower: L, { copies = 1, ...options }: HostileOptions & { readonly copies?: number } = {}): HostileLink<L> {
  return hostileLink(lower, options, () => ({
    pass(packet, isHit, line) {
      for (let n = isHit ? copies : 0; n > 0; n--) {
        const copy = packet.clone(line.host.memory)
        if (copy !== null) line.emit(copy)
      }
      line.emit(packet)
    },
  }))
}

/** Changes the bytes of packets that are hit, link header included: give other bytes back, of any length; none = it is lost. */
export function altering<L extends LinkEndpoint>(lower: L, options: HostileOptions & { readonly alter: (bytes: Uint8Array) => Bytes }): HostileLink<L> {
  return hostileLink(lower, options, () => ({
    pass(packet, isHit, line) {
      const altered = isHit ? rewritten(packet, toBytes(options.alter(packet.bytes.slice(packet.start, packet.end))), line) : packet
      if (altered !== null) line.emit(altered)
    },
  }))
}

/** Flips bits of the packets that are hit, at places that the seed chooses. */
export function corrupting<L extends LinkEndpoint>(lower: L, { bits = 1, seed = 1, ...options }: HostileOptions & { readonly bits?: number; readonly seed?: number } = {}): HostileLink<L> {
  const random = seededRandom(seed)
  const alter = (bytes: Uint8Array): Uint8Array => {
    for (let n = 0; n < bits; n++) {
      const bit = Math.floor(random.next() * bytes.length * 8)
      bytes[bit >> 3] = bytes[bit >> 3]! ^ (1 << (bit & 7))
    }
    return bytes
  }
  return altering(lower, { ...options, alter })
}

/** Puts bytes behind the packets that are hit, as devices do that pad. Default 6 bytes of 0xee. */
export function trailing<L extends LinkEndpoint>(lower: L, { bytes = new Uint8Array(6).fill(0xee), ...options }: HostileOptions & { readonly bytes?: Bytes } = {}): HostileLink<L> {
  return altering(lower, { ...options, alter: (packet) => concat([packet, toBytes(bytes)]) })
}

/** Cuts the packets that are hit to `length` bytes, link header included. */
export function truncating<L extends LinkEndpoint>(lower: L, { length, ...options }: HostileOptions & { readonly length: number }): HostileLink<L> {
  return altering(lower, { ...options, alter: (packet) => packet.slice(0, length) })
}

/** Options of {@link reordering}. */
export interface ReorderingOptions extends HostileOptions {
  /** Packets that overtake. Default 1. */
  readonly by?: number
  /** ms after which a packet goes although nothing has overtaken it. Default 1,000. */
  readonly wait?: Milliseconds
}

/** Holds the packets that are hit until others have overtaken them. */
export function reordering<L extends LinkEndpoint>(lower: L, { by = 1, wait = 1000, ...options }: ReorderingOptions = {}): HostileLink<L> {
  return hostileLink(lower, options, () => new Reordering(by, wait))
}

interface Held {
  readonly packet: Packet
  readonly timer: Timer
  overtakers: number
}

class Reordering implements Impairment {
  private readonly by: number
  private readonly wait: Milliseconds
  private held: Held[] = []

  constructor(by: number, wait: Milliseconds) {
    this.by = by
    this.wait = wait
  }

  pass(packet: Packet, isHit: boolean, line: Line): void {
    if (isHit) {
      const timer = line.host.scheduler.timers.create(() => {
        this.free(held, line)
        line.emitted()
      })
      const held: Held = { packet, timer, overtakers: 0 }
      timer.arm(line.host.scheduler.now + this.wait)
      this.held.push(held)
      return
    }
    line.emit(packet)
    for (const held of this.held) held.overtakers++
    for (const held of this.held.filter(({ overtakers }) => overtakers >= this.by)) this.free(held, line)
  }

  clear(): void {
    for (const { packet, timer } of this.held) {
      timer.cancel()
      packet.release()
    }
    this.held = []
  }

  private free(held: Held, line: Line): void {
    held.timer.cancel()
    this.held = this.held.filter((other) => other !== held)
    line.emit(held.packet)
  }
}

/** A packet of other bytes in place of `packet`, which is released; null = no bytes, or no memory for them. */
function rewritten(packet: Packet, bytes: Uint8Array, line: Line): Packet | null {
  const other = bytes.length === 0 ? null : line.host.memory.allocate(packet.start, bytes.length)
  if (other !== null) {
    other.append(bytes, 0, bytes.length)
    other.networkProtocol = packet.networkProtocol
    other.flags = packet.flags
    other.linkSource = packet.linkSource
    other.linkDestination = packet.linkDestination
    other.checksumState = ChecksumState.None
  }
  packet.release()
  return other
}
