import type { ArenaMemory } from './arena-memory.ts'
import { addSums, checksumOf, swapSum } from './checksum.ts'
import type { Chunk } from './chunk.ts'
import { ChecksumState, GsoType } from './constants.ts'
import { copyBytes, SHORT_COPY } from './copy.ts'
import { duplicate } from './duplicate.ts'
import type { Packet, PacketCredit } from './packet.ts'
import { copyAndSumRange, copyRange, rangeExists, sumRange } from './payload.ts'
import type { PacketPool } from './pool.ts'
import type { Slot } from './slots.ts'

const PUSHED = 1
const CONSUMED = 2

const UDP = 17
/** Where UDP and UDP-Lite keep their checksum (RFC 768, RFC 3828). */
const UDP_CHECKSUM_OFFSET = 6

/** The packet bound to a slot. It is always clean while it lies in the pool. */
export class ArenaPacket implements Packet {
  readonly slot: Slot
  readonly memory: ArenaMemory
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly base: number
  readonly capacity: number
  start = 0
  end = 0
  payload: Chunk | null = null
  payloadOffset = 0
  payloadLength = 0
  direction = 0
  linkHeader = -1
  linkHeaderLength = 0
  networkHeader = -1
  networkHeaderLength = 0
  transportHeader = -1
  transportHeaderLength = 0
  sourceA = 0
  sourceB = 0
  sourceC = 0
  sourceD = 0
  destinationA = 0
  destinationB = 0
  destinationC = 0
  destinationD = 0
  sourcePort = 0
  destinationPort = 0
  nicId = 0
  networkProtocol = 0
  transportProtocol = 0
  ttl = 0
  tos = 0
  flowLabel = 0
  hash = 0
  mark = 0
  flags = 0
  flow: object | null = null
  linkDestination: Uint8Array | null = null
  linkSource: Uint8Array | null = null
  // A fraction makes the engine keep these two as doubles from the start, not as small integers
  // that change the shape of every packet with the first fractional clock.
  arrival = 0.5
  earliestDeparture = 0.5
  arrivalMicros = 0
  checksumState: ChecksumState = ChecksumState.None
  checksumStart = 0
  checksumOffset = 0
  checksumSum = 0
  gsoType: GsoType = GsoType.None
  gsoMss = 0
  gsoL3HeaderLength = 0
  gsoMaxSize = 0
  gsoNeedsChecksum = false
  gsoChecksumOffset = 0
  next: Packet | null = null
  chain: Packet | null = null
  credit: PacketCredit | null = null
  creditBytes = -1
  /** A view of what was copied out at least twice in a row: in a stream of full segments text lies in the same place of each slot. */
  private part: Uint8Array
  // Where it lies: asking a view costs more than keeping it beside.
  private partFrom = 0
  private partTo: number
  // What was copied out last by the tray.
  private carriedFrom = 0
  private carriedTo = 0

  constructor(slot: Slot, memory: ArenaMemory) {
    this.slot = slot
    this.memory = memory
    this.bytes = this.part = slot.bytes
    this.view = new DataView(slot.bytes.buffer, slot.bytes.byteOffset, slot.size)
    this.base = slot.base
    this.capacity = this.partTo = slot.size
    this.arrival = 0
    this.earliestDeparture = 0
  }

  get pool(): PacketPool | null {
    return this.slot.pool
  }

  set pool(pool: PacketPool | null) {
    this.slot.pool = pool
  }

  get length(): number {
    return this.end - this.start + this.payloadLength
  }

  pushLinkHeader(n: number): number {
    if (this.linkHeader >= 0) return this.misuse()
    const at = this.push(n)
    if (at < 0) return -1
    this.linkHeader = at
    this.linkHeaderLength = n
    return at
  }

  pushNetworkHeader(n: number): number {
    if (this.networkHeader >= 0) return this.misuse()
    const at = this.push(n)
    if (at < 0) return -1
    this.networkHeader = at
    this.networkHeaderLength = n
    return at
  }

  pushTransportHeader(n: number): number {
    if (this.transportHeader >= 0) return this.misuse()
    const at = this.push(n)
    if (at < 0) return -1
    this.transportHeader = at
    this.transportHeaderLength = n
    return at
  }

  consumeLinkHeader(n: number): number {
    if (this.linkHeader >= 0) return this.misuse()
    const at = this.consume(n)
    if (at < 0) return -1
    this.linkHeader = at
    this.linkHeaderLength = n
    return at
  }

