import type { Registration, TransportEndpoint, TransportEndpointId } from '../registration/transport.ts'

/** One registered endpoint: its key as integers, its place among endpoints of the same key. */
export class Entry implements Registration {
  readonly id: TransportEndpointId
  readonly endpoint: TransportEndpoint
  readonly protocol: number
  readonly zone: number
  readonly shared: boolean
  readonly fanOut: boolean
  readonly hash: number
  /** The next endpoint of the same key (reuse-port groups). */
  sibling: Entry | null = null
  /** Members of the group; kept in its first entry. */
  members = 1
  private unregister: ((entry: Entry) => void) | null

  constructor(
    id: TransportEndpointId, endpoint: TransportEndpoint, protocol: number, zone: number, shared: boolean, fanOut: boolean, hash: number,
    unregister: (entry: Entry) => void,
  ) {
    this.id = id
    this.endpoint = endpoint
    this.protocol = protocol
    this.zone = zone
    this.shared = shared
    this.fanOut = fanOut
    this.hash = hash
    this.unregister = unregister
  }

  /** Is this its key? Words are local then remote. */
  isFor(
    protocol: number, zone: number,
    la: number, lb: number, lc: number, ld: number, localPort: number,
    ra: number, rb: number, rc: number, rd: number, remotePort: number,
  ): boolean {
    const { localAddress: l, remoteAddress: r } = this.id
    return (
      this.id.localPort === localPort && this.id.remotePort === remotePort && this.protocol === protocol && this.zone === zone &&
      l.d === ld && l.c === lc && l.b === lb && l.a === la &&
      (r === null ? rd === 0 && rc === 0 && rb === 0 && ra === 0 : r.d === rd && r.c === rc && r.b === rb && r.a === ra)
    )
  }

  get active(): boolean {
    return this.unregister !== null
  }

  remove(): void {
    const { unregister } = this
    this.unregister = null
    unregister?.(this)
  }
}

const INITIAL = 64

/** Open addressing with linear probing over (protocol, addresses, ports, zone). No key objects, no strings. */
export class EndpointTable {
  size = 0
  private hashes = new Int32Array(INITIAL)
  private entries: (Entry | null)[] = new Array<Entry | null>(INITIAL).fill(null)
  private mask = INITIAL - 1

  /** The first entry of a key, or null. Words are local then remote. */
  find(
    hash: number, protocol: number, zone: number,
    la: number, lb: number, lc: number, ld: number, localPort: number,
    ra: number, rb: number, rc: number, rd: number, remotePort: number,
  ): Entry | null {
    let i = hash & this.mask
    for (;;) {
      const entry = this.entries[i] ?? null
      if (entry === null) return null
      if (this.hashes[i] === hash && entry.isFor(protocol, zone, la, lb, lc, ld, localPort, ra, rb, rc, rd, remotePort)) return entry
      i = (i + 1) & this.mask
    }
  }

  /** Adds an entry whose key is not there. */
  insert(entry: Entry): void {
    if ((this.size + 1) * 2 > this.mask) this.grow()
    this.place(entry)
    this.size++
  }

  /** Puts `entry` in the place of `old`, which has the same key. */
  replace(old: Entry, entry: Entry): void {
    this.entries[this.indexOf(old)] = entry
  }

  remove(entry: Entry): void {
    let hole = this.indexOf(entry)
    this.size--
    // Backward shift (Knuth 6.4 R): no tombstones, so that lookups stay short for ever.
    let i = hole
    for (;;) {
      i = (i + 1) & this.mask
      const moved = this.entries[i] ?? null
      if (moved === null) break
      const home = this.hashes[i]! & this.mask
      if (((i - home) & this.mask) < ((i - hole) & this.mask)) continue
      this.entries[hole] = moved
      this.hashes[hole] = this.hashes[i]!
      hole = i
    }
    this.entries[hole] = null
  }

  /** Every entry with `visit`; the table must not change meanwhile. */
  forEach(visit: (entry: Entry) => void): void {
    for (const entry of this.entries) {
      for (let e = entry; e !== null; e = e.sibling) visit(e)
    }
  }

  private indexOf(entry: Entry): number {
    let i = entry.hash & this.mask
    while (this.entries[i] !== entry) i = (i + 1) & this.mask
    return i
  }

  private place(entry: Entry): void {
    let i = entry.hash & this.mask
    while (this.entries[i] !== null) i = (i + 1) & this.mask
    this.entries[i] = entry
    this.hashes[i] = entry.hash
  }

  private grow(): void {
    const old = this.entries
    const size = old.length * 2
    this.mask = size - 1
    this.hashes = new Int32Array(size)
    this.entries = new Array<Entry | null>(size).fill(null)
    for (const entry of old) if (entry !== null) this.place(entry)
  }
}

/** Mixes the words of a key; `seed` is secret, so that nobody outside can aim at one bucket. */
export function hashTuple(
  seed: number, protocol: number, zone: number,
  la: number, lb: number, lc: number, ld: number, localPort: number,
  ra: number, rb: number, rc: number, rd: number, remotePort: number,
): number {
  let h = seed
  h = mix(h, rd)
  h = mix(h, (localPort << 16) | remotePort)
  h = mix(h, ld)
  h = mix(h, (zone << 8) | protocol)
  // IPv4 and wildcards have nothing more to say.
  if ((la | lb | ra | rb) !== 0) {
    h = mix(h, la)
    h = mix(h, lb)
    h = mix(h, lc)
    h = mix(h, ra)
    h = mix(h, rb)
    h = mix(h, rc)
  } else h = mix(h, lc ^ (rc << 8))
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return h ^ (h >>> 16)
}

function mix(h: number, word: number): number {
  word = Math.imul(word, 0xcc9e2d51)
  word = (word << 15) | (word >>> 17)
  h ^= Math.imul(word, 0x1b873593)
  h = (h << 13) | (h >>> 19)
  return (Math.imul(h, 5) + 0xe6546b64) | 0
}
