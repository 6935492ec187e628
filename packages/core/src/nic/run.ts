import { ChecksumState, GsoType, type Packet } from '@stack/buffer'
import { isIntact, MAX_LENGTH, type Segment } from './tcp-segment.ts'

const DONT_FRAGMENT = 0x4000
const IPV4_IDENTIFICATION = 4
const IPV4_FLAGS = 6
const IPV4_TTL = 8
const IPV4_SOURCE = 12
const IPV4_DESTINATION = 16
const IPV4_HEADER = 20
const IPV6_HOP_LIMIT = 7
const IPV6_ADDRESSES = 8
const IPV6_HEADER = 40
const TCP_ACKNOWLEDGMENT = 8
const TCP_WINDOW = 14
const TCP_HEADER = 20
/** With the only options that a segment may have here, aligned (RFC 7323 appendix A). */
const TCP_TIMESTAMP = 24
const TCP_ECHO = 28

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
  // Of the head, as they stand on the wire, so that it is read once.
  private traffic = 0
  private fragment = 0
  private ttl = 0
  private source = 0
  private destination = 0
  private acknowledgment = 0
  private window = 0
  private timestamp = 0
  private echo = 0
  private isHeadIntact = false

  begin(packet: Packet, segment: Segment): void {
    const { view, start } = packet
    const { isV4, transport } = segment
    this.ports = segment.ports
    this.isV4 = isV4
    this.head = this.tail = packet
    this.transport = transport
    this.headerLength = segment.headerLength
    this.size = segment.length
    this.length = packet.length
    this.sequence = (segment.sequence + segment.length) | 0
    this.traffic = isV4 ? view.getUint16(start) : view.getInt32(start)
    this.identification = isV4 ? view.getUint16(start + IPV4_IDENTIFICATION) : 0
    this.fragment = isV4 ? view.getUint16(start + IPV4_FLAGS) : 0
    this.ttl = view.getUint8(start + (isV4 ? IPV4_TTL : IPV6_HOP_LIMIT))
    this.source = isV4 ? view.getInt32(start + IPV4_SOURCE) : 0
    this.destination = isV4 ? view.getInt32(start + IPV4_DESTINATION) : 0
    this.acknowledgment = view.getInt32(transport + TCP_ACKNOWLEDGMENT)
    this.window = view.getUint16(transport + TCP_WINDOW)
    this.timestamp = segment.headerLength > TCP_HEADER ? view.getInt32(transport + TCP_TIMESTAMP) : 0
    this.echo = segment.headerLength > TCP_HEADER ? view.getInt32(transport + TCP_ECHO) : 0
    this.step = -1
    this.isHeadIntact = false
  }

  /** Is a packet with the same ports of this flow? */
  isFlowOf(packet: Packet, { isV4 }: Segment): boolean {
    if (isV4 !== this.isV4) return false
    if (!isV4) return sameIpv6Addresses(this.head!, packet)
    const { view, start } = packet
    return view.getInt32(start + IPV4_SOURCE) === this.source && view.getInt32(start + IPV4_DESTINATION) === this.destination
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
    const { sequence, length, headerLength } = segment
    if (sequence !== this.sequence || headerLength !== this.headerLength || length > this.size || this.length + length > MAX_LENGTH) return false
    return (this.isV4 ? this.continuesIpv4(packet) : this.continuesIpv6(packet)) && this.continuesTcp(packet, segment) && sameOrigin(head, packet)
  }

  /** TOS, DF and TTL are the same. The identification is the same with DF, or counts on (RFC 6864 §4). */
  private continuesIpv4({ view, start }: Packet): boolean {
    const { fragment } = this
    const step = (view.getUint16(start + IPV4_IDENTIFICATION) - this.identification) & 0xffff
    if (step > 1 || (step === 0 && fragment !== DONT_FRAGMENT) || (this.step >= 0 && step !== this.step)) return false
    return view.getUint16(start) === this.traffic && view.getUint16(start + IPV4_FLAGS) === fragment && view.getUint8(start + IPV4_TTL) === this.ttl
  }

  /** Traffic class, flow label and hop limit. */
  private continuesIpv6({ view, start }: Packet): boolean {
    return view.getInt32(start) === this.traffic && view.getUint8(start + IPV6_HOP_LIMIT) === this.ttl
  }

  /** Acknowledgment, window and timestamps; flags but for the push bit are those of a plain segment in both. */
  private continuesTcp({ view }: Packet, { transport: at, headerLength }: Segment): boolean {
    if (view.getInt32(at + TCP_ACKNOWLEDGMENT) !== this.acknowledgment || view.getUint16(at + TCP_WINDOW) !== this.window) return false
    return headerLength === TCP_HEADER || (view.getInt32(at + TCP_TIMESTAMP) === this.timestamp && view.getInt32(at + TCP_ECHO) === this.echo)
  }
}

/** What the link said of them: addresses, VLAN, flags, and marks. */
function sameOrigin(head: Packet, packet: Packet): boolean {
  if (head.flags !== packet.flags || head.mark !== packet.mark || head.flow !== packet.flow) return false
  if (head.linkSource !== packet.linkSource || head.linkDestination !== packet.linkDestination || head.linkHeaderLength !== packet.linkHeaderLength) return false
  if (head.linkHeader < 0) return packet.linkHeader < 0
  for (let i = 0; i < head.linkHeaderLength; i++) if (head.bytes[head.linkHeader + i] !== packet.bytes[packet.linkHeader + i]) return false
  return true
}

function sameIpv6Addresses(x: Packet, y: Packet): boolean {
  for (let i = IPV6_ADDRESSES; i < IPV6_HEADER; i += 4) if (x.view.getInt32(x.start + i) !== y.view.getInt32(y.start + i)) return false
  return true
}
