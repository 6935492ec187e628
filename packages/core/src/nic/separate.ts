import { checksumOf, copyMetadata, GsoType, updateChecksum16, type Packet, type PacketList } from '@stack/buffer'

/** Where the addresses of each version begin, which the checksum of TCP covers, too; its header follows them. */
const IPV4_ADDRESSES = 12
const IPV6_ADDRESSES = 8
const IPV4_HEADER = 20
const IPV6_HEADER = 40
const IPV4_CHECKSUM = 10
const TCP_HEADER = 20
const TCP_ACKNOWLEDGMENT = 8
/** Data offset, flags and window. */
const TCP_OFFSET = 12
const TCP_FLAGS = 13
const TCP_CHECKSUM = 16
const TCP_URGENT = 18
const PSH = 8

/**
 * Takes apart what the NIC has merged: out comes what came in, changed as the first segment has been changed since
 * (addresses, ports, TTL, mark …), each at the same point of its way. Only headers are written. Takes ownership.
 *
 * @param into - gets the segments, in order
 */
export function separate(head: Packet, into: PacketList): void {
  let packet = head.chain
  head.chain = null
  into.push(head)
  while (packet !== null) {
    const following = packet.chain
    packet.chain = null
    restore(head, packet)
    into.push(packet)
    packet = following
  }
  head.gsoType = GsoType.None
  head.gsoMss = 0
  head.gsoL3HeaderLength = 0
}

/** The segment's own headers are still there, before its text. */
function restore(head: Packet, packet: Packet): void {
  const isV4 = head.gsoType === GsoType.TcpV4
  const at = packet.networkHeader
  const text = packet.start
  const covered = at + (isV4 ? IPV4_ADDRESSES : IPV6_ADDRESSES)
  const before = packet.sum(covered, text)
  if (isV4) copyIpv4(head, packet)
  else copyIpv6(head, packet)
  copyTcp(head, packet)
  const after = packet.sum(covered, text)
  if (after !== before) {
    const field = packet.transportHeader + TCP_CHECKSUM
    packet.view.setUint16(field, updateChecksum16(packet.view.getUint16(field), before, after))
  }
  copyMetadata(head, packet)
  packet.networkHeaderLength = head.networkHeaderLength
  if (head.transportHeader < 0) {
    packet.transportHeader = -1
    packet.transportHeaderLength = 0
  }
  if (head.start === head.networkHeader) packet.restart(at)
  else packet.start = at + head.start - head.networkHeader
}

/** All but the length and the identification, which are its own. */
function copyIpv4(head: Packet, packet: Packet): void {
  const { view: from, networkHeader: o } = head
  const { view: to, networkHeader: at } = packet
  to.setUint16(at, from.getUint16(o))
  to.setUint32(at + 6, from.getUint32(o + 6))
  to.setInt32(at + 12, from.getInt32(o + 12))
  to.setInt32(at + 16, from.getInt32(o + 16))
  const end = at + IPV4_HEADER
  if (packet.sum(at, end) === 0xffff) return
  to.setUint16(at + IPV4_CHECKSUM, 0)
  to.setUint16(at + IPV4_CHECKSUM, checksumOf(packet.sum(at, end)))
}

/** All but the payload length. */
function copyIpv6(head: Packet, packet: Packet): void {
  const { view: from, networkHeader: o } = head
  const { view: to, networkHeader: at } = packet
  to.setInt32(at, from.getInt32(o))
  to.setUint16(at + 6, from.getUint16(o + 6))
  for (let i = IPV6_ADDRESSES; i < IPV6_HEADER; i += 4) to.setInt32(at + i, from.getInt32(o + i))
}

/** All but the sequence number, the push bit and the checksum. */
function copyTcp(head: Packet, packet: Packet): void {
  const from = head.view
  const to = packet.view
  const o = head.networkHeader + head.gsoL3HeaderLength
  const t = packet.transportHeader
  to.setInt32(t, from.getInt32(o))
  const push = to.getUint8(t + TCP_FLAGS) & PSH
  to.setInt32(t + TCP_ACKNOWLEDGMENT, from.getInt32(o + TCP_ACKNOWLEDGMENT))
  to.setInt32(t + TCP_OFFSET, from.getInt32(o + TCP_OFFSET))
  to.setUint8(t + TCP_FLAGS, (from.getUint8(o + TCP_FLAGS) & ~PSH) | push)
  to.setUint16(t + TCP_URGENT, from.getUint16(o + TCP_URGENT))
  for (let i = TCP_HEADER; i < packet.transportHeaderLength; i += 4) to.setInt32(t + i, from.getInt32(o + i))
}
