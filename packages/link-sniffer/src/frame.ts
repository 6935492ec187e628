import { ChecksumState, checksumOf, type Packet } from '@stack/buffer'
import type { Framing } from '@stack/core'

/** A packet as a capture keeps it. */
export interface Frame {
  readonly bytes: Uint8Array
  /** Of the whole packet, when `bytes` were cut. */
  readonly length: number
}

const UDP_CHECKSUM_OFFSET = 6

/** Copies a packet as the wire would see it, with its link header and a finished checksum. The packet stays as it is. */
export function copyFrame(packet: Packet, framing: Framing, snapLength: number): Frame {
  const from = firstByte(packet, framing)
  const length = packet.end - from + packet.payloadLength
  // One array a packet, made only while somebody captures.
  const bytes = new Uint8Array(Math.min(length, snapLength))
  const contiguous = Math.min(bytes.length, packet.end - from)
  bytes.set(packet.bytes.subarray(from, from + contiguous))
  copyPayload(packet, bytes, contiguous)
  if (packet.checksumState === ChecksumState.Partial) finish(packet, from, bytes)
  return { bytes, length }
}

/** A link header is part of an Ethernet frame; before a bare network packet it is the link's own affair. */
function firstByte(packet: Packet, framing: Framing): number {
  if (packet.linkHeader < 0) return packet.start
  return framing === 'ethernet' ? packet.linkHeader : packet.linkHeader + packet.linkHeaderLength
}

function copyPayload(packet: Packet, bytes: Uint8Array, at: number): void {
  let from = packet.payloadOffset
  let left = Math.min(packet.payloadLength, bytes.length - at)
  for (let chunk = packet.payload; chunk !== null && left > 0; chunk = chunk.next) {
    const part = Math.min(left, chunk.length - from)
    bytes.set(chunk.bytes.subarray(from, from + part), at)
    at += part
    left -= part
    from = 0
  }
}

/** The field holds the pseudo-header sum; the rest is added here as the NIC or the device will do it. */
function finish(packet: Packet, from: number, bytes: Uint8Array): void {
  const field = packet.checksumStart + packet.checksumOffset - from
  if (packet.checksumStart < from || field < 0 || field + 2 > bytes.length) return
  let checksum = checksumOf(packet.sum(packet.checksumStart))
  // RFC 768: zero would mean "no checksum".
  if (checksum === 0 && packet.checksumOffset === UDP_CHECKSUM_OFFSET) checksum = 0xffff
  bytes[field] = checksum >> 8
  bytes[field + 1] = checksum & 0xff
}
