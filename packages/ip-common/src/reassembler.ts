import { copyMetadata, ChecksumState, PacketFlag, SLOT_SIZES } from '@stack/buffer'
import type { Packet } from '@stack/buffer'
import type { Host, Milliseconds } from '@stack/core'
import { Datagram } from './datagram.ts'
import type { Piece, SourceAccount } from './datagram.ts'
import { createPacketHash } from './packet-hash.ts'
import type { PacketHash } from './packet-hash.ts'
import { checkFragment } from './reassembly-types.ts'
import type { Fragment, Reassembler, ReassemblyCounters, ReassemblyOptions } from './reassembly-types.ts'

/** What a reassembler needs of its stack. */
export type ReassemblerHost = Pick<Host, 'memory' | 'scheduler' | 'timers' | 'secureRandom'>

/** Room before a datagram put together, so that it can be sent on. */
const HEADROOM = 64

const ECN_NOT_ECT = 1
const ECN_CE = 1 << 3

/**
 * @param timeExceeded told when a datagram timed out whose first fragment had come (RFC 792, RFC 8200 §4.5): `start` is
 * at the network header as received; borrowed, and released behind the call.
 */
export function createReassembler(host: ReassemblerHost, options: ReassemblyOptions, timeExceeded: (first: Packet) => void): Reassembler {
  return new HeldReassembler(host, options, timeExceeded)
}

class HeldReassembler implements Reassembler {
  readonly statistics: ReassemblyCounters = {
    received: 0,
    reassembled: 0,
    duplicates: 0,
    timedOut: 0,
    overlapped: 0,
    evicted: 0,
    dropIgnored: 0,
    dropMalformed: 0,
    dropNoMemory: 0,
    dropEcn: 0,
    datagrams: 0,
    bytesHeld: 0,
  }
  readonly #host: ReassemblerHost
  readonly #limits: Required<ReassemblyOptions>
  readonly #timeExceeded: (first: Packet) => void
  readonly #hash: PacketHash
  /** Chains by keyed hash. */
  readonly #table = new Map<number, Datagram>()
  /** By keyed hash of the source; two sources with one hash share a quota. */
  readonly #accounts = new Map<number, SourceAccount>()
  /** Oldest first, which is the order of the deadlines as well. */
  readonly #order = new Set<Datagram>()
  readonly #timer

