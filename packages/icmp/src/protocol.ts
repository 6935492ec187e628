import { address, isMapped, type Address, type NetworkProtocol, type TransportEndpoint, type TransportHost, type TransportProtocol, type UnknownDestinationDisposition } from '@stack/core'
import type { Packet } from '@stack/buffer'
import { Echo } from './echo.ts'
import { ECHO_FIELD, ECHO_HEADER_LENGTH } from './wire.ts'

/** Counters of echo sockets, under `icmp` in the stack's statistics. */
export interface IcmpCounters {
  requests: number
  replies: number
  timeouts: number
  errors: number
  /** Replies that nobody waits for, or whose payload came back changed. */
  dropUnexpected: number
  /** Errors about a request that is not under way. */
  dropStrayError: number
}

/** One family's echo as a transport protocol: an identifier is its port. */
export class EchoProtocol implements TransportProtocol {
  readonly number: number
  readonly name: string
  readonly minimumPacketSize = 4
  readonly closed: Promise<void>
  readonly requestType: number
  readonly host: TransportHost
  readonly counters: IcmpCounters
  /** EtherType of the family. */
  readonly networkProtocol: number
  private readonly replyType: number
  private readonly sockets = new Set<Echo>()
  private resolveClosed!: () => void
  isClosed = false

  constructor(host: TransportHost, counters: IcmpCounters, name: string, number: number, networkProtocol: number, requestType: number, replyType: number) {
    this.host = host
    this.counters = counters
    this.name = name
    this.number = number
    this.networkProtocol = networkProtocol
    this.requestType = requestType
    this.replyType = replyType
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve
    })
  }

  /** The wildcard address of the family. */
  get family(): NetworkProtocol | undefined {
    return this.host.networkProtocols.find((protocol) => protocol.number === this.networkProtocol)
  }

  /** Who sent it; a link-local host is one of its link (RFC 4007 §6). */
  sourceOf(packet: Packet): Address {
    const source = address(packet.sourceA, packet.sourceB, packet.sourceC, packet.sourceD)
    const isZoned = !isMapped(source) && this.family?.isLinkLocal?.(source) === true
    return isZoned ? { ...source, zone: packet.nicId } : source
  }

  /** A socket without a target, for core; it has nobody to ping. */
  newEndpoint(): TransportEndpoint {
    return new Echo(this, null, 0)
  }

  parsePorts(packet: Packet): boolean {
    const { view, start } = packet
    const type = view.getUint8(start)
    const identifier = packet.length < ECHO_HEADER_LENGTH ? 0 : view.getUint16(start + ECHO_FIELD.identifier)
    // A reply is for the identifier; a request of ours, quoted in an error, is from it.
    packet.destinationPort = type === this.replyType ? identifier : 0
    packet.sourcePort = type === this.requestType ? identifier : 0
    return true
  }

  parse(packet: Packet): boolean {
    return packet.length >= this.minimumPacketSize && packet.consumeTransportHeader(Math.min(packet.length, ECHO_HEADER_LENGTH)) >= 0
  }

  /** Control messages that nobody asked for are no one's fault: no error about them (RFC 1122 §3.2.2). */
  handleUnknownDestinationPacket(): UnknownDestinationDisposition {
    return 'handled'
  }

  add(socket: Echo): void {
    this.sockets.add(socket)
  }

  forget(socket: Echo): void {
    this.sockets.delete(socket)
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    for (const socket of [...this.sockets]) socket.close()
    this.resolveClosed()
  }
}
