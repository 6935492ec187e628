import type { Random } from '@stack/core'
import { internetChecksum, pseudoHeaderSum } from '../packets/checksum.ts'

/** What {@link spoiler} makes. */
export interface Spoiler {
  /** An integer from 0 to n - 1, from the same seed. */
  readonly pick: (n: number) => number
  /** True with this probability, from the same seed. */
  readonly chance: (probability: number) => boolean
  /** A frame made of `frame`, or of nothing at all. */
  readonly spoil: (frame: Uint8Array) => Uint8Array
}

/**
 * Takes sound Ethernet frames and makes them what an attacker would send: lengths that lie, fragments that overlap,
 * options full of garbage, bytes changed, frames cut; mostly with checksums that are right, so that what is wrong deeper
 * inside is reached. The same for the same seed.
 *
 * @example
 * ```ts
 * import { seededRandom } from '@stack/core'
 * import { ethernet, ipv4, packet, spoiler, udp } from '@stack/testing'
 *
 * const { spoil } = spoiler(seededRandom(1))
 * const hostile = spoil(packet(ethernet(), ipv4(), udp(), 'hello'))
 * ```
 */
export function spoiler(random: Random): Spoiler {
  const frames = new Frames(random)
  return {
    pick: (n) => frames.pick(n),
    chance: (probability) => frames.chance(probability),
    spoil: (frame) => frames.spoil(frame),
  }
}

const ETHERNET = 14
const EXTREMES = [0, 1, 0x7f, 0x80, 0xff]

class Frames {
  private readonly random: Random

  constructor(random: Random) {
    this.random = random
  }

  pick(n: number): number {
    return Math.floor(this.random.next() * n)
  }

  chance(probability: number): boolean {
    return this.random.next() < probability
  }

  /** A frame made of `frame`, or of nothing at all. */
  spoil(frame: Uint8Array): Uint8Array {
    if (this.chance(0.03)) return this.noise()
    let spoilt: Uint8Array = Uint8Array.from(frame)
    if (this.chance(0.3)) this.fragment(spoilt)
    if (this.chance(0.2)) spoilt = this.lengthen(spoilt)
    if (this.chance(0.15)) spoilt = this.insertOptions(spoilt)
    if (this.chance(0.3)) this.lie(spoilt)
    for (let n = this.pick(4); n > 0; n--) this.change(spoilt)
    if (this.chance(0.25)) spoilt = spoilt.slice(0, this.pick(spoilt.length + 1))
    if (this.chance(0.7)) repair(spoilt)
    return spoilt
  }

