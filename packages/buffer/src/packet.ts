import type { Chunk } from './chunk.ts'
import type { ChecksumState, GsoType } from './constants.ts'
import type { PacketMemory } from './memory.ts'
import type { PacketPool } from './pool.ts'

/** How a flow learns that its packet has left: see {@link Packet.credit}. */
export interface PacketCredit {
  /** Called once, when the packet is released. Note it and return; do not send from here. */
  returned(bytes: number): void
}

/**
 * One packet: a private contiguous header area with headroom, then an optional range of shared
 * stream bytes.
 *
 * It has one owner at a time: whoever is handed a packet releases it or hands it on; fan-out
 * clones. Headers are pushed once (on the way out) or consumed once (on the way in); a consumed
 * header is read-only. After `release` the object is somebody else's.
 *
 * All offsets count from the start of the slot.
 */
export interface Packet {
  // --- storage ---
  /** The whole slot. */
  readonly bytes: Uint8Array
  /** The whole slot, for multi-byte fields. */
  readonly view: DataView
  /** Address of `bytes[0]` in the memory's arena, for the kernels. */
  readonly base: number
  /** Size of the slot in bytes. */
  readonly capacity: number
  /** The memory the slot lies in. */
  readonly memory: PacketMemory
  /** Who is charged for the slot; null after release. Changed by {@link PacketPool.adopt} only. */
  pool: PacketPool | null

  /** First valid contiguous byte. */
  start: number
  /** Behind the last valid contiguous byte. The payload range follows. */
  end: number
  /** First chunk of the payload range, held by this packet, or null. Set by `attachPayload`. */
  payload: Chunk | null
  /** Where the range starts in `payload`. */
  payloadOffset: number
  /** Length of the range. It may run on into `payload.next`. */
  payloadLength: number
  /** `end - start + payloadLength`: bytes of this packet, without those chained to it. */
  readonly length: number

  // --- headers: slot offsets, -1 when not there ---
  linkHeader: number
  linkHeaderLength: number
  networkHeader: number
  networkHeaderLength: number
  transportHeader: number
  transportHeaderLength: number

  // --- addressing, filled by the network layer; IPv4 as ::ffff:a.b.c.d, int32 words ---
  sourceA: number
  sourceB: number
  sourceC: number
  sourceD: number
  destinationA: number
  destinationB: number
  destinationC: number
  destinationD: number
  sourcePort: number
  destinationPort: number
  /** The NIC it came from or leaves by; 0 = none. */
  nicId: number
  /** EtherType. */
  networkProtocol: number
  /** IP protocol number. */
  transportProtocol: number
  ttl: number
  tos: number
  flowLabel: number
  /** Flow hash, 0 = not computed. */
  hash: number
  /** Set and read by hooks, policy routing and sockets. */
  mark: number
  /** Bits of {@link PacketFlag}. */
  flags: number
  /** One opaque slot for hooks. */
  flow: object | null
  /** 6-byte link address; treat as immutable. */
  linkDestination: Uint8Array | null
  /** 6-byte link address; treat as immutable. */
  linkSource: Uint8Array | null

  // --- time ---
  /** The batch's clock when the packet came in, ms. */
  arrival: number
  /** The same as wrapping int32 µs. */
  arrivalMicros: number
  /** Not to be sent before this time (ms); 0 = now. */
  earliestDeparture: number

  // --- checksum ---
  checksumState: ChecksumState
  /** Slot offset where summing starts. */
  checksumStart: number
  /** Offset of the 16-bit field from `checksumStart`. */
  checksumOffset: number
  /** The sum, when the state is complete. */
  checksumSum: number

  // --- segmentation (@seed GSO) ---
  gsoType: GsoType
  gsoMss: number
  gsoL3HeaderLength: number
  gsoMaxSize: number
  gsoNeedsChecksum: boolean
  gsoChecksumOffset: number

