import { ChecksumState, type Packet } from '@stack/buffer'
import {
  addEthernetHeader, ETHERNET_HEADER_LENGTH, isEthernetDestination, parseEthernetHeader, type Framing, type InjectableLinkEndpoint, type LinkCapabilities,
  type NetworkDispatcher, type PacketBatch, type Pollable,
} from '@stack/core'
import type { LinkUnderTest, WirePacket } from '../../src/index.ts'

const LIMIT = 50

/** A packet on its way to the NIC. */
export interface Inbound {
  readonly protocol: number
  readonly packet: Packet
}

/**
 * A link that passes every case and offers everything that a case is about. Its methods are properties that mutants
 * replace.
 */
export class GoodLink implements InjectableLinkEndpoint, Pollable {
  readonly apiVersion = 1
  kind = 'good'
  queued = false
  mtu = 1500
  readonly framing: Framing
  capabilities: LinkCapabilities = { txChecksumOffload: true, rxChecksumOffload: true, scatterGather: true, softwareGso: true }
  gsoMaxSize = 65_536
  maxHeaderLength: number
  linkAddress: Uint8Array | null
  arpHardwareType: number
  closed: Promise<void>
  dispatcher: NetworkDispatcher | null = null
  isClosed = false
  refused = false
  readonly outbox: Packet[] = []
  readonly inbox: Inbound[] = []
  declare addHeader?: (packet: Packet) => boolean
  declare parseHeader?: (packet: Packet) => number
  private resolveClosed!: () => void

  constructor(framing: Framing) {
    const ethernet = framing === 'ethernet'
    this.framing = framing
    this.maxHeaderLength = ethernet ? ETHERNET_HEADER_LENGTH : 0
    this.linkAddress = ethernet ? Uint8Array.of(2, 0, 0, 0, 0, 1) : null
    this.arpHardwareType = ethernet ? 1 : 0xffff
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve
    })
    if (!ethernet) return
    this.addHeader = (packet) => addEthernetHeader(packet, this.linkAddress)
    this.parseHeader = (packet) => {
      const protocol = parseEthernetHeader(packet)
      return protocol >= 0 && !isEthernetDestination(packet, this.linkAddress) ? -2 : protocol
    }
  }

  get isAttached(): boolean {
    return this.dispatcher !== null
  }

  get isFull(): boolean {
    return this.outbox.length >= LIMIT
  }

  open = (signal?: AbortSignal): Promise<void> => (signal?.aborted === true ? Promise.reject(signal.reason as Error) : Promise.resolve())

  attach = (dispatcher: NetworkDispatcher | null): void => {
    this.dispatcher = dispatcher
    if (dispatcher !== null) return
    for (const packet of this.outbox.splice(0)) packet.release()
    for (const { packet } of this.inbox.splice(0)) packet.release()
  }

  writePackets = (batch: PacketBatch): number => {
    let taken = 0
    while (taken < batch.length && !this.isFull) this.push(batch[taken++]!)
    if (taken < batch.length) this.refused = true
    return taken
  }

  writeRawPacket = (packet: Packet): boolean => {
    if (this.isFull) {
      packet.release()
      return false
    }
    this.push(packet)
    return true
  }

  push = (packet: Packet): void => {
    if (packet.checksumState === ChecksumState.Partial) packet.finishChecksum()
    if (this.dispatcher === null) packet.release()
    else this.outbox.push(packet)
  }

  poll = (budget: number): number => {
    let count = 0
    while (count < budget && this.dispatcher !== null) {
      const next = this.inbox.shift()
      if (next === undefined) break
      count++
      this.dispatcher.deliverNetworkPacket(next.protocol, next.packet)
    }
    this.dispatcher?.flush()
    return count
  }

  setMtu = (mtu: number): void => {
    this.mtu = mtu
  }

  setLinkAddress = (address: Uint8Array): void => {
    this.linkAddress = address
  }

  injectInbound = (protocol: number, packet: Packet): void => {
    if (this.dispatcher === null) packet.release()
    else this.enqueue({ protocol, packet })
  }

  injectOutbound = (_destination: Uint8Array | number, bytes: Uint8Array): boolean => {
    const packet = this.packetOf(bytes)
    return packet !== null && this.writeRawPacket(packet)
  }

  close = (): void => {
    this.isClosed = true
    this.attach(null)
    this.resolveClosed()
  }

  // --- the other end ---

  receive = (): readonly WirePacket[] => this.drain().map((packet) => {
    const bytes = this.bytesOf(packet)
    packet.release()
    return { bytes }
  })

  arrive = (bytes: Uint8Array): void => {
    const packet = this.packetOf(bytes)
    if (packet !== null) this.enqueue({ protocol: this.protocolOf(bytes), packet })
  }

  disconnect = (): void => this.dispatcher?.setCarrier(false)
  connect = (): void => this.dispatcher?.setCarrier(true)

  protocolOf = (bytes: Uint8Array): number => (this.framing === 'ethernet' ? 0 : bytes[0]! >> 4 === 6 ? 0x86dd : 0x0800)

  enqueue = (inbound: Inbound): void => {
    this.inbox.push(inbound)
    this.dispatcher?.host.scheduler.pollLink(this)
  }

  /** Empties the queue of the wire and says that there is room. */
  drain(): Packet[] {
    const packets = this.outbox.splice(0)
    if (this.refused) {
      this.refused = false
      this.writable()
    }
    return packets
  }

  writable = (): void => this.dispatcher?.writable()

  bytesOf = (packet: Packet): Uint8Array => {
    const { length, start, payload, payloadOffset } = packet
    const bytes = new Uint8Array(length)
    bytes.set(packet.bytes.subarray(start, packet.end))
    if (payload !== null) bytes.set(payload.bytes.subarray(payloadOffset, payloadOffset + packet.payloadLength), packet.end - start)
    return bytes
  }

  packetOf(bytes: Uint8Array): Packet | null {
    const packet = this.dispatcher?.host.memory.allocate(64, bytes.length) ?? null
    packet?.append(bytes, 0, bytes.length)
    return packet
  }
}

/** Only links with a header of their own have `addHeader`; the suites ask by presence. */
export function underTest(link: GoodLink): LinkUnderTest {
  return {
    link,
    peer: {
      receive: () => link.receive(), send: (bytes) => link.arrive(bytes),
      disconnect: () => link.disconnect(), connect: () => link.connect(),
    },
  }
}
