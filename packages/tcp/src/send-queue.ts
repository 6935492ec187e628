import { MemoryLevel, type Chunk, type PacketPool } from '@stack/buffer'
import { after } from './sequence.ts'

const SMALL_CHUNK = 2048
const JUMBO_CHUNK = 17_408
const LARGE_CHUNK = 69_632
// Above this, one large slot wastes less than several small ones cost.
const BULK = 8192

/**
 * What the application wrote and the peer has not acknowledged: a chain of append-only chunks, addressed by sequence
 * number. Segments refer to ranges of it, so a retransmission of any size copies nothing. Holds no chunk when empty.
 */
export class SendQueue {
  /** Sequence number of the first byte. */
  start = 0
  /** Bytes held. */
  length = 0
  /** Where {@link locate} found the byte. */
  chunk: Chunk | null = null
  /** Offset in `chunk`. */
  offset = 0
  private head: Chunk | null = null
  private headOffset = 0
  private tail: Chunk | null = null
  // Sequence number at `chunk` and `offset`: sends go on where the last one ended.
  private located = 0

  /** Sequence number behind the last byte. */
  get end(): number {
    return (this.start + this.length) | 0
  }

  /** Copies `source[from, to)` behind what is there; returns how many bytes found memory. */
  append(pool: PacketPool, source: Uint8Array, from: number, to: number): number {
    let at = from
    while (at < to) {
      if (this.tail !== null && !isLeft(this.tail, to - at, pool)) at += this.tail.append(source, at, to)
      if (at === to) break
      const rest = to - at
      const chunk = pool.chunk(chunkSize(rest))
      if (chunk === null) break
      if (this.tail === null) {
        this.head = chunk
        this.headOffset = 0
      } else {
        // The chain holds it from now on.
        this.tail.setNext(chunk)
        chunk.release()
      }
      this.tail = chunk
    }
    this.length += at - from
    return at - from
  }

  /** The first `count` bytes are acknowledged. */
  consume(count: number): void {
    this.start = (this.start + count) | 0
    this.length -= count
    if (this.length === 0) {
      this.clear()
      return
    }
    this.headOffset += count
    let head = this.head!
    while (this.headOffset >= head.length && head.next !== null) {
      const next: Chunk = head.next
      this.headOffset -= head.length
      next.retain()
      head.release()
      head = next
    }
    this.head = head
    // A position at the very start may lie at the end of a chunk that is gone.
    if (!after(this.located, this.start)) this.chunk = null
  }

  /** Sets `chunk` and `offset` to the byte `sequence`, which must be in the queue. */
  locate(sequence: number): void {
    let chunk = this.chunk
    let offset = this.offset + ((sequence - this.located) | 0)
    if (chunk === null || after(this.located, sequence)) {
      chunk = this.head!
      offset = this.headOffset + ((sequence - this.start) | 0)
    }
    while (offset >= chunk.length && chunk.next !== null) {
      offset -= chunk.length
      chunk = chunk.next
    }
    this.chunk = chunk
    this.offset = offset
    this.located = sequence
  }

  /** Forgets everything. */
  clear(): void {
    this.head?.release()
    this.head = null
    this.headOffset = 0
    this.tail = null
    this.chunk = null
    this.start = this.end
    this.length = 0
  }
}

/**
 * Is what room there is in the last chunk left, while memory is plentiful? A write of a power of two leaves a little, and the next one
 * is copied in one piece, from the whole of its array.
 */
function isLeft({ capacity, length }: Chunk, bytes: number, { level }: PacketPool): boolean {
  const room = capacity - length
  return bytes > room && room <= capacity >>> 4 && level === MemoryLevel.Low
}

/** A write of 16 KiB, as streams make them, is to hold no more than that: a thousand connections would hold all memory. */
function chunkSize(bytes: number): number {
  if (bytes <= BULK) return SMALL_CHUNK
  return bytes <= JUMBO_CHUNK ? JUMBO_CHUNK : LARGE_CHUNK
}
