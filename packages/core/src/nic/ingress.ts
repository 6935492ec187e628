import { ChecksumState, GsoType, PacketFlag, type Packet } from '@stack/buffer'
import { detachPacket } from '../link/detach.ts'
import type { LinkHost, NetworkDispatcher } from '../registration/link.ts'
import { Coalescer } from './coalesce.ts'
import { isEthernetDestination, parseEthernetHeader } from './ethernet.ts'
import type { NicDevice } from './nic.ts'
import { superHeaderLength } from './segmentation.ts'

/** What {@link Ingress.parseLinkHeader} answers beside protocols; the same as of `LinkEndpoint.parseHeader`. */
const OTHER_HOST = -2
const DOWN = -3

/** The face of a NIC that its link sees: counts, reads the link header, and hands packets to the network endpoints. */
export class Ingress implements NetworkDispatcher {
  readonly host: LinkHost
  private readonly nic: NicDevice
  private readonly coalescer: Coalescer | null

  constructor(nic: NicDevice, gro: boolean) {
    this.nic = nic
    this.host = nic.host
    this.coalescer = gro ? new Coalescer((packet) => this.handUp(packet), nic.counters) : null
  }

  deliverNetworkPacket(given: number, arrived: Packet): void {
    const { nic } = this
    const packet = this.admit(arrived)
    if (packet === null) return
    nic.counters.rxPackets++
    nic.counters.rxBytes += packet.length
    let protocol = given
    let forUs = true
    if (protocol === 0) {
      protocol = this.parseLinkHeader(packet)
      if (protocol === OTHER_HOST) {
        forUs = false
        protocol = packet.networkProtocol
      }
    } else {
      packet.networkProtocol = protocol
    }
    const { observers } = nic
    if (packet.gsoType !== GsoType.None && !isSound(packet)) packet.gsoType = GsoType.None
    if (!observers.isEmpty) {
      observers.received(protocol < 0 ? 0 : protocol, packet)
      // A tap may have taken the NIC down.
      if (!nic.isEnabled) protocol = DOWN
    }
    if (protocol === DOWN) {
      nic.counters.dropDisabled++
      packet.release()
    } else if (protocol < 0) {
      nic.counters.dropMalformedLinkHeader++
      packet.release()
    } else if (!forUs && !nic.promiscuous) {
      nic.counters.dropOtherHost++
      packet.release()
    } else if (!this.mayMerge() || !this.coalescer!.takes(packet)) {
      this.handUp(packet)
    }
  }

  deliverLinkPacket(protocol: number, arrived: Packet): void {
    const packet = this.admit(arrived)
    if (packet === null) return
    packet.networkProtocol = protocol
    this.nic.observers.deliver(protocol, packet, packet.linkSource, false)
    packet.release()
  }

  flush(): void {
    this.coalescer?.flush()
  }

  /** The NIC goes down: releases what waits for the end of the batch. */
  clear(): void {
    if (this.coalescer !== null) this.nic.counters.dropDisabled += this.coalescer.clear()
  }

  writable(): void {
    this.nic.egress.writable()
    this.host.scheduler.run()
  }

  setCarrier(up: boolean): void {
    this.nic.setCarrier(up)
  }

  /** A packet that this NIC sent to itself, from the run queue. Takes ownership. */
  deliverLooped(protocol: number, packet: Packet): void {
    const { nic } = this
    if (!nic.isEnabled) {
      nic.counters.dropDisabled++
      packet.release()
      return
    }
    const { mark, flow } = packet
    const flags = packet.flags & (PacketFlag.Broadcast | PacketFlag.Multicast)
    // A partial checksum stays partial: its bytes never left this memory, and receivers trust that.
    detachPacket(packet)
    packet.mark = mark
    packet.flow = flow
    packet.flags = flags | PacketFlag.Looped
    packet.networkProtocol = protocol
    this.stamp(packet)
    this.handOver(protocol, packet)
  }

  /** Takes a packet over from the link: charge, arrival, and what an earlier stack may have left on it. Null = dropped. */
  private admit(arrived: Packet): Packet | null {
    const { nic } = this
    const { memory } = nic.host
    if (!nic.isEnabled) {
      nic.counters.dropDisabled++
      arrived.release()
      return null
    }
    if (arrived.chain !== null) {
      // Only a NIC merges: a link hands in one packet at a time.
      nic.counters.dropBadOffload++
      arrived.release()
      return null
    }
    // Stream bytes of another stack would stay charged to it for as long as we keep them.
    const packet = arrived.pool === memory || memory.adopt(arrived) ? (arrived.payload === null ? arrived : memory.flatten(arrived)) : null
    if (packet === null) {
      nic.counters.dropNoMemory++
      arrived.release()
      return null
    }
    if (packet.credit !== null || packet.networkHeader >= 0) detachPacket(packet)
    const { capabilities } = nic.link
    if (capabilities.rxChecksumOffload !== true) {
      packet.checksumState = ChecksumState.None
      // Who sums nothing cuts nothing either.
      packet.gsoType = GsoType.None
    }
    if (!nic.verifyChecksums && packet.checksumState !== ChecksumState.Partial) packet.checksumState = ChecksumState.Verified
    packet.flags = capabilities.loopback === true ? PacketFlag.Looped : 0
    this.stamp(packet)
    return packet
  }

  private stamp(packet: Packet): void {
    const { scheduler } = this.host
    packet.nicId = this.nic.id
    packet.arrival = scheduler.now
    packet.arrivalMicros = scheduler.micros
  }

  /** The protocol; -1 = malformed, -2 = another host's (`packet.networkProtocol` says which protocol). */
  private parseLinkHeader(packet: Packet): number {
    const { link } = this.nic
    if (link.parseHeader !== undefined) return link.parseHeader(packet)
    const protocol = parseEthernetHeader(packet)
    return protocol >= 0 && !isEthernetDestination(packet, link.linkAddress) ? OTHER_HOST : protocol
  }

  private mayMerge(): boolean {
    const { coalescer } = this
    if (coalescer === null) return false
    if (this.nic.hooks.takesChains) return true
    coalescer.flush()
    return false
  }

  /** What went up before it, or while it was held for others of its batch, may have taken the NIC down. */
  private handUp(packet: Packet): void {
    if (this.nic.isEnabled) {
      this.handOver(packet.networkProtocol, packet)
      return
    }
    this.nic.counters.dropDisabled++
    packet.release()
  }

  private handOver(protocol: number, packet: Packet): void {
    const { nic } = this
    const { endpointNumbers } = nic
    for (let i = 0; i < endpointNumbers.length; i++) {
      if (endpointNumbers[i] !== protocol) continue
      if (packet.length < nic.minimumSizes[i]!) {
        nic.counters.dropTooShort++
        packet.release()
        return
      }
      nic.endpoints[i]!.handlePacket(packet)
      return
    }
    nic.counters.dropUnknownProtocol++
    packet.release()
  }
}

/** Can a super-packet be cut, and are its segments to be believed? */
function isSound(packet: Packet): boolean {
  const { checksumState: state } = packet
  return (state === ChecksumState.Partial || state === ChecksumState.Verified) && superHeaderLength(packet) >= 0
}
