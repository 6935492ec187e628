import { seededRandom } from '@stack/core'
import { parsePacket, type ParsedPacket } from '../packets/parse.ts'

/** A packet on its way through a hostile link. */
export interface PassingPacket {
  /** 1 for the first that passes in its direction. */
  readonly number: number
  readonly direction: 'in' | 'out'
  /** Bytes from the network header on. */
  readonly length: number
  /** A copy of it, link header included. */
  bytes(): Uint8Array
  /** It, taken apart. */
  parsed(): ParsedPacket
}

/** Which packets are hit. A pattern may keep count: make a new one for each link, and one for each direction where that matters. */
export type PacketPattern = (packet: PassingPacket) => boolean

/** A passing packet over bytes, made when somebody looks. */
export function passingPacket(number: number, direction: 'in' | 'out', length: number, isFrame: boolean, copy: () => Uint8Array): PassingPacket {
  let bytes: Uint8Array | null = null
  let parsed: ParsedPacket | null = null
  const get = (): Uint8Array => (bytes ??= copy())
  return {
    number, direction, length,
    bytes: get,
    parsed: () => (parsed ??= parsePacket(get(), { first: isFrame ? 'ethernet' : 'ip' })),
  }
}

/** The n-th, 2n-th, 3n-th … packet. */
export function everyNth(n: number): PacketPattern {
  return ({ number }) => number % n === 0
}

/** Packets by number; the first is 1. */
export function packetNumbers(...numbers: readonly number[]): PacketPattern {
  const set = new Set(numbers)
  return ({ number }) => set.has(number)
}

/** `length` packets one after the other, from number `from` on; again each `every` packets, if told. */
export function bursts({ from, length, every = Infinity }: { readonly from: number; readonly length: number; readonly every?: number }): PacketPattern {
  return ({ number }) => number >= from && (every === Infinity ? number - from : (number - from) % every) < length
}

/** Each packet by itself with this probability. The same packets for the same seed. */
export function sometimes(probability: number, seed = 1): PacketPattern {
  const random = seededRandom(seed)
  return () => random.next() < probability
}

/** Options of {@link gilbertElliott}: probabilities. */
export interface GilbertElliottOptions {
  /** To go from good to bad, at each packet. */
  readonly toBad: number
  /** To come back. */
  readonly toGood: number
  /** To hit a packet while it is good. Default 0. */
  readonly hitsWhenGood?: number
  /** To hit a packet while it is bad. Default 1. */
  readonly hitsWhenBad?: number
  /** Default 1. */
  readonly seed?: number
}

/** The model of Gilbert and Elliott: times that are good and times that are bad, as on radio links. Losses come in bursts of 1/`toGood` on average. */
export function gilbertElliott({ toBad, toGood, hitsWhenGood = 0, hitsWhenBad = 1, seed = 1 }: GilbertElliottOptions): PacketPattern {
  const random = seededRandom(seed)
  let isBad = false
  return () => {
    if (random.next() < (isBad ? toGood : toBad)) isBad = !isBad
    return random.next() < (isBad ? hitsWhenBad : hitsWhenGood)
  }
}

/** Packets of more than `bytes`, counted from the network header. */
export function largerThan(bytes: number): PacketPattern {
  return ({ length }) => length > bytes
}

/** Packets of which this is true. */
export function matching(predicate: (packet: ParsedPacket) => boolean): PacketPattern {
  return (packet) => predicate(packet.parsed())
}

/** The first `count` that another pattern hits, and then none: to lose a segment once and let its retransmission pass. */
export function atMostTimes(count: number, pattern: PacketPattern): PacketPattern {
  let left = count
  return (packet) => left > 0 && pattern(packet) && left-- > 0
}

/** Those that all patterns hit. Each of them sees every packet. */
export function allOf(...patterns: readonly PacketPattern[]): PacketPattern {
  return (packet) => patterns.map((pattern) => pattern(packet)).every(Boolean)
}

/** Those that any of the patterns hits. Each of them sees every packet. */
export function someOf(...patterns: readonly PacketPattern[]): PacketPattern {
  return (packet) => patterns.map((pattern) => pattern(packet)).some(Boolean)
}

/** Those that the pattern leaves alone. */
export function except(pattern: PacketPattern): PacketPattern {
  return (packet) => !pattern(packet)
}
