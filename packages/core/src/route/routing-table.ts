import { addressBits, isMapped, networkOf, sameAddress, type Address, type Prefix } from '../address/address.ts'
import { StackError } from '../errors/stack-error.ts'
import { createPrefixTrie, type PrefixTrie } from './trie.ts'

/** A route as the stack holds it: names and texts of a `RouteEntry` resolved. */
export interface RouteRow {
  readonly prefix: Prefix
  /** Next hop; null = on-link. */
  readonly gateway: Address | null
  readonly nicId: number
  /** Preferred source address, or null. */
  readonly source: Address | null
  /** Bytes; 0 = the link's. */
  readonly mtu: number
  /** Cap on TCP's MSS; absent = none. */
  readonly mss?: number
  /** Lower wins among equal prefixes. */
  readonly metric: number
}

/** Options of {@link createRoutingTable}. */
export interface RoutingTableOptions {
  /** Is that NIC up? Rows of others are passed over. Default: all are. */
  usable?(nicId: number): boolean
  /** Rows held at most. Default 65,536; `add` throws beyond. */
  readonly maxRows?: number
}

/** Routes of both families, found by longest prefix. */
export interface RoutingTable {
  readonly size: number
  /**
   * Adds a row, bits beyond its prefix cleared. One with the same prefix, gateway, NIC and metric is replaced.
   *
   * @throws StackError `ERR_STACK_INVALID_ARGUMENT` for a prefix length that the family does not have, `ERR_STACK_LIMIT`
   * when the table is full
   */
  add(row: RouteRow): void
  /** Removes the rows that agree in every field given; returns how many. */
  remove(match: Partial<RouteRow>): number
  removeNic(nicId: number): number
  /**
   * The row for `address`: the longest prefix that has a usable row, there the lowest metric, then the oldest row.
   * `nicId` 0 = any NIC (or the one that the address's zone names).
   */
  lookup(address: Address, nicId: number): RouteRow | null
  /** All rows in the order they were added. */
  list(): readonly RouteRow[]
}

const DEFAULT_MAX_ROWS = 65_536
/** An IPv4 prefix of n bits is one of 96 + n bits of the mapped address. */
const MAPPED_BITS = 96

export function createRoutingTable(options: RoutingTableOptions = {}): RoutingTable {
  return new Routes(options)
}

class Routes implements RoutingTable {
  /** Two tries: in one, ::/0 would catch IPv4 too. Values are rows of one prefix by metric, then age. */
  readonly v4: PrefixTrie<RouteRow[]> = createPrefixTrie()
  readonly v6: PrefixTrie<RouteRow[]> = createPrefixTrie()
  readonly rows = new Set<RouteRow>()
  readonly usable: (nicId: number) => boolean
  readonly maxRows: number

  constructor(options: RoutingTableOptions) {
    this.usable = options.usable?.bind(options) ?? (() => true)
    this.maxRows = options.maxRows ?? DEFAULT_MAX_ROWS
  }

  get size(): number {
    return this.rows.size
  }

  add(given: RouteRow): void {
    const { address, length } = given.prefix
    if (!Number.isInteger(length) || length < 0 || length > addressBits(address)) {
      throw new StackError('ERR_STACK_INVALID_ARGUMENT', `a route's prefix length must be an integer of 0 to ${addressBits(address)}, got ${length}`)
    }
    const row: RouteRow = { ...given, prefix: networkOf(given.prefix) }
    const peers = this.peers(row.prefix) ?? []
    const same = peers.findIndex((peer) => sameWay(peer, row))
    if (same >= 0) {
      this.rows.delete(peers[same]!)
      this.rows.add(row)
      peers[same] = row
      return
    }
    if (this.rows.size >= this.maxRows) {
      throw new StackError('ERR_STACK_LIMIT', `the routing table is full (${this.maxRows} rows): remove or aggregate routes`)
    }
    const index = peers.findIndex((peer) => peer.metric > row.metric)
    peers.splice(index < 0 ? peers.length : index, 0, row)
    const { a, b, c, d } = row.prefix.address
    this.trieOf(row.prefix.address).set(a, b, c, d, keyLength(row.prefix), peers)
    this.rows.add(row)
  }

  remove(match: Partial<RouteRow>): number {
    let removed = 0
    for (const row of this.rows) {
      if (!agrees(row, match)) continue
      this.removeRow(row)
      removed++
    }
    return removed
  }

  removeNic(nicId: number): number {
    return this.remove({ nicId })
  }

  lookup(address: Address, nicId: number): RouteRow | null {
    const wanted = nicId === 0 ? address.zone : nicId
    const trie = this.trieOf(address)
    for (let i = trie.match(address.a, address.b, address.c, address.d) - 1; i >= 0; i--) {
      const peers = trie.matches[i]!
      for (let j = 0; j < peers.length; j++) {
        const row = peers[j]!
        if ((wanted === 0 || row.nicId === wanted) && this.usable(row.nicId)) return row
      }
    }
    return null
  }

  list(): readonly RouteRow[] {
    return [...this.rows]
  }

  removeRow(row: RouteRow): void {
    this.rows.delete(row)
    const peers = this.peers(row.prefix)!
    peers.splice(peers.indexOf(row), 1)
    if (peers.length > 0) return
    const { a, b, c, d } = row.prefix.address
    this.trieOf(row.prefix.address).delete(a, b, c, d, keyLength(row.prefix))
  }

  peers(prefix: Prefix): RouteRow[] | null {
    const { a, b, c, d } = prefix.address
    return this.trieOf(prefix.address).get(a, b, c, d, keyLength(prefix))
  }

  trieOf(address: Address): PrefixTrie<RouteRow[]> {
    return isMapped(address) ? this.v4 : this.v6
  }
}

function keyLength(prefix: Prefix): number {
  return isMapped(prefix.address) ? MAPPED_BITS + prefix.length : prefix.length
}

/** Same prefix assumed. */
function sameWay(x: RouteRow, y: RouteRow): boolean {
  return x.nicId === y.nicId && x.metric === y.metric && sameOrNull(x.gateway, y.gateway)
}

function agrees(row: RouteRow, match: Partial<RouteRow>): boolean {
  if (match.prefix !== undefined) {
    const { address, length } = networkOf(match.prefix)
    if (row.prefix.length !== length || !sameAddress(row.prefix.address, address)) return false
  }
  if (match.gateway !== undefined && !sameOrNull(row.gateway, match.gateway)) return false
  if (match.source !== undefined && !sameOrNull(row.source, match.source)) return false
  if (match.nicId !== undefined && row.nicId !== match.nicId) return false
  if (match.mtu !== undefined && row.mtu !== match.mtu) return false
  if (match.mss !== undefined && row.mss !== match.mss) return false
  return match.metric === undefined || row.metric === match.metric
}

function sameOrNull(x: Address | null, y: Address | null): boolean {
  return x === null || y === null ? x === y : sameAddress(x, y)
}