  /** Random bytes, half of them behind a header that looks like something. */
  private noise(): Uint8Array {
    const bytes = Uint8Array.from({ length: this.pick(300) }, () => this.pick(256))
    if (bytes.length > ETHERNET && this.chance(0.5)) {
      bytes.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1], 0)
      bytes.set([[0x08, 0x00], [0x86, 0xdd], [0x08, 0x06]][this.pick(3)]!, 12)
      bytes[ETHERNET] = [0x45, 0x60, 0x4f][this.pick(3)]!
    }
    return bytes
  }

  /** One byte, mostly of the headers. */
  private change(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    const at = this.pick(this.chance(0.8) ? Math.min(bytes.length, 90) : bytes.length)
    bytes[at] = this.chance(0.5) ? this.pick(256) : EXTREMES[this.pick(EXTREMES.length)]!
  }

  /** A length field says something else: total length, header length, data offset, payload length, UDP length. */
  private lie(bytes: Uint8Array): void {
    const value = this.chance(0.5) ? this.pick(65_536) : [0, 1, 7, 8, 20, 40, 65_535][this.pick(7)]!
    if (isV4(bytes)) {
      if (this.chance(0.3)) bytes[ETHERNET] = 0x40 | this.pick(16)
      else put(bytes, ETHERNET + (this.chance(0.5) ? 2 : 24), value)
      if (this.chance(0.3)) set(bytes, ETHERNET + 32, this.pick(256))
    } else if (isV6(bytes)) {
      put(bytes, ETHERNET + (this.chance(0.5) ? 4 : 44), value)
      if (this.chance(0.3)) set(bytes, ETHERNET + 52, this.pick(256))
    }
  }

  /** Offsets that overlap, leave gaps, run beyond 65,535, in few datagrams, so that they meet. */
  private fragment(bytes: Uint8Array): void {
    const offset = this.chance(0.2) ? 0x1fff - this.pick(4) : this.pick(40)
    const more = this.chance(0.6)
    const id = this.pick(8)
    if (isV4(bytes)) {
      put(bytes, ETHERNET + 4, id)
      put(bytes, ETHERNET + 6, offset | (more ? 0x2000 : 0))
    } else if (isV6(bytes) && bytes.length > ETHERNET + 48) {
      const next = bytes[ETHERNET + 6]!
      bytes[ETHERNET + 6] = 44
      bytes.set([next, 0, offset >> 5, ((offset << 3) & 0xff) | (more ? 1 : 0), 0, 0, 0, id], ETHERNET + 40)
    }
  }

  private lengthen(bytes: Uint8Array): Uint8Array {
    const longer = new Uint8Array(bytes.length + this.pick(40))
    longer.set(bytes)
    return longer
  }

  /** Options or extension headers full of garbage, with lengths that are right. */
  private insertOptions(bytes: Uint8Array): Uint8Array {
    const v4 = isV4(bytes)
    if (!v4 && !isV6(bytes)) return bytes
    const at = ETHERNET + (v4 ? 20 : 40)
    if (bytes.length < at) return bytes
    const size = v4 ? 4 * (1 + this.pick(10)) : 8 * (1 + this.pick(4))
    const garbage = Uint8Array.from({ length: size }, () => (this.chance(0.6) ? [0, 1, 2, 3, 4, 5, 7, 68, 131, 137, 148, 194][this.pick(12)]! : this.pick(256)))
    const result = new Uint8Array(bytes.length + size)
    result.set(bytes.subarray(0, at))
    result.set(garbage, at)
    result.set(bytes.subarray(at), at + size)
    if (v4) {
      result[ETHERNET] = 0x40 | (5 + size / 4)
      put(result, ETHERNET + 2, result.length - ETHERNET)
    } else {
      result[at] = result[ETHERNET + 6]!
      result[at + 1] = size / 8 - 1
      result[ETHERNET + 6] = [0, 43, 60, 51, 44][this.pick(5)]!
      put(result, ETHERNET + 4, result.length - at)
    }
    return result
  }
}

function isV4(bytes: Uint8Array): boolean {
  return bytes.length >= ETHERNET + 20 && bytes[12] === 0x08 && bytes[13] === 0x00
}

function isV6(bytes: Uint8Array): boolean {
  return bytes.length >= ETHERNET + 40 && bytes[12] === 0x86 && bytes[13] === 0xdd
}

function set(bytes: Uint8Array, at: number, value: number): void {
  if (at < bytes.length) bytes[at] = value
}

function put(bytes: Uint8Array, at: number, value: number): void {
  set(bytes, at, value >> 8)
  set(bytes, at + 1, value & 255)
}

/** Makes checksums right, as far as the lengths allow. */
function repair(bytes: Uint8Array): void {
  if (isV4(bytes)) {
    const header = (bytes[ETHERNET]! & 15) * 4
    if (header < 20 || ETHERNET + header > bytes.length) return
    put(bytes, ETHERNET + 10, 0)
    put(bytes, ETHERNET + 10, internetChecksum(bytes.subarray(ETHERNET, ETHERNET + header)))
    const total = (bytes[ETHERNET + 2]! << 8) | bytes[ETHERNET + 3]!
    repairTransport(bytes, ETHERNET + header, Math.min(bytes.length, ETHERNET + total), bytes[ETHERNET + 9]!, ETHERNET + 12, 4)
  } else if (isV6(bytes)) {
    const length = (bytes[ETHERNET + 4]! << 8) | bytes[ETHERNET + 5]!
    repairTransport(bytes, ETHERNET + 40, Math.min(bytes.length, ETHERNET + 40 + length), bytes[ETHERNET + 6]!, ETHERNET + 8, 16)
  }
}

/** `addresses` is where the source address is, `size` the bytes of one. */
function repairTransport(bytes: Uint8Array, start: number, end: number, protocol: number, addresses: number, size: number): void {
  const field = protocol === 6 ? 16 : protocol === 17 ? 6 : protocol === 1 || protocol === 58 ? 2 : -1
  if (field < 0 || start + field + 2 > end) return
  put(bytes, start + field, 0)
  const source = bytes.subarray(addresses, addresses + size)
  const destination = bytes.subarray(addresses + size, addresses + 2 * size)
  const pseudo = protocol === 1 ? 0 : pseudoHeaderSum({ source, destination }, protocol, end - start)
  put(bytes, start + field, internetChecksum(bytes.subarray(start, end), pseudo))
}
