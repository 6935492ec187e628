import { isMapped, sipHashWithKey } from '@stack/core'
import type { Address, Milliseconds, SecureRandom, SipHash } from '@stack/core'

/** Bytes of the cookies made here (RFC 7413 §4.1.2 leaves 4 to 16). */
export const COOKIE_LENGTH = 8
/** Bytes of one key. */
export const KEY_LENGTH = 16
/** How long a key that nobody set makes cookies, ms; the cookies are good for as long again. */
const KEY_LIFETIME = 3_600_000

/** Which key a cookie was made with. */
type CookieVerdict = 'current' | 'previous' | 'bad'

/**
 * Makes and checks cookies (RFC 7413 §4.1.2): a keyed hash of client and server address, so that nothing is kept for a
 * client. Hosts with the same key have the same cookies (§6.3.4): SipHash-2-4 over both addresses, as Linux has it.
 */
export class FastOpenKeys {
  private readonly random: SecureRandom | null
  private current: SipHash
  private previous: SipHash | null = null
  private since: Milliseconds
  private readonly words = new Int32Array(8)

  /** @param source - one key, or two, of which the second only checks; or where keys of our own come from */
  constructor(source: Uint8Array | SecureRandom, now: Milliseconds) {
    this.since = now
    if (source instanceof Uint8Array) {
      this.random = null
      this.current = hashOf(source, 0)
      if (source.length > KEY_LENGTH) this.previous = hashOf(source, KEY_LENGTH)
    } else {
      this.random = source
      this.current = fresh(source)
    }
  }

  /** Writes the cookie of `client` for `server`. */
  write(into: Uint8Array, client: Address, server: Address, now: Milliseconds): void {
    this.renew(now)
    const low = this.current.low(this.words, this.fill(client, server))
    const { high } = this.current
    for (let i = 0; i < 4; i++) {
      into[i] = low >>> (8 * i)
      into[4 + i] = high >>> (8 * i)
    }
  }

  check(cookie: Uint8Array, length: number, client: Address, server: Address, now: Milliseconds): CookieVerdict {
    if (length !== COOKIE_LENGTH) return 'bad'
    this.renew(now)
    const count = this.fill(client, server)
    const low = littleEndian(cookie, 0)
    const high = littleEndian(cookie, 4)
    if (this.isOf(this.current, count, low, high)) return 'current'
    return this.previous !== null && this.isOf(this.previous, count, low, high) ? 'previous' : 'bad'
  }

  private isOf(key: SipHash, count: number, low: number, high: number): boolean {
    // Both halves are compared, whatever the first one says.
    return ((key.low(this.words, count) ^ low) | (key.high ^ high)) === 0
  }

  /** A cookie that was seen on its way must not be good for ever (§4.1.2). */
  private renew(now: Milliseconds): void {
    const age = now - this.since
    if (this.random === null || age < KEY_LIFETIME) return
    this.previous = age < 2 * KEY_LIFETIME ? this.current : null
    this.current = fresh(this.random)
    this.since = now
  }

  private fill(client: Address, server: Address): number {
    const { words } = this
    if (isMapped(client)) {
      words[0] = swapped(client.d)
      words[1] = swapped(server.d)
      return 2
    }
    words[0] = swapped(client.a)
    words[1] = swapped(client.b)
    words[2] = swapped(client.c)
    words[3] = swapped(client.d)
    words[4] = swapped(server.a)
    words[5] = swapped(server.b)
    words[6] = swapped(server.c)
    words[7] = swapped(server.d)
    return 8
  }
}

function fresh(random: SecureRandom): SipHash {
  return sipHashWithKey(random.uint32() | 0, random.uint32() | 0, random.uint32() | 0, random.uint32() | 0)
}

function hashOf(bytes: Uint8Array, at: number): SipHash {
  return sipHashWithKey(littleEndian(bytes, at), littleEndian(bytes, at + 4), littleEndian(bytes, at + 8), littleEndian(bytes, at + 12))
}

function littleEndian(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

/** The hash takes words as little-endian bytes, addresses are big-endian. */
function swapped(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)
}
