import type { PacketEndpoint, RawTransportEndpoint, TransportHost } from './transport.ts'
import type { Packet } from '@stack/buffer'
import type { Address } from '../address/address.ts'
import type { Failure } from '../errors/codes.ts'

/** An endpoint that is not associated with a transport protocol's own endpoints. */
export interface UnassociatedEndpoint extends RawTransportEndpoint {
  readonly networkProtocol: number
  readonly transportProtocol: number
  close(): void
}

/** Makes raw and packet endpoints. Without one installed, raw sockets do not exist. @seed RawFactory */
export interface RawFactory {
  /** @seed RawFactory.NewUnassociatedEndpoint */
  newUnassociatedEndpoint(networkProtocol: number, transportProtocol: number): UnassociatedEndpoint
  /** `cooked` = without link header. `networkProtocol` 0x0003 = every protocol. @seed RawFactory.NewPacketEndpoint */
  newPacketEndpoint(cooked: boolean, networkProtocol: number): PacketEndpoint
  /** The stack ends: close every socket, settle every call. */
  close?(): void
}

/** EtherType that stands for every protocol (ETH_P_ALL). */
export const ALL_PROTOCOLS = 0x0003

/** What the raw package gets. */
export interface RawHost extends TransportHost {
  registerRawFactory(factory: RawFactory): void
  /** Clones of every packet of a transport protocol (0 = of any) that is delivered locally. Returns the removal. */
  registerRawEndpoint(nicId: number, networkProtocol: number, transportProtocol: number, endpoint: RawTransportEndpoint): () => void
  /** Clones of what a NIC (0 = every) receives and sends. Returns the removal. */
  registerPacketEndpoint(nicId: number, networkProtocol: number, endpoint: PacketEndpoint): () => void
  /** Sends bytes that start with a network header. Takes ownership. */
  writeHeaderIncluded(nicId: number, remote: Address, packet: Packet): Failure
  /** Sends a network packet of `protocol` to a link address, which Ethernet needs (`EINVAL`). Takes ownership. */
  writeLinkPacket(nicId: number, linkAddress: Uint8Array | null, protocol: number, packet: Packet): Failure
  /** Sends a packet that begins with an Ethernet header, which a link of bare packets does without. Takes ownership. */
  writeRawLinkPacket(nicId: number, packet: Packet): Failure
}
