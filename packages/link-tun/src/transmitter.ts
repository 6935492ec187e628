import { copyBytes, type Chunk, type Packet } from '@stack/buffer'
import type { Arenas } from './arenas.ts'
import type { TunSystem } from './system.ts'
import { VNET_HEADER, writeOffloads } from './virtio.ts'

/** Parts of one packet in a call. */
const MAX_PARTS = 64
/** Bytes for parts beyond those: as much as a packet has. */
const REST = 65_536
/** struct iovec, an address and a length, at its largest. */
const PART = 16
const TWO_32 = 0x1_0000_0000

/**
 * Writes packets to a device, one a call: their virtio-net header, which goes into the headroom, what is contiguous, and the
 * payload range from where it lies.
 */
export class Transmitter {
  readonly #system: TunSystem
  readonly #arenas: Arenas
  readonly #fd: number
  readonly #vnetHeader: number
  readonly #linkHeader: number
  /** The list of parts, and behind it a virtio-net header for packets that have no headroom for one. */
  readonly #list = new DataView(new ArrayBuffer(MAX_PARTS * PART + VNET_HEADER))
  readonly #listAddress: number
  #parts = 0
  /** What is in too many parts is put together here; made when the first such packet comes. */
  #rest: Uint8Array | null = null

  /** @param vnetHeader - bytes of the virtio-net header, 0 = none */
  constructor(system: TunSystem, arenas: Arenas, fd: number, vnetHeader: number, linkHeader: number) {
    this.#system = system
    this.#arenas = arenas
    this.#fd = fd
    this.#vnetHeader = vnetHeader
    this.#linkHeader = linkHeader
    this.#listAddress = system.addressOf(new Uint8Array(this.#list.buffer))
  }

  /** @returns what the system answers */
  write(packet: Packet): number {
    const vnetHeader = this.#vnetHeader
    const isInPlace = packet.start >= vnetHeader
    if (vnetHeader > 0) {
      if (isInPlace) writeOffloads(packet, packet.view, packet.start - vnetHeader, this.#linkHeader)
      else writeOffloads(packet, this.#list, MAX_PARTS * PART, this.#linkHeader)
    }
    const from = isInPlace ? packet.start - vnetHeader : packet.start
    const address = this.#arenas.addressOf(packet.memory) + packet.base + from
    if (isInPlace && packet.payload === null) return this.#system.write(this.#fd, address, packet.end - from)
    this.#parts = 0
    if (!isInPlace) this.#add(this.#listAddress + MAX_PARTS * PART, vnetHeader)
    this.#add(address, packet.end - from)
    if (packet.payload !== null) this.#addRange(packet.payload, packet.payloadOffset, packet.payloadLength)
    return this.#system.writev(this.#fd, this.#listAddress, this.#parts)
  }

  #addRange(first: Chunk, offset: number, length: number): void {
    let left = length
    for (let chunk: Chunk | null = first; left > 0 && chunk !== null; chunk = chunk.next) {
      const part = Math.min(chunk.length - offset, left)
      if (this.#parts === MAX_PARTS - 1 && part < left) {
        this.#addRest(chunk, offset, left)
        return
      }
      this.#add(this.#arenas.addressOf(chunk.memory) + chunk.base + offset, part)
      left -= part
      offset = 0
    }
  }

  #addRest(first: Chunk, offset: number, length: number): void {
    if (this.#rest === null || this.#rest.length < length) this.#rest = new Uint8Array(Math.max(length, REST))
    const rest = this.#rest
    let at = 0
    for (let chunk: Chunk | null = first; at < length && chunk !== null; chunk = chunk.next) {
      const part = Math.min(chunk.length - offset, length - at)
      copyBytes(rest, at, chunk.bytes, offset, offset + part)
      at += part
      offset = 0
    }
    this.#add(this.#system.addressOf(rest), length)
  }

  #add(address: number, length: number): void {
    const list = this.#list
    const size = this.#system.pointerSize
    const at = this.#parts++ * 2 * size
    // Every machine that koffi runs on is little-endian.
    list.setUint32(at, address % TWO_32, true)
    list.setUint32(at + size, length, true)
    if (size === 4) return
    list.setUint32(at + 4, address / TWO_32, true)
    list.setUint32(at + size + 4, 0, true)
  }
}