  constructor(host: ReassemblerHost, options: ReassemblyOptions, timeExceeded: (first: Packet) => void) {
    this.#host = host
    this.#limits = {
      timeout: options.timeout ?? 30_000,
      maxBytes: options.maxBytes ?? 4 << 20,
      maxBytesPerSource: options.maxBytesPerSource ?? 256 << 10,
      maxDatagrams: options.maxDatagrams ?? 1024,
      maxDatagramsPerSource: options.maxDatagramsPerSource ?? 64,
    }
    this.#timeExceeded = timeExceeded
    this.#hash = createPacketHash(host.secureRandom)
    this.#timer = host.timers.create((now) => this.#expire(now))
  }

  add(given: Packet, fragment: Fragment): Packet | null {
    const counters = this.statistics
    counters.received++
    if (checkFragment(fragment.offset, given.end - fragment.dataStart, fragment.more, fragment.limit) !== null) {
      counters.dropMalformed++
      given.release()
      return null
    }
    const datagram = this.#find(given, fragment)
    if (datagram.ignored) {
      counters.dropIgnored++
      given.release()
      return null
    }
    const packet = this.#own(given, fragment)
    if (packet === null || !this.#makeRoom(datagram, packet.capacity)) {
      counters.dropNoMemory++
      ;(packet ?? given).release()
      if (datagram.first === null) this.#remove(datagram)
      return null
    }
    const insertion = datagram.insert(packet, fragment)
    switch (insertion) {
      case 'duplicate':
        counters.duplicates++
        packet.release()
        return null
      case 'overlap':
        counters.overlapped++
        packet.release()
        this.#empty(datagram)
        datagram.ignored = true
        return null
      default:
        this.#charge(datagram, packet.capacity)
        return insertion === 'complete' ? this.#assemble(datagram) : null
    }
  }

  clear(): void {
    for (const datagram of this.#order) this.#remove(datagram)
    this.#timer.cancel()
  }

  #find(packet: Packet, fragment: Fragment): Datagram {
    const source = this.#hash.source(packet)
    const key = this.#hash.flow(packet, fragment.id, fragment.protocol ^ (fragment.zone << 8))
    for (let datagram = this.#table.get(key) ?? null; datagram !== null; datagram = datagram.next) {
      if (datagram.matches(packet, fragment)) return datagram
    }
    let account = this.#accounts.get(source)
    while (account !== undefined && account.datagrams.size >= this.#limits.maxDatagramsPerSource) this.#evict(account.datagrams)
    while (this.#order.size >= this.#limits.maxDatagrams) this.#evict(this.#order)
    account = this.#accounts.get(source)
    if (account === undefined) {
      account = { key: source, bytes: 0, datagrams: new Set() }
      this.#accounts.set(source, account)
    }
    const datagram = new Datagram(key, packet, fragment, this.#host.scheduler.now + this.#limits.timeout, account)
    datagram.next = this.#table.get(key) ?? null
    this.#table.set(key, datagram)
    account.datagrams.add(datagram)
    this.#order.add(datagram)
    this.statistics.datagrams++
    if (!this.#timer.armed) this.#timer.arm(datagram.deadline)
    return datagram
  }

  /**
   * Makes the packet fit to be held: on this stack's account, and not in a slot of a larger class than its bytes need.
   * `fragment` is corrected where bytes move. Null = no memory, `given` untouched.
   */
  #own(given: Packet, fragment: Fragment): Packet | null {
    const pool = this.#host.memory
    const length = given.end - fragment.headerStart
    const small = given.capacity > smallestSlot(length) ? pool.allocate(0, length) : null
    if (small === null) return given.pool === pool || pool.adopt(given) ? given : null
    copyMetadata(given, small)
    small.append(given.bytes, fragment.headerStart, given.end)
    const moved = small.start - fragment.headerStart
    fragment.headerStart += moved
    fragment.dataStart += moved
    given.release()
    return small
  }

  /** Evicts older datagrams until `bytes` more may be held for `datagram`; false when that does not help. */
  #makeRoom(datagram: Datagram, bytes: number): boolean {
    const limits = this.#limits
    while (datagram.account.bytes + bytes > limits.maxBytesPerSource) {
      if (!this.#evictHolder(datagram.account.datagrams, datagram)) return false
    }
    while (this.statistics.bytesHeld + bytes > limits.maxBytes) {
      if (!this.#evictHolder(this.#order, datagram)) return false
    }
    return true
  }

  /** Evicts the oldest that holds packets, other than `spared`; failing that gives up `spared` itself. */
  #evictHolder(datagrams: Set<Datagram>, spared: Datagram): boolean {
    for (const datagram of datagrams) {
      if (datagram === spared || datagram.held === 0) continue
      this.statistics.evicted++
      this.#remove(datagram)
      return true
    }
    if (spared.held > 0) this.statistics.evicted++
    this.#empty(spared)
    return false
  }

  #evict(datagrams: Set<Datagram>): void {
    for (const oldest of datagrams) {
      this.statistics.evicted++
      this.#remove(oldest)
      return
    }
  }

  #assemble(datagram: Datagram): Packet | null {
    const first = datagram.first!
    const counters = this.statistics
    // Fragments may have had shorter headers than the first, which is the one that stays.
    if (datagram.total > first.limit) {
      counters.dropMalformed++
      this.#remove(datagram)
      return null
    }
    const ecn = datagram.ecnSeen
    if ((ecn & ECN_CE) !== 0 && (ecn & ECN_NOT_ECT) !== 0) {
      // RFC 3168 §5.3: CE among fragments that are not ECN-capable is a contradiction.
      counters.dropEcn++
      this.#remove(datagram)
      return null
    }
    const whole = this.#host.memory.allocate(HEADROOM, first.headerLength + datagram.total)
    if (whole === null) {
      counters.dropNoMemory++
      this.#remove(datagram)
      return null
    }
    copyMetadata(first.packet, whole)
    whole.flags |= PacketFlag.Fragmented
    whole.transportProtocol = first.nextHeader
    whole.checksumState = ChecksumState.None
    if ((ecn & ECN_CE) !== 0) whole.tos |= 3
    whole.append(first.packet.bytes, first.headerStart, first.headerStart + first.headerLength)
    for (let piece: Piece | null = first; piece !== null; piece = piece.following) {
      whole.append(piece.packet.bytes, piece.dataStart, piece.packet.end)
    }
    counters.reassembled++
    this.#remove(datagram)
    return whole
  }

  #expire(now: Milliseconds): void {
    for (const datagram of this.#order) {
      if (datagram.deadline > now) {
        this.#timer.arm(datagram.deadline)
        return
      }
      const first = datagram.firstFragment
      if (!datagram.ignored) this.statistics.timedOut++
      if (first?.packet.restart(first.headerStart) === true) this.#timeExceeded(first.packet)
      this.#remove(datagram)
    }
  }

  #charge(datagram: Datagram, bytes: number): void {
    datagram.held += bytes
    datagram.account.bytes += bytes
    this.statistics.bytesHeld += bytes
  }

  /** Releases the packets of a datagram and keeps its record. */
  #empty(datagram: Datagram): void {
    this.#charge(datagram, -datagram.held)
    datagram.release()
  }

  #remove(datagram: Datagram): void {
    this.#empty(datagram)
    this.#order.delete(datagram)
    const account = datagram.account
    account.datagrams.delete(datagram)
    if (account.datagrams.size === 0) this.#accounts.delete(account.key)
    const head = this.#table.get(datagram.key)!
    if (head === datagram) {
      if (datagram.next === null) this.#table.delete(datagram.key)
      else this.#table.set(datagram.key, datagram.next)
    } else {
      let before = head
      while (before.next !== datagram) before = before.next!
      before.next = datagram.next
    }
    this.statistics.datagrams--
    if (this.#order.size === 0) this.#timer.cancel()
  }
}

function smallestSlot(bytes: number): number {
  for (const size of SLOT_SIZES) if (bytes <= size) return size
  return bytes
}