  // --- ownership ---
  /** Intrusive list link of the current owner. */
  next: Packet | null
  /** GRO: the following packet merged without copying; linked through `chain`, owned by this one. */
  chain: Packet | null
  /** Told once at release, or null. */
  credit: PacketCredit | null
  /** What `credit` is told; -1 (the default) means the packet's length at release. */
  creditBytes: number
  /**
   * Whether headers have been pushed (1), consumed (2) or neither (0).
   *
   * @internal
   */
  direction: number

  // --- headers ---
  /**
   * Turns headroom into a header of `n` bytes.
   *
   * @returns its slot offset; -1 when there is no headroom, or when the header is already set or
   * another was consumed (counted as `headerMisuse`)
   */
  pushLinkHeader(n: number): number
  /** As {@link Packet.pushLinkHeader}. */
  pushNetworkHeader(n: number): number
  /** As {@link Packet.pushLinkHeader}. */
  pushTransportHeader(n: number): number
  /**
   * Turns the first `n` contiguous bytes into a header.
   *
   * @returns its slot offset; -1 when fewer bytes are there, or when the header is already set or
   * another was pushed (counted as `headerMisuse`)
   */
  consumeLinkHeader(n: number): number
  /** As {@link Packet.consumeLinkHeader}. */
  consumeNetworkHeader(n: number): number
  /** As {@link Packet.consumeLinkHeader}. */
  consumeTransportHeader(n: number): number
  /**
   * Forgets all headers and what was read from them (addresses, ports, transport protocol, ttl,
   * tos, flow label, hash, link addresses), so that the bytes can be sent or received again. Keeps
   * `start`, `networkProtocol`, `nicId`, flags, mark, flow, checksum and GSO state.
   */
  resetHeaders(): void
  /**
   * Makes slot offset `offset` the first byte. Headers before it are forgotten, the others stay
   * known, and headers may be pushed in front again: `restart(networkHeader)` prepares a received
   * packet for forwarding.
   *
   * @returns false, and nothing done, when `offset` is not within 0 and `end`
   */
  restart(offset: number): boolean

  // --- bytes ---
  /** Cuts the packet to `newLength` bytes, payload range first. Never grows. */
  trimEnd(newLength: number): void
  /** Drops the first `n` bytes, running on into the payload range; all of them at most. */
  trimStart(n: number): void
  /**
   * Copies `bytes[from, to)` into tailroom.
   *
   * @returns false, and nothing done, when it does not fit or a payload range follows
   */
  append(bytes: Uint8Array, from: number, to: number): boolean
  /** Copies the slot's bytes `[from, to)` to `target[at…]`, payload range not included. Makes no garbage, unless the range is another one for the second time. */
  copyTo(target: Uint8Array, at: number, from: number, to: number): void
  /**
   * Refers to `length` bytes of a chunk and its successors from `offset` on, and retains the chunk.
   * A range that was there is dropped.
   *
   * @returns false, and nothing attached, when those bytes have not been written
   */
  attachPayload(chunk: Chunk, offset: number, length: number): boolean
  /**
   * Copies the payload range into tailroom and drops the range.
   *
   * @returns false, and nothing done, when there is no room: see {@link PacketPool.flatten}
   */
  makeContiguous(): boolean
  /**
   * A second packet with the same bytes, headers and metadata, charged to `pool`: contiguous bytes
   * are copied, the payload range is shared, chained packets are cloned too. `next` and `credit`
   * stay with the original.
   *
   * @returns null when `pool` refuses
   */
  clone(pool: PacketPool): Packet | null

  // --- checksum ---
  /**
   * Folded sum from slot offset `from` to the end of the packet, payload range included; with `to`
   * over the contiguous bytes `[from, to)` only.
   */
  sum(from: number, to?: number): number
  /**
   * Writes the checksum field of a packet whose state is partial, and sets the state to none. A
   * payload range is made contiguous on the way, where it fits, by one fused copy and sum.
   *
   * @returns false, and nothing done, when the state is another or the field lies outside
   */
  finishChecksum(): boolean

  /**
   * Gives the slot back, with everything the packet holds: payload, chained packets, credit. A
   * second call is counted as `doubleRelease` and otherwise ignored.
   */
  release(): void
}