  consumeNetworkHeader(n: number): number {
    if (this.networkHeader >= 0) return this.misuse()
    const at = this.consume(n)
    if (at < 0) return -1
    this.networkHeader = at
    this.networkHeaderLength = n
    return at
  }

  consumeTransportHeader(n: number): number {
    if (this.transportHeader >= 0) return this.misuse()
    const at = this.consume(n)
    if (at < 0) return -1
    this.transportHeader = at
    this.transportHeaderLength = n
    return at
  }

  private push(n: number): number {
    // Headroom behind a consumed header is that header, which is read-only.
    if (this.direction === CONSUMED) return this.misuse()
    if (n > this.start) return -1
    this.direction = PUSHED
    this.start -= n
    return this.start
  }

  private consume(n: number): number {
    if (this.direction === PUSHED) return this.misuse()
    const at = this.start
    if (at + n > this.end) return -1
    this.direction = CONSUMED
    this.start = at + n
    return at
  }

  private misuse(): -1 {
    this.memory.statistics.headerMisuse++
    return -1
  }

  resetHeaders(): void {
    this.direction = 0
    this.linkHeader = -1
    this.linkHeaderLength = 0
    this.networkHeader = -1
    this.networkHeaderLength = 0
    this.transportHeader = -1
    this.transportHeaderLength = 0
    this.sourceA = 0
    this.sourceB = 0
    this.sourceC = 0
    this.sourceD = 0
    this.destinationA = 0
    this.destinationB = 0
    this.destinationC = 0
    this.destinationD = 0
    this.sourcePort = 0
    this.destinationPort = 0
    this.transportProtocol = 0
    this.ttl = 0
    this.tos = 0
    this.flowLabel = 0
    this.hash = 0
    this.linkDestination = null
    this.linkSource = null
  }

  restart(offset: number): boolean {
    if (offset < 0 || offset > this.end) return false
    this.start = offset
    this.direction = 0
    if (this.linkHeader < offset) {
      this.linkHeader = -1
      this.linkHeaderLength = 0
    }
    if (this.networkHeader < offset) {
      this.networkHeader = -1
      this.networkHeaderLength = 0
    }
    if (this.transportHeader < offset) {
      this.transportHeader = -1
      this.transportHeaderLength = 0
    }
    return true
  }

  trimEnd(newLength: number): void {
    const contiguous = this.end - this.start
    if (newLength >= contiguous + this.payloadLength) return
    if (newLength > contiguous) {
      this.payloadLength = newLength - contiguous
      return
    }
    this.end = this.start + Math.max(0, newLength)
    this.dropPayload()
  }

  trimStart(n: number): void {
    const contiguous = this.end - this.start
    if (n <= contiguous) {
      this.start += Math.max(0, n)
      return
    }
    this.start = this.end
    if (this.payload === null) return
    const skipped = n - contiguous
    if (skipped >= this.payloadLength) this.dropPayload()
    else this.attachPayload(this.payload, this.payloadOffset + skipped, this.payloadLength - skipped)
  }

  append(bytes: Uint8Array, from: number, to: number): boolean {
    if (this.payload !== null || this.end + (to - from) > this.capacity) return false
    copyBytes(this.bytes, this.end, bytes, from, to)
    this.end += to - from
    return true
  }

  copyTo(target: Uint8Array, at: number, from: number, to: number): void {
    if (to - from <= SHORT_COPY) {
      for (let i = from; i < to; i++) target[at++] = this.bytes[i]!
      return
    }
    if (from === this.partFrom && to === this.partTo) target.set(this.part, at)
    else this.copyOther(target, at, from, to)
  }

  /** Short segments, and pieces for which a target had no more room, come and go. What comes again gets a view. */
  private copyOther(target: Uint8Array, at: number, from: number, to: number): void {
    if (from === this.carriedFrom && to === this.carriedTo) {
      this.part = this.bytes.subarray(from, to)
      this.partFrom = from
      this.partTo = to
      target.set(this.part, at)
    } else {
      this.carriedFrom = from
      this.carriedTo = to
      this.memory.tray.carry(this.base + from, this.base + to, target, at)
    }
  }

