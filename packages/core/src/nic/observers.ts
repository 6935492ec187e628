import { PacketFlag, type Packet, type PacketPool } from '@stack/buffer'
import { ALL_PROTOCOLS } from '../registration/raw.ts'
import type { PacketEndpoint } from '../registration/transport.ts'
import type { CaptureTap, NicCounters } from '../stack/types.ts'

interface Entry {
  readonly nicId: number
  readonly protocol: number
  readonly endpoint: PacketEndpoint
}

/** The packet sockets of a stack, whichever NIC they listen on. */
export class PacketEndpoints {
  /** Replaced, not changed: an endpoint may close itself while packets are being handed out. */
  entries: readonly Entry[] = []

  /** `nicId` 0 = every NIC. Returns the removal. */
  add(nicId: number, protocol: number, endpoint: PacketEndpoint): () => void {
    const entry: Entry = { nicId, protocol, endpoint }
    this.entries = [...this.entries, entry]
    return () => {
      this.entries = this.entries.filter((other) => other !== entry)
    }
  }

  clear(): void {
    this.entries = []
  }
}

/** Everybody who watches the packets of one NIC: taps, and the stack's packet sockets. */
export class Observers {
  /** Tested first, once a packet: nobody watches. */
  taps: readonly CaptureTap[] = []
  private readonly nicId: number
  private readonly sockets: PacketEndpoints
  private readonly pool: PacketPool
  private readonly counters: NicCounters
  private readonly onError: (error: unknown) => void

  constructor(nicId: number, sockets: PacketEndpoints, pool: PacketPool, counters: NicCounters, onError: (error: unknown) => void) {
    this.nicId = nicId
    this.sockets = sockets
    this.pool = pool
    this.counters = counters
    this.onError = onError
  }

  get isEmpty(): boolean {
    return this.taps.length === 0 && this.sockets.entries.length === 0
  }

  addTap(tap: CaptureTap): () => void {
    this.taps = [...this.taps, tap]
    return () => {
      this.taps = this.taps.filter((other) => other !== tap)
    }
  }

  /** A packet came in; its link header, if any, is consumed. Borrowed. */
  received(protocol: number, packet: Packet): void {
    this.tap('in', protocol, packet)
    this.deliver(protocol, packet, packet.linkSource ?? linkSourceOf(packet), false)
  }

  /** A packet is about to leave, link header pushed. Borrowed. */
  sent(protocol: number, packet: Packet, ownAddress: Uint8Array | null): void {
    this.tap('out', protocol, packet)
    this.deliver(protocol, packet, ownAddress, true)
  }

  /** For packet sockets only. Borrowed. */
  deliver(protocol: number, packet: Packet, linkAddress: Uint8Array | null, outgoing: boolean): void {
    const entries = this.sockets.entries
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!
      if (entry.nicId !== 0 && entry.nicId !== this.nicId) continue
      // What the stack sends is shown only to sockets that asked for every protocol, as on Linux.
      if (entry.protocol !== ALL_PROTOCOLS && (outgoing || entry.protocol !== protocol)) continue
      const copy = packet.clone(this.pool)
      if (copy === null) {
        this.counters.dropNoMemory++
        continue
      }
      copy.nicId = this.nicId
      if (outgoing) {
        copy.flags |= PacketFlag.Outgoing
        if (copy.linkHeader >= 0) copy.start = copy.linkHeader + copy.linkHeaderLength
      }
      entry.endpoint.handlePacket(this.nicId, linkAddress, protocol, copy)
    }
  }

  private tap(direction: 'in' | 'out', protocol: number, packet: Packet): void {
    const taps = this.taps
    if (taps.length === 0) return
    const start = packet.start
    if (packet.linkHeader >= 0) packet.start = packet.linkHeader
    for (let i = 0; i < taps.length; i++) {
      try {
        taps[i]!(direction, this.nicId, protocol, packet)
      } catch (error) {
        // The packet is in the middle of its way: foreign code must not lose it.
        this.onError(error)
      }
    }
    packet.start = start
  }
}

/** The sender's address in a consumed Ethernet header, copied: packet sockets may keep it. */
function linkSourceOf(packet: Packet): Uint8Array | null {
  const offset = packet.linkHeader
  return offset < 0 || packet.linkHeaderLength < 12 ? null : packet.bytes.slice(offset + 6, offset + 12)
}
