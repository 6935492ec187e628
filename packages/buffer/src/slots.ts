import type { ArenaChunk } from './arena-chunk.ts'
import type { ArenaPacket } from './arena-packet.ts'
import { MAX_SLOT_SIZE, SLOT_SIZES } from './constants.ts'
import type { PacketPool } from './pool.ts'

/** Index into SLOT_SIZES. */
export type SlotKind = 0 | 1 | 2 | 3

/** A span is one slot of the largest kind, or as many smaller ones as fit. */
export const SPAN_SIZE: number = MAX_SLOT_SIZE
/** Share of the spans that only control segments may open. */
const RESERVE = 0.05

/** The kind of the smallest slot that holds `size` bytes, -1 when none does. */
export function slotKind(size: number): SlotKind | -1 {
  return size <= SLOT_SIZES[0] ? 0 : size <= SLOT_SIZES[1] ? 1 : size <= SLOT_SIZES[2] ? 2 : size <= SLOT_SIZES[3] ? 3 : -1
}

/** A piece of the arena and what is made of it: at any time a packet, a chunk, or free. */
export class Slot {
  readonly span: Span
  readonly base: number
  readonly size: number
  readonly bytes: Uint8Array
  /** Who is charged; null while the slot is free. */
  pool: PacketPool | null = null
  /** What the slot is, or was last, in use as. */
  isChunk = false
  // The objects bound to this slot. The one in use is not referred to from here, so that it can be
  // collected, and the slot taken back, when its owner has forgotten it.
  packet: ArenaPacket | null = null
  chunk: ArenaChunk | null = null
  /** Next free slot of the span. */
  next: Slot | null = null

  constructor(span: Span, base: number, size: number, arena: Uint8Array) {
    this.span = span
    this.base = base
    this.size = size
    this.bytes = new Uint8Array(arena.buffer, arena.byteOffset + base, size)
  }
}

/** A stretch of the arena cut into slots of one kind. */
export class Span {
  readonly base: number
  kind: SlotKind = 0
  /** How many slots it has room for. */
  count = 0
  /** How many of them have been made. */
  carved = 0
  /** How many are in use. */
  used = 0
  /** Free slots, last in first out. */
  free: Slot | null = null
  next: Span | null = null
  previous: Span | null = null

  constructor(base: number) {
    this.base = base
  }
}

/** Spans of one kind. */
class SpanList {
  head: Span | null = null

  add(span: Span): void {
    span.previous = null
    span.next = this.head
    if (this.head !== null) this.head.previous = span
    this.head = span
  }

  remove(span: Span): void {
    if (span.previous === null) this.head = span.next
    else span.previous.next = span.next
    if (span.next !== null) span.next.previous = span.previous
    span.next = span.previous = null
  }
}

/**
 * Cuts the arena into slots. Spans are opened one after the other when a kind runs out, so that
 * pages never needed are never touched; when the arena is used up, a span with no slot in use is
 * given to the kind that needs one.
 */
export class SlotTable {
  /** Bytes that can be handed out. */
  readonly usable: number
  private readonly arena: Uint8Array
  private readonly spans: number
  private readonly reserved: number
  private opened = 0
  private idleSpans = 0
  /** Spans with free slots; one with no slot in use only if it is alone in its list. */
  private readonly open: readonly [SpanList, SpanList, SpanList, SpanList] = [new SpanList(), new SpanList(), new SpanList(), new SpanList()]
  /** The other spans with no slot in use. */
  private readonly idle: readonly [SpanList, SpanList, SpanList, SpanList] = [new SpanList(), new SpanList(), new SpanList(), new SpanList()]

  constructor(arena: Uint8Array) {
    this.arena = arena
    this.spans = Math.floor(arena.length / SPAN_SIZE)
    this.reserved = Math.floor(this.spans * RESERVE)
    this.usable = this.spans * SPAN_SIZE
  }

  /** A free slot of this kind, or null. */
  take(kind: SlotKind, control: boolean): Slot | null {
    const open = this.open[kind]
    const span = open.head ?? this.openSpan(kind, control)
    if (span === null) return null
    let slot = span.free
    if (slot !== null) span.free = slot.next
    else slot = this.carve(span)
    span.used++
    if (span.used === span.count) open.remove(span)
    return slot
  }

  /** Takes a slot back. */
  put(slot: Slot): void {
    const span = slot.span
    const open = this.open[span.kind]
    slot.next = span.free
    span.free = slot
    if (span.used === span.count) {
      if (open.head?.used === 0) this.retire(open.head)
      open.add(span)
    }
    span.used--
    // The only open span of a kind stays open: taking and putting one slot moves nothing.
    if (span.used === 0 && (open.head !== span || span.next !== null)) this.retire(span)
  }

  private retire(span: Span): void {
    this.open[span.kind].remove(span)
    this.idle[span.kind].add(span)
    this.idleSpans++
  }

  private carve(span: Span): Slot {
    const size = SLOT_SIZES[span.kind]
    const slot = new Slot(span, span.base + span.carved * size, size, this.arena)
    span.carved++
    return slot
  }

  private openSpan(kind: SlotKind, control: boolean): Span | null {
    if (!control && this.spans - this.opened + this.idleSpans <= this.reserved) return null
    let span = this.idle[kind].head
    if (span !== null) {
      this.idle[kind].remove(span)
      this.idleSpans--
    } else if (this.opened < this.spans) {
      span = dedicate(new Span(this.opened * SPAN_SIZE), kind)
      this.opened++
    } else {
      span = this.reclaim(kind)
      if (span === null) return null
    }
    this.open[kind].add(span)
    return span
  }

  /** Takes a span with no slot in use away from another kind. */
  private reclaim(kind: SlotKind): Span | null {
    for (let other = 0; other < SLOT_SIZES.length; other++) {
      const idle = this.idle[other as SlotKind]
      const open = this.open[other as SlotKind]
      if (idle.head !== null) {
        const span = idle.head
        idle.remove(span)
        this.idleSpans--
        return dedicate(span, kind)
      }
      if (open.head?.used === 0) {
        const span = open.head
        open.remove(span)
        return dedicate(span, kind)
      }
    }
    return null
  }
}

/** Makes an unused span one of this kind. */
function dedicate(span: Span, kind: SlotKind): Span {
  // The leak registry holds every slot it knows until the objects of the slot are collected.
  for (let slot = span.free; slot !== null; slot = slot.next) slot.packet = slot.chunk = null
  span.free = null
  span.carved = 0
  span.kind = kind
  span.count = SPAN_SIZE / SLOT_SIZES[kind]
  return span
}
