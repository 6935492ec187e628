/** The packet begins with an IPv4 or IPv6 header. */
const LINKTYPE_RAW = 101
const MAGIC = 0xa1b2c3d4

/** A packet for a capture. */
export interface CapturedPacket {
  /** Seconds since the script's start. */
  readonly seconds: number
  readonly bytes: Uint8Array
}

/** The bytes of a pcap file (version 2.4, microseconds, little-endian). */
export function pcapFile(packets: readonly CapturedPacket[]): Uint8Array {
  const length = packets.reduce((total, { bytes }) => total + 16 + bytes.length, 24)
  const file = new Uint8Array(length)
  const view = new DataView(file.buffer)
  view.setUint32(0, MAGIC, true)
  view.setUint16(4, 2, true)
  view.setUint16(6, 4, true)
  view.setUint32(16, 262_144, true)
  view.setUint32(20, LINKTYPE_RAW, true)
  let at = 24
  for (const { seconds, bytes } of packets) {
    const micros = Math.max(0, Math.round(seconds * 1e6))
    view.setUint32(at, Math.floor(micros / 1e6), true)
    view.setUint32(at + 4, micros % 1e6, true)
    view.setUint32(at + 8, bytes.length, true)
    view.setUint32(at + 12, bytes.length, true)
    file.set(bytes, at + 16)
    at += 16 + bytes.length
  }
  return file
}
