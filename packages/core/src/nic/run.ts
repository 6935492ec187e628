import { ChecksumState, GsoType, type Packet } from '@stack/buffer'
import { isIntact, MAX_LENGTH, type Segment } from './tcp-segment.ts'

const DONT_FRAGMENT = 0x4000
const IPV4_IDENTIFICATION = 4
const IPV4_FLAGS = 6
const IPV4_TTL = 8
const IPV4_ADDRESSES = 12
const IPV4_HEADER = 20
const IPV6_HOP_LIMIT = 7
const IPV6_ADDRESSES = 8
const IPV6_HEADER = 40
const TCP_ACKNOWLEDGMENT = 8
const TCP_WINDOW = 14
const TCP_HEADER = 20

/** Segments of one flow that follow each other: the first whole, the others behind it. */
export class Run {
  ports = 0
  private isV4 = false
  private head: Packet | null = null
  private tail: Packet | null = null
  /** Slot offset of the head's TCP header. */
  private transport = 0
  private headerLength = 0
  /** Bytes of text of each but the last. */
  private size = 0
  /** Bytes of the packet that they would be in one piece. */
  private length = 0
  /** Sequence number of what comes next. */
  private sequence = 0
  /** Identification of the last (IPv4), and how it differs from the one before; -1 = there is but one. */
  private identification = 0
  private step = -1
  private isHeadIntact = false

  begin(packet: Packet, segment: Segment): void {
    this.ports = segment.ports
    this.isV4 = segment.isV4
    this.head = this.tail = packet
    this.transport = segment.transport
    this.headerLength = segment.headerLength
    this.size = segment.length
    this.length = packet.length
    this.sequence = (segment.sequence + segment.length) | 0
    this.identification = segment.isV4 ? packet.view.getUint16(packet.start + 4) : 0
    this.step = -1
    this.isHeadIntact = false
  }

  /** Is a packet with the same ports of this flow? */
  isFlowOf(packet: Packet, { isV4 }: Segment): boolean {
    return isV4 === this.isV4 && sameWords(this.head!, packet, isV4 ? IPV4_ADDRESSES : IPV6_ADDRESSES, isV4 ? IPV4_HEADER : IPV6_HEADER)
  }

  /**
   * Takes a segment of the flow that could be cut off again exactly.
   *
   * @returns false, and nothing done, when it is no such segment
   */
  take(packet: Packet, segment: Segment): boolean {
    const head = this.head!
    if (!this.continuesWith(head, packet, segment)) return false
    const { isV4 } = this
    this.isHeadIntact ||= isIntact(head, isV4, this.transport)
    if (!this.isHeadIntact || !isIntact(packet, isV4, segment.transport)) return false
    const networkLength = isV4 ? IPV4_HEADER : IPV6_HEADER
    if (head.gsoType === GsoType.None) {
      head.gsoType = isV4 ? GsoType.TcpV4 : GsoType.TcpV6
      head.gsoMss = this.size
      head.gsoL3HeaderLength = networkLength
      head.checksumState = ChecksumState.Verified
    }
    if (isV4) {
      const identification = packet.view.getUint16(packet.start + IPV4_IDENTIFICATION)
      this.step = (identification - this.identification) & 0xffff
      this.identification = identification
    }
    packet.consumeNetworkHeader(networkLength)
    packet.consumeTransportHeader(segment.headerLength)
    packet.checksumState = ChecksumState.Verified
    this.tail!.chain = packet
    this.tail = packet
    this.length += segment.length
    this.sequence = (this.sequence + segment.length) | 0
    return true
  }

  /** Can nothing come behind `segment`, which was the last? */
  isEndedBy(segment: Segment): boolean {
    return segment.isPushed || segment.length < this.size || this.length + this.size > MAX_LENGTH
  }

  /** Gives up the packet; the run may begin anew. */
  end(): Packet {
    const head = this.head!
    this.head = this.tail = null
    return head
  }

  private continuesWith(head: Packet, packet: Packet, segment: Segment): boolean {
    const { sequence, length, headerLength, transport } = segment
    if (sequence !== this.sequence || headerLength !== this.headerLength || length > this.size || this.length + length > MAX_LENGTH) return false
    const { isV4 } = this
    return (isV4 ? this.continuesIpv4(head, packet) : sameIpv6(head, packet)) && sameTcp(head, this.transport, packet, transport, headerLength) && sameOrigin(head, packet)
  }

  /** TOS, DF and TTL are the same. The identification is the same with DF, or counts on (RFC 6864 §4). */
  private continuesIpv4(head: Packet, packet: Packet): boolean {
    const { view, start } = packet
    const { view: first, start: o } = head
    const flags = view.getUint16(start + IPV4_FLAGS)
    const step = (view.getUint16(start + IPV4_IDENTIFICATION) - this.identification) & 0xffff
    if (step > 1 || (step === 0 && flags !== DONT_FRAGMENT) || (this.step >= 0 && step !== this.step)) return false
    return view.getUint16(start) === first.getUint16(o) && flags === first.getUint16(o + IPV4_FLAGS) && view.getUint8(start + IPV4_TTL) === first.getUint8(o + IPV4_TTL)
  }
}

/** Traffic class, flow label and hop limit. */
function sameIpv6(head: Packet, packet: Packet): boolean {
  const { view, start } = packet
  const { view: first, start: o } = head
  return view.getInt32(start) === first.getInt32(o) && view.getUint8(start + IPV6_HOP_LIMIT) === first.getUint8(o + IPV6_HOP_LIMIT)
}

/** Acknowledgment, window and options; flags but for the push bit are those of a plain segment in both. */
function sameTcp(head: Packet, o: number, packet: Packet, t: number, headerLength: number): boolean {
  const { view } = packet
  const { view: first } = head
  if (view.getInt32(t + TCP_ACKNOWLEDGMENT) !== first.getInt32(o + TCP_ACKNOWLEDGMENT) || view.getUint16(t + TCP_WINDOW) !== first.getUint16(o + TCP_WINDOW)) return false
  for (let i = TCP_HEADER; i < headerLength; i += 4) if (view.getInt32(t + i) !== first.getInt32(o + i)) return false
  return true
}

/** What the link said of them: addresses, VLAN, flags, and marks. */
function sameOrigin(head: Packet, packet: Packet): boolean {
  if (head.flags !== packet.flags || head.mark !== packet.mark || head.flow !== packet.flow) return false
  if (head.linkSource !== packet.linkSource || head.linkDestination !== packet.linkDestination || head.linkHeaderLength !== packet.linkHeaderLength) return false
  if (head.linkHeader < 0) return packet.linkHeader < 0
  for (let i = 0; i < head.linkHeaderLength; i++) if (head.bytes[head.linkHeader + i] !== packet.bytes[packet.linkHeader + i]) return false
  return true
}

function sameWords(x: Packet, y: Packet, from: number, to: number): boolean {
  for (let i = from; i < to; i += 4) if (x.view.getInt32(x.start + i) !== y.view.getInt32(y.start + i)) return false
  return true
}
