import type { Packet } from '@stack/buffer'
import {
  addEthernetHeader, BROADCAST_LINK_ADDRESS, checkOptions, ETHERNET_HEADER_LENGTH, LinkWrapper, parseEthernetHeader, secureRandom, StackError,
  type Counters, type Framing, type LinkCapabilities, type LinkEndpoint, type OptionSchema,
} from '@stack/core'
import { addTaggedHeader, insertTag, parseTaggedHeader, TAG_LENGTH, TOO_SHORT, vlanOf } from './tag.ts'

/** Options of {@link ethernet}. */
export interface EthernetOptions {
  /** Own address, 6 bytes, not a group. Default: that of the link inside, or else a random locally administered one. */
  readonly linkAddress?: Uint8Array
  /** Take frames for any address. Default false. */
  readonly promiscuous?: boolean
  /** Group addresses to take, beside broadcast, at most 256. Default: all groups. */
  readonly multicastFilter?: readonly Uint8Array[]
  /** Be a port of this VLAN, 1–4,094: tags are put on and taken off, frames of other VLANs and without a tag are dropped. Default: none. */
  readonly vlan?: number
  /** Fill frames up to 60 bytes, the least that Ethernet hardware sends. Default false. */
  readonly padTo60?: boolean
  /** Bytes of the largest network packet, 68–65,535. Default: what the link inside has room for. */
  readonly mtu?: number
}

/** Frames that an {@link ethernet} link found not to be for its host; the first two count also what a promiscuous NIC takes. */
export interface EthernetCounters extends Counters {
  /** For another host. */
  otherHost: number
  /** For a group that is not in `multicastFilter`. */
  otherGroup: number
  /** Of another VLAN, or without a tag where one is needed. */
  otherVlan: number
  /** Too short, or with a length that lies. */
  malformed: number
}

/** The link that {@link ethernet} makes. */
export interface EthernetLink<L extends LinkEndpoint = LinkEndpoint> extends LinkEndpoint {
  readonly kind: 'ethernet'
  readonly framing: 'ethernet'
  readonly linkAddress: Uint8Array
  /** The link inside. */
  readonly lower: L
  readonly statistics: Readonly<EthernetCounters>
}

const SCHEMA: OptionSchema<EthernetOptions> = {
  linkAddress: { type: 'object' },
  promiscuous: { type: 'boolean' },
  multicastFilter: { type: 'object' },
  vlan: { type: 'number', integer: true, min: 1, max: 4094 },
  padTo60: { type: 'boolean' },
  mtu: { type: 'number', integer: true, min: 68, max: 65535 },
}

const LINK_ADDRESS_LENGTH = 6
const MAX_GROUPS = 256
const MINIMUM_MTU = 68
/** IEEE 802.3 §4.2.3.3, without the frame check sequence. */
const MINIMUM_FRAME = 60
const PADDING = new Uint8Array(MINIMUM_FRAME)
/** What `parseHeader` answers beside protocols. */
const MALFORMED = -1
const NOT_FOR_US = -2

/**
 * Makes an Ethernet link of `lower`: one that moves bare bytes (`framing: 'ip'`, such as a pipe or a channel), or one
 * that is Ethernet already and gets filters or a VLAN.
 *
 * @throws StackError `ERR_STACK_INVALID_OPTION`; `ERR_STACK_NOT_SUPPORTED` when `lower` has a link header of its own, or
 * no room for a header
 */
export function ethernet<L extends LinkEndpoint>(lower: L, options: EthernetOptions = {}): EthernetLink<L> {
  checkOptions('ethernet()', options, SCHEMA)
  checkAddresses(options)
  if (lower.addHeader !== undefined || lower.parseHeader !== undefined) {
    throw new StackError('ERR_STACK_NOT_SUPPORTED', `ethernet(): the link '${lower.kind}' writes a link header of its own, and a packet has one.`)
  }
  if (lower.mtu - overhead(lower, options) < MINIMUM_MTU) {
    throw new StackError('ERR_STACK_NOT_SUPPORTED', `ethernet(): the MTU of the link '${lower.kind}', ${lower.mtu} bytes, leaves no room for packets behind the header.`)
  }
  return new Ethernet(lower, options)
}

function checkAddresses({ linkAddress, multicastFilter = [] }: EthernetOptions): void {
  if (linkAddress !== undefined && (linkAddress.length !== LINK_ADDRESS_LENGTH || isGroup(linkAddress))) {
    throw new StackError('ERR_STACK_INVALID_OPTION', 'ethernet(): option \'linkAddress\' must be 6 bytes whose first is even: the address of one host.')
  }
  if (!Array.isArray(multicastFilter) || multicastFilter.length > MAX_GROUPS || !multicastFilter.every((group: Uint8Array) => group.length === LINK_ADDRESS_LENGTH && isGroup(group))) {
    throw new StackError('ERR_STACK_INVALID_OPTION', `ethernet(): option 'multicastFilter' must be an array of at most ${MAX_GROUPS} group addresses, 6 bytes each, whose first byte is odd.`)
  }
}

function isGroup(address: Uint8Array): boolean {
  return (address[0]! & 1) !== 0
}

/** Bytes of a packet of the inner link that its own MTU does not count, less those of our header. */
function overhead(lower: LinkEndpoint, { vlan }: EthernetOptions): number {
  const inner = lower.framing === 'ethernet' ? ETHERNET_HEADER_LENGTH : 0
  return ETHERNET_HEADER_LENGTH + (vlan === undefined ? 0 : TAG_LENGTH) - inner
}