  attachPayload(chunk: Chunk, offset: number, length: number): boolean {
    if (!rangeExists(chunk, offset, length)) return false
    if (length === 0) {
      this.dropPayload()
      return true
    }
    // Start in the chunk of the first byte, so that chunks before it are not kept.
    let first = chunk
    let at = offset
    while (at >= first.length) {
      at -= first.length
      first = first.next!
    }
    first.retain()
    this.dropPayload()
    this.payload = first
    this.payloadOffset = at
    this.payloadLength = length
    return true
  }

  private dropPayload(): void {
    const payload = this.payload
    this.payload = null
    this.payloadOffset = 0
    this.payloadLength = 0
    if (payload !== null) payload.release()
  }

  makeContiguous(): boolean {
    if (this.payload === null) return true
    if (this.end + this.payloadLength > this.capacity) return false
    copyRange(this, this.end, this.payload, this.payloadOffset, this.payloadLength)
    this.end += this.payloadLength
    this.dropPayload()
    return true
  }

  clone(pool: PacketPool): Packet | null {
    const head = cloneOne(this, pool)
    if (head === null) return null
    let tail = head
    for (let chained = this.chain; chained !== null; chained = chained.chain) {
      tail.chain = cloneOne(chained, pool)
      if (tail.chain === null) {
        head.release()
        return null
      }
      tail = tail.chain
    }
    return head
  }

  sum(from: number, to?: number): number {
    const end = to ?? this.end
    if (from < 0 || end > this.capacity) return 0
    const length = end - from
    const sum = length > 0 ? this.memory.kernels.sum(this.base + from, length) : 0
    if (to !== undefined || this.payload === null) return sum
    const payload = sumRange(this.payload, this.payloadOffset, this.payloadLength)
    return addSums(sum, (length & 1) === 0 ? payload : swapSum(payload))
  }

  finishChecksum(): boolean {
    const from = this.checksumStart
    const field = from + this.checksumOffset
    if (this.checksumState !== ChecksumState.Partial || from < 0 || field < from || field + 2 > this.end) return false
    let sum: number
    if (this.payload !== null && this.end + this.payloadLength <= this.capacity) {
      const length = this.end - from
      sum = this.memory.kernels.sum(this.base + from, length)
      const payload = copyAndSumRange(this, this.end, this.payload, this.payloadOffset, this.payloadLength)
      sum = addSums(sum, (length & 1) === 0 ? payload : swapSum(payload))
      this.end += this.payloadLength
      this.dropPayload()
    } else {
      sum = this.sum(from)
    }
    let checksum = checksumOf(sum)
    // RFC 768: zero on the wire means "no checksum". A partial packet from a virtio peer may pass
    // without anybody reading its transport protocol, so the place of the field counts too.
    if (checksum === 0 && (this.transportProtocol === UDP || this.checksumOffset === UDP_CHECKSUM_OFFSET)) checksum = 0xffff
    this.view.setUint16(field, checksum)
    this.checksumState = ChecksumState.None
    return true
  }

  release(): void {
    const memory = this.memory
    if (this.slot.pool === null) {
      memory.statistics.doubleRelease++
      return
    }
    const { credit } = this
    const creditBytes = this.creditBytes < 0 ? this.length : this.creditBytes
    let chained = this.chain
    this.dropPayload()
    this.clean()
    memory.putPacket(this)
    while (chained !== null) {
      const following: Packet | null = chained.chain
      chained.chain = null
      chained.release()
      chained = following
    }
    // Last, when this packet is nobody's: what it calls may take it again.
    if (credit !== null) credit.returned(creditBytes)
  }

  private clean(): void {
    this.resetHeaders()
    this.nicId = 0
    this.networkProtocol = 0
    this.mark = 0
    this.flags = 0
    this.flow = null
    this.arrival = 0
    this.earliestDeparture = 0
    this.arrivalMicros = 0
    this.checksumState = ChecksumState.None
    this.checksumStart = 0
    this.checksumOffset = 0
    this.checksumSum = 0
    this.gsoType = GsoType.None
    this.gsoMss = 0
    this.gsoL3HeaderLength = 0
    this.gsoMaxSize = 0
    this.gsoNeedsChecksum = false
    this.gsoChecksumOffset = 0
    this.next = null
    this.chain = null
    this.credit = null
    this.creditBytes = -1
  }
}

function cloneOne(packet: Packet, pool: PacketPool): Packet | null {
  const copy = duplicate(packet, pool, packet.end)
  if (copy !== null && packet.payload !== null) copy.attachPayload(packet.payload, packet.payloadOffset, packet.payloadLength)
  return copy
}
