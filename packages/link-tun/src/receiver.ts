import { GsoType, SLOT_SIZES, type Packet, type PacketPool } from '@stack/buffer'
import type { Arenas } from './arenas.ts'
import type { TunSystem } from './system.ts'
import { readOffloads, VNET_HEADER } from './virtio.ts'

/** Counters of a receiver. */
export interface ReceiveCounters {
  rxDropNoMemory: number
  rxDropTooLarge: number
  rxDropBadOffload: number
  rxDropUnknownProtocol: number
}

/** What a receiver reads. */
export interface ReceiverOptions {
  readonly fd: number
  /** Bytes of the largest network packet that nobody has to cut. */
  readonly mtu: number
  readonly hasVnetHeader: boolean
  readonly ethernet: boolean
  readonly counters: ReceiveCounters
}

/** Answer of {@link Receiver.next}: a packet was read, and dropped. Others below zero are error numbers, negated. */
export const DROPPED = 0

const IPV4 = 0x0800
const IPV6 = 0x86dd
const ETHERNET_HEADER = 14
const VLAN_TAG = 4
/** The network header lands at this offset of the slot: aligned, with room to be forwarded behind a longer link header. */
const NETWORK_OFFSET = 64
/** A network packet that the kernel has not cut, at most. */
const MAX_PACKET = 65_535
/** How much of a packet that cannot be kept is read. Above 64 bytes V8 keeps an array outside of its heap, where it does not move. */
const SCRATCH = 128
const [SMALL, MEDIUM] = SLOT_SIZES

/**
 * Reads packets from a device into packet memory, one a call. Where packets may be large each is read into a slot of 68 KiB;
 * those that fit a smaller slot are copied there, and the large one serves for the next read.
 */
export class Receiver {
  /** EtherType of the last packet; 0 when it begins with an Ethernet header. */
  protocol = 0
  readonly #system: TunSystem
  readonly #arenas: Arenas
  readonly #o: ReceiverOptions
  readonly #vnetHeader: number
  readonly #linkHeader: number
  readonly #headroom: number
  /** Bytes of the largest packet that is not to be cut, with link header. */
  readonly #plainSize: number
  readonly #size: number
  readonly #scratch: Uint8Array = new Uint8Array(SCRATCH)
  readonly #scratchAddress: number
  #landing: Packet | null = null

  constructor(system: TunSystem, arenas: Arenas, options: ReceiverOptions) {
    this.#system = system
    this.#arenas = arenas
    this.#o = options
    this.#vnetHeader = options.hasVnetHeader ? VNET_HEADER : 0
    this.#linkHeader = options.ethernet ? ETHERNET_HEADER : 0
    this.#headroom = NETWORK_OFFSET - this.#linkHeader
    this.#plainSize = options.mtu + this.#linkHeader + VLAN_TAG
    this.#size = options.hasVnetHeader ? MAX_PACKET + this.#linkHeader + VLAN_TAG : this.#plainSize
    this.#scratchAddress = system.addressOf(this.#scratch)
  }

  /** Reads a packet: it, {@link DROPPED}, or an error number, negated. */
  next(memory: PacketPool): Packet | number {
    const landing = (this.#landing ??= this.#takeSlot(memory))
    if (landing === null) return this.#discard()
    const room = landing.capacity - landing.start
    const address = this.#arenas.addressOf(landing.memory) + landing.base + landing.start
    const read = this.#system.read(this.#o.fd, address - this.#vnetHeader, room + this.#vnetHeader)
    if (read <= 0) return read === 0 ? DROPPED : read
    const length = read - this.#vnetHeader
    return length > 0 ? this.#accept(memory, landing, length, room) : this.#refuse('rxDropBadOffload')
  }

  /** Gives back what is held between packets. To be called at the end of a batch. */
  rest(): void {
    this.#landing?.release()
    this.#landing = null
  }

  #accept(memory: PacketPool, landing: Packet, length: number, room: number): Packet | number {
    // What fills the slot may have been cut off.
    if (length >= room) return this.#refuse(room < this.#size ? 'rxDropNoMemory' : 'rxDropTooLarge')
    if (!this.#o.ethernet) {
      this.protocol = protocolOf(landing.bytes[landing.start]!)
      if (this.protocol < 0) return this.#refuse('rxDropUnknownProtocol')
    }
    const packet = this.#settle(memory, landing, length)
    const isGood = this.#vnetHeader === 0 || readOffloads(packet, landing.view, landing.start - VNET_HEADER, this.#linkHeader)
    if (isGood && (length <= this.#plainSize || packet.gsoType !== GsoType.None)) return packet
    this.#o.counters[isGood ? 'rxDropTooLarge' : 'rxDropBadOffload']++
    packet.release()
    return DROPPED
  }

  /** The packet of `length` bytes that was read into `landing`, in the smallest slot that holds it: slots are what is charged. */
  #settle(memory: PacketPool, landing: Packet, length: number): Packet {
    const { start } = landing
    if (landing.capacity > MEDIUM && start + length <= MEDIUM) {
      const packet = memory.allocate(start, length)
      if (packet !== null) {
        packet.append(landing.bytes, start, start + length)
        return packet
      }
    }
    landing.end = start + length
    this.#landing = null
    return landing
  }

  /** A slot for the largest packet; while memory is short for one that will do for most, or for an ACK. */
  #takeSlot(memory: PacketPool): Packet | null {
    const headroom = this.#headroom
    const full = memory.allocate(headroom, this.#size)
    if (full !== null) return full
    const medium = headroom + this.#size > MEDIUM ? memory.allocate(headroom, MEDIUM - headroom) : null
    return medium ?? memory.allocateControl(headroom, SMALL - headroom)
  }

  /** Takes a packet from the device that there is no memory for: left there, it would keep the device readable. */
  #discard(): number {
    const read = this.#system.read(this.#o.fd, this.#scratchAddress, SCRATCH)
    if (read < 0) return read
    this.#o.counters.rxDropNoMemory++
    return DROPPED
  }

  #refuse(reason: keyof ReceiveCounters): number {
    this.#o.counters[reason]++
    return DROPPED
  }
}

/** EtherType by the version in the first byte of an IP packet. */
function protocolOf(first: number): number {
  const version = first >> 4
  if (version === 4) return IPV4
  return version === 6 ? IPV6 : -1
}
