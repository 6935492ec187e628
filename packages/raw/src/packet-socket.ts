import { PacketFlag, type Packet } from '@stack/buffer'
import { ALL_PROTOCOLS, ETHERNET_HEADER_LENGTH, StackError, type Failure, type PacketEndpoint, type RawHost } from '@stack/core'
import type { PacketDatagram, PacketSocket, PacketTarget } from './api.ts'
import { ReadingSocket } from './reading-socket.ts'
import { assertBytes, settleSend, type RawCounters } from './send.ts'

/** Options with every default filled in. */
export interface PacketSettings {
  readonly protocol: number
  readonly cooked: boolean
  readonly nicId: number
  readonly receiveBuffer: number
}

/** Room for the largest link header that is usual: Ethernet with a VLAN tag, rounded up. */
const LINK_HEADROOM = 32
/** Ethernet header and the largest packet there is. */
const MAX_FRAME = 65_575 + ETHERNET_HEADER_LENGTH
const LINK_ADDRESS_LENGTH = 6

/** A packet socket. */
export class PacketSocketEndpoint extends ReadingSocket<PacketDatagram> implements PacketSocket, PacketEndpoint {
  private readonly settings: PacketSettings
  private readonly unregister: () => void
  private readonly forget: (socket: PacketSocketEndpoint) => void

  constructor(host: RawHost, settings: PacketSettings, counters: RawCounters, forget: (socket: PacketSocketEndpoint) => void) {
    super(host, settings.receiveBuffer, counters)
    this.settings = settings
    this.forget = forget
    this.unregister = host.registerPacketEndpoint(settings.nicId, settings.protocol, this)
  }

  handlePacket(nicId: number, linkAddress: Uint8Array | null, protocol: number, packet: Packet): void {
    // What the reader wants to know waits in the packet.
    packet.nicId = nicId
    packet.linkSource = linkAddress
    packet.networkProtocol = protocol
    this.put(packet)
  }

  send(data: Uint8Array, to: PacketTarget = {}): boolean {
    this.mailbox.assertOpen('send')
    assertBytes(data)
    const nicId = to.nic === undefined ? this.settings.nicId : this.host.nicId(to.nic)
    if (nicId === 0) throw new StackError('ENODEV', 'Name the NIC to send by: packet({ nic }) or send(data, { nic }).', { syscall: 'send' })
    const isSent = settleSend(this.settings.cooked ? this.sendCooked(data, to, nicId) : this.sendFrame(data, nicId), this.counters, 'the link')
    if (isSent) this.host.scheduler.run()
    return isSent
  }

  override close(): void {
    this.unregister()
    super.close()
    this.forget(this)
  }

  private sendFrame(data: Uint8Array, nicId: number): Failure {
    const packet = this.copy(data)
    return typeof packet === 'string' ? packet : this.host.writeRawLinkPacket(nicId, packet)
  }

  private sendCooked(data: Uint8Array, { linkAddress = null, protocol = this.settings.protocol }: PacketTarget, nicId: number): Failure {
    if (protocol === ALL_PROTOCOLS) {
      throw new StackError('EINVAL', 'Name the EtherType of the packet: packet({ protocol }) or send(data, { protocol }).', { syscall: 'send' })
    }
    if (linkAddress !== null && linkAddress.length !== LINK_ADDRESS_LENGTH) {
      throw new StackError('EINVAL', `A link address has 6 bytes, not ${linkAddress.length}.`, { syscall: 'send' })
    }
    const packet = this.copy(data)
    // The packet may wait for its link; the address must not change meanwhile.
    return typeof packet === 'string' ? packet : this.host.writeLinkPacket(nicId, linkAddress?.slice() ?? null, protocol, packet)
  }

  private copy(data: Uint8Array): Packet | NonNullable<Failure> {
    if (data.length > MAX_FRAME) return 'EMSGSIZE'
    const packet = this.host.memory.allocate(LINK_HEADROOM, data.length)
    if (packet === null) return 'ENOBUFS'
    packet.append(data, 0, data.length)
    return packet
  }

  protected override datagram(packet: Packet): PacketDatagram {
    return {
      data: this.settings.cooked ? packet.bytes.slice(packet.start, packet.end) : frameOf(packet),
      protocol: packet.networkProtocol,
      linkAddress: packet.linkSource?.slice() ?? null,
      nicId: packet.nicId,
      outgoing: (packet.flags & PacketFlag.Outgoing) !== 0,
    }
  }
}

/** With its link header; where the link has none, with the Ethernet header it would have: to nobody, from its sender if known. */
function frameOf(packet: Packet): Uint8Array {
  const { bytes, linkHeader, start, end } = packet
  if (linkHeader >= 0) return bytes.slice(linkHeader, end)
  const frame = new Uint8Array(ETHERNET_HEADER_LENGTH + end - start)
  if (packet.linkSource !== null) frame.set(packet.linkSource, LINK_ADDRESS_LENGTH)
  frame[12] = packet.networkProtocol >> 8
  frame[13] = packet.networkProtocol & 255
  frame.set(bytes.subarray(start, end), ETHERNET_HEADER_LENGTH)
  return frame
}
