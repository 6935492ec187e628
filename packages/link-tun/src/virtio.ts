import { ChecksumState, GsoType, type Packet } from '@stack/buffer'

// struct virtio_net_hdr (virtio 1.2 §5.1.6), which a TUN device puts before each packet with IFF_VNET_HDR. Its fields are
// little-endian by TUNSETVNETLE:
//
//   0 flags   1 gso_type   2 hdr_len   4 gso_size   6 csum_start   8 csum_offset

/** Bytes of the header, by TUNSETVNETHDRSZ: without `num_buffers`, which TUN does not use. */
export const VNET_HEADER = 10

const GSO_TYPE = 1
const HEADER_LENGTH = 2
const GSO_SIZE = 4
const CSUM_START = 6
const CSUM_OFFSET = 8

const F_NEEDS_CSUM = 1
const F_DATA_VALID = 2

const GSO_NONE = 0
const GSO_TCPV4 = 1
const GSO_TCPV6 = 4
const GSO_UDP_L4 = 5
/** Only the first segment has CWR (RFC 3168 §6.1.2), though the header that is cut has it. */
const GSO_ECN = 0x80

const IPV4_MINIMUM = 20
const IPV6_MINIMUM = 40
const TCP_MINIMUM = 20
const TCP_DATA_OFFSET = 12
const TCP_FLAGS = 13
const TCP_CHECKSUM = 16
const CWR = 0x80
const UDP_HEADER = 8
const UDP_CHECKSUM = 6

/**
 * Sets checksum and segmentation fields of a received packet, whose first byte is that of a link header of `linkHeader` bytes,
 * from the virtio-net header at `at` of `view`.
 *
 * @returns false when the header says what cannot be: the packet is to be dropped
 */
export function readOffloads(packet: Packet, view: DataView, at: number, linkHeader: number): boolean {
  const flags = view.getUint8(at)
  const type = view.getUint8(at + GSO_TYPE)
  if ((flags & F_NEEDS_CSUM) === 0) {
    // virtio 1.2 §5.1.6.4.1: what is to be cut has a checksum to be finished.
    if (type !== GSO_NONE) return false
    if ((flags & F_DATA_VALID) !== 0) packet.checksumState = ChecksumState.Verified
    return true
  }
  const from = view.getUint16(at + CSUM_START, true)
  const offset = view.getUint16(at + CSUM_OFFSET, true)
  if (from < linkHeader || from + offset + 2 > packet.length) return false
  packet.checksumState = ChecksumState.Partial
  packet.checksumStart = packet.start + from
  packet.checksumOffset = offset
  return type === GSO_NONE || readSegmentation(packet, type & ~GSO_ECN, view.getUint16(at + GSO_SIZE, true), from, offset, linkHeader)
}

/** @param transport - where the transport header starts, from the first byte of the packet */
function readSegmentation(packet: Packet, type: number, size: number, transport: number, checksum: number, linkHeader: number): boolean {
  const l3HeaderLength = transport - linkHeader
  const isIpv4 = packet.bytes[packet.start + linkHeader]! >> 4 === 4
  if (size === 0 || l3HeaderLength < (isIpv4 ? IPV4_MINIMUM : IPV6_MINIMUM)) return false
  const isUdp = type === GSO_UDP_L4
  if (!isUdp && type !== (isIpv4 ? GSO_TCPV4 : GSO_TCPV6)) return false
  if (checksum !== (isUdp ? UDP_CHECKSUM : TCP_CHECKSUM) || transport + (isUdp ? UDP_HEADER : TCP_MINIMUM) > packet.length) return false
  // One segment is no super-packet.
  if (packet.length - transport - transportHeaderLength(packet, transport, isUdp) <= size) return true
  packet.gsoType = isUdp ? GsoType.Udp : isIpv4 ? GsoType.TcpV4 : GsoType.TcpV6
  packet.gsoMss = size
  packet.gsoL3HeaderLength = l3HeaderLength
  return true
}

/** Writes the virtio-net header of a packet that is sent to `at` of `view`. */
export function writeOffloads(packet: Packet, view: DataView, at: number, linkHeader: number): void {
  if (packet.checksumState !== ChecksumState.Partial) {
    view.setUint32(at, 0)
    view.setUint32(at + GSO_SIZE, 0)
    view.setUint16(at + CSUM_OFFSET, 0)
    if (packet.gsoType === GsoType.None) return
  } else {
    view.setUint8(at, F_NEEDS_CSUM)
    view.setUint16(at + CSUM_START, packet.checksumStart - packet.start, true)
    view.setUint16(at + CSUM_OFFSET, packet.checksumOffset, true)
    if (packet.gsoType === GsoType.None) {
      view.setUint8(at + GSO_TYPE, GSO_NONE)
      view.setUint32(at + HEADER_LENGTH, 0)
      return
    }
  }
  const isUdp = packet.gsoType === GsoType.Udp
  const transport = linkHeader + packet.gsoL3HeaderLength
  view.setUint8(at + GSO_TYPE, isUdp ? GSO_UDP_L4 : tcpType(packet, transport))
  view.setUint16(at + HEADER_LENGTH, transport + transportHeaderLength(packet, transport, isUdp), true)
  view.setUint16(at + GSO_SIZE, packet.gsoMss, true)
}

function tcpType(packet: Packet, transport: number): number {
  const ecn = (packet.bytes[packet.start + transport + TCP_FLAGS]! & CWR) === 0 ? 0 : GSO_ECN
  return (packet.gsoType === GsoType.TcpV6 ? GSO_TCPV6 : GSO_TCPV4) | ecn
}

function transportHeaderLength(packet: Packet, transport: number, isUdp: boolean): number {
  return isUdp ? UDP_HEADER : (packet.bytes[packet.start + transport + TCP_DATA_OFFSET]! >> 4) * 4
}
