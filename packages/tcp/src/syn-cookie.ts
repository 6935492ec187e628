import { createSipHash } from '@stack/core'
import type { Milliseconds, SecureRandom, SipHash } from '@stack/core'
import type { Flow } from './flow.ts'
import { TUPLE_WORDS, writeTuple } from './isn.ts'

/** ms between two keys. A cookie is good for one to two of them. */
const KEY_LIFETIME = 64_000
/** How long after the last cookie an ACK may still bring one, ms. */
export const COOKIE_LIFETIME: Milliseconds = 2 * KEY_LIFETIME

/** MSS that a cookie can name: the next smaller one is meant. Those of Ethernet, tunnels, PPPoE and jumbo frames. */
const SIZES = [48, 216, 536, 1220, 1360, 1440, 1460, 8940] as const
const SIZE_MASK = 7
const SLOT_BIT = 8
/** Bits of a cookie that are no code. */
const DATA_MASK = SIZE_MASK | SLOT_BIT

/** Bits of a timestamp that say what the SYN offered; the clock loses as many, 64 ms. */
export const TIMESTAMP_MASK = 0x3f
/** What there is in place of such bits without timestamps. */
export const NO_TIMESTAMPS = 0x40
const SCALE_MASK = 0xf
const SACK_BIT = 0x10
const ECN_BIT = 0x20

/**
 * SYN cookies (RFC 4987 §3.6): initial sequence numbers that tell from the final ACK alone what the SYN had said. 28 bits
 * are a keyed code over the tuple, the peer's sequence number, and all that the cookie says; 3 are the MSS; 1 says which
 * key. Window scale, SACK and ECN are in the low bits of our timestamp, which the peer echoes, and the code covers them too.
 */
export class SynCookies {
  private readonly random: SecureRandom
  private readonly words = new Int32Array(TUPLE_WORDS + 3)
  // The key of this period and that of the last, by the lowest bit of the period's number.
  private readonly keys: (SipHash | null)[] = [null, null]
  private readonly periods: number[] = [-1, -1]

  constructor(random: SecureRandom) {
    this.random = random
  }

  /** The ISS for a SYN from `flow` with sequence number `irs`. `bits` is what the timestamp will say. */
  make(flow: Flow, irs: number, peerMss: number, bits: number, now: Milliseconds): number {
    const period = Math.floor(now / KEY_LIFETIME)
    const slot = period & 1
    if (this.periods[slot] !== period) {
      this.keys[slot] = createSipHash(this.random)
      this.periods[slot] = period
    }
    let size = SIZES.length - 1
    while (size > 0 && SIZES[size]! > peerMss) size--
    const data = size | (slot * SLOT_BIT)
    return (this.code(this.keys[slot]!, flow, irs, data, bits) & ~DATA_MASK) | data
  }

  /** The MSS that the peer had named, or a little less; 0 = it is none of our cookies, or an old one. */
  check(cookie: number, flow: Flow, irs: number, bits: number, now: Milliseconds): number {
    const slot = (cookie & SLOT_BIT) === 0 ? 0 : 1
    const key = this.keys[slot]
    const period = Math.floor(now / KEY_LIFETIME)
    if (key == null || period - this.periods[slot]! > 1) return 0
    const code = this.code(key, flow, irs, cookie & DATA_MASK, bits)
    return ((code ^ cookie) & ~DATA_MASK) === 0 ? SIZES[cookie & SIZE_MASK]! : 0
  }

  private code(key: SipHash, flow: Flow, irs: number, data: number, bits: number): number {
    const { words } = this
    const n = writeTuple(words, flow.localAddress, flow.localPort, flow.remoteAddress, flow.remotePort)
    words[n] = irs
    words[n + 1] = (bits << 8) | data
    // Link-local peers of several links may look alike.
    words[n + 2] = flow.nicId
    return key.low(words, n + 3)
  }
}

/** What the timestamp says of a SYN: 4 bits of window scale (15 = none), 1 of SACK, 1 of ECN. */
export function timestampBits(peerScale: number, sackPermitted: boolean, ecn: boolean): number {
  return (peerScale & SCALE_MASK) | (sackPermitted ? SACK_BIT : 0) | (ecn ? ECN_BIT : 0)
}

/** -1 = not offered. */
export function scaleOfBits(bits: number): number {
  const scale = bits & SCALE_MASK
  return bits === NO_TIMESTAMPS || scale === SCALE_MASK ? -1 : scale
}

export function sackOfBits(bits: number): boolean {
  return (bits & SACK_BIT) !== 0
}

export function ecnOfBits(bits: number): boolean {
  return (bits & ECN_BIT) !== 0
}

/** The latest timestamp up to `clock` that ends in `bits`: time must not seem to run back in what follows. */
export function timestampWith(clock: number, bits: number): number {
  const value = (clock & ~TIMESTAMP_MASK) | bits
  return ((value - clock) | 0) > 0 ? (value - TIMESTAMP_MASK - 1) | 0 : value
}
