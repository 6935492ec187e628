import { addSums, ChecksumState, type Packet } from '@stack/buffer'
import { pseudoHeaderSum } from '@stack/core'

const IPV6_HEADER = 40
const TCP = 6
const FIN_BIT = 1
/** The sum of what carries its own checksum. */
const GOOD = 0xffff

/** The fields of one TCP segment in a packet, read without making objects: an observer sees millions. */
export class SegmentReader {
  sourcePort = 0
  destinationPort = 0
  /** int32 as the next ones. */
  seq = 0
  ack = 0
  flags = 0
  window = 0
  /** Bytes of data. */
  length = 0
  /** SEG.LEN without the SYN: data and FIN. */
  textLength = 0
  /** Of the whole IP packet. */
  packetLength = 0
  /** Of the IP header. */
  networkHeaderLength = 0
  /** 0 = absent. */
  mss = 0
  /** -1 = absent. */
  windowScale = -1
  sackPermitted = false
  timestamps = false
  sackBlocks = 0
  /** Right edge of the block that reaches farthest. */
  sackEnd = 0
  private start = 0

  /** Reads an IP packet, behind its link header if it has one. False = no TCP, a fragment, or cut. */
  read(packet: Packet): boolean {
    const { view, end } = packet
    const start = packet.linkHeader < 0 ? packet.start : packet.linkHeader + packet.linkHeaderLength
    this.start = start
    if (end - start < 20) return false
    const isIpv4 = view.getUint8(start) >> 4 === 4
    if (!isIpv4 && end - start < IPV6_HEADER) return false
    const protocol = view.getUint8(start + (isIpv4 ? 9 : 6))
    // Fragments have no whole header.
    if (protocol !== TCP || (isIpv4 && (view.getUint16(start + 6) & 0x3fff) !== 0)) return false
    this.networkHeaderLength = isIpv4 ? (view.getUint8(start) & 15) * 4 : IPV6_HEADER
    this.packetLength = isIpv4 ? view.getUint16(start + 2) : view.getUint16(start + 4) + IPV6_HEADER
    const at = start + this.networkHeaderLength
    if (at + 20 > end || start + this.packetLength > packet.start + packet.length) return false
    const headerLength = (view.getUint8(at + 12) >> 4) * 4
    this.length = this.packetLength - this.networkHeaderLength - headerLength
    if (headerLength < 20 || at + headerLength > end || this.length < 0) return false
    this.sourcePort = view.getUint16(at)
    this.destinationPort = view.getUint16(at + 2)
    this.seq = view.getInt32(at + 4)
    this.ack = view.getInt32(at + 8)
    this.flags = view.getUint8(at + 13)
    this.window = view.getUint16(at + 14)
    this.textLength = this.length + (this.flags & FIN_BIT)
    this.readOptions(view, at + 20, at + headerLength)
    return true
  }

  /** Is the packet that was read just now not what its sender sent? Where checksums are still to be computed, nobody damages it. */
  isDamaged(packet: Packet): boolean {
    if (packet.checksumState === ChecksumState.Partial || packet.checksumState === ChecksumState.Verified) return false
    const { start } = this
    const at = start + this.networkHeaderLength
    const isIpv4 = packet.view.getUint8(start) >> 4 === 4
    if (isIpv4 && packet.sum(start, at) !== GOOD) return true
    const length = this.packetLength - this.networkHeaderLength
    const addresses = isIpv4 ? packet.sum(start + 12, start + 20) : packet.sum(start + 8, start + IPV6_HEADER)
    const sum = packet.payload === null ? packet.sum(at, start + this.packetLength) : packet.sum(at)
    return addSums(sum, pseudoHeaderSum(addresses, TCP, length)) !== GOOD
  }

  private readOptions(view: DataView, from: number, end: number): void {
    this.mss = 0
    this.windowScale = -1
    this.sackPermitted = this.timestamps = false
    this.sackBlocks = 0
    for (let at = from; at < end; ) {
      const kind = view.getUint8(at)
      if (kind === 0) return
      if (kind === 1) {
        at++
        continue
      }
      const size = at + 1 < end ? view.getUint8(at + 1) : 0
      if (size < 2 || at + size > end) return
      if (kind === 2 && size === 4) this.mss = view.getUint16(at + 2)
      else if (kind === 3 && size === 3) this.windowScale = view.getUint8(at + 2)
      else if (kind === 4) this.sackPermitted = true
      else if (kind === 8 && size === 10) this.timestamps = true
      else if (kind === 5) this.readBlocks(view, at + 2, at + size)
      at += size
    }
  }

  private readBlocks(view: DataView, from: number, end: number): void {
    for (let at = from; at + 8 <= end; at += 8) {
      const right = view.getInt32(at + 4)
      if (this.sackBlocks++ === 0 || ((right - this.sackEnd) | 0) > 0) this.sackEnd = right
    }
  }
}
