import { SLOT_SIZES } from '@stack/buffer'
import type { Packet, PacketPool } from '@stack/buffer'

// A slot that is filled less than this part is worth copying out of.
const WASTEFUL = 4
// Copies this short do not pay for a call into the runtime.
const SHORT_COPY = 32

/**
 * Bytes in order, waiting for the application: packets linked by `next`, each cut to its unread payload. Slots that
 * hold little are copied together, so that what is held stays within a small multiple of what is there.
 */
export class ReceiveQueue {
  /** Unread bytes. */
  length = 0
  /** Bytes of packet memory that they hold; what is charged to a writer in the same program does not count. */
  held = 0
  private head: Packet | null = null
  private tail: Packet | null = null

  /** Takes a packet that starts at its payload and is not empty. */
  append(packet: Packet, pool: PacketPool): void {
    const bytes = packet.length
    this.length += bytes
    let kept = packet
    if (isWasteful(packet)) {
      const tail = this.tail
      if (tail?.append(packet.bytes, packet.start, packet.end) === true) {
        packet.release()
        return
      }
      if (packet.capacity > SLOT_SIZES[0]) kept = shrink(packet, pool)
    }
    kept.next = null
    this.link(kept, kept, kept.capacity)
  }

  /** Takes packets from `head` to `tail`, linked by `next`, none of which {@link isWasteful}: `bytes` in slots of `held`. */
  appendRun(head: Packet, tail: Packet, bytes: number, held: number): void {
    this.length += bytes
    this.link(head, tail, held)
  }

  /** Copies to `into`; returns the bytes. Releases what was read. */
  read(into: Uint8Array): number {
    let at = 0
    while (at < into.length && this.head !== null) {
      const packet = this.head
      const taken = Math.min(packet.length, into.length - at)
      copyOut(packet, into, at, taken)
      at += taken
      if (taken < packet.length) {
        packet.trimStart(taken)
        break
      }
      this.shift()
    }
    this.length -= at
    return at
  }

  /** As {@link read}, and keeps what it copied. */
  peek(into: Uint8Array): number {
    let at = 0
    for (let packet = this.head; packet !== null && at < into.length; packet = packet.next) {
      const count = Math.min(packet.length, into.length - at)
      copyOut(packet, into, at, count)
      at += count
    }
    return at
  }

  /** As {@link read} of at most `max` bytes, without a copy. */
  skip(max: number): number {
    let left = Math.min(max, this.length)
    this.length -= left
    const skipped = left
    while (left > 0) {
      const packet = this.head!
      if (packet.length > left) {
        packet.trimStart(left)
        break
      }
      left -= packet.length
      this.shift()
    }
    return skipped
  }

  /** Releases everything. */
  clear(): void {
    while (this.head !== null) this.shift()
    this.length = 0
  }

  private link(head: Packet, tail: Packet, held: number): void {
    this.held += held
    if (this.tail === null) this.head = head
    else this.tail.next = head
    this.tail = tail
  }

  private shift(): void {
    const packet = this.head!
    this.head = packet.next
    if (this.head === null) this.tail = null
    packet.next = null
    this.held -= packet.capacity
    packet.release()
  }
}

/** Is it worth copying out of? */
export function isWasteful(packet: Packet): boolean {
  return packet.payloadLength === 0 && (packet.end - packet.start) * WASTEFUL < packet.capacity
}

/** Moves a small payload out of a large slot, where there is a smaller one to be had. */
function shrink(packet: Packet, pool: PacketPool): Packet {
  const bytes = packet.end - packet.start
  const small = pool.allocate(0, bytes)
  if (small === null) return packet
  if (small.capacity >= packet.capacity) {
    small.release()
    return packet
  }
  small.append(packet.bytes, packet.start, packet.end)
  packet.release()
  return small
}

function copyOut(packet: Packet, into: Uint8Array, at: number, count: number): void {
  const own = Math.min(count, packet.end - packet.start)
  packet.copyTo(into, at, packet.start, packet.start + own)
  let done = own
  let chunk = packet.payload
  let offset = packet.payloadOffset
  while (done < count && chunk !== null) {
    const n = Math.min(count - done, chunk.length - offset)
    if (n > 0) {
      copy(chunk.bytes, offset, into, at + done, n)
      done += n
    }
    offset = Math.max(0, offset - chunk.length)
    chunk = chunk.next
  }
}

function copy(from: Uint8Array, start: number, into: Uint8Array, at: number, count: number): void {
  if (count > SHORT_COPY) into.set(from.subarray(start, start + count), at)
  else for (let i = 0; i < count; i++) into[at + i] = from[start + i]!
}
