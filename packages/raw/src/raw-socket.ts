import type { Packet } from '@stack/buffer'
import { StackError, type Failure, type NetworkHeaderParams, type RawHost, type UnassociatedEndpoint } from '@stack/core'
import type { RawDatagram, RawSocket } from './api.ts'
import { Mailbox } from './mailbox.ts'

/** Options with every default filled in. */
export interface RawSettings {
  readonly networkProtocol: number
  readonly protocol: number
  readonly headerIncluded: boolean
  readonly nicId: number
  readonly ttl: number
  readonly tos: number
  readonly receiveBuffer: number
}

/** A raw socket of one (network, transport) protocol. */
export class RawSocketEndpoint implements RawSocket, UnassociatedEndpoint {
  readonly networkProtocol: number
  readonly transportProtocol: number
  private readonly host: RawHost
  private readonly settings: RawSettings
  private readonly mailbox: Mailbox<RawDatagram>
  private readonly params: NetworkHeaderParams
  private readonly unregister: () => void
  private readonly forget: (socket: RawSocketEndpoint) => void

  constructor(host: RawHost, settings: RawSettings, forget: (socket: RawSocketEndpoint) => void) {
    this.host = host
    this.settings = settings
    this.forget = forget
    this.networkProtocol = settings.networkProtocol
    this.transportProtocol = settings.protocol
    this.params = { protocol: settings.protocol, ttl: settings.ttl, tos: settings.tos, dontFragment: false, flowLabel: 0, options: null }
    this.mailbox = new Mailbox(host, settings.receiveBuffer, (packet) => this.datagram(packet))
    this.unregister = host.registerRawEndpoint(settings.nicId, settings.networkProtocol, settings.protocol, this)
  }

  handlePacket(packet: Packet): void {
    this.mailbox.put(packet)
  }

  send(data: Uint8Array, host: string): boolean {
    if (this.mailbox.isClosed) throw new StackError('ERR_STACK_CLOSED', 'The raw socket is closed; open another one.', { syscall: 'send' })
    const remote = this.host.parseAddress(host)
    const failure = this.settings.headerIncluded ? this.sendWhole(data, host) : this.sendPayload(data, host)
    if (failure === null) {
      this.host.scheduler.run()
      return true
    }
    if (failure === 'ENOBUFS') return false
    throw new StackError(failure, `The raw packet to ${this.host.formatAddress(remote)} was not sent.`, { syscall: 'send', address: host })
  }

  receive(options?: { readonly signal?: AbortSignal }): Promise<RawDatagram | null> {
    return this.mailbox.receive(options)
  }

  tryReceive(): RawDatagram | undefined {
    return this.mailbox.tryReceive()
  }

  setHandler(handler: ((datagram: RawDatagram) => void) | null): void {
    this.mailbox.setHandler(handler)
  }

  get dropped(): number {
    return this.mailbox.dropped
  }

  get closed(): Promise<void> {
    return this.mailbox.closed
  }

  async *[Symbol.asyncIterator](): AsyncIterator<RawDatagram> {
    for (let next = await this.receive(); next !== null; next = await this.receive()) yield next
  }

  close(): void {
    this.unregister()
    this.mailbox.close()
    this.forget(this)
  }

  private sendWhole(data: Uint8Array, host: string): Failure {
    const packet = this.host.memory.allocate(HEADROOM, data.length)
    if (packet === null) return data.length > MAX_PACKET ? 'EMSGSIZE' : 'ENOBUFS'
    packet.append(data, 0, data.length)
    return this.host.writeHeaderIncluded(this.settings.nicId, this.host.parseAddress(host), packet)
  }

  private sendPayload(data: Uint8Array, host: string): Failure {
    if (this.settings.protocol === 0) {
      throw new StackError('EINVAL', 'A raw socket for every protocol cannot know which to send: open it with a protocol, or with headerIncluded.', { syscall: 'send' })
    }
    const remote = this.host.parseAddress(host)
    const route = this.host.findRoute(this.settings.nicId || remote.zone, null, remote)
    if (route === null || typeof route === 'string') return route ?? 'EHOSTUNREACH'
    const packet = this.host.memory.allocate(route.endpoint.maxHeaderLength, data.length)
    if (packet === null) return data.length > MAX_PACKET ? 'EMSGSIZE' : 'ENOBUFS'
    packet.append(data, 0, data.length)
    packet.transportProtocol = this.settings.protocol
    return route.endpoint.writePacket(route, this.params, packet)
  }

  private datagram(packet: Packet): RawDatagram {
    const { networkHeader, networkHeaderLength, start, end, bytes } = packet
    const text = (a: number, b: number, c: number, d: number): string => this.host.formatAddress({ a, b, c, d, zone: 0 })
    return {
      data: bytes.slice(start, end),
      header: networkHeader < 0 ? new Uint8Array(0) : bytes.slice(networkHeader, networkHeader + networkHeaderLength),
      source: text(packet.sourceA, packet.sourceB, packet.sourceC, packet.sourceD),
      destination: text(packet.destinationA, packet.destinationB, packet.destinationC, packet.destinationD),
      nicId: packet.nicId,
    }
  }
}

/** Room for the largest link header that is usual: Ethernet with a VLAN tag, rounded up. */
const HEADROOM = 32
const MAX_PACKET = 65_535