/** The bits of IEEE 802 §8.2: locally administered, one host. */
function randomAddress(): Uint8Array {
  const address = new Uint8Array(LINK_ADDRESS_LENGTH)
  secureRandom().fill(address)
  address[0] = (address[0]! & 0xfc) | 2
  return address
}

class Ethernet<L extends LinkEndpoint> extends LinkWrapper<L> implements EthernetLink<L> {
  override readonly kind = 'ethernet'
  readonly statistics: EthernetCounters = { otherHost: 0, otherGroup: 0, otherVlan: 0, malformed: 0 }
  private address: Uint8Array
  private readonly wantedMtu: number
  private readonly overhead: number
  private readonly groups: readonly Uint8Array[] | null
  private readonly vlan: number
  private readonly pads: boolean
  private promiscuous: boolean
  /** The inner link's capabilities when {@link own} was made of them. */
  private seen: LinkCapabilities | null = null
  private own: LinkCapabilities = {}

  constructor(lower: L, options: EthernetOptions) {
    super(lower)
    this.address = (options.linkAddress ?? lower.linkAddress)?.slice() ?? randomAddress()
    this.wantedMtu = options.mtu ?? Infinity
    this.overhead = overhead(lower, options)
    this.groups = options.multicastFilter ?? null
    this.vlan = options.vlan ?? -1
    this.pads = options.padTo60 ?? false
    this.promiscuous = options.promiscuous ?? false
    const { setMtu } = this
    if (setMtu !== undefined) this.setMtu = (mtu) => setMtu(mtu + this.overhead)
  }

  override get framing(): Framing & 'ethernet' {
    return 'ethernet'
  }

  override get mtu(): number {
    return Math.min(this.wantedMtu, this.lower.mtu - this.overhead)
  }

  override get maxHeaderLength(): number {
    return this.lower.framing === 'ethernet' ? this.headerLength : this.lower.maxHeaderLength + this.headerLength
  }

  override get linkAddress(): Uint8Array {
    return this.address
  }

  override get arpHardwareType(): number {
    return 1
  }

  override get capabilities(): LinkCapabilities {
    const capabilities = this.lower.capabilities
    if (this.seen !== capabilities) {
      this.seen = capabilities
      this.own = { ...capabilities, resolutionRequired: true }
      // Padding follows the last byte, so that has to be in the packet itself.
      if (this.pads) this.own = { ...this.own, scatterGather: false }
    }
    return this.own
  }

  override readonly setLinkAddress = (address: Uint8Array): void => {
    this.address = address.slice()
    this.lower.setLinkAddress?.(address)
  }

  override readonly setPromiscuous = (on: boolean): void => {
    this.promiscuous = on
    this.lower.setPromiscuous?.(on)
  }

  override readonly addHeader = (packet: Packet): boolean => {
    if (this.pads && !pad(packet, MINIMUM_FRAME - this.headerLength)) return false
    return this.vlan < 0 ? addEthernetHeader(packet, this.address) : addTaggedHeader(packet, this.address, this.vlan)
  }

  override readonly parseHeader = (packet: Packet): number => {
    const vlan = vlanOf(packet)
    const protocol = vlan === TOO_SHORT ? MALFORMED : vlan >= 0 ? parseTaggedHeader(packet) : parseEthernetHeader(packet)
    if (protocol < 0) {
      this.statistics.malformed++
      return MALFORMED
    }
    return this.accepts(packet) || this.promiscuous ? protocol : NOT_FOR_US
  }

  /** Ours, broadcast, or a group that we are in. */
  private accepts(packet: Packet): boolean {
    const { groups, statistics } = this
    if ((packet.bytes[packet.linkHeader]! & 1) === 0) {
      if (isDestination(packet, this.address)) return true
      statistics.otherHost++
      return false
    }
    if (groups === null || isDestination(packet, BROADCAST_LINK_ADDRESS)) return true
    for (let i = 0; i < groups.length; i++) if (isDestination(packet, groups[i]!)) return true
    statistics.otherGroup++
    return false
  }

  /** Always in with protocol 0: whatever the link inside takes the bytes for, they are a frame. */
  override deliverNetworkPacket(_protocol: number, packet: Packet): void {
    const vlan = vlanOf(packet)
    // VLAN 0 says "no VLAN, only a priority": IEEE 802.1Q §9.6, table 9-2.
    const isOurs = vlan === TOO_SHORT || (this.vlan < 0 ? vlan <= 0 : vlan === this.vlan)
    if (isOurs) {
      super.deliverNetworkPacket(0, packet)
      return
    }
    // Not even a promiscuous NIC sees them: VLANs are there to keep networks apart.
    this.statistics.otherVlan++
    packet.release()
  }

  override writeRawPacket(packet: Packet): boolean {
    const isTagged = this.vlan < 0 || vlanOf(packet) === this.vlan || insertTag(packet, this.vlan)
    if (!isTagged || (this.pads && !pad(packet, MINIMUM_FRAME))) {
      packet.release()
      return false
    }
    return super.writeRawPacket(packet)
  }

  private get headerLength(): number {
    return ETHERNET_HEADER_LENGTH + (this.vlan < 0 ? 0 : TAG_LENGTH)
  }
}

/** Adds zeros up to `length`: they change no sum. Returns false without tailroom. */
function pad(packet: Packet, length: number): boolean {
  const missing = length - packet.length
  return missing <= 0 || (packet.makeContiguous() && packet.append(PADDING, 0, missing))
}

function isDestination({ bytes, linkHeader }: Packet, address: Uint8Array): boolean {
  for (let i = 0; i < LINK_ADDRESS_LENGTH; i++) if (bytes[linkHeader + i] !== address[i]) return false
  return true
}
