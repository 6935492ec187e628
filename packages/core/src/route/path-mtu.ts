import { isMapped, type Address } from '../address/address.ts'
import { hashWords } from '../address/hash.ts'
import type { Milliseconds, Scheduler } from '../registration/host.ts'

/** RFC 1191 §3: no path is narrower than 68 bytes. */
const MINIMUM_MTU_V4 = 68
/**
 * Least path MTU of IPv4 that a router is believed, bytes, as in Linux: one forged message would make hundreds of tiny packets of a
 * window or a datagram (RFC 5927 §7). Who knows no more than this of a path lets routers fragment.
 */
export const LEAST_BELIEVED_MTU = 552
/** RFC 8200 §5. */
const MINIMUM_MTU_V6 = 1280

/** Options of {@link createPathMtuCache}. */
export interface PathMtuOptions {
  readonly scheduler: Pick<Scheduler, 'now'>
  /** Paths remembered; the one updated longest ago makes room. Default 4,096. */
  readonly maxEntries?: number
  /** ms after which a path is tried at full size again. Default 600,000 (RFC 1191 §6.3, RFC 8201 §5.3). */
  readonly lifetime?: Milliseconds
  /** Start value of the hash. Default 0. */
  readonly seed?: number
}

/** Path MTUs that the network told (ICMP), by local and remote address. */
export interface PathMtuCache {
  readonly size: number
  /** Bytes with network header; 0 = nothing known. */
  get(local: Address, remote: Address): number
  /**
   * Notes what a router said; of IPv4 {@link LEAST_BELIEVED_MTU} when it is less. Refused: what is not smaller than the value known, and what is below the family's minimum,
   * which no router can mean (RFC 8201 §4 says to discard it).
   *
   * @returns true when the value was taken
   */
  update(local: Address, remote: Address, mtu: number): boolean
  clear(): void
}

export function createPathMtuCache(options: PathMtuOptions): PathMtuCache {
  return new Cache(options)
}

interface Entry {
  readonly local: Address
  readonly remote: Address
  readonly bucket: number
  mtu: number
  expires: Milliseconds
  /** Next in the bucket. */
  next: Entry | null
}

class Cache implements PathMtuCache {
  readonly scheduler: Pick<Scheduler, 'now'>
  readonly maxEntries: number
  readonly lifetime: Milliseconds
  readonly seed: number
  readonly buckets: (Entry | null)[]
  /** In order of their updates; all live equally long, so the first expires first. */
  readonly entries = new Set<Entry>()

  constructor(options: PathMtuOptions) {
    this.scheduler = options.scheduler
    this.maxEntries = options.maxEntries ?? 4096
    this.lifetime = options.lifetime ?? 600_000
    this.seed = options.seed ?? 0
    this.buckets = new Array<Entry | null>(1 << (32 - Math.clz32(this.maxEntries - 1))).fill(null)
  }

  get size(): number {
    return this.entries.size
  }

  get(local: Address, remote: Address): number {
    if (this.entries.size === 0) return 0
    const entry = this.find(local, remote, this.bucketOf(local, remote))
    if (entry === null) return 0
    if (entry.expires > this.scheduler.now) return entry.mtu
    this.remove(entry)
    return 0
  }

  update(local: Address, remote: Address, told: number): boolean {
    if (told < (isMapped(remote) ? MINIMUM_MTU_V4 : MINIMUM_MTU_V6)) return false
    const mtu = Math.max(told, LEAST_BELIEVED_MTU)
    const known = this.get(local, remote)
    if (known !== 0 && mtu >= known) return false
    const bucket = this.bucketOf(local, remote)
    const old = known === 0 ? null : this.find(local, remote, bucket)
    if (old !== null) this.remove(old)
    if (this.entries.size >= this.maxEntries) this.removeOldest()
    const entry: Entry = { local, remote, bucket, mtu, expires: this.scheduler.now + this.lifetime, next: this.buckets[bucket] ?? null }
    this.buckets[bucket] = entry
    this.entries.add(entry)
    return true
  }

  clear(): void {
    this.entries.clear()
    this.buckets.fill(null)
  }

  removeOldest(): void {
    for (const oldest of this.entries) {
      this.remove(oldest)
      return
    }
  }

  remove(entry: Entry): void {
    this.entries.delete(entry)
    let previous = this.buckets[entry.bucket] ?? null
    if (previous === entry) {
      this.buckets[entry.bucket] = entry.next
      return
    }
    while (previous !== null && previous.next !== entry) previous = previous.next
    if (previous !== null) previous.next = entry.next
  }

  find(local: Address, remote: Address, bucket: number): Entry | null {
    for (let entry = this.buckets[bucket] ?? null; entry !== null; entry = entry.next) {
      if (sameWords(entry.remote, remote) && sameWords(entry.local, local)) return entry
    }
    return null
  }

  bucketOf(local: Address, remote: Address): number {
    const h = hashWords(local.a, local.b, local.c, local.d, this.seed)
    return hashWords(remote.a, remote.b, remote.c, remote.d, h) & (this.buckets.length - 1)
  }
}

/** Zones are no part of a path: the local address tells. */
function sameWords(x: Address, y: Address): boolean {
  return x.d === y.d && x.c === y.c && x.b === y.b && x.a === y.a
}
