import type { Packet, PacketPool } from '@stack/buffer'
import type { Clock, Logger, Random, Scheduler } from './host.ts'

/** What a link can do, by presence. Read at egress, never cached in a connection. @seed LinkEndpointCapabilities */
export interface LinkCapabilities {
  /** The link fills in partial checksums. */
  readonly txChecksumOffload?: boolean
  /**
   * Received packets have verified (or partial) checksums: the link sets `packet.checksumState`. Such a link may hand in
   * super-packets, too: `gsoType`, `gsoMss` and `gsoL3HeaderLength` say how they could be cut.
   */
  readonly rxChecksumOffload?: boolean
  /** Next hops need a link address (default: true for Ethernet framing). */
  readonly resolutionRequired?: boolean
  readonly saveRestore?: boolean
  /** Connections over the link may be dropped at a snapshot. */
  readonly disconnectOk?: boolean
  /** What is written comes back in: no DAD, no multicast reports, martian 127/8 allowed. */
  readonly loopback?: boolean
  /** The device cuts super-packets. For links that say neither, the NIC cuts. */
  readonly hardwareGso?: boolean
  /** The link's own code cuts super-packets, or carries them whole. */
  readonly softwareGso?: boolean
  /** Whoever takes super-packets takes those of UDP as well as of TCP. Default true; false = the NIC cuts them. */
  readonly udpGso?: boolean
  /** The link takes packets whose payload is a chunk range; others get them contiguous. */
  readonly scatterGather?: boolean
}

/** How packets look on the link: bare network packets, or Ethernet frames. */
export type Framing = 'ip' | 'ethernet'

/** What a link gets of its stack. */
export interface LinkHost {
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly random: Random
  readonly memory: PacketPool
  readonly log: Logger
  /** Keeps the process alive while a call on the link waits; pair with `unref`. */
  ref?(): void
  unref?(): void
}

/** The NIC as its link sees it. @seed NetworkDispatcher */
export interface NetworkDispatcher {
  readonly host: LinkHost
  /**
   * Hands a packet in; takes ownership. `protocol` is the EtherType with `packet.start` at the network header, or 0 on
   * a link with a link-layer header when `packet.start` is at that header, which the NIC then has parsed
   * (`parseHeader`, or Ethernet II by default). Call from `poll` (inside a turn), then `flush` once.
   */
  deliverNetworkPacket(protocol: number, packet: Packet): void
  /** Hands a packet to packet sockets only; takes ownership. @seed NetworkDispatcher.DeliverLinkPacket */
  deliverLinkPacket(protocol: number, packet: Packet): void
  /** End of this link's batch: coalesced segments go up. Idempotent. */
  flush(): void
  /** The link can take more packets; the NIC drains its queue. */
  writable(): void
  /** The carrier went away or came back. */
  setCarrier(up: boolean): void
}

/** Packets on their way to a link: read it by index, do not keep the array. */
export type PacketBatch = readonly Packet[]

/**
 * A network device. Third parties write these: implement it, pass `linkCompliance` of `@stack/testing`.
 * @seed LinkEndpoint
 */
export interface LinkEndpoint {
  readonly apiVersion: 1
  /** Kind of link for messages and default NIC names: `pipe`, `tun` … */
  readonly kind: string
  /** Largest network packet, bytes, link header not counted. */
  readonly mtu: number
  readonly framing: Framing
  readonly capabilities: LinkCapabilities
  /** Bytes of headroom the link (or its Ethernet framing: 14) needs before the network header. */
  readonly maxHeaderLength: number
  /** Own link address (6 bytes for Ethernet), or null. */
  readonly linkAddress: Uint8Array | null
  /** RFC 826 hardware type; 1 = Ethernet, 0xffff = none. */
  readonly arpHardwareType: number
  readonly isAttached: boolean
  /** Opens the device before `attach`; rejects with a StackError. */
  open?(signal?: AbortSignal): Promise<void>
  /** Gives the link its NIC; `null` when the NIC goes: deliver nothing any more. */
  attach(dispatcher: NetworkDispatcher | null): void
  /**
   * Takes ownership of the first N packets of a batch that is never empty and returns N; the rest stays with the NIC until `writable`.
   * It does not throw: nobody knows then what it took, all of the batch is lost (`dropLinkFailed`), and its memory comes back when the
   * garbage is collected. The same goes for an answer that is no such number.
   */
  writePackets(batch: PacketBatch): number
  /** Sends a packet that has its link header already; takes ownership either way; false = dropped. */
  writeRawPacket(packet: Packet): boolean
  close(): void
  /** Resolves when the link is closed and its resources are free. */
  readonly closed: Promise<void>
  /** Pushes the link header from `packet.linkSource ?? linkAddress`, `packet.linkDestination`, `packet.networkProtocol`; false = no headroom. */
  addHeader?(packet: Packet): boolean
  /** Consumes the link header, sets `packet.networkProtocol` and returns it; -1 = malformed, -2 = not for this host. */
  parseHeader?(packet: Packet): number
  /** @seed GSOEndpoint.GSOMaxSize */
  readonly gsoMaxSize?: number
  setMtu?(mtu: number): void
  setLinkAddress?(address: Uint8Array): void
  /** Multicast filters of the device, for links that have them. */
  setPromiscuous?(on: boolean): void
}

/** A link that packets can be put into by hand. @seed InjectableLinkEndpoint */
export interface InjectableLinkEndpoint extends LinkEndpoint {
  /** As if `packet` came from the wire; takes ownership. */
  injectInbound(protocol: number, packet: Packet): void
  /** Sends `bytes` to `destination`'s link as they are. Returns false when nobody is there. */
  injectOutbound(destination: Uint8Array | number, bytes: Uint8Array): boolean
}
