import { PacketFlag, type Packet } from '@stack/buffer'
import { StackError, type PacketEndpoint, type RawHost } from '@stack/core'
import type { PacketDatagram, PacketSocket, PacketTarget } from './api.ts'
import { Mailbox } from './mailbox.ts'

/** Options with every default filled in. */
export interface PacketSettings {
  readonly protocol: number
  readonly cooked: boolean
  readonly nicId: number
  readonly receiveBuffer: number
}

/** What the mailbox needs beside the packet; kept in the packet while it waits. */
const LINK_HEADROOM = 32

/** A packet socket. */
export class PacketSocketEndpoint implements PacketSocket, PacketEndpoint {
  private readonly host: RawHost
  private readonly settings: PacketSettings
  private readonly mailbox: Mailbox<PacketDatagram>
  private readonly unregister: () => void
  private readonly forget: (socket: PacketSocketEndpoint) => void

  constructor(host: RawHost, settings: PacketSettings, forget: (socket: PacketSocketEndpoint) => void) {
    this.host = host
    this.settings = settings
    this.forget = forget
    this.mailbox = new Mailbox(host, settings.receiveBuffer, (packet) => this.datagram(packet))
    this.unregister = host.registerPacketEndpoint(settings.nicId, settings.protocol, this)
  }

  handlePacket(nicId: number, linkAddress: Uint8Array | null, protocol: number, packet: Packet): void {
    packet.nicId = nicId
    packet.linkSource = linkAddress
    packet.networkProtocol = protocol
    this.mailbox.put(packet)
  }

  send(data: Uint8Array, to: PacketTarget = {}): boolean {
    if (this.mailbox.isClosed) throw new StackError('ERR_STACK_CLOSED', 'The packet socket is closed; open another one.', { syscall: 'send' })
    const nicId = to.nic === undefined ? this.settings.nicId : this.host.nicId(to.nic)
    if (nicId === 0) throw new StackError('ENODEV', 'Name the NIC to send by: packet({ nic }) or send(data, { nic }).', { syscall: 'send' })
    const packet = this.host.memory.allocate(LINK_HEADROOM, data.length)
    if (packet === null) return false
    packet.append(data, 0, data.length)
    const failure = this.settings.cooked
      ? this.host.writeLinkPacket(nicId, to.linkAddress ?? null, to.protocol ?? this.settings.protocol, packet)
      : this.host.writeRawLinkPacket(nicId, packet)
    if (failure === null) {
      this.host.scheduler.run()
      return true
    }
    if (failure === 'ENOBUFS') return false
    throw new StackError(failure, 'The packet was not sent.', { syscall: 'send' })
  }

  receive(options?: { readonly signal?: AbortSignal }): Promise<PacketDatagram | null> {
    return this.mailbox.receive(options)
  }

  tryReceive(): PacketDatagram | undefined {
    return this.mailbox.tryReceive()
  }

  setHandler(handler: ((datagram: PacketDatagram) => void) | null): void {
    this.mailbox.setHandler(handler)
  }

  get dropped(): number {
    return this.mailbox.dropped
  }

  get closed(): Promise<void> {
    return this.mailbox.closed
  }

  async *[Symbol.asyncIterator](): AsyncIterator<PacketDatagram> {
    for (let next = await this.receive(); next !== null; next = await this.receive()) yield next
  }

  close(): void {
    this.unregister()
    this.mailbox.close()
    this.forget(this)
  }

  private datagram(packet: Packet): PacketDatagram {
    const { linkHeader, start, end } = packet
    const from = !this.settings.cooked && linkHeader >= 0 ? linkHeader : start
    return {
      data: packet.bytes.slice(from, end),
      protocol: packet.networkProtocol,
      linkAddress: packet.linkSource,
      nicId: packet.nicId,
      outgoing: (packet.flags & PacketFlag.Outgoing) !== 0,
    }
  }
}
