import type { Packet } from '@stack/buffer'
import type { Milliseconds } from '@stack/core'
import type { Fragment } from './reassembly-types.ts'

/** One fragment that waits. */
export interface Piece {
  readonly packet: Packet
  readonly offset: number
  readonly end: number
  readonly more: boolean
  readonly headerStart: number
  readonly headerLength: number
  readonly dataStart: number
  readonly nextHeader: number
  readonly limit: number
  following: Piece | null
}

/** What a source holds in the reassembler. */
export interface SourceAccount {
  readonly key: number
  bytes: number
  /** Oldest first. */
  readonly datagrams: Set<Datagram>
}

/** What became of a fragment. */
export type Insertion = 'waiting' | 'complete' | 'duplicate' | 'overlap'

/** One datagram in reassembly: pieces in order of their offsets, never overlapping. */
export class Datagram {
  readonly key: number
  readonly id: number
  readonly protocol: number
  readonly zone: number
  readonly sourceA: number
  readonly sourceB: number
  readonly sourceC: number
  readonly sourceD: number
  readonly destinationA: number
  readonly destinationB: number
  readonly destinationC: number
  readonly destinationD: number
  readonly deadline: Milliseconds
  readonly account: SourceAccount
  /** Next one with the same hash. */
  next: Datagram | null = null
  /** It was given up; what still comes of it is dropped without a word (RFC 5722 §4). */
  ignored = false
  /** Slot bytes held. */
  held = 0
  /** Length of the data, -1 until the last fragment came. */
  total = -1
  /** Data bytes that came. */
  received = 0
  /** Bit n: ECN codepoint n was seen. */
  ecnSeen = 0
  first: Piece | null = null
  #last: Piece | null = null

  constructor(key: number, packet: Packet, fragment: Fragment, deadline: Milliseconds, account: SourceAccount) {
    this.key = key
    this.id = fragment.id
    this.protocol = fragment.protocol
    this.zone = fragment.zone
    this.sourceA = packet.sourceA
    this.sourceB = packet.sourceB
    this.sourceC = packet.sourceC
    this.sourceD = packet.sourceD
    this.destinationA = packet.destinationA
    this.destinationB = packet.destinationB
    this.destinationC = packet.destinationC
    this.destinationD = packet.destinationD
    this.deadline = deadline
    this.account = account
  }

  matches(packet: Packet, fragment: Fragment): boolean {
    return (
      this.id === fragment.id &&
      this.protocol === fragment.protocol &&
      this.zone === fragment.zone &&
      this.sourceD === packet.sourceD &&
      this.sourceC === packet.sourceC &&
      this.sourceB === packet.sourceB &&
      this.sourceA === packet.sourceA &&
      this.destinationD === packet.destinationD &&
      this.destinationC === packet.destinationC &&
      this.destinationB === packet.destinationB &&
      this.destinationA === packet.destinationA
    )
  }

  /** The fragment at offset 0, when it came. */
  get firstFragment(): Piece | null {
    return this.first !== null && this.first.offset === 0 ? this.first : null
  }

  /** Takes the packet on `waiting` and `complete`. */
  insert(packet: Packet, fragment: Fragment): Insertion {
    const offset = fragment.offset
    const end = offset + packet.end - fragment.dataStart
    let before: Piece | null = null
    if (this.#last !== null && this.#last.offset < offset) before = this.#last
    else for (let piece = this.first; piece !== null && piece.offset < offset; piece = piece.following) before = piece
    const after = before === null ? this.first : before.following

    if (after !== null && after.offset === offset && after.end === end && after.more === fragment.more) {
      return sameBytes(after.packet, after.dataStart, packet, fragment.dataStart, end - offset) ? 'duplicate' : 'overlap'
    }
    if ((before !== null && before.end > offset) || (after !== null && after.offset < end)) return 'overlap'
    // A last fragment that is not behind everything else, or data behind the last fragment: no datagram has that.
    if (fragment.more ? this.total !== -1 && end >= this.total : this.total !== -1 || after !== null) return 'overlap'

    const piece: Piece = {
      packet,
      offset,
      end,
      more: fragment.more,
      headerStart: fragment.headerStart,
      headerLength: fragment.headerLength,
      dataStart: fragment.dataStart,
      nextHeader: fragment.nextHeader,
      limit: fragment.limit,
      following: after,
    }
    if (before === null) this.first = piece
    else before.following = piece
    if (after === null) this.#last = piece
    if (!fragment.more) this.total = end
    this.received += end - offset
    this.ecnSeen |= 1 << (packet.tos & 3)
    return this.received === this.total ? 'complete' : 'waiting'
  }

  /** Gives all packets back. */
  release(): void {
    for (let piece = this.first; piece !== null; piece = piece.following) piece.packet.release()
    this.first = null
    this.#last = null
    this.held = 0
  }
}

function sameBytes(one: Packet, oneStart: number, other: Packet, otherStart: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (one.bytes[oneStart + i] !== other.bytes[otherStart + i]) return false
  return true
}
